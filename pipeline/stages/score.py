"""Score a file of claims in batches: features, probabilities, label, disposition and reasons, one row a claim in input order.

Convention: nothing is kept but the batch at hand and a few numbers a claim, and the output appears whole or not at all. Scores are first
written with experts taken as free, into a file aside; then each day's reviews are allocated and the scores are written anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.writing.atomic_write import atomic_write, atomic_writes, real_path, scratch_in
from claimvet.data.contract.writing.failures import write_failures_explained
from claimvet.data.contract.writing.formats import ending_of, table_file
from claimvet.features.batch.build import build_features
from claimvet.features.engines.open import open_data_set
from claimvet.features.engines.spark.tables import is_remote
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.own_values import learned_types
from claimvet.pipeline.progress import step, track
from claimvet.pipeline.stages.reach import notes_on_input, require_output
from claimvet.pipeline.stages.review_allocation import NEEDED, filings, whole_batch, with_experts_shared
from claimvet.pipeline.stages.scores import FIRST_SCORES, SCORES, first_scores
from claimvet.pipeline.stages.spark_score import score_to_parts, scored_on_spark

BATCH_ROWS = 100_000
"""Claims scored at once: enough for the fast way of reasons (`models.explain.tree_shap`), at about 1 GB."""


@dataclass
class ScoreReport:
    """How many claims got which label and disposition, and what the run has to say about the data."""

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    dispositions: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    audits: int = 0
    alerts: Path | None = None
    alarmed: int = 0

    def __str__(self) -> str:
        counted = (
            ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
            for counts in (self.labels, self.dispositions)
        )
        lines = [*self.notes, f"scored {self.rows:,} claims", *counted]
        if self.alerts is not None:
            lines.append(f"audits: {self.audits:,}; safety alerts: {self.alarmed:,} products, {self.alerts}")
        return "\n".join(lines)


def score(
    data: Path,
    claims: Path,
    out: Path,
    model: ClaimModel,
    *,
    engine: str = "duckdb",
    now: datetime,
    read: ReadOptions = AS_IT_LIES,
) -> ScoreReport:
    """Validate, then score the claims of the file `claims` with the data set `data` as history, into `out`.

    `out` is a file in the format that its name says (`data.contract.writing.formats`), or, with Spark and a scheme, a directory of
    Parquet files.
    The user's own columns are read as what the model learned; no event may be later than `read.latest`.
    `now` (with a zone) becomes `scored_at`. Safety alerts are written beside it (`alerts_path`).
    Raises `InvalidDataError` where the data break the contract, `ModelError` where they do not fit the model,
    `UsageError` where `out` or the engine cannot be, `OutputError` where `out` cannot be written.
    """
    if engine not in _SCORERS:
        raise UsageError(f"the engine is {engine!r}, expected {' or '.join(_SCORERS)}")
    require_output(out, (data, claims), engine)
    require_output(alerts_path(out), (data, claims), engine)
    data_set = open_data_set(data, engine, learned_types(model.schema))
    with step("Checking the data"):
        notes = notes_on_input(data_set, claims, read.latest)
    report = _SCORERS[engine](data_set, claims, out, model, now)
    report.notes = notes
    return report


def _score_here(data_set: DataSet, claims: Path, out: Path, model: ClaimModel, now: datetime) -> ScoreReport:
    with write_failures_explained(out), scratch_in(real_path(out).parent) as scratch:
        features = scratch / "features.parquet"
        with step("Building features") as tell:
            build_features(data_set, features, claims=claims, progress=tell)
        return score_features(features, out, model, now=now, claims=claims)


def _score_on_spark(data_set: DataSet, claims: Path, out: Path, model: ClaimModel, now: datetime) -> ScoreReport:
    with step("Scoring on Spark") as tell:
        if is_remote(out):
            counts, alarmed = score_to_parts(data_set, claims, out, alerts_path(out), model, now, tell)
            labels, dispositions, audited = (counts[name] for name in ("label", "disposition", "audited"))
            return ScoreReport(labels.total(), labels, dispositions, (), audited[True], alerts_path(out), alarmed)
        with scored_on_spark(data_set, claims, out, model, now, tell) as (scores, filed):
            return _write_allocated(scores, out, model.policy, filed)


_SCORERS = {"duckdb": _score_here, "spark": _score_on_spark}


def score_features(
    features: Path, out: Path, model: ClaimModel, *, now: datetime, claims: Path | None = None
) -> ScoreReport:
    """Score a Parquet file of features (`features.batch.build.build_features`) into `out`; as `score`, without its checks.

    `claims` is the file that the features were built for. Without it the days of filing are not known: every claim that is worth a
    review gets one, and there are no safety alerts.
    """
    file = pq.ParquetFile(features)
    batches = -(-file.metadata.num_rows // BATCH_ROWS)
    tracked = track(file.iter_batches(batch_size=BATCH_ROWS), "Scoring", total=batches)
    tables = (first_scores(batch.to_pandas(), model, now) for batch in tracked)
    if claims is None:
        with atomic_write(out) as aside:
            return _write((table.select(SCORES.names) for table in tables), aside, ending_of(out))
    return _write_allocated(tables, out, model.policy, filings(claims))


def alerts_path(out: Path) -> Path:
    """Return where the safety alerts of the scores in `out` lie: beside them.

    >>> alerts_path(Path("later/scores.csv.gz")).name
    'scores.safety_alerts.csv'
    """
    stem = out.stem if is_remote(out) else out.name[: -len(ending_of(out))]
    return out.with_name(f"{stem}.safety_alerts.csv")


def _write_allocated(tables: Iterable[pa.Table], out: Path, policy: Policy, filed: pd.DataFrame) -> ScoreReport:
    """Write first scores twice: aside with experts as free, then with each day's reviews allocated; safety alerts beside them."""
    with scratch_in(real_path(out).parent) as scratch:
        first, known = scratch / "scores.parquet", [FIRST_SCORES.empty_table().select(NEEDED)]
        with pq.ParquetWriter(first, SCORES) as writer:
            for table in tables:
                writer.write_table(table.select(SCORES.names))
                known.append(table.select(NEEDED))
        whole = whole_batch(pa.concat_tables(known).to_pandas(), filed, policy)
        with atomic_writes(out, alerts_path(out)) as (scores, alerts):
            report = _write(_allocated_tables(first, whole.shared), scores, ending_of(out))
            whole.alerts.to_csv(alerts, index=False)
    report.alerts, report.alarmed = alerts_path(out), len(whole.alerts)
    return report


def _allocated_tables(first: Path, shared: pd.DataFrame) -> Iterator[pa.Table]:
    start = 0
    for batch in pq.ParquetFile(first).iter_batches(batch_size=BATCH_ROWS):
        table = pa.Table.from_batches([batch]).cast(SCORES)
        yield with_experts_shared(table, shared.iloc[start : start + len(table)])
        start += len(table)


def _write(tables: Iterable[pa.Table], aside: Path, ending: str) -> ScoreReport:
    """Write tables of scores one after the other in the format of an ending, and count."""
    report = ScoreReport()
    with table_file(aside, ending) as parquet, pq.ParquetWriter(parquet, SCORES) as writer:
        for scores in tables:
            writer.write_table(scores)
            report.rows += scores.num_rows
            report.labels.update(scores["label"].to_pylist())
            report.dispositions.update(scores["disposition"].to_pylist())
            report.audits += pc.sum(scores["audited"]).as_py() or 0
    return report
