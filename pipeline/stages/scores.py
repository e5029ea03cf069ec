"""What a score is: its columns, and how a batch of features becomes scores; the same on one machine and on executors.

The contract's columns come first. Behind them stands what allocating reviews needs and leaves on record (`models.policy.capacity`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa

from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.explain.reasons import Reason
from claimvet.models.policy.safety import cluster_facts
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.scoring import score_matrix, value_text

REASON = pa.struct(
    [("feature", pa.string()), ("value", pa.string()), ("contribution", pa.float64()), ("text", pa.string())]
)
SCORES = pa.schema(
    [
        ("claim_id", pa.string()),
        *((name, pa.float64()) for name in PROBABILITIES),
        ("label", pa.string()),
        ("disposition", pa.string()),
        ("reasons", pa.list_(REASON)),
        ("model_version", pa.string()),
        ("scored_at", pa.timestamp("us", tz="UTC")),
        ("otherwise", pa.string()),
        ("expert_saving_usd", pa.float64()),
        ("audited", pa.bool_()),
        ("audit_probability", pa.float64()),
    ]
)
"""Columns of the scores; in a CSV file `reasons` is JSON text. A reason's `value` is text, null where the feature is null.

`otherwise` is the disposition where no expert is free, `expert_saving_usd` what a review saves against it; `audited` says that an expert
reviews the claim whatever its score, and `audit_probability` how likely that was.
"""

FIRST_SCORES = pa.schema([*SCORES, ("cluster_customers", pa.float64()), ("cluster_expected", pa.float64())])
"""Scores before the batch is looked at as a whole, and what safety alerts need of each claim (`models.policy.safety.cluster_facts`), null
where that is not known."""


def first_scores(features: pd.DataFrame, model: ClaimModel, now: datetime) -> pa.Table:
    """Do as `score_batch`, a table of the schema `FIRST_SCORES`."""
    scores, facts = score_batch(features, model, now), cluster_facts(features)
    for field in list(FIRST_SCORES)[len(SCORES) :]:
        column = pa.array(facts[field.name]) if field.name in facts else pa.nulls(len(features), field.type)
        scores = scores.append_column(field, column)
    return scores


def score_batch(features: pd.DataFrame, model: ClaimModel, now: datetime) -> pa.Table:
    """Scores rows of features at hand: a table of the schema `SCORES`, one row a row of `features`, in their order.

    Audits are drawn; experts are taken as free, because a batch does not know its days (`pipeline.stages.review_allocation` shares them
    out).
    """
    scored = score_matrix(model, model.matrix(features), features)
    columns = {
        "claim_id": features["claim_id"],
        **{name: scored.probabilities[name] for name in PROBABILITIES},
        "label": scored.label,
        "disposition": scored.disposition,
        "reasons": reasons_array(scored.reasons),
        "model_version": [model.version] * len(features),
        "scored_at": [now.astimezone(UTC)] * len(features),
        **{name: scored.options[name] for name in ("otherwise", "expert_saving_usd")},
        "audited": scored.audited,
        "audit_probability": [model.policy.audit_share] * len(features),
    }
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, SCORES.field(name).type)
        for name, values in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=SCORES)


def reasons_array(reasons: list[list[Reason]]) -> pa.Array:
    """Reasons as Arrow's list of structs."""
    flat = [reason for row in reasons for reason in row]
    offsets = [0]
    for row in reasons:
        offsets.append(offsets[-1] + len(row))
    columns = [
        pa.array([reason.feature for reason in flat], pa.string()),
        pa.array([value_text(reason.value) for reason in flat], pa.string()),
        pa.array([reason.contribution for reason in flat], pa.float64()),
        pa.array([reason.text for reason in flat], pa.string()),
    ]
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(columns, fields=list(REASON))
    )
