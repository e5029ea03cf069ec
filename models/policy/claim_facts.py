"""What the policy looks at: probabilities and the facts of a claim, checked, as arrays of one length.

The facts come from the claim's own row of features, so that a batch and the endpoint decide alike; a fact that is not there is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import InvalidDataError, ModelError
from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.models.policy.safety import cluster_facts, number_column

if TYPE_CHECKING:
    import pandas as pd

Flags = npt.NDArray[np.bool_]


_NEEDED = {"claim_type": "claim_type", "claim_amount": "amount_claimed", "claim_evidence_count": "evidence_count"}
_KNOWN_TO_SOME = {
    "seller_policies_count": "seller_policies_count",
    "seller_orders_count_365d": "seller_orders_count",
    "seller_orders_amount_sum_30d": "seller_sales_30d",
    "seller_orders_amount_sum_365d": "seller_sales_365d",
}

NUMBERS = {fact: name for name, fact in (_NEEDED | _KNOWN_TO_SOME).items() if fact != "claim_type"}
"""The numbers that the policy reads of a claim beside its cluster, and the feature that each is."""

MONTHS_TOUCHED = 13
"""Calendar months that 365 days touch, so that one of them had at least this part of their sales."""


def policy_facts(features: pd.DataFrame) -> pd.DataFrame:
    """Return what the policy reads of rows of features, index of `features`: claim_type, amount_claimed (US dollars), evidence_count,
    seller_policies_count (in force at filing), seller_orders_count, seller_sales_30d and seller_sales_365d (US dollars),
    cluster_customers and cluster_expected; those of sellers and clusters only where their features are.
    """
    names = _NEEDED | {name: fact for name, fact in _KNOWN_TO_SOME.items() if name in features}
    return features[list(names)].rename(columns=names).assign(**cluster_facts(features))


@dataclass(frozen=True)
class ClaimFacts:
    """What the policy looks at, as arrays of one length; `amount` in US dollars, null counts as `unstated`.

    A seller is `insured` where a policy of its is in force at filing, `uninsured` where it is known that none is; `best_month_usd` is
    at least what it sold for within one month of the year before.
    """

    p_valid: Floats
    p_abusive: Floats
    labelled_valid: Flags
    amount: Floats
    stated: Flags
    property_damage: Flags
    personal_injury: Flags
    has_evidence: Flags
    insured: Flags
    uninsured: Flags
    best_month_usd: Floats
    small_seller: Flags
    in_cluster: Flags

    @classmethod
    def of(
        cls,
        probabilities: pd.DataFrame,
        claims: pd.DataFrame,
        in_cluster: Flags,
        unstated_usd: float,
        small_seller_orders: float,
    ) -> ClaimFacts:
        """Return the facts of `claims`, in the order of `probabilities`; a column that is missing or null is not known.

        Raises `ModelError` for probabilities that are none, `InvalidDataError` for amounts that are none.
        """
        shares: Floats = probabilities[list(PROBABILITIES)].to_numpy(dtype=np.float64)
        kinds = claims["claim_type"].astype(object).to_numpy()
        numbers = {name: number_column(claims, name) for name in NUMBERS}
        return cls.of_columns(shares, kinds, numbers, in_cluster, unstated_usd, small_seller_orders)

    @classmethod
    def of_columns(
        cls,
        shares: Floats,
        claim_type: npt.NDArray[np.object_],
        numbers: Mapping[str, Floats],
        in_cluster: Flags,
        unstated_usd: float,
        small_seller_orders: float,
    ) -> ClaimFacts:
        """Do as `of`, for columns: `shares` (n, 3) in the order of `PROBABILITIES`, `numbers` by the names in
        `NUMBERS`, NaN not known.
        """
        p = _checked_probabilities(shares, len(claim_type))
        amount, stated = _amounts(numbers["amount_claimed"], unstated_usd)
        return cls(
            p_valid=p[:, 0],
            p_abusive=p[:, 2],
            labelled_valid=p.argmax(axis=1) == 0,
            amount=amount,
            stated=stated,
            property_damage=_is(claim_type, "property_damage"),
            personal_injury=_is(claim_type, "personal_injury"),
            has_evidence=numbers["evidence_count"] > 0,
            insured=numbers["seller_policies_count"] > 0,
            uninsured=numbers["seller_policies_count"] == 0,
            best_month_usd=np.fmax(numbers["seller_sales_30d"], numbers["seller_sales_365d"] / MONTHS_TOUCHED),
            small_seller=numbers["seller_orders_count"] < small_seller_orders,
            in_cluster=in_cluster,
        )


def most_likely(probabilities: pd.DataFrame) -> pd.Series[str]:
    """Return the label of the greatest probability; of equal ones the gentler (valid before frivolous before abusive)."""
    import pandas as pd

    places = probabilities[list(PROBABILITIES)].to_numpy(dtype=np.float64).argmax(axis=1)
    return pd.Series(np.array(LABELS, dtype=object)[places], index=probabilities.index, name="label", dtype="str")


def _is(claim_type: npt.NDArray[np.object_], kind: str) -> Flags:
    return np.array([one == kind for one in claim_type], dtype=np.bool_)


def _checked_probabilities(p: Floats, rows: int) -> Floats:
    if len(p) != rows:
        raise ModelError(f"{len(p)} rows of probabilities for {rows} claims; expected one row a claim")
    wrong = ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1.0) <= 1e-6))
    if wrong.any():
        first = int(wrong.argmax())
        raise ModelError(f"the probabilities of row {first} are {p[first].tolist()}; expected shares of sum 1")
    return p


def _amounts(amount: Floats, unstated: float) -> tuple[Floats, Flags]:
    stated = ~np.isnan(amount)
    wrong = stated & ~((amount >= 0) & np.isfinite(amount))
    if wrong.any():
        first = int(wrong.argmax())
        raise InvalidDataError(f"amount_claimed of row {first} is {amount[first]}; expected null or dollars, 0 or more")
    return np.where(stated, amount, unstated), stated
