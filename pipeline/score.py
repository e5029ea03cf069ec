"""Scores a file of claims in batches: features, probabilities, label, disposition and reasons, one row a claim in input order.

Convention: nothing is kept but the batch at hand, so memory does not grow with the number of claims; the output appears whole
or not at all.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from data.contract.dataset import DataSet
from data.contract.errors import UsageError
from features.build import build_features
from models.claim_model import ClaimModel
from models.policy import PROBABILITIES, most_likely
from models.reasons import Reason, reasons_for
from models.usual import Value
from pipeline.progress import step, track
from pipeline.validate import require_valid

BATCH_ROWS = 100_000
"""Claims scored at once: enough for the fast way of reasons (`models.contributions`), at about 1 GB."""

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
    ]
)
"""Columns of the scores; in a CSV file `reasons` is JSON text. A reason's `value` is text, null where the feature is null."""


@dataclass
class ScoreReport:
    """How many claims got which label and disposition, and what the run has to say about the data."""

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    dispositions: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        counted = (
            ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
            for counts in (self.labels, self.dispositions)
        )
        return "\n".join([*self.notes, f"scored {self.rows:,} claims", *counted])


def score(
    data: Path, claims: Path, out: Path, model: ClaimModel, *, engine: str = "duckdb", now: datetime
) -> ScoreReport:
    """Validates, then scores the claims of the file `claims` with the data set `data` as history, into `out`.

    `out` is a Parquet file, or CSV where its name ends so; `now` (with a zone) becomes `scored_at`.
    Raises `InvalidDataError` where the data break the contract, `ModelError` where they do not fit the model,
    `UsageError` where `out` cannot be.
    """
    _require_writable(out)
    data_set = DataSet.open(data)
    with step("Checking the data"):
        notes = require_valid(data_set, claims)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".claimvet-") as scratch:
        features = Path(scratch) / "features.parquet"
        with step("Building features") as tell:
            build_features(data_set, features, claims=claims, engine=engine, progress=tell)
        report = score_features(features, out, model, now=now)
    report.notes = notes
    return report


def score_features(features: Path, out: Path, model: ClaimModel, *, now: datetime) -> ScoreReport:
    """Scores a Parquet file of features (`features.build.build_features`) into `out`; as `score`, without its checks."""
    report = ScoreReport()
    file = pq.ParquetFile(features)
    batches = -(-file.metadata.num_rows // BATCH_ROWS)
    with _writer(out) as write:
        for batch in track(file.iter_batches(batch_size=BATCH_ROWS), "Scoring", total=batches):
            scores = score_batch(batch.to_pandas(), model, now)
            write(scores)
            report.rows += scores.num_rows
            report.labels.update(scores["label"].to_pylist())
            report.dispositions.update(scores["disposition"].to_pylist())
    return report


def score_batch(features: pd.DataFrame, model: ClaimModel, now: datetime) -> pa.Table:
    """Scores rows of features at hand: a table of the schema `SCORES`, one row a row of `features`, in their order."""
    matrix = model.matrix(features)
    probabilities = model.probabilities_of(matrix)
    columns = {
        "claim_id": features["claim_id"],
        **{name: probabilities[name] for name in PROBABILITIES},
        "label": most_likely(probabilities),
        "disposition": model.policy.dispositions(probabilities, policy_facts(features)),
        "reasons": reasons_array(reasons_for(model, matrix, features, probabilities)),
        "model_version": [model.version] * len(features),
        "scored_at": [now.astimezone(UTC)] * len(features),
    }
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, SCORES.field(name).type)
        for name, values in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=SCORES)


def policy_facts(features: pd.DataFrame) -> pd.DataFrame:
    """What the policy reads, taken from the claim's own features; the evidence count is null where there is no such table."""
    names = {"claim_type": "claim_type", "claim_amount": "amount_claimed", "claim_evidence_count": "evidence_count"}
    return features[list(names)].rename(columns=names)


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


def value_text(value: Value) -> str | None:
    """A feature's value as text: whole numbers without a decimal point, null as null.

    >>> value_text(3.0), value_text(0.25), value_text(None)
    ('3', '0.25', None)
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


class _Writer:
    """Writes tables one after the other into a Parquet or a CSV file."""

    def __init__(self, path: Path, as_csv: bool) -> None:
        self._as_csv = as_csv
        schema = SCORES.set(SCORES.get_field_index("reasons"), pa.field("reasons", pa.string())) if as_csv else SCORES
        self._schema = schema
        self._file = pacsv.CSVWriter(path, schema) if as_csv else pq.ParquetWriter(path, schema)

    def __call__(self, scores: pa.Table) -> None:
        """Append the rows of `scores`."""
        if self._as_csv:
            texts = pa.array(
                [json.dumps(row, ensure_ascii=False) for row in scores["reasons"].to_pylist()], pa.string()
            )
            scores = scores.set_column(SCORES.get_field_index("reasons"), "reasons", texts)
        self._file.write_table(scores)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


@contextmanager
def _writer(out: Path) -> Iterator[_Writer]:
    """A writer into a file aside that takes the place of `out` when all went well, and vanishes otherwise."""
    aside = out.with_name(f".{out.name}.part")
    writer = _Writer(aside, out.suffix.lower() == ".csv")
    try:
        try:
            yield writer
        finally:
            writer.close()
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)


def _require_writable(out: Path) -> None:
    if out.is_dir():
        raise UsageError(f"the scores cannot be written to {out}: it is a directory, expected a file")
    out.parent.mkdir(parents=True, exist_ok=True)
