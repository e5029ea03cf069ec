"""What the endpoint answers to a claim: a score row of the contract and the decision's id, as bytes that never change.

A claim that could not be scored is answered in the same form: no probabilities and no label, the disposition `refer_to_expert`,
and the one reason `scoring_unavailable`, whose text says what was missing. Never a made-up score.
"""

from __future__ import annotations

from typing import Any

from claimvet.models.policy.policy import Disposition
from claimvet.models.scoring.scoring import RowScore, value_text
from claimvet.scoring_service.decisions.review_allocation import Allocation
from claimvet.scoring_service.times import rfc3339

SCORING_UNAVAILABLE = "scoring_unavailable"
"""The reason of a claim that could not be scored."""


def scored(
    decision_id: str, claim_id: str, score: RowScore, allocation: Allocation, model_version: str, scored_at: int
) -> dict[str, Any]:
    """Return the answer to a claim that was scored at `scored_at` (microseconds since 1970)."""
    p_valid, p_frivolous, p_abusive = score.probabilities
    reasons = [
        {"feature": r.feature, "value": value_text(r.value), "contribution": r.contribution, "text": r.text}
        for r in score.reasons
    ]
    return {
        "claim_id": claim_id,
        "p_valid": p_valid,
        "p_frivolous": p_frivolous,
        "p_abusive": p_abusive,
        "label": score.label,
        "disposition": allocation.disposition,
        "reasons": reasons,
        "model_version": model_version,
        "scored_at": rfc3339(scored_at),
        "otherwise": score.otherwise,
        "expert_saving_usd": score.expert_saving_usd,
        "audited": allocation.audited,
        "audit_probability": allocation.audit_probability,
        "decision_id": decision_id,
    }


def unscored(decision_id: str, claim_id: str, why: str, scored_at: int) -> dict[str, Any]:
    """Return the answer to a claim that could not be scored; `why` is a sentence."""
    return {
        "claim_id": claim_id,
        "p_valid": None,
        "p_frivolous": None,
        "p_abusive": None,
        "label": None,
        "disposition": Disposition.REFER_TO_EXPERT.value,
        "reasons": [{"feature": SCORING_UNAVAILABLE, "value": None, "contribution": None, "text": why}],
        "model_version": None,
        "scored_at": rfc3339(scored_at),
        "otherwise": None,
        "expert_saving_usd": None,
        "audited": None,
        "audit_probability": None,
        "decision_id": decision_id,
    }
