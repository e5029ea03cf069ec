"""What to do with a claim: the disposition whose expected cost in dollars is lowest among those that are allowed.

Money first, but inside a fence that no price moves: `deny` needs P(valid) at or below a bound set by the guarantee and
never meets a personal injury or a claim that belongs to a cluster of independent ones on its product; `pay_concession` needs a stated
amount under the concession limit; both payments need the label `valid`; and a claim whose amount is not stated is asked for it before
anyone pays or reviews it. How reviews are allocated when there are too few experts is `models.policy.capacity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.tables import CONCESSION_LIMIT_USD, PROBABILITIES
from claimvet.models.policy.claim_facts import ClaimFacts, Flags, most_likely
from claimvet.models.policy.safety import is_cluster

if TYPE_CHECKING:
    import pandas as pd  # takes half a second to import, which whoever only reads parameters saves

__all__ = ["DISPOSITIONS", "PROBABILITIES", "Disposition", "Policy", "most_likely"]


class Disposition(StrEnum):
    """What happens next with a claim, gentlest first: of two that cost the same, the first is taken."""

    PAY_CONCESSION = "pay_concession"
    PRESENT_TO_SELLER = "present_to_seller"
    REQUEST_EVIDENCE = "request_evidence"
    REFER_TO_EXPERT = "refer_to_expert"
    DENY = "deny"


LANES = ("concession", "seller")
"""Who pays a valid claim: the marketplace itself, or the seller."""
DISPOSITIONS = tuple(disposition.value for disposition in Disposition)

_SHARES = (
    "deny_alpha",
    "deny_confidence",
    "expert_error_share",
    "evidence_resolves_share",
    "more_evidence_resolves_share",
    "honest_gives_up_share",
    "seller_pays_invalid_share",
    "insurer_pays_invalid_share",
    "small_seller_pays_invalid_share",
    "recovered_share",
    "finding_error_share",
    "audit_share",
    "cluster_p_value",
)
_MAY_BE_NONE = ("deny_threshold", "expert_reviews_per_day")


@dataclass(frozen=True)
class Policy:
    """Costs (US dollars), shares (0 to 1) and limits that decide a disposition; `params.yaml` gives each its reason.

    Raises `UsageError` where a figure is not finite or outside its range.
    """

    concession_limit_usd: float = CONCESSION_LIMIT_USD
    """Valid claims below this are paid by the marketplace; at or above it they go to the seller."""
    unstated_amount_usd: float = 500.0
    """Stands in for an amount that the customer has not stated yet, in costs only."""
    payment_usd: float = 5.0
    """Handling of one payment."""
    abuse_repeat_multiple: float = 0.5
    """Further loss from an abuser who was paid, as a multiple of the amount: paid abuse comes back."""
    seller_handling_usd: float = 60.0
    """A seller's work on one claim that is presented."""
    seller_pays_invalid_share: float = 0.3
    """Share of claims without merit that a seller pays rather than fights."""
    insurer_handling_usd: float = 40.0
    """Work on one claim that is presented where the seller is insured: the insurer does most of it."""
    insurer_pays_invalid_share: float = 0.2
    """Share of claims without merit that a seller's insurer pays; it investigates for a living."""
    small_seller_orders: float = 50.0
    """A seller with fewer orders in the year before has little standing: no staff and no habit of fighting claims."""
    small_seller_pays_invalid_share: float = 0.5
    """Share of claims without merit that such a seller pays, where no insurer stands behind it."""
    insured_from_usd: float = 10_000.0
    """Sellers must be insured from the month in which they sell for so much; see `recovered_share`."""
    recovered_share: float = 0.5
    """Share of what the marketplace pays under the limit that it gets back from a seller who had to be insured and was not."""
    recovery_usd: float = 20.0
    """Asking such a seller for it, once a payment."""
    evidence_usd: float = 15.0
    """Asking for evidence, keeping the case open and reading the answer."""
    evidence_honest_usd: float = 12.0
    """Goodwill lost when an honest customer is asked for more."""
    evidence_injured_usd: float = 30.0
    """The same, where the customer says that somebody was hurt."""
    honest_gives_up_share: float = 0.02
    """Share of honest customers who do not answer, and so lose what they are owed."""
    evidence_resolves_share: float = 0.5
    """Share of the loss from not knowing that evidence removes where none is at hand."""
    more_evidence_resolves_share: float = 0.2
    """The same, where some evidence is at hand already."""
    expert_usd: float = 80.0
    """One review by an expert."""
    expert_error_share: float = 0.05
    """Share of the loss from not knowing that is left after an expert's review."""
    expert_reviews_per_day: int | None = 20
    """Most claims of one day of filing that experts can review, audits included; None: as many as pay off."""
    audit_share: float = 0.01
    """Share of claims that an expert reviews whatever the score, so that quality can be measured where nobody else looks."""
    audit_seed: int = 7
    """Key of the draw: with it a claim's identifier alone decides whether it is audited."""
    denial_usd: float = 8.0
    """Explaining a denial and handling the protest against it."""
    wrong_denial_usd: float = 120.0
    """Harm of denying a valid claim whatever its amount: the customer leaves, complains, sues."""
    wrong_denial_multiple: float = 1.0
    """Harm of denying a valid claim that grows with what was owed, as a multiple of the amount."""
    deny_personal_injury: bool = False
    """Whether a machine may deny a claim by someone who says that they were hurt."""
    deny_alpha: float = 0.01
    """Most of the valid claims that may end in deny, as a share."""
    deny_confidence: float = 0.95
    """How sure the guarantee has to be of that."""
    finding_error_share: float = 0.03
    """Share of claims without merit that are found valid by mistake, which the bound counts off; never more than held-out findings
    show; 0 takes every finding at its word."""
    cluster_customers: int = 4
    """Independent customers who claimed on a product within 90 days before it may be a cluster, this claim's among them."""
    cluster_p_value: float = 1e-5
    """How unlikely so many have to be at the product's usual rate; see `models.policy.safety`."""
    deny_threshold: float | None = None
    """P(valid) must be at or below it to deny; None: never deny. Training sets it from held-out findings."""

    def __post_init__(self) -> None:
        for field in fields(self):
            _require_in_range(field.name, getattr(self, field.name))

    def with_deny_threshold(self, threshold: float | None) -> Policy:
        """Return the same policy with the bound that `models.policy.guarantee.deny_threshold` found (0 to 1, or None: never deny)."""
        return replace(self, deny_threshold=threshold)

    def to_dict(self) -> dict[str, float | bool | None]:
        """Return plain values by name, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Policy:
        """Return the policy of such values, defaults where one is missing; raises `UsageError` for a name that no cost has."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(f"the policy has no setting {', '.join(unknown)}; expected some of {', '.join(known)}")
        return cls(**values)

    def is_concession(self, amounts: Floats) -> Flags:
        """Return whether the marketplace itself pays claims of such amounts (US dollars, NaN: not stated) where they are valid.

        This is a claim's lane, and there is no other definition of it: below `concession_limit_usd` the marketplace pays, at or above it
        the claim is presented to the seller; `unstated_amount_usd` stands in for an amount that is not stated.

        >>> Policy().is_concession(np.array([999.99, 1000.0, np.nan])).tolist()
        [True, False, True]
        """
        small: Flags = np.where(np.isnan(amounts), self.unstated_amount_usd, amounts) < self.concession_limit_usd
        return small

    def lanes(self, amounts: pd.Series) -> pd.Series[str]:
        """Return the lane of claims of such amounts by name, `concession` or `seller`, index of `amounts`; see `is_concession`."""
        import pandas as pd

        small = self.is_concession(amounts.to_numpy(dtype=np.float64, na_value=np.nan))
        return pd.Series(np.where(small, *LANES), index=amounts.index, dtype="str")

    def allowed(self, probabilities: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
        """Return which dispositions are open to each claim: bool, one column a disposition, index of `probabilities`."""
        return self._frame(probabilities, self._allowed(self._facts(probabilities, claims)))

    def costs(self, probabilities: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
        """Return the expected cost of each disposition in US dollars, float64, `inf` where it is not allowed.

        `probabilities` has p_valid, p_frivolous and p_abusive (n rows); `claims`, in the same order, has claim_type and
        amount_claimed (US dollars, null: not stated) and may have evidence_count, seller_policies_count (in force at filing),
        seller_orders_count (of the year before), seller_sales_30d and seller_sales_365d (US dollars), cluster_customers and
        cluster_expected (`models.policy.safety`); null is not known.
        Raises `ModelError` for probabilities that are none, `InvalidDataError` for amounts that are none.
        """
        return self._frame(probabilities, self.prices(self._facts(probabilities, claims)))

    def prices(self, facts: ClaimFacts) -> Floats:
        """Return what `costs` answers, as an array: float64 (n, dispositions), `inf` where one is not allowed."""
        return np.where(self._allowed(facts), self._prices(facts, facts.p_valid, facts.p_abusive), np.inf)

    def realised_costs(self, probabilities: pd.DataFrame, claims: pd.DataFrame, labels: pd.Series[str]) -> pd.DataFrame:
        """Return what each disposition costs a claim whose label turned out so, US dollars, float64, allowed or not.

        `labels` are in the order of `probabilities`, which still say how the claim would be decided after new evidence or a
        review that settles nothing. Weighted by the probabilities of the labels, it gives the expected costs.
        """
        facts = self._facts(probabilities, claims)
        turned_out = labels.to_numpy()
        valid, abusive = ((turned_out == label).astype(np.float64) for label in ("valid", "abusive"))
        return self._frame(probabilities, self._prices(facts, valid, abusive))

    def dispositions(self, probabilities: pd.DataFrame, claims: pd.DataFrame) -> pd.Series[str]:
        """Return the cheapest allowed disposition of each claim; arguments and errors as in `costs`.

        >>> import pandas as pd
        >>> p = pd.DataFrame({"p_valid": [0.95, 0.5, 0.05], "p_frivolous": [0.03, 0.3, 0.15], "p_abusive": [0.02, 0.2, 0.8]})
        >>> claims = pd.DataFrame({"claim_type": "property_damage", "amount_claimed": [60.0, 900.0, 60.0]})
        >>> Policy(deny_threshold=0.12).dispositions(p, claims).tolist()
        ['pay_concession', 'refer_to_expert', 'deny']
        """
        return self._cheapest(self.costs(probabilities, claims))

    def options(self, probabilities: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
        """Return what allocating reviews needs: columns `disposition`, `otherwise` and `expert_saving_usd`, index of `probabilities`.

        `disposition` is the cheapest as if experts were free, `otherwise` what happens where none is: never `deny` in the place of
        an expert. `expert_saving_usd` (float64, 0 where no expert is wanted) is what a review saves against that.
        """
        import pandas as pd

        costs = self.costs(probabilities, claims)
        chosen = self._cheapest(costs)
        gentle = costs.drop(columns=[Disposition.REFER_TO_EXPERT.value, Disposition.DENY.value])
        wanted = chosen == Disposition.REFER_TO_EXPERT.value
        saving = (gentle.min(axis=1) - costs[Disposition.REFER_TO_EXPERT.value]).where(wanted, 0.0)
        otherwise = chosen.where(~wanted, self._cheapest(gentle))
        return pd.DataFrame(
            {"disposition": chosen, "otherwise": otherwise, "expert_saving_usd": saving.clip(lower=0.0)}
        )

    def _facts(self, probabilities: pd.DataFrame, claims: pd.DataFrame) -> ClaimFacts:
        in_cluster = is_cluster(claims, self.cluster_customers, self.cluster_p_value)
        return ClaimFacts.of(probabilities, claims, in_cluster, self.unstated_amount_usd, self.small_seller_orders)

    @staticmethod
    def _cheapest(costs: pd.DataFrame) -> pd.Series[str]:
        import pandas as pd

        names = np.array(costs.columns, dtype=object)[costs.to_numpy().argmin(axis=1)]
        return pd.Series(names, index=costs.index, name="disposition", dtype="str")

    def _allowed(self, facts: ClaimFacts) -> Flags:
        small = facts.stated & self.is_concession(facts.amount)
        bound = -1.0 if self.deny_threshold is None else self.deny_threshold
        deniable = facts.property_damage | (facts.personal_injury & self.deny_personal_injury)
        by_name = {
            Disposition.PAY_CONCESSION: facts.labelled_valid & small,
            Disposition.PRESENT_TO_SELLER: facts.labelled_valid & facts.stated & ~small,
            Disposition.REQUEST_EVIDENCE: np.ones_like(facts.stated),
            Disposition.REFER_TO_EXPERT: facts.stated,
            Disposition.DENY: deniable & ~facts.in_cluster & ~facts.labelled_valid & (facts.p_valid <= bound),
        }
        return np.column_stack([by_name[disposition] for disposition in Disposition])

    def _prices(self, facts: ClaimFacts, valid: Floats, abusive: Floats) -> Floats:
        """Prices where a claim is valid with probability `valid` and abusive with `abusive`; `facts` holds what is believed."""
        believed_paid, believed_denied = self._losses(facts, facts.p_valid, facts.p_abusive)
        if_paid, if_denied = self._losses(facts, valid, abusive)
        not_knowing = np.where(believed_paid <= believed_denied, if_paid, if_denied)
        small = self.is_concession(facts.amount)
        handling = np.where(facts.insured, self.insurer_handling_usd, self.seller_handling_usd)
        paying = self.payment_usd + self.recovery_usd * self._owes_insurance(facts)
        settling = np.where(small, paying, handling)
        afterwards = valid * settling + (1.0 - valid) * self.denial_usd
        goodwill = np.where(facts.personal_injury, self.evidence_injured_usd, self.evidence_honest_usd)
        asking = self.evidence_usd + valid * goodwill + self.honest_gives_up_share * if_denied
        resolved = np.where(facts.has_evidence, self.more_evidence_resolves_share, self.evidence_resolves_share)
        by_name = {
            Disposition.PAY_CONCESSION: settling + if_paid,
            Disposition.PRESENT_TO_SELLER: settling + if_paid,
            Disposition.REQUEST_EVIDENCE: asking + afterwards + (1.0 - resolved) * not_knowing,
            Disposition.REFER_TO_EXPERT: self.expert_usd + afterwards + self.expert_error_share * not_knowing,
            Disposition.DENY: self.denial_usd + if_denied,
        }
        return np.column_stack([by_name[disposition] for disposition in Disposition])

    def _losses(self, facts: ClaimFacts, valid: Floats, abusive: Floats) -> tuple[Floats, Floats]:
        """Return what is lost by paying a claim and by denying it, US dollars."""
        weak = np.where(facts.small_seller, self.small_seller_pays_invalid_share, self.seller_pays_invalid_share)
        presented = np.where(facts.insured, self.insurer_pays_invalid_share, weak)
        conceded = 1.0 - self.recovered_share * self._owes_insurance(facts)
        borne = np.where(self.is_concession(facts.amount), conceded, presented)
        if_paid = borne * (1.0 - valid + abusive * self.abuse_repeat_multiple) * facts.amount
        return if_paid, valid * (self.wrong_denial_usd + self.wrong_denial_multiple * facts.amount)

    def _owes_insurance(self, facts: ClaimFacts) -> Flags:
        """Return whether the seller had to be insured and no policy was in force: the marketplace asks it for what it pays under the limit.

        Sellers who are insured, or need not be, are never asked; nor is one of whom that is not known.
        """
        owes: Flags = facts.uninsured & (facts.best_month_usd >= self.insured_from_usd)
        return owes

    @staticmethod
    def _frame(probabilities: pd.DataFrame, values: Floats | Flags) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(values, index=probabilities.index, columns=list(DISPOSITIONS))


def _require_in_range(name: str, value: float | bool | None) -> None:
    if value is None and name in _MAY_BE_NONE:
        return
    is_share = name in _SHARES or name == "deny_threshold"
    if value is None or not 0.0 <= value <= (1.0 if is_share else 1e12):
        expected = "a share between 0 and 1" if is_share else "a finite figure of 0 or more"
        raise UsageError(f"policy.{name} is {value}; expected {expected}")
