"""The claims with all that was computed for them beside them: one row a claim, from which features are put together."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from claimvet.features.batch.history_events import available_features
from claimvet.features.batch.partitioned import partitioned_tables
from claimvet.features.batch.streaming import fetched, streamed_columns
from claimvet.features.catalogue.declaration import Feature, HistoryFeature, LinkFeature
from claimvet.features.engines.progress import Progress
from claimvet.features.engines.protocol import AnyEngine, StreamingEngine
from claimvet.features.links.link_tables import link_tables


def claim_table(
    engine: AnyEngine, context: ir.Table, features: Sequence[Feature], progress: Progress
) -> tuple[ir.Table, list[HistoryFeature]]:
    """Return the columns of `context`, and those that `features` need of histories and links.

    In the order of the input where the engine streams, else in no order. Returns the features of which there are only
    aggregates, too.
    """
    histories = available_features(engine, features)
    if isinstance(engine, StreamingEngine):
        columns = streamed_columns(engine, context, histories, progress)
        return _beside(engine, context, _links(engine, context, features, progress), columns), histories
    tables = [*partitioned_tables(engine, context, histories, progress), *_links(engine, context, features, progress)]
    return _joined(context, tables), []


def _links(engine: AnyEngine, context: ir.Table, features: Sequence[Feature], progress: Progress) -> list[ir.Table]:
    """Return the tables of links to other customers, where a feature needs them."""
    if not any(isinstance(feature, LinkFeature) for feature in features):
        return []
    progress("links to other customers")
    return link_tables(engine, context)


def _joined(context: ir.Table, tables: Iterable[ir.Table]) -> ir.Table:
    """Join the tables to the context, wherever the rows lie."""
    for place, table in enumerate(tables):
        context = context.left_join(table.rename(**{f"row_{place}": "row"}), [("row", f"row_{place}")])
    return context


def _beside(
    engine: StreamingEngine, context: ir.Table, tables: Iterable[ir.Table], columns: Mapping[str, pa.Array]
) -> ir.Table:
    """Put the columns beside the claims in this process: no join, and no sort of all of them in the end."""
    claims = fetched(engine, context)
    aligned = [_aligned(fetched(engine, table), claims["row"]) for table in tables]
    for name, column in ChainMap(*aligned, dict(columns)).items():
        claims = claims.append_column(name, column)
    return engine.hold(claims)


def _aligned(table: pa.Table, rows: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Return the columns of `table` but `row`, one value for each of `rows`, null where it has none."""
    places = pc.index_in(rows, value_set=table["row"].combine_chunks())
    return {name: table[name].take(places) for name in table.column_names if name != "row"}
