"""DuckDB by hand, the best plan known: no library between the query and the engine.

Claims and events get dense integer keys. A customer's history is short, so instants of claims are joined with its events and
aggregated under conditions. A seller's is long: its *points* are the instants of its claims and the starts of their windows; every
event goes to the next point (an ASOF join) and is summed up there. A window is then the difference of two running totals, which run
over all points of all sellers: what came before a seller's first point drops out of the difference, and a window function without
PARTITION BY is four times as fast as one with it where one seller is large.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.feature_speed.work import (
    ENTITIES,
    MICROSECONDS_PER_DAY,
    SOURCES,
    WINDOWS,
    Events,
    feature_name,
    feature_names,
)

LENGTHS = {window: window * MICROSECONDS_PER_DAY for window in WINDOWS}
CLAIMS = """
CREATE TEMP TABLE claims AS SELECT claim_id, customer_id, seller_id, epoch_us(filed_at) AS filed
FROM read_parquet('{folder}/claims.parquet')
"""
KEYS = """
CREATE TEMP TABLE {entity}_keys AS
    SELECT {entity}_id, (row_number() OVER ())::INTEGER AS k FROM (SELECT DISTINCT {entity}_id FROM claims);
CREATE TEMP TABLE {entity}_asked AS SELECT DISTINCT k, filed FROM claims JOIN {entity}_keys USING ({entity}_id)
"""
EVENTS = """
SELECT k, epoch_us({known_at}) AS t, cast(round({money} * 100) AS BIGINT) AS cents
FROM read_parquet('{folder}/{table}.parquet') JOIN {entity}_keys USING ({entity}_id)
"""
JOINED = """
CREATE TEMP TABLE {entity}_{table} AS SELECT asked.k, asked.filed, {columns}
FROM {entity}_asked asked JOIN ({events}) event ON event.k = asked.k AND event.t < asked.filed AND event.t >= asked.filed - {longest}
GROUP BY asked.k, asked.filed
"""
POINTS = "CREATE TEMP TABLE {entity}_points AS SELECT DISTINCT k, filed - w AS p FROM {entity}_asked, (VALUES {starts}) AS starts (w)"
TOTALS = """
CREATE OR REPLACE TEMP TABLE totals AS
WITH gathered AS (
    SELECT points.k, points.p, count(*) AS n, sum(event.cents)::BIGINT AS s
    FROM ({events}) event ASOF JOIN {entity}_points points ON event.k = points.k AND event.t < points.p
    GROUP BY points.k, points.p
)
SELECT k, p, (sum(n) OVER so_far)::BIGINT AS n, (sum(s) OVER so_far)::BIGINT AS s
FROM (SELECT k, p, coalesce(n, 0) AS n, coalesce(s, 0) AS s FROM {entity}_points LEFT JOIN gathered USING (k, p))
WINDOW so_far AS (ORDER BY k, p ROWS UNBOUNDED PRECEDING)
"""
READ = """
CREATE TEMP TABLE {entity}_{table} AS SELECT asked.k, asked.filed, {columns}
FROM {entity}_asked asked JOIN totals AS now ON now.k = asked.k AND now.p = asked.filed {joins}
"""
ANSWER = "COPY (SELECT claim_id, {columns} FROM claims {keys} {joins}) TO '{out}' (FORMAT parquet)"


def run(data: Path, out: Path) -> None:
    """Write `claim_id` and the 72 features of every claim of the data set `data` to the Parquet file `out`."""
    with duckdb.connect() as connection:
        connection.execute(
            "SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET preserve_insertion_order = false"
        )
        for statement in statements(data, out):
            connection.execute(statement)


def statements(data: Path, out: Path) -> list[str]:
    """The queries, in the order in which they run."""
    steps = [CLAIMS.format(folder=data)]
    for entity in ENTITIES:
        steps.append(KEYS.format(entity=entity))
        plan = _joined if entity == "customer" else _running
        steps += plan(data, entity)
    return [*steps, _answer(out)]


def _events(data: Path, entity: str, source: Events) -> str:
    return EVENTS.format(folder=data, table=source.table, entity=entity, known_at=source.known_at, money=source.money)


def _joined(data: Path, entity: str) -> list[str]:
    within = {window: f"FILTER (event.t >= asked.filed - {length})" for window, length in LENGTHS.items()}
    columns = ", ".join(f"count(*) {f} AS n{w}, (sum(event.cents) {f})::BIGINT AS s{w}" for w, f in within.items())
    longest = max(LENGTHS.values())
    return [
        JOINED.format(
            entity=entity, table=each.table, columns=columns, events=_events(data, entity, each), longest=longest
        )
        for each in SOURCES
    ]


def _running(data: Path, entity: str) -> list[str]:
    starts = ", ".join(f"({length})" for length in (0, *LENGTHS.values()))
    columns = ", ".join(f"now.n - then{w}.n AS n{w}, now.s - then{w}.s AS s{w}" for w in WINDOWS)
    joins = " ".join(
        f"JOIN totals AS then{w} ON then{w}.k = asked.k AND then{w}.p = asked.filed - {length}"
        for w, length in LENGTHS.items()
    )
    steps = [POINTS.format(entity=entity, starts=starts)]
    for source in SOURCES:
        steps.append(TOTALS.format(entity=entity, events=_events(data, entity, source)))
        steps.append(READ.format(entity=entity, table=source.table, columns=columns, joins=joins))
    return steps


def _answer(out: Path) -> str:
    values, joins = {}, []
    for entity in ENTITIES:
        for source in SOURCES:
            place = f"{entity}_{source.table}"
            joins.append(f"LEFT JOIN {place} ON {place}.k = {entity}_keys.k AND {place}.filed = claims.filed")
            for window in WINDOWS:
                count, total = f"{place}.n{window}", f"{place}.s{window}"
                values[feature_name(entity, source, "count", window)] = f"coalesce({count}, 0)"
                values[feature_name(entity, source, "sum", window)] = f"coalesce({total}, 0) / 100"
                values[feature_name(entity, source, "mean", window)] = f"{total} / nullif({count}, 0) / 100"
    columns = ", ".join(f"{values[name]} AS {name}" for name in feature_names())
    keys = " ".join(f"JOIN {entity}_keys USING ({entity}_id)" for entity in ENTITIES)
    return ANSWER.format(columns=columns, keys=keys, joins=" ".join(joins), out=out)
