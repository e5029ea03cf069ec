"""What would other ways of deciding have cost? The policy against presenting everything, rules, a threshold, luck, and the truth.

Costs are the policy's own, counted with hindsight (`Policy.realised_costs`), so every way is held against the same yardstick. Experts are
as scarce for all: a way may refer at most the given share of the claims. Who follows rules or a threshold asks for an amount that is not
stated, too, since nobody can pay it. The threshold is the best one in hindsight, which flatters it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.bootstrap import mean_bounds, resamples
from claimvet.models.policy.capacity import allocate_reviews, audit_draws
from claimvet.models.policy.policy import LANES, Disposition, Policy

CAPACITIES = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Reviews as a share of the claims."""
USUAL_CAPACITY = 0.1
COST_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Harm of a wrong denial, as a multiple of what the parameters say."""
THRESHOLDS = np.linspace(0.05, 0.95, 19)
COLUMNS = ("cost_ratio", "capacity", "way", "usd_per_1000", "low", "high")
RULES: Mapping[str, float] = MappingProxyType(
    {
        "evidence_hash_other_customers_count": 1.0,
        "customer_abusive_outcomes_count": 1.0,
        "order_returns_refused_count": 1.0,
        "identity_shared_customers_count": 2.0,
        "customer_claims_count_365d": 3.0,
    }
)
"""Rules as a claims desk writes them: from this value on, a claim is suspicious (assumption). One is enough."""


def settled(evaluated: pd.DataFrame, policy: Policy) -> pd.Series[str]:
    """Pay under the concession limit, present to the seller at or above it."""
    small = policy.lanes(evaluated["amount_claimed"]) == LANES[0]
    return _always(evaluated, Disposition.PAY_CONCESSION).where(small, Disposition.PRESENT_TO_SELLER.value)


def policy_way(evaluated: pd.DataFrame, policy: Policy, most: int) -> pd.Series[str]:
    """Return the policy's dispositions with at most `most` reviews in all, audits included."""
    options = policy.options(evaluated[list(PROBABILITIES)], evaluated)
    limited = replace(policy, expert_reviews_per_day=most)
    day = pd.Series(0, index=evaluated.index)
    return allocate_reviews(options, pd.Series(evaluated.index, index=evaluated.index), day, limited)["disposition"]


def rules_way(
    evaluated: pd.DataFrame, policy: Policy, most: int, features: pd.DataFrame | None = None
) -> pd.Series[str]:
    """Settle what breaks no rule; experts for the largest of the others, evidence for the rest."""
    table = evaluated if features is None else features
    broken = np.zeros(len(evaluated), dtype=np.bool_)
    for name, least in RULES.items():
        if name in table:
            broken |= (table[name].fillna(0.0) >= least).to_numpy()
    return _refer_largest(evaluated, settled(evaluated, policy), broken, most)


def threshold_way(evaluated: pd.DataFrame, policy: Policy, most: int) -> pd.Series[str]:
    """Settle from a P(valid) on, the best one in hindsight; experts for the largest of the others, evidence for the rest."""
    realised, settle, p_valid = (
        realised_of(evaluated, policy),
        settled(evaluated, policy),
        evaluated["p_valid"].to_numpy(),
    )
    ways = [_refer_largest(evaluated, settle, p_valid < bound, most) for bound in THRESHOLDS]
    return min(ways, key=lambda way: float(chosen_costs(realised, way).sum()))


def random_way(evaluated: pd.DataFrame, policy: Policy, most: int) -> pd.Series[str]:
    """Return the policy's dispositions, but with claims given to experts by lot."""
    options = policy.options(evaluated[list(PROBABILITIES)], evaluated)
    draws = audit_draws(map(str, evaluated.index), policy.audit_seed + 1)
    drawn = np.argsort(np.argsort(draws, kind="stable"), kind="stable") < most
    return options["otherwise"].where(~drawn, Disposition.REFER_TO_EXPERT.value)


def oracle_way(evaluated: pd.DataFrame, policy: Policy) -> pd.Series[str]:
    """Decide as who knows the truth: settle what is valid, deny the rest."""
    return settled(evaluated, policy).where(evaluated["label"] == "valid", Disposition.DENY.value)


def ways(
    evaluated: pd.DataFrame, policy: Policy, most: int, features: pd.DataFrame | None = None
) -> dict[str, pd.Series]:
    """Return the disposition of every claim by way of deciding; the policy first, the oracle last."""
    return {
        "policy": policy_way(evaluated, policy, most),
        "present everything": settled(evaluated, policy),
        "rules": rules_way(evaluated, policy, most, features),
        "best single threshold": threshold_way(evaluated, policy, most),
        "random referral": random_way(evaluated, policy, most),
        "oracle": oracle_way(evaluated, policy),
    }


def costs_of(evaluated: pd.DataFrame, policy: Policy, chosen: pd.Series[str]) -> Floats:
    """Return what the chosen disposition cost each claim, US dollars, float64."""
    return chosen_costs(realised_of(evaluated, policy), chosen)


def realised_of(evaluated: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return what each disposition cost each claim, as it turned out."""
    return policy.realised_costs(evaluated[list(PROBABILITIES)], evaluated, evaluated["label"])


def chosen_costs(realised: pd.DataFrame, chosen: pd.Series[str]) -> Floats:
    """Return what the chosen disposition cost each claim, US dollars, float64; `realised` is what `realised_of` returns."""
    places = realised.columns.get_indexer(pd.Index(chosen))
    costs: Floats = realised.to_numpy()[np.arange(len(realised)), places]
    return costs


def money_table(
    evaluated: pd.DataFrame,
    policy: Policy,
    seed: int,
    features: pd.DataFrame | None = None,
    *,
    capacities: Sequence[float] = CAPACITIES,
    cost_ratios: Sequence[float] = COST_RATIOS,
) -> pd.DataFrame:
    """US dollars per 1,000 claims of every way, with 95 % bootstrap intervals; columns `COLUMNS`.

    Over `capacities` at the costs as they are, and over `cost_ratios` at `USUAL_CAPACITY`. `evaluated` is an evaluated frame with what the
    policy reads; `features` its inputs, for the rules.
    """
    drawn = resamples(len(evaluated), seed)
    rows = []
    for ratio, capacity in [(1.0, at) for at in capacities] + [
        (ratio, USUAL_CAPACITY) for ratio in cost_ratios if ratio != 1.0
    ]:
        priced = with_cost_ratio(policy, ratio)
        realised = realised_of(evaluated, priced)
        for way, chosen in ways(evaluated, priced, round(capacity * len(evaluated)), features).items():
            costs = 1000.0 * chosen_costs(realised, chosen)
            mean = float(costs.mean()) if len(costs) else float("nan")
            rows.append((ratio, capacity, way, mean, *mean_bounds(costs, drawn, 0.975)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def with_cost_ratio(policy: Policy, ratio: float) -> Policy:
    """Return the policy where a wrong denial does `ratio` times the harm."""
    return replace(
        policy,
        wrong_denial_usd=policy.wrong_denial_usd * ratio,
        wrong_denial_multiple=policy.wrong_denial_multiple * ratio,
    )


def _refer_largest(
    evaluated: pd.DataFrame, settled_way: pd.Series[str], suspicious: npt.NDArray[np.bool_], most: int
) -> pd.Series[str]:
    amounts = np.where(suspicious, evaluated["amount_claimed"].fillna(0.0).to_numpy(), -1.0)
    rank = np.argsort(np.argsort(-amounts, kind="stable"), kind="stable")
    asked = settled_way.where(~suspicious & evaluated["amount_claimed"].notna(), Disposition.REQUEST_EVIDENCE.value)
    return asked.where(~(suspicious & (rank < most)), Disposition.REFER_TO_EXPERT.value)


def _always(evaluated: pd.DataFrame, disposition: Disposition) -> pd.Series[str]:
    return pd.Series(disposition.value, index=evaluated.index, dtype="str")
