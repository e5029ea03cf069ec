"""The deltas, checkpoints and repeats of a whole data set at once, in DuckDB, from the declarations that the batch is built from.

They are those that `scoring_service.store.derived.append` makes row by row; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from claimvet.data.contract.dataset import DataSet, connect, identifier
from claimvet.data.contract.tables import TABLES, Kind, Table
from claimvet.features.catalogue.aggregates import Aggregate
from claimvet.features.catalogue.declaration import Entity
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.engines.integer_columns import integer_columns
from claimvet.features.links.minhash import BUCKETS, bucket_table
from claimvet.features.online import layout
from claimvet.features.online.deltas import distinct_values
from claimvet.features.online.layout import TOKEN, History, Layout, Place
from claimvet.scoring_service.store.db.schema import EXTREME_COLUMNS, TOTAL_COLUMNS
from claimvet.scoring_service.store.derived.totals import EVENTS_PER_CHECKPOINT
from claimvet.scoring_service.store.events.export import OWN_COLUMNS

ROWS_AT_ONCE = 20_000
"""Rows that are handed over at once."""

BATCH_ROWS = 100_000
"""Narratives that are read at once."""


@dataclass(frozen=True)
class Derived:
    """Rows for one table of the store, as a query of DuckDB."""

    table: str
    columns: tuple[str, ...]
    query: str


class Derivation:
    """A data set in DuckDB, and what the store derives of it."""

    def __init__(self, data_set: DataSet, histories: Layout, memory_limit: str | None = None) -> None:
        self._layout = histories
        self.connection: duckdb.DuckDBPyConnection = connect(memory_limit)
        self._ibis = ibis.duckdb.from_connection(self.connection)
        self.filled = [name for name in TABLES if data_set.has(name)]
        for name in TABLES:
            select = (
                data_set.tables[name].typed_select(self.connection) if name in self.filled else _nothing(TABLES[name])
            )
            columns = ", ".join([*integer_columns(TABLES[name]), *self._extra(data_set, name)])
            self.connection.execute(f"CREATE TEMP VIEW {name} AS SELECT {columns} FROM ({select})")

    def batches(self, made: Derived) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query, many at once."""
        yield from self.connection.sql(made.query).to_arrow_reader(ROWS_AT_ONCE)

    def close(self) -> None:
        """Let go of everything."""
        self.connection.close()

    def rows(self) -> Iterator[Derived]:
        """Yield the rows of the contract's tables."""
        for name in self.filled:
            columns = (*TABLES[name].column_names, *(("extra",) if name == "claims" else ()))
            yield Derived(name, columns, f"SELECT {', '.join(columns)} FROM {name} ORDER BY {TABLES[name].known_at}")

    def histories(self) -> Iterator[Derived]:
        """Deltas, checkpoints and repeats, history by history in ascending order, each sorted by its key."""
        for source in dict.fromkeys(history.place.source.name for history in self._layout.histories):
            self._read_events(source)
            for place in self._layout.places_of(source):
                self._read_place(place)
                for history in self._layout.histories:
                    if history.place == place:
                        yield from self._history(history)
                self.connection.execute("DROP VIEW placed")
            self.connection.execute("DROP TABLE events")

    def narratives(self) -> Iterator[Derived]:
        """Yield the buckets of every narrative."""
        told = self._ibis.table("claims").filter(ibis._.narrative.notnull())
        numbered = f"SELECT row_number() OVER () AS claim, * FROM ({self._ibis.compile(told)})"
        self.connection.execute(f"CREATE TEMP TABLE told AS {numbered}")
        reader = self.connection.sql("SELECT claim, narrative FROM told").to_arrow_reader(BATCH_ROWS)
        made = [BUCKETS.empty_table(), *(bucket_table(pa.Table.from_batches([batch])) for batch in reader)]
        self.connection.register("buckets", pa.concat_tables(made))
        columns = ("bucket", "filed_at", "claim_id", "customer_id")
        select = f"SELECT DISTINCT {', '.join(columns)} FROM buckets JOIN told USING (claim) ORDER BY ALL"
        yield Derived("narratives", columns, select)
        self.connection.unregister("buckets")
        self.connection.execute("DROP TABLE told")

    def links(self) -> Iterator[tuple[str, str, int]]:
        """Read customer, token and when it was seen, of every token that several customers hold; in order of time."""
        shared = "SELECT kind, token FROM identity_links GROUP BY ALL HAVING count(*) > 1"
        select = "SELECT customer_id, kind || ':' || token, seen_at FROM identity_links"
        result = self.connection.execute(f"{select} SEMI JOIN ({shared}) USING (kind, token) ORDER BY seen_at")
        while rows := result.fetchmany(ROWS_AT_ONCE):
            yield from rows

    def _extra(self, data_set: DataSet, name: str) -> list[str]:
        if name != "claims":
            return []
        own = data_set.tables[name].columns(self.connection) if name in self.filled else {}
        names = sorted(n for n in own if n.startswith(OWN_COLUMNS))
        pairs = ", ".join(f"'{n.replace(chr(39), chr(39) * 2)}', {identifier(n)}" for n in names)
        return [f"CAST(json_object({pairs}) AS VARCHAR) AS extra" if names else "NULL AS extra"]

    def _read_events(self, source: str) -> None:
        """Make the table `events`: what happened, what each event contributes, and the id of its row."""
        events = SOURCES[source].read(self._ibis.table)
        aggregates = self._aggregates(source)
        contributed = {aggregate.name: aggregate.contribution(events) for aggregate in aggregates}
        table = SOURCES[source].tables[0]
        key = [events[column] for column in TABLES[table].key]
        ends = events.ends if SOURCES[source].has_end else ibis.null("int64")
        entity_keys = [entity.key for entity in Entity if entity.key in events.columns]
        if "token" in events.columns:
            contributed["token_key"] = events.kind + ":" + events.token
        chosen = events.select(*entity_keys, "known", ends=ends, row_id=_joined(key), **contributed)
        self.connection.execute(f"CREATE TEMP TABLE events AS {self._ibis.compile(chosen)}")

    def _aggregates(self, source: str) -> list[Aggregate]:
        """Return all aggregates that a column of a history, or a distinct count, is made of."""
        found: dict[Aggregate, None] = {}
        for history in self._layout.histories:
            if history.place.source.name == source:
                found.update(dict.fromkeys([*history.totals, *history.extremes]))
                if history.kind is layout.Kind.REPEATS:
                    found[distinct_values(history)] = None
        return list(found)

    def _read_place(self, place: Place) -> None:
        """Make the view `placed`: the events of every key of the place, and from when they can be seen there."""
        if place.entity == Entity.CATEGORY:
            joined = "JOIN products p USING (product_id)"
            select = f"SELECT p.category_id AS key, p.listed_at AS appears, e.* FROM events e {joined}"
        elif place.entity == TOKEN and not place.is_of_holders:
            select = "SELECT e.token_key AS key, CAST(NULL AS BIGINT) AS appears, e.* FROM events e"
        elif place.entity == TOKEN:
            joined = "JOIN identity_links l USING (customer_id)"
            select = f"SELECT l.kind || ':' || l.token AS key, l.seen_at AS appears, e.* FROM events e {joined}"
        else:
            key = Entity(place.entity).key
            select = (
                f"SELECT e.{key} AS key, CAST(NULL AS BIGINT) AS appears, e.* FROM events e WHERE e.{key} IS NOT NULL"
            )
        self.connection.execute(f"CREATE TEMP VIEW placed AS {select}")

    def _history(self, history: History) -> Iterator[Derived]:
        columns = ("key", "position", "row_id", *_stored_columns(history))
        self.connection.execute(f"CREATE TEMP TABLE made AS {_deltas_of(history)}")
        everything = (
            f"SELECT {history.number} AS history, {', '.join(columns)} FROM made ORDER BY key, position, row_id"
        )
        yield Derived("deltas", ("history", *columns), everything)
        yield Derived("checkpoints", ("history", "key", "position", *_stored_columns(history)), _marks(history))
        if history.kind is layout.Kind.REPEATS:
            value = identifier(distinct_values(history).name)
            seen = f"SELECT {history.number} AS history, key, {value} AS value, known AS position, row_id FROM placed"
            columns = ("history", "key", "value", "position", "row_id")
            yield Derived("repeats", columns, f"{seen} WHERE {value} IS NOT NULL ORDER BY ALL")
        self.connection.execute("DROP TABLE made")


def _nothing(table: Table) -> str:
    types = {Kind.TIME: "TIMESTAMPTZ", Kind.MONEY: "DOUBLE"}
    columns = ", ".join(f"CAST(NULL AS {types.get(c.kind, 'VARCHAR')}) AS {identifier(c.name)}" for c in table.columns)
    return f"SELECT {columns} WHERE false"


def _joined(key: Sequence[ir.StringValue]) -> ir.StringValue:
    return key[0] if len(key) == 1 else ibis.literal("\x1f").join(list(key))


def _stored_columns(history: History) -> tuple[str, ...]:
    return (*TOTAL_COLUMNS[: len(history.totals)], *EXTREME_COLUMNS[: len(history.extremes)])


def _deltas_of(history: History) -> str:
    """Return SQL of `key`, `position`, `row_id` and the stored columns of every delta."""
    named = zip(history.totals, TOTAL_COLUMNS, strict=False)
    totals = [f"CAST({identifier(total.name)} AS BIGINT) AS {name}" for total, name in named]
    if history.kind is layout.Kind.EVENTS:
        extremes = [
            f"{identifier(aggregate.name)} AS {name}"
            for aggregate, name in zip(history.extremes, EXTREME_COLUMNS, strict=False)
        ]
        return f"SELECT {', '.join(['key', 'known AS position', 'row_id', *totals, *extremes])} FROM placed"
    if history.kind is layout.Kind.REPEATS:
        value = identifier(distinct_values(history).name)
        again = f"lead(known) OVER (PARTITION BY key, {value} ORDER BY known, row_id)"
        intervals = f"SELECT key, row_id, known, NULL::BIGINT AS appears, {again} AS ends, 1 AS t0 FROM placed WHERE {value} IS NOT NULL"
    else:
        intervals = f"SELECT key, row_id, known, appears, ends, {', '.join(totals)} FROM placed"
    return _taken_back(intervals, history)


def _taken_back(intervals: str, history: History) -> str:
    """Return the deltas that put right what a window counts too much, as `features.online.deltas.taken_back`."""
    last = "NULL::BIGINT" if history.window is None else f"known + {history.window}"
    sums = ", ".join(f"CAST(sum(sign * {name}) AS BIGINT) AS {name}" for name in _stored_columns(history))
    return f"""
        WITH intervals AS ({intervals}),
        bounded AS (SELECT *, {last} AS last, least(greatest(known, coalesce(appears, known)), {last}) AS begin FROM intervals),
        signs AS (
            SELECT *, known AS position, -1 AS sign FROM bounded WHERE begin > known
            UNION ALL SELECT *, begin, 1 FROM bounded WHERE begin > known
            UNION ALL SELECT *, greatest(ends, begin), -1 FROM bounded WHERE ends < coalesce(last, {2**62})
            UNION ALL SELECT *, last, 1 FROM bounded WHERE ends < last)
        SELECT key, position, row_id, {sums} FROM signs GROUP BY key, position, row_id HAVING sum(sign) <> 0
    """


def _marks(history: History) -> str:
    """Return SQL of a checkpoint behind every so many deltas of a key."""
    columns = _stored_columns(history)
    sums = [f"CAST(sum({c}) OVER until AS BIGINT) AS {c}" for c in columns if c in TOTAL_COLUMNS]
    blocks = [f"max({c}) OVER (PARTITION BY key, block) AS {c}" for c in columns if c in EXTREME_COLUMNS]
    return f"""
        WITH hot AS (SELECT key FROM made GROUP BY key HAVING count(*) > {EVENTS_PER_CHECKPOINT}),
        numbered AS (
            SELECT *, row_number() OVER (PARTITION BY key ORDER BY position, row_id) AS place,
                   lead(position) OVER (PARTITION BY key ORDER BY position, row_id) AS following FROM made SEMI JOIN hot USING (key)),
        ended AS (
            SELECT *, coalesce(following > position, true) AND place // {EVENTS_PER_CHECKPOINT} > (
                min(place) OVER (PARTITION BY key, position) - 1) // {EVENTS_PER_CHECKPOINT} AS is_checkpoint FROM numbered),
        blocks AS (
            SELECT *, count(*) FILTER (WHERE is_checkpoint) OVER (
                PARTITION BY key ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS block FROM ended),
        summed AS (
            SELECT key, position + 1 AS position, is_checkpoint, {", ".join([*sums, *blocks])} FROM blocks
            WINDOW until AS (PARTITION BY key ORDER BY place ROWS UNBOUNDED PRECEDING))
        SELECT {history.number} AS history, key, position, {", ".join(columns)} FROM summed WHERE is_checkpoint
        ORDER BY key, position
    """
