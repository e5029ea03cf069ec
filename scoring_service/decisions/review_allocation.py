"""Who gets an expert, as claims come one by one? The price of a review carries over from claim to claim in the ledger.

Every scored decision keeps the state of `models.policy.capacity.ShadowPrice` after it, so the next one, whichever instance makes it and
after whatever restart, goes on from there, and a replay finds the state that a decision began with in the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, repeat

from claimvet.models.policy.capacity import REFER, ShadowPrice
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.scoring import RowScore
from claimvet.scoring_service.json_text import canonical, parsed
from claimvet.scoring_service.times import rfc3339


@dataclass(frozen=True)
class Allocation:
    """What becomes of a scored claim when there are only so many experts; figures as in a batch's scores (`pipeline.stages.scores`)."""

    disposition: str
    audited: bool
    audit_probability: float


def allocate(
    claim_id: str, day: str, score: RowScore, policy: Policy, before: ShadowPrice
) -> tuple[Allocation, ShadowPrice]:
    """Return the disposition of one claim, and the state after it: an expert where a review saves more than its price, else `otherwise`."""
    verdict, after = before.decide(claim_id, day, score.expert_saving_usd, policy)
    disposition = REFER if verdict.referred else score.otherwise
    return Allocation(disposition, verdict.audited, verdict.audit_probability), after


def day_of(filed_at: int, now: int) -> str:
    """Return the day (UTC, ISO) whose experts a claim asks for: that of its filing, today for one that is filed in the future.

    >>> day_of(0, 1), day_of(10**18, 86_400_000_000)
    ('1970-01-01', '1970-01-02')
    """
    return rfc3339(min(filed_at, now))[:10]


def state_text(state: ShadowPrice) -> str:
    """Return the state as the ledger keeps it, JSON; savings that are equal stand once, with their number, so that it stays small.

    >>> state_of(state_text(ShadowPrice(savings=(9.0, 9.0, 4.0)))).savings
    (9.0, 9.0, 4.0)
    """
    runs = [[saving, len(list(equal))] for saving, equal in groupby(state.savings)]
    return canonical({**vars(state), "savings": runs})


def state_of(text: str | None) -> ShadowPrice:
    """Return the state of what `state_text` made; that of the very beginning where there is none."""
    if text is None:
        return ShadowPrice()
    fields = parsed(text)
    return ShadowPrice(**{**fields, "savings": tuple(_one_by_one(fields["savings"]))})


def _one_by_one(kept: Iterable[float | tuple[float, int]]) -> Iterator[float]:
    """Yield savings as they were; entries of older versions have each of them by itself."""
    for run in kept:
        saving, count = (run, 1) if isinstance(run, int | float) else run
        yield from repeat(saving, count)
