"""Aggregates read from breakpoints while events stream by, against plain loops: whatever the batches, their order and
the order of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.features.batch.breakpoints import BEFORE_ALL_TIME, NO_KEY, Breakpoints, Timeline
from claimvet.features.batch.window_totals import (
    FOREVER,
    Batch,
    History,
    batch_rows,
    missing_value,
    take_all,
)
from claimvet.features.catalogue.aggregates import ADDITIVE, SQUARES, Aggregate, AggregateKind
from claimvet.features.catalogue.declaration import Entity
from tests.features.plan_cases import AGGREGATES, BOUNDS, EVENTS, EXAMPLES, INSTANTS, Row, expected, seen

NUMBERS = {name: number for number, name in enumerate("xyz")}
WHO = Entity.CUSTOMER


def added(aggregate: Aggregate, event: Row) -> int:
    """What the event adds, as the stream's expression has it; an amount is its own number among distinct ones."""
    if aggregate.where is not None and event["kind"] not in aggregate.where.values:
        return missing_value(aggregate)
    if aggregate.kind is AggregateKind.COUNT:
        return 1
    if aggregate.kind is AggregateKind.KNOWN:
        return int(event["amount"] is not None)
    if aggregate.kind in SQUARES:
        high, low = divmod(event["amount"] or 0, 2**19)
        return {"high_squares": high**2, "cross_squares": high * low, "low_squares": low**2}[aggregate.kind]
    value = event["known"] if aggregate.kind in {AggregateKind.FIRST, AggregateKind.LAST} else event["amount"]
    return missing_value(aggregate) if value is None else value


def batch_of(events: Sequence[Row], aggregates: Sequence[Aggregate], bounds: tuple[str, ...]) -> Batch:
    def column(values: list[Any], dtype: str = "int64") -> Any:
        return np.array(values, dtype)

    totals = [total for total in dict.fromkeys(aggregate.total for aggregate in aggregates) if not total.counts_all]
    columns = {total.name: column([added(total, event) for event in events]) for total in totals}
    return Batch(
        known=column([event["known"] for event in events]),
        ends=column([FOREVER if e["ends"] is None else e["ends"] for e in events]) if "ends" in bounds else None,
        keys={WHO: column([NUMBERS[event["key"]] for event in events], "int32")},
        appears={WHO: column([event["appears"] for event in events])} if "appears" in bounds else {},
        columns=columns,
    )


def values_of(
    instants: Sequence[tuple[str, int]],
    events: Sequence[Row],
    aggregates: Sequence[Aggregate],
    bounds: tuple[str, ...],
    size: int,
) -> dict[str, list[int | None]]:
    """Aggregate name to its value at every instant, from batches of `size` events."""
    filed_at = np.array([time for _, time in instants], "int64")
    timeline = Timeline(filed_at, {aggregate.window for aggregate in aggregates if aggregate.window is not None})
    breakpoints = Breakpoints(timeline, np.array([NUMBERS.get(key, NO_KEY) for key, _ in instants], "int32"))
    history = History(timeline, breakpoints, aggregates)
    batches = [batch_of(events[at : at + size], aggregates, bounds) for at in range(0, len(events), size)]
    take_all(timeline, {WHO: history}, batches)
    return {name: values.to_pylist() for name, values in history.values().items()}


@pytest.mark.slow
@EXAMPLES
@given(instants=INSTANTS, events=EVENTS, size=st.sampled_from([1, 3, 100]), shuffled=st.randoms())
def test_every_aggregate_is_right_in_any_batches(
    instants: list[tuple[str, int]], events: list[Row], size: int, shuffled: Any
) -> None:
    shuffled.shuffle(events)
    for bounds in BOUNDS:
        aggregates = [aggregate for aggregate in AGGREGATES if not bounds or aggregate.kind in ADDITIVE]
        found = values_of(instants, events, aggregates, bounds, size)
        for place, (key, filed_at) in enumerate(instants):
            visible = [event for event in events if seen(event, key, filed_at, bounds)]
            for aggregate in aggregates:
                assert found[aggregate.name][place] == expected(aggregate, visible, filed_at), (
                    aggregate.name,
                    key,
                    filed_at,
                    bounds,
                )


def test_a_claim_whose_entity_is_unknown_has_nothing() -> None:
    event: Row = {"key": "x", "known": 5, "appears": 0, "ends": None, "amount": 7, "kind": "a"}
    found = values_of([("?", 10), ("x", 10)], [event], AGGREGATES, (), 10)
    for aggregate in AGGREGATES:
        is_number = aggregate.kind in ADDITIVE or aggregate.kind is AggregateKind.DISTINCT
        assert found[aggregate.name][0] == (0 if is_number else None), aggregate.name


def test_what_fails_beside_is_raised_here() -> None:
    count = Aggregate(AggregateKind.COUNT, None, None, None)
    timeline = Timeline(np.array([10]), [])
    history = History(timeline, Breakpoints(timeline, np.array([0], "int32")), [count])
    broken = replace(batch_of([{"key": "x", "known": 1}], [count], ()), keys={})
    with pytest.raises(KeyError, match="customer"):
        take_all(timeline, {WHO: history}, [broken])


def test_nothing_goes_to_the_breakpoint_before_all_time() -> None:
    timeline = Timeline(np.array([-(2**62), 0]), [365 * 86_400_000_000])
    assert timeline.times[0] == BEFORE_ALL_TIME
    assert timeline.next_rank(np.array([-(2**63) + 1])).tolist() == [1]


@pytest.mark.parametrize(
    ("breakpoints", "rows"), [(0, 2**18), (1_000_000, 2**18), (4_000_000, 500_000), (10**9, 2**20)]
)
def test_more_points_get_larger_batches_within_bounds(breakpoints: int, rows: int) -> None:
    assert batch_rows(breakpoints) == rows
