"""Build features: from a data set to a Parquet file, one row a claim, in the order of the input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.dataset import DataSet, size_in_bytes
from claimvet.data.contract.writing.checks import require_output_file
from claimvet.data.contract.writing.formats import table_output
from claimvet.features.batch.chunks import BatchFile, row_chunks
from claimvet.features.batch.claim_context import claim_context, extra_columns
from claimvet.features.batch.claim_table import claim_table
from claimvet.features.batch.streaming import streamed_value
from claimvet.features.catalogue.declaration import (
    ClaimFeature,
    Feature,
    HistoryFeature,
    LinkFeature,
    RatioFeature,
    TrendFeature,
)
from claimvet.features.catalogue.expressions import claim_value, combined_value
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.selection import with_dependencies
from claimvet.features.engines.open import open_engine
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.engines.protocol import AnyEngine, StreamingEngine
from claimvet.features.engines.spark.tables import is_remote


@dataclass(frozen=True)
class BuildReport:
    """What was built: rows, feature names in order (the user's `x_` columns last), and the names that are null
    throughout."""

    rows: int
    features: tuple[str, ...]
    unavailable: tuple[str, ...]


def build_features(
    data_set: DataSet,
    out: Path,
    *,
    claims: Path | None = None,
    engine: str = "duckdb",
    memory_limit: str | None = None,
    progress: Progress = silent,
    features: Sequence[Feature] = FEATURES,
) -> BuildReport:
    """Write the features of the claims in `claims`, or of all, to the file `out`, in the format that its name says.

    Columns: `claim_id` (string), every one of `features` (int64, float64 or string), then the user's `x_` columns as
    they are.

    >>> from tempfile import TemporaryDirectory
    >>> import pyarrow.parquet
    >>> from claimvet.features.catalogue.features import BY_NAME
    >>> claims = '''claim_id,order_id,customer_id,seller_id,product_id,incident_at,filed_at,claim_type,amount_claimed,narrative
    ... k1,,ann,zed,lamp,,2024-05-01T12:00:00Z,property_damage,80,
    ... k2,,ann,zed,lamp,,2024-05-09T12:00:00Z,property_damage,20,It fell apart
    ... '''
    >>> wanted = [BY_NAME["claim_amount"], BY_NAME["customer_claims_amount_sum_365d"]]
    >>> with TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     written = (folder / "claims.csv").write_text(claims)
    ...     report = build_features(DataSet.open(folder), folder / "features.parquet", features=wanted)
    ...     rows = pyarrow.parquet.read_table(folder / "features.parquet").to_pylist()
    >>> report.rows, rows[1]
    (2, {'claim_id': 'k2', 'claim_amount': 20.0, 'customer_claims_amount_sum_365d': 80.0})

    Raises:
        FeatureError: where a feature is declared in a way that cannot work.
        InvalidDataError: where a claim of `claims` differs from the data set's row of the same id.
        UsageError: where there is no such engine, or it cannot start, or the memory limit or `out` cannot be.
        OutputError: where `out` cannot be written.
    """
    if is_remote(out):
        return _build_with(data_set, out, claims, engine, memory_limit, progress, features)
    require_output_file(out, (data_set.folder, claims))
    with table_output(out) as parquet:
        return _build_with(data_set, parquet, claims, engine, memory_limit, progress, features)


def _build_with(
    data_set: DataSet,
    out: Path,
    claims: Path | None,
    engine: str,
    memory_limit: str | None,
    progress: Progress,
    features: Sequence[Feature],
) -> BuildReport:
    if engine == "duckdb" and memory_limit is not None:
        from claimvet.features.engines.duckdb import (
            DuckDBEngine,  # takes half a second, which who only reads declarations saves
        )

        half = size_in_bytes(memory_limit) // 2
        chunks = row_chunks(data_set, claims, half, len(features))
        engines = (DuckDBEngine(data_set, claims, f"{half}B", chunk) for chunk in chunks)
        return _build_in_chunks(engines, len(chunks), out, progress, features)
    with closing(open_engine(engine, data_set, claims, memory_limit)) as opened:
        return _build(opened, out, progress, features)


def _build(engine: AnyEngine, out: Path, progress: Progress, asked: Sequence[Feature]) -> BuildReport:
    features, unavailable = feature_table(engine, progress, asked)
    progress("writing")
    rows = engine.write(features, out)
    return BuildReport(rows, _names(features), unavailable)


def _build_in_chunks(
    engines: Iterable[StreamingEngine], chunks: int, out: Path, progress: Progress, asked: Sequence[Feature]
) -> BuildReport:
    """Build one chunk of claims after the other into one file; each engine is opened when it is its turn, and closed
    after it.
    """
    reports: list[BuildReport] = []
    with BatchFile(out) as file:
        for number, engine in enumerate(engines, start=1):
            told = progress if chunks == 1 else _of_chunk(progress, f"chunk {number} of {chunks}")
            with closing(engine):
                table, unavailable = feature_table(engine, told, asked)
                told("writing")
                reports.append(BuildReport(file.write(engine.stream(table)), _names(table), unavailable))
    return replace(reports[0], rows=sum(report.rows for report in reports))


def _of_chunk(progress: Progress, chunk: str) -> Progress:
    return lambda part, done=0, total=0: progress(f"{chunk}: {part}", done, total)


def _names(features: ir.Table) -> tuple[str, ...]:
    return tuple(name for name in features.columns if name != "claim_id")


def feature_table(engine: AnyEngine, progress: Progress, asked: Sequence[Feature]) -> tuple[ir.Table, tuple[str, ...]]:
    """Return the features as an expression, one row a claim in the order of the input, and the names of those null
    throughout.
    """
    needed = with_dependencies(asked)
    progress("claims and their parties")
    context = claim_context(engine, _context_columns(needed))
    claims, streamed = claim_table(engine, context, needed, progress)
    values = _values(needed, claims, streamed)
    unavailable = [f for f in needed if f.name not in values and not isinstance(f, RatioFeature | TrendFeature)]
    values |= {f.name: ibis.null(f.dtype) for f in unavailable}
    table = claims.select("row", "claim_id", *extra_columns(claims), **values)
    table = table.mutate(
        **{f.name: combined_value(f, table) for f in needed if isinstance(f, RatioFeature | TrendFeature)}
    )
    names = ["claim_id", *(f.name for f in asked), *extra_columns(claims)]
    ordered = table if isinstance(engine, StreamingEngine) else table.order_by("row")
    return ordered.select(*names), tuple(f.name for f in unavailable)


def _values(features: Sequence[Feature], claims: ir.Table, streamed: Sequence[HistoryFeature]) -> dict[str, ir.Value]:
    """Return every feature that is there, but for quotients of others, as an expression over the table of claims
    (`features.batch.claim_table`).
    """
    values = {f.name: claim_value(f, claims) for f in features if isinstance(f, ClaimFeature)}
    values |= {f.name: streamed_value(f, claims) for f in streamed}
    for feature in features:
        if feature.name in claims.columns and feature.name not in values:
            column = claims[feature.name]
            # whoever is tied to nobody has no row in a table of links
            values[feature.name] = column.fill_null(0).cast("int64") if isinstance(feature, LinkFeature) else column
    return values


def _context_columns(features: Sequence[Feature]) -> set[str]:
    """Return what the features read of a claim beside its keys; a category's history is found through the claim's
    product.
    """
    columns = {feature.column for feature in features if isinstance(feature, ClaimFeature)}
    return columns | {feature.entity.key for feature in features if isinstance(feature, HistoryFeature)}
