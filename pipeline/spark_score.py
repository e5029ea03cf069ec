"""Scores on Spark: the model travels to the executors as text, and each batch of features is scored where it lies."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from data.contract.dataset import DataSet
from data.contract.errors import ModelError
from features.build import feature_table
from features.catalogue import FEATURES
from features.parquet_parts import read_parts, written_parts
from features.progress import Progress
from features.spark_engine import SparkEngine
from features.spark_tables import location
from models.claim_model import ClaimModel
from pipeline.scores import SCORES, score_batch

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame

BatchesFunction = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@contextmanager
def scored_on_spark(
    data_set: DataSet, claims: Path, beside: Path, model: ClaimModel, now: datetime, progress: Progress
) -> Iterator[Iterator[pa.Table]]:
    """The scores of the claims in the file `claims`: tables of the schema `SCORES`, in the order of the input.

    What the executors write lies in a hidden directory beside the file `beside` for as long as the scores are read.
    Raises as `score_frame`.
    """
    with score_frame(data_set, claims, model, now, progress) as scores, written_parts(scores, beside) as parts:
        yield (table.cast(SCORES) for table in read_parts(parts))


def score_to_parts(
    data_set: DataSet, claims: Path, out: Path, model: ClaimModel, now: datetime, progress: Progress
) -> tuple[Counter[str], Counter[str]]:
    """Writes the scores to a directory of part files whose names are in the order of the input; raises as `score_frame`.

    Returns:
        How many claims got which label, and which disposition.
    """
    with score_frame(data_set, claims, model, now, progress) as scores:
        scores.write.mode("overwrite").parquet(location(out))
        written = scores.sparkSession.read.parquet(location(out))
        labels, dispositions = (
            Counter({row[0]: row[1] for row in written.groupBy(name).count().collect()})
            for name in ("label", "disposition")
        )
        return labels, dispositions


@contextmanager
def score_frame(
    data_set: DataSet, claims: Path, model: ClaimModel, now: datetime, progress: Progress
) -> Iterator[DataFrame]:
    """The scores as a data frame that is computed when it is written.

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
        files = features.sparkSession.sparkContext.broadcast(model_files(model))
        progress("scoring and writing")
        try:
            yield features.mapInArrow(batch_scorer(files, now), from_arrow_schema(SCORES))
        except PythonException as error:
            raise _as_model_error(error) from error
    finally:
        engine.close()


def batch_scorer(files: Broadcast[dict[str, str]], now: datetime) -> BatchesFunction:
    """What runs on the executors: the model is put together once a task, then scores batch by batch."""

    def scored(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = model_of_files(files.value)
        for batch in batches:
            yield from score_batch(batch.to_pandas(), model, now).combine_chunks().to_batches()

    return scored


def model_files(model: ClaimModel) -> dict[str, str]:
    """The files that `ClaimModel.save` writes, by name."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        return {path.name: path.read_text(encoding="utf-8") for path in Path(folder).iterdir()}


def model_of_files(files: dict[str, str]) -> ClaimModel:
    """The model of what `model_files` returned."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return ClaimModel.load(Path(folder))


def _as_model_error(error: Exception) -> Exception:
    """The error of an executor that a user can do something about; any other one as it is."""
    found = re.search(r"data\.contract\.errors\.ModelError: (.+)", str(error))
    return ModelError(found.group(1)) if found else error
