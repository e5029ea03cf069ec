"""Instants and events of all kinds for the tests of plans, and what each aggregate is of them, in plain loops."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st

from claimvet.features.catalogue.aggregates import ADDITIVE, Aggregate, AggregateKind
from claimvet.features.catalogue.declaration import Filter
from tests.examples import examples

Row = dict[str, Any]

DAY = 24 * 3600 * 1_000_000
COLUMNS = ("key", "known", "appears", "ends", "amount", "kind")
WINDOWS = (1, 30, None)
AGGREGATES = [
    Aggregate(
        kind, None if kind in {AggregateKind.COUNT, AggregateKind.FIRST, AggregateKind.LAST} else "amount", where, days
    )
    for kind, where, days in product(AggregateKind, (None, Filter("kind", ("a", "b"))), WINDOWS)
]
ADDITIVE_AGGREGATES = [aggregate for aggregate in AGGREGATES if aggregate.kind in ADDITIVE]
BOUNDS = ((), ("appears",), ("ends",), ("appears", "ends"))

TIMES = st.sampled_from([-1, 84_000 * DAY, *(days * DAY + off for days in (0, 1, 30, 31) for off in (0, 1))])
INSTANTS = st.lists(st.tuples(st.sampled_from("xy"), TIMES), max_size=12, unique=True)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from("xyz"),
            "known": TIMES,
            "appears": st.just(0) | TIMES,
            "ends": TIMES | st.none(),
            "amount": st.sampled_from([0, 1, 2, 99_999_999_999]) | st.none(),
            "kind": st.sampled_from("abc") | st.none(),
        }
    ),
    max_size=12,
)

# an example costs a tenth of a second, so that shrinking one that fails would take minutes
EXAMPLES = settings(max_examples=examples(25), deadline=None, derandomize=True, phases=[Phase.generate])


def seen(event: Row, key: str, filed_at: int, bounds: tuple[str, ...]) -> bool:
    if event["key"] != key or event["known"] >= filed_at:
        return False
    if "appears" in bounds and event["appears"] >= filed_at:
        return False
    return "ends" not in bounds or event["ends"] is None or filed_at <= event["ends"]


def expected(aggregate: Aggregate, events: list[Row], filed_at: int) -> int | None:
    """The aggregate over the events seen, in plain loops; None where there is nothing to compare or date."""
    if aggregate.window_days is not None:
        events = [event for event in events if filed_at - aggregate.window_days * DAY <= event["known"]]
    if aggregate.where is not None:
        events = [event for event in events if event["kind"] in aggregate.where.values]
    values = [event["amount"] for event in events if event["amount"] is not None]
    times = [event["known"] for event in events]
    made: dict[AggregateKind, Callable[[], int | None]] = {
        AggregateKind.COUNT: lambda: len(events),
        AggregateKind.KNOWN: lambda: len(values),
        AggregateKind.SUM: lambda: sum(values),
        AggregateKind.HIGH_SQUARES: lambda: sum((value >> 19) ** 2 for value in values),
        AggregateKind.CROSS_SQUARES: lambda: sum((value >> 19) * (value & 0x7FFFF) for value in values),
        AggregateKind.LOW_SQUARES: lambda: sum((value & 0x7FFFF) ** 2 for value in values),
        AggregateKind.MAX: lambda: max(values, default=None),
        AggregateKind.FIRST: lambda: min(times, default=None),
        AggregateKind.LAST: lambda: max(times, default=None),
        AggregateKind.DISTINCT: lambda: len(set(values)),
    }
    return made[aggregate.kind]()
