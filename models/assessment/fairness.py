"""How large is the false positive rate of each group? Valid claims that the model does not call valid, by group, with intervals and ratios.

A valid claim is falsely suspected where its most likely label is not `valid`: then it is neither paid nor presented at once. Whether a
claim that is believed is settled at once also hangs on its amount and on missing facts, so that is told beside it (`held_up`) and not
bounded.

The ratio is the four-fifths rule's (EEOC, Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D, 1978): the share of a
group's valid claims that are believed over that of all others. Its interval is Katz's on the log scale (Biometrics 1978).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from claimvet.data.contract.tables import GROUP_COLUMN_PREFIX
from claimvet.models.assessment.checks import Check
from claimvet.models.metrics.intervals import proportion_interval
from claimvet.models.parameters import GateParams
from claimvet.models.policy.claim_facts import most_likely

SETTLED = ("pay_concession", "present_to_seller")
SMALLEST_GROUP = 30
"""Valid claims that a group needs to be told and bounded."""
SMALL_SELLER_ORDERS = 50.0
NEW_ACCOUNT_DAYS, OLD_ACCOUNT_DAYS = 90.0, 365.0
COLUMNS = (
    "grouping",
    "group",
    "valid",
    "suspected",
    "rate",
    "low",
    "high",
    "held_up",
    "ratio",
    "ratio_low",
    "ratio_high",
)
"""Columns of the table: counts of valid claims, and shares of them; `low` to `high` is Wilson's 95 % interval of `rate`."""


def fairness_table(evaluated: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return one row a group with at least `SMALLEST_GROUP` valid claims; columns `COLUMNS`.

    `evaluated` is an evaluated frame (`models.metrics.evaluation`) with the final `disposition` of each claim where that is known.
    """
    valid = evaluated[evaluated["label"] == "valid"]
    suspected = (most_likely(valid) != "valid").to_numpy()
    held = np.full(len(valid), np.nan)
    if "disposition" in valid:
        held = (~valid["disposition"].isin(SETTLED)).to_numpy(dtype=np.float64)
    rows = []
    for grouping, groups in _groupings(valid):
        for group in sorted(set(groups.dropna())):
            inside = (groups == group).to_numpy(dtype=bool, na_value=False)
            if inside.sum() >= SMALLEST_GROUP:
                rows.append(_row(grouping, str(group), suspected, held, inside, level))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def fairness_check(evaluated: pd.DataFrame, params: GateParams) -> Check:
    """Fail if a group's valid claims are believed significantly less than `min_believed_ratio` of the others'; Bonferroni over groups."""
    table = fairness_table(evaluated)
    sure = 1 - (1 - params.confidence) / max(len(table), 1)
    table = fairness_table(evaluated, 2 * sure - 1).dropna(subset=["ratio"])
    bound = f"no group significantly below {params.min_believed_ratio:g}"
    if table.empty:
        return Check(
            "valid claims believed, least of all groups against the others", 1.0, f"{bound}; too few to tell", True
        )
    surest = table.sort_values("ratio_high", kind="stable").iloc[0]
    least = (
        surest
        if surest["ratio_high"] < params.min_believed_ratio
        else table.sort_values("ratio", kind="stable").iloc[0]
    )
    name = f"valid claims believed, {least['grouping']} {least['group']} against the others"
    return Check(name, float(least["ratio"]), bound, bool(least["ratio_high"] >= params.min_believed_ratio))


def _groupings(valid: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for name in ("claim_type", "amount_band", "category_id"):
        if name in valid:
            yield name.removesuffix("_id").replace("_", " "), valid[name]
    if "customer_account_age_days" in valid:
        yield "account age", _banded(valid["customer_account_age_days"], _account_age)
    if "seller_orders_count" in valid:
        yield "seller", _banded(valid["seller_orders_count"], lambda n: "small" if n < SMALL_SELLER_ORDERS else "large")
    for name in (name for name in valid.columns if str(name).startswith(GROUP_COLUMN_PREFIX)):
        yield str(name), valid[name].astype("object").where(valid[name].notna(), None).map(str, na_action="ignore")


def _account_age(days: float) -> str:
    if days < NEW_ACCOUNT_DAYS:
        return "under 90 days"
    return "90 days to a year" if days < OLD_ACCOUNT_DAYS else "over a year"


def _banded(values: pd.Series, band: object) -> pd.Series:
    return values.astype("object").where(values.notna(), None).map(band, na_action="ignore")  # type: ignore[call-overload, no-any-return]


def _row(
    grouping: str,
    group: str,
    suspected: npt.NDArray[np.bool_],
    held: npt.NDArray[np.float64],
    inside: npt.NDArray[np.bool_],
    level: float,
) -> dict[str, object]:
    count, total = int(suspected[inside].sum()), int(inside.sum())
    low, high = proportion_interval(count, total, 0.95, "wilson")
    others = int((~inside).sum())
    ratio = ratio_of(total - count, total, others - int(suspected[~inside].sum()), others, level)
    held_up = float(np.mean(held[inside]))
    values = (grouping, group, total, count, count / total, low, high, held_up, *ratio)
    return dict(zip(COLUMNS, values, strict=True))


def ratio_of(inside: int, total: int, outside: int, others: int, level: float) -> tuple[float, float, float]:
    """Ratio of two shares with its interval; NaN where the others have nothing to go by.

    Where nobody inside is believed, half a claim more on each side gives the ratio's upper end, since a logarithm has none (Haldane's
    correction): of few claims that may be chance.
    """
    if others < SMALLEST_GROUP or not outside:
        return (np.nan,) * 3
    more = 0.0 if inside else 0.5
    one, other = (inside + more) / (total + more), (outside + more) / (others + more)
    error = np.sqrt((1 - one) / (inside + more) + (1 - other) / (outside + more))
    reach = float(np.exp(norm.ppf(0.5 + level / 2) * error))
    ratio = (inside / total) / (outside / others)
    return ratio, ratio / reach, one / other * reach
