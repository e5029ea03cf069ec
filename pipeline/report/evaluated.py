"""Scored claims beside what they turned out to be: the one table that every figure of the report is computed from.

It is an evaluated frame of `models.metrics.evaluation` (index claim_id, `label` is what was found or is true) with the scores'
`disposition` and `reasons`, and `evidence_count` (null where not known).
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
import pandas as pd

from claimvet.data.contract.errors import InvalidDataError
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.metrics.evaluation import evaluated_frame
from claimvet.models.policy.policy import Policy


def evaluated_by_truth(
    scores: pd.DataFrame,
    truth: pd.Series[str],
    claims: pd.DataFrame,
    features: pd.DataFrame,
    policy: Policy,
    known_customers: Set[str] = frozenset(),
) -> pd.DataFrame:
    """Join scores with `truth` (index claim_id), the claims' own rows and their features; all three have a column
    claim_id. `policy` says their lanes.

    Scores without truth are left out. Raises `InvalidDataError` where a scored claim is missing from `claims` or `features`.
    """
    known = scores.set_index("claim_id")
    known = known.loc[known.index.isin(truth.index)]
    values = _rows(features, known.index, "features")
    own = _rows(claims, known.index, "claims").assign(category_id=values["claim_category"].fillna("not known"))
    findings = pd.DataFrame({"label": truth.reindex(known.index), "decided_by": "truth"}, index=known.index)
    never_wrong = np.zeros(len(known))
    frame = evaluated_frame(own, findings, known[list(PROBABILITIES)], never_wrong, set(known_customers), policy)
    return frame.assign(**known[["disposition", "reasons"]], evidence_count=values["claim_evidence_count"])


def _rows(table: pd.DataFrame, ids: pd.Index[str], name: str) -> pd.DataFrame:
    by_id = table.set_index("claim_id")
    missing = ids.difference(by_id.index)
    if len(missing):
        raise InvalidDataError(f"{len(missing)} scored claims such as {missing[0]} are missing from the {name}")
    return by_id.loc[ids]
