"""Was the decision right by its own record? The answer computed again, from the features it saw and the model it names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from claimvet.data.contract.errors import ModelError, UsageError
from claimvet.models.policy.capacity import ShadowPrice
from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.code_version import code_version
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.decisions.responses import scored, unscored
from claimvet.scoring_service.decisions.review_allocation import allocate, day_of, state_of, state_text
from claimvet.scoring_service.json_text import parsed, text
from claimvet.scoring_service.model_loading.loaded_model import verified
from claimvet.scoring_service.times import rfc3339


@dataclass(frozen=True)
class Replay:
    """What came of it; `differences` is empty where every byte is the same, `notes` say what has changed since without harm."""

    decision_id: str
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the answer is the same to the byte."""
        return not self.differences

    def __str__(self) -> str:
        verdict = "the same answer to the byte" if self.same else "another answer"
        return "\n".join([f"decision {self.decision_id}: {verdict}", *self.differences, *self.notes])


def replay(decision_id: str, connection: sa.Connection) -> Replay:
    """Compute the decision of that id again.

    Raises `UsageError` where there is none of that id, `ModelError` where its model cannot be had any more.
    """
    entry = ledger.decision(decision_id, connection)
    if entry is None:
        raise UsageError(f"there is no decision {decision_id} in the ledger")
    notes: tuple[str, ...] = (
        ()
        if entry.code_version == code_version()
        else (f"note: decided by code {entry.code_version}, this is {code_version()}",)
    )
    if entry.erased_at is not None:
        notes += (
            f"note: the texts of this claim's bodies were erased at {rfc3339(entry.erased_at)}, their hashes stay",
        )
    try:
        answer, experts = _answer_again(entry, connection)
    except ModelError as error:
        return Replay(decision_id, (f"model: {error}",), notes)
    differences = _differences(entry, answer)
    if _without_form(entry.experts) != _without_form(experts):
        differences.append("experts: reviews are allocated otherwise after it than was recorded")
    return Replay(decision_id, tuple(differences), notes)


def _answer_again(entry: Decision, connection: sa.Connection) -> tuple[dict[str, Any], str | None]:
    """Return the answer, and how reviews are allocated after it."""
    if entry.degraded is not None:
        return unscored(entry.decision_id, entry.claim_id, entry.degraded, entry.scored_at), entry.experts
    loaded = verified(str(entry.model_uri))
    if loaded.version != entry.model_version:
        raise ModelError(f"{entry.model_uri} is {loaded.version} now, expected {entry.model_version}")
    if loaded.policy != entry.policy:
        raise ModelError("the model's policy is another one than was recorded")
    score = loaded.scorer.score([parsed(str(entry.features))], [entry.claim_id])[0]
    before = state_of(ledger.latest_allocation(connection, before=entry.decision_id))
    allocation, after = allocate(
        entry.claim_id, day_of(entry.as_of, entry.scored_at), score, loaded.model.policy, before
    )
    return scored(entry.decision_id, entry.claim_id, score, allocation, loaded.version, entry.scored_at), state_text(
        after
    )


def _without_form(experts: str | None) -> ShadowPrice | None:
    """Return a state of the ledger without today's savings, of which an older version kept every one as it was; they
    show in the next price.
    """
    return None if experts is None else replace(state_of(experts), savings=())


def _differences(entry: Decision, answer: dict[str, Any]) -> list[str]:
    if text(answer) == entry.answer:
        return []
    sent: dict[str, Any] = parsed(entry.answer)
    names = dict.fromkeys([*sent, *answer])
    found = [
        f"{name}: was {sent.get(name)!r}, is {answer.get(name)!r}"
        for name in names
        if sent.get(name) != answer.get(name)
    ]
    return found or ["the bytes differ, the values do not"]
