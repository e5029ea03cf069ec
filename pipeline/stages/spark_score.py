"""Scores on Spark: the model travels to the executors as text, and each batch of features is scored where it lies.

Experts and safety alerts hang on the whole batch. The driver settles them from a few numbers a claim, as on one machine.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import ModelError
from claimvet.features.batch.build import feature_table
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.engines.parquet_parts import read_parts, written_parts
from claimvet.features.engines.progress import Progress
from claimvet.features.engines.spark.engine import SparkEngine
from claimvet.features.engines.spark.tables import location, write_text
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.stages.review_allocation import DECIDED, NEEDED, whole_batch, with_experts_shared
from claimvet.pipeline.stages.scores import FIRST_SCORES, SCORES, first_scores

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame

BatchesFunction = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@contextmanager
def scored_on_spark(
    data_set: DataSet, claims: Path, beside: Path, model: ClaimModel, now: datetime, progress: Progress
) -> Iterator[tuple[Iterator[pa.Table], pd.DataFrame]]:
    """Yield the first scores of the claims in the file `claims`, and their filings (as `pipeline.stages.review_allocation.filings`).

    Scores are tables of the schema `FIRST_SCORES`, in the order of the input. What the executors write lies in a hidden directory
    beside the file `beside` for as long as they are read. Raises as `first_frame`.
    """
    with first_frame(data_set, claims, model, now, progress) as (scores, filed), written_parts(scores, beside) as parts:
        yield (table.cast(FIRST_SCORES) for table in read_parts(parts)), filed


def score_to_parts(
    data_set: DataSet, claims: Path, out: Path, alerts: Path, model: ClaimModel, now: datetime, progress: Progress
) -> tuple[dict[str, Counter[Any]], int]:
    """Write the scores to a directory of part files whose names are in the order of the input, and the safety alerts to a CSV file.

    The first scores stay on the disks of the executors; the driver gets the columns `pipeline.stages.review_allocation.NEEDED` and the
    filings, settles the days and sends back the claims that come out otherwise. Raises as `first_frame`.

    Returns:
        How many claims have which label, which disposition, and an audit or not; and how many products alarm.
    """
    from pyspark import StorageLevel
    from pyspark.sql.pandas.types import from_arrow_schema

    with first_frame(data_set, claims, model, now, progress) as (frame, filed):
        first, context = frame.persist(StorageLevel.DISK_ONLY), frame.sparkSession.sparkContext
        known: pd.DataFrame = first.select(*NEEDED, *DECIDED).toArrow().to_pandas()
        whole = whole_batch(known, filed, model.policy)
        changed = context.broadcast(changes(known.set_index("claim_id"), whole.shared))
        first.mapInArrow(settler(changed), from_arrow_schema(SCORES)).write.mode("overwrite").parquet(location(out))
        first.unpersist()
        write_text(frame.sparkSession, alerts, whole.alerts.to_csv(index=False))
        counts = {name: Counter(whole.shared[name].tolist()) for name in ("disposition", "audited")}
        written = frame.sparkSession.read.parquet(location(out))
        labels = Counter({row[0]: row[1] for row in written.groupBy("label").count().collect()})
        return {"label": labels, **counts}, len(whole.alerts)


@contextmanager
def first_frame(
    data_set: DataSet, claims: Path, model: ClaimModel, now: datetime, progress: Progress
) -> Iterator[tuple[DataFrame, pd.DataFrame]]:
    """Yield the first scores as a data frame that is computed when it is written, and the filings of the claims.

    Raises:
        InvalidDataError: where a claim of `claims` differs from the data set's row of the same id.
        ModelError: where the features do not fit the model.
        UsageError: where Spark cannot start.
    """
    engine = SparkEngine(data_set, claims)
    try:
        from pyspark.errors import PythonException
        from pyspark.sql.pandas.types import from_arrow_schema

        features = engine.frame(feature_table(engine, progress, FEATURES)[0])
        filed = _filings(engine.frame(engine.targets()))
        files = features.sparkSession.sparkContext.broadcast(model_files(model))
        progress("scoring and writing")
        try:
            yield features.mapInArrow(batch_scorer(files, now), from_arrow_schema(FIRST_SCORES)), filed
        except PythonException as error:
            raise _as_model_error(error) from error
    finally:
        engine.close()


def _filings(targets: DataFrame) -> pd.DataFrame:
    """Do as `pipeline.stages.review_allocation.filings`, in the order in which Spark reads the claims."""
    columns = targets.select("claim_id", "filed_at", "customer_id", "product_id").toArrow()
    filed_at = columns["filed_at"].cast(pa.timestamp("us", tz="UTC"))
    filed: pd.DataFrame = columns.set_column(1, "filed_at", filed_at).to_pandas().set_index("claim_id")
    return filed


def changes(first: pd.DataFrame, shared: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `shared` whose `DECIDED` columns are not those of `first`; both in the same order, index `claim_id`."""
    differs = (shared[list(DECIDED)] != first[list(DECIDED)]).any(axis=1)
    changed: pd.DataFrame = shared.loc[differs, list(DECIDED)]
    return changed


def settler(changed: Broadcast[pd.DataFrame]) -> BatchesFunction:
    """Return what runs on the executors in the end: first scores become scores."""

    def settled(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            scores = with_experts_shared(pa.Table.from_batches([batch]), changed.value)
            yield from scores.combine_chunks().to_batches()

    return settled


def batch_scorer(files: Broadcast[dict[str, str]], now: datetime) -> BatchesFunction:
    """Return what runs on the executors: the model is put together once a task, then scores batch by batch."""

    def scored(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = model_of_files(files.value)
        for batch in batches:
            yield from first_scores(batch.to_pandas(), model, now).combine_chunks().to_batches()

    return scored


def model_files(model: ClaimModel) -> dict[str, str]:
    """Return the files that `ClaimModel.save` writes, by name."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        return {path.name: path.read_text(encoding="utf-8") for path in Path(folder).iterdir()}


def model_of_files(files: dict[str, str]) -> ClaimModel:
    """Return the model of what `model_files` returned."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return ClaimModel.load(Path(folder))


def _as_model_error(error: Exception) -> Exception:
    """Return the error of an executor that a user can do something about; any other one as it is."""
    found = re.search(r"data\.contract\.errors\.ModelError: (.+)", str(error))
    return ModelError(found.group(1)) if found else error
