"""Both ways of counting events, each count against plain loops: ties, nulls, window edges, events that end or can be seen only late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given
from ibis.expr.operations import JoinChain

from claimvet.data.contract.dataset import connect
from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind
from claimvet.features.links.event_counts import (
    PAIRS_PER_EVENT,
    counts_by_join,
    counts_by_running_totals,
    event_counts,
)
from tests.features.plan_cases import (
    ADDITIVE_AGGREGATES,
    BOUNDS,
    COLUMNS,
    EVENTS,
    EXAMPLES,
    INSTANTS,
    Row,
    expected,
    seen,
)

Way = Callable[[ir.Table, ir.Table, Sequence[Aggregate]], ir.Table]


class Bench:
    """Both ways over the tables `instants` and `events`, compiled once and run on whatever rows these hold."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.connection.execute("CREATE TABLE instants (key VARCHAR, filed_at BIGINT)")
        types = "key VARCHAR, known BIGINT, appears BIGINT, ends BIGINT, amount BIGINT, kind VARCHAR"
        self.connection.execute(f"CREATE TABLE events ({types})")
        self.ibis = ibis.duckdb.from_connection(connection)
        self.queries: dict[tuple[str, tuple[str, ...]], str] = {}

    def events(self, aggregates: list[Aggregate], bounds: tuple[str, ...]) -> ir.Table:
        events = self.ibis.table("events")
        return events.select(
            "key", "known", *bounds, **{a.total.name: a.total.contribution(events) for a in aggregates}
        )

    def fill(self, instants: list[tuple[str, int]], events: list[Row]) -> None:
        for table, rows in (("instants", instants), ("events", [tuple(row[c] for c in COLUMNS) for row in events])):
            self.connection.execute(f"DELETE FROM {table}")
            if rows:
                self.connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def read(self, way: Way, aggregates: list[Aggregate], bounds: tuple[str, ...]) -> dict[tuple[str, int], Row]:
        """Instant to aggregate name to value."""
        query = way.__name__, bounds
        if query not in self.queries:
            expression = way(self.ibis.table("instants"), self.events(aggregates, bounds), aggregates)
            self.queries[query] = str(ibis.to_sql(expression, dialect="duckdb"))
        result = self.connection.execute(self.queries[query])
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        found = {(row["key"], row["filed_at"]): row for row in rows}
        assert len(found) == len(rows)
        return found


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    connection = connect()
    yield Bench(connection)
    connection.close()


def assert_right(bench: Bench, way: Way, bounds: tuple[str, ...], instants: Any, events: Any) -> None:
    found = bench.read(way, ADDITIVE_AGGREGATES, bounds)
    assert set(found) <= set(instants)
    for key, filed_at in instants:
        visible = [event for event in events if seen(event, key, filed_at, bounds)]
        for aggregate in ADDITIVE_AGGREGATES:
            value = found.get((key, filed_at), {}).get(aggregate.name) or 0
            assert value == expected(aggregate, visible, filed_at), f"{aggregate.name} of {key} at {filed_at}, {bounds}"


@pytest.mark.slow
@EXAMPLES
@pytest.mark.parametrize("way", [counts_by_join, counts_by_running_totals])
@given(instants=INSTANTS, events=EVENTS)
def test_every_count_is_right(bench: Bench, way: Way, instants: list[tuple[str, int]], events: list[Row]) -> None:
    bench.fill(instants, events)
    for bounds in BOUNDS:
        assert_right(bench, way, bounds, instants, events)


COUNT = Aggregate(AggregateKind.COUNT, None, None, 30)


def event(known: int, appears: int = 0) -> Row:
    return {"key": "x", "known": known, "appears": appears, "ends": None, "amount": 1, "kind": "a"}


def counted(bench: Bench, bounds: tuple[str, ...] = ()) -> ir.Table:
    return event_counts(ir.Table.to_pyarrow, bench.ibis.table("instants"), bench.events([COUNT], bounds), [COUNT])


def is_of_running_totals(counts: ir.Table) -> bool:
    return any(link.how == "asof" for chain in counts.op().find(JoinChain) for link in chain.rest)


def test_a_short_history_is_joined_and_a_long_one_summed(bench: Bench) -> None:
    bench.fill([("x", time) for time in range(PAIRS_PER_EVENT)], [event(time) for time in range(5)])
    assert not is_of_running_totals(counted(bench))
    bench.fill([("x", time) for time in range(PAIRS_PER_EVENT + 1)], [event(time) for time in range(5)])
    assert is_of_running_totals(counted(bench))
    bench.fill([], [])
    assert not is_of_running_totals(counted(bench))


@pytest.mark.parametrize("late", [0, 1])
def test_events_that_never_appear_late_are_read_as_plain_ones(bench: Bench, late: int) -> None:
    bench.fill([("x", time) for time in range(100)], [event(time, appears=time + late) for time in range(5)])
    bounded, plain = (str(ibis.to_sql(counted(bench, bounds), dialect="duckdb")) for bounds in (("appears",), ()))
    assert (bounded == plain) == (not late)
