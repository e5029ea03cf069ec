"""Connections are bounded below the limit of files: idle ones make room, oldest first, and busy ones are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.scoring_service.http.connection.connection_limit import MAX_CONNECTIONS, ConnectionLimit, connections_for
from claimvet.scoring_service.observability.metrics import Metrics


class Fake:
    def __init__(self) -> None:
        self.open = True

    def evict(self) -> None:
        self.open = False


def closed(metrics: Metrics, why: str) -> float:
    return float(metrics.registry.get_sample_value("claimvet_connections_closed_total", {"why": why}) or 0)


def test_the_one_that_waits_longest_makes_room() -> None:
    limit, (first, second, third, fourth) = ConnectionLimit(2, metrics := Metrics()), [Fake() for _ in range(4)]
    assert limit.admit(first)
    assert limit.admit(second)
    limit.busy(first)
    assert limit.admit(third)
    assert (first.open, second.open) == (True, False)
    limit.idle(first)
    assert limit.admit(fourth)
    assert (first.open, third.open) == (True, False)
    assert closed(metrics, "idle") == 2


def test_where_all_are_busy_a_new_one_is_refused_and_the_next_takes_its_place() -> None:
    limit, (busy, refused, next_one) = ConnectionLimit(1, metrics := Metrics()), [Fake() for _ in range(3)]
    limit.admit(busy)
    limit.busy(busy)
    assert not limit.admit(refused)
    limit.gone(busy)
    assert limit.admit(next_one)
    assert not refused.open
    assert closed(metrics, "refused") == 1


@given(st.lists(st.tuples(st.sampled_from(["admit", "busy", "idle", "gone"]), st.integers(0, 9)), max_size=60))
def test_there_are_never_more_than_one_beyond_the_limit_and_no_busy_one_is_closed(steps: list[tuple[str, int]]) -> None:
    limit, metrics, known, busy = ConnectionLimit(3, metrics := Metrics()), metrics, [Fake() for _ in range(10)], set()
    inside: set[Fake] = set()
    for step, number in steps:
        connection = known[number]
        if step == "admit" and connection not in inside and connection.open:
            limit.admit(connection)
            inside.add(connection)
        elif step != "admit" and connection in inside:
            getattr(limit, step)(connection)
            busy = {*busy, connection} if step == "busy" else busy - {connection}
            inside = inside - {connection} if step == "gone" else inside
        inside = {one for one in inside if one.open}
        assert all(one.open for one in busy)
        assert metrics.registry.get_sample_value("claimvet_connections") in (len(inside), None)


@pytest.mark.parametrize("files", [64, 256, 512, 1_024, 4_096, 10_000, 2**20, -1])
def test_connections_leave_files_for_everything_else(files: int) -> None:
    most = connections_for(files)
    assert 0 < most <= MAX_CONNECTIONS
    assert files == -1 or files - most >= min(256, files // 2)
