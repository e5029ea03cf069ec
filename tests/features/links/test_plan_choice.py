"""Both plans of queries, aggregate by aggregate, against plain loops: ties, nulls, window edges, events that end or can
be seen only late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given

from claimvet.data.contract.dataset import connect
from claimvet.data.contract.errors import FeatureError
from claimvet.features.catalogue.aggregates import ADDITIVE, Aggregate, AggregateKind, contributions
from claimvet.features.links.join_plan import join_plan
from claimvet.features.links.plan_choice import PAIRS_PER_EVENT, Plan, choose_plan
from claimvet.features.links.running_plan import running_plan
from tests.features.plan_cases import (
    ADDITIVE_AGGREGATES,
    AGGREGATES,
    BOUNDS,
    COLUMNS,
    EVENTS,
    EXAMPLES,
    INSTANTS,
    Row,
    expected,
    seen,
)


class Bench:
    """Both plans over the tables `instants` and `events`, compiled once and run on whatever rows these hold."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.connection.execute("CREATE TABLE instants (key VARCHAR, filed_at BIGINT)")
        types = "key VARCHAR, known BIGINT, appears BIGINT, ends BIGINT, amount BIGINT, kind VARCHAR"
        self.connection.execute(f"CREATE TABLE events ({types})")
        self.ibis = ibis.duckdb.from_connection(connection)
        self.queries: dict[tuple[str, tuple[str, ...]], str] = {}

    def events(self, aggregates: list[Aggregate], bounds: tuple[str, ...]) -> ir.Table:
        events = self.ibis.table("events")
        return events.select("key", "known", *bounds, **contributions(events, aggregates))

    def fill(self, instants: list[tuple[str, int]], events: list[Row]) -> None:
        for table, rows in (("instants", instants), ("events", [tuple(row[c] for c in COLUMNS) for row in events])):
            self.connection.execute(f"DELETE FROM {table}")
            if rows:
                self.connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def read(self, plan: Plan, aggregates: list[Aggregate], bounds: tuple[str, ...]) -> dict[tuple[str, int], Row]:
        """Instant to aggregate name to value."""
        query = plan.__name__, bounds
        if query not in self.queries:
            expression = plan(self.ibis.table("instants"), self.events(aggregates, bounds), aggregates)
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


def assert_right(
    bench: Bench, plan: Plan, aggregates: list[Aggregate], bounds: tuple[str, ...], instants: Any, events: Any
) -> None:
    found = bench.read(plan, aggregates, bounds)
    assert set(found) <= set(instants)
    for key, filed_at in instants:
        visible = [event for event in events if seen(event, key, filed_at, bounds)]
        for aggregate in aggregates:
            value = found.get((key, filed_at), {}).get(aggregate.name)
            if aggregate.kind in {AggregateKind.FIRST_VALUE, AggregateKind.LAST_VALUE} and value is not None:
                value = int(value[-18:])  # the time stands before it
            nothing = 0 if aggregate.kind in ADDITIVE or aggregate.kind is AggregateKind.DISTINCT else None
            right = expected(aggregate, visible, filed_at)
            assert (nothing if value is None else value) == right, f"{aggregate.name} of {key} at {filed_at}, {bounds}"


@EXAMPLES
@given(instants=INSTANTS, events=EVENTS)
def test_the_join_is_right_for_every_aggregate(
    bench: Bench, instants: list[tuple[str, int]], events: list[Row]
) -> None:
    bench.fill(instants, events)
    for bounds in BOUNDS:
        assert_right(bench, join_plan, AGGREGATES, bounds, instants, events)


@EXAMPLES
@given(instants=INSTANTS, events=EVENTS)
def test_running_totals_are_right_for_every_aggregate(
    bench: Bench, instants: list[tuple[str, int]], events: list[Row]
) -> None:
    bench.fill(instants, events)
    assert_right(bench, running_plan, AGGREGATES, (), instants, events)
    for bounds in BOUNDS[1:]:
        assert_right(bench, running_plan, ADDITIVE_AGGREGATES, bounds, instants, events)


@pytest.mark.parametrize("bounds", BOUNDS[1:])
@pytest.mark.parametrize("kind", [AggregateKind.MAX, AggregateKind.DISTINCT])
def test_running_totals_refuse_what_they_cannot_read(
    bench: Bench, kind: AggregateKind, bounds: tuple[str, ...]
) -> None:
    aggregate = Aggregate(kind, "amount", None, 30)
    with pytest.raises(FeatureError, match="over events that end or appear late cannot be read from running totals"):
        running_plan(bench.ibis.table("instants"), bench.events([aggregate], bounds), [aggregate])


def chosen(bench: Bench, aggregate: Aggregate, bounds: tuple[str, ...] = ()) -> tuple[Plan, tuple[str, ...]]:
    plan, events = choose_plan(bench.ibis.table("instants"), bench.events([aggregate], bounds), [aggregate])
    return plan, tuple(name for name in ("appears", "ends") if name in events.columns)


COUNT = Aggregate(AggregateKind.COUNT, None, None, 30)
LARGEST = Aggregate(AggregateKind.MAX, "amount", None, 30)


def event(known: int, appears: int = 0) -> Row:
    return {"key": "x", "known": known, "appears": appears, "ends": None, "amount": 1, "kind": "a"}


def test_a_short_history_is_joined_and_a_long_one_summed(bench: Bench) -> None:
    bench.fill([("x", time) for time in range(PAIRS_PER_EVENT)], [event(time) for time in range(5)])
    assert chosen(bench, COUNT) == (join_plan, ())
    bench.fill([("x", time) for time in range(PAIRS_PER_EVENT + 1)], [event(time) for time in range(5)])
    assert chosen(bench, COUNT) == (running_plan, ())
    bench.fill([], [])
    assert chosen(bench, COUNT) == (join_plan, ())


def test_what_running_totals_cannot_read_is_joined_however_long(bench: Bench) -> None:
    bench.fill([("x", time) for time in range(100)], [event(time, appears=time + 1) for time in range(5)])
    assert chosen(bench, LARGEST) == (running_plan, ())
    assert chosen(bench, LARGEST, ("appears",)) == (join_plan, ("appears",))
    assert chosen(bench, COUNT, ("appears",)) == (running_plan, ("appears",))


def test_events_that_never_appear_late_are_read_as_plain_ones(bench: Bench) -> None:
    bench.fill([("x", time) for time in range(100)], [event(time, appears=time) for time in range(5)])
    assert chosen(bench, LARGEST, ("appears",)) == (running_plan, ())
