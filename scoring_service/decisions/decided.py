"""What a decision is once it is made: an entry of the ledger, with what a repeat, a referral and a shadow say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from claimvet.models.scoring.own_values import misfits
from claimvet.models.scoring.scoring import RowScore
from claimvet.scoring_service.decisions import idempotency, ledger
from claimvet.scoring_service.decisions.code_version import code_version
from claimvet.scoring_service.decisions.idempotency import Answered, Idempotency
from claimvet.scoring_service.decisions.ledger import Decision, text_apart
from claimvet.scoring_service.decisions.requests import ScoreRequest
from claimvet.scoring_service.decisions.responses import unscored
from claimvet.scoring_service.errors import ConflictError, FieldError, UnprocessableError
from claimvet.scoring_service.json_text import canonical, parsed, text
from claimvet.scoring_service.model_loading.loaded_model import LoadedModel


@dataclass(frozen=True)
class Decided:
    """An entry of the ledger; with its disposition where this request made it, and did not only find it.

    `set_aside` is why the store refuses an entry that is kept elsewhere, None where it has it or will have it.
    """

    entry: Decision
    disposition: str | None = None
    set_aside: str | None = None


def referred(request: ScoreRequest, decision_id: str, why: str, now: int) -> Decision:
    """Return the decision on a claim whose features nobody could see: an expert has it."""
    return Decision(
        decision_id=decision_id,
        claim_id=request.claim_id,
        kind=ledger.SCORE,
        as_of=int(request.claim.row["filed_at"]),
        **text_apart({**request.claim.row, **request.claim.extra}, request.received),
        body_digest=request.digest,
        features=None,
        model_version=None,
        model_uri=None,
        policy=None,
        code_version=code_version(),
        scored_at=now,
        answer=text(unscored(decision_id, request.claim_id, why, now)),
        degraded=why,
        shadow=None,
    )


def repeated(key: Idempotency, before: Answered | None, connection: sa.Connection) -> Any:
    """Return what a key was answered with; None where it is new."""
    if before is None:
        return None
    if before.digest != key.digest:
        return idempotency.other_body()
    if before.decision_id is None:
        return parsed(before.answer)["accepted"]
    entry = ledger.decision(before.decision_id, connection)
    return None if entry is None else Decided(entry)


def answered(key: Idempotency, answer: Decided | int, expires_at: int) -> Answered:
    """Return the row that keeps what a key was answered with."""
    if isinstance(answer, Decided):
        return Answered(key.name, key.digest, 200, answer.entry.answer, answer.entry.decision_id, expires_at)
    return Answered(key.name, key.digest, 200, text({"accepted": answer}), None, expires_at)


def other_body(claim_id: str, first: Decision) -> ConflictError:
    """Return what is answered where a claim comes with another body than the one that was decided."""
    message = (
        f"the claim {claim_id} was scored before with another body (decision {first.decision_id}), expected the same"
    )
    return ConflictError(message, [FieldError("claim_id", message)])


def wrong_types(request: ScoreRequest, loaded: LoadedModel) -> UnprocessableError | None:
    """Return what is answered where a claim's own columns are not of the types that the model learned; None where they are."""
    wrong = misfits(loaded.own_types, request.claim.extra)
    return (
        UnprocessableError(next(iter(wrong.values())), [FieldError(*each) for each in wrong.items()]) if wrong else None
    )


def shadow_text(loaded: LoadedModel | None, score: RowScore | str | None) -> str | None:
    """Return what the challenger made of a claim, as canonical JSON; None where there is no challenger."""
    if loaded is None or score is None:
        return None
    if isinstance(score, str):
        return canonical({"model_version": loaded.version, "model_uri": loaded.uri, "problem": score})
    p_valid, p_frivolous, p_abusive = score.probabilities
    return canonical(
        {
            "model_version": loaded.version,
            "model_uri": loaded.uri,
            "p_valid": p_valid,
            "p_frivolous": p_frivolous,
            "p_abusive": p_abusive,
            "label": score.label,
            "disposition": score.disposition,
        }
    )
