"""What the outage queue was given is there after whatever happens, once a claim, until the store has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.decisions.outage_queue import OutageQueue
from claimvet.scoring_service.store import StoredEvent
from tests.scoring_service.decisions.test_ledger import ENTRY, entry

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
EVENTS = st.lists(
    st.builds(
        StoredEvent,
        st.sampled_from(["claims", "evidence"]),
        st.dictionaries(
            TEXT, st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT, max_size=4
        ),
        st.dictionaries(TEXT, st.none() | st.booleans() | TEXT, max_size=2),
    ),
    max_size=3,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def queue(path: Path) -> Iterator[OutageQueue]:
    made = OutageQueue(path)
    yield made
    made.close()


@settings(max_examples=25, deadline=None)
@given(claim_id=TEXT, received=TEXT, events=EVENTS)
def test_a_decision_and_its_events_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, claim_id: str, received: str, events: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("queue") / "queue.db"
    decision = replace(ENTRY, claim_id=claim_id, received=received)
    events = [event for event in events if float("inf") not in map(_size, event.row.values())]
    first = OutageQueue(path)
    first.keep(decision, events)
    first.close()
    again = OutageQueue(path)
    request = again.waiting()[0]
    again.close()
    assert (request.decision, list(request.events), request.claim_id) == (decision, events, claim_id)


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, float) else 0.0


def test_of_two_decisions_on_a_claim_the_first_is_kept(queue: OutageQueue) -> None:
    other = replace(ENTRY, decision_id="D-2", answer="{1}")
    assert queue.keep(ENTRY, []) is ENTRY
    assert queue.keep(other, []) is ENTRY
    assert queue.kept("CL-1") is ENTRY
    assert len(queue.waiting()) == 1


def test_what_was_moved_is_gone_and_the_others_wait_in_their_order(queue: OutageQueue, path: Path) -> None:
    decisions = [entry(number) for number in (3, 1, 2)]
    for decision in decisions:
        queue.keep(decision, [])
    queue.moved(queue.waiting()[1])
    assert queue.kept("CL-1") is None
    again = OutageQueue(path)
    assert [request.decision for request in again.waiting()] == [decisions[0], decisions[2]]
    again.close()


def test_an_outage_queue_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    place = tmp_path / "none" / "queue.db"
    with pytest.raises(
        StoreError, match=f"the outage queue {place} cannot be opened .unable to open database file., expected"
    ):
        OutageQueue(place)


def test_a_file_that_is_no_journal_is_left_alone(path: Path) -> None:
    path.write_bytes(b"somebody's letters" * 100)
    with pytest.raises(
        StoreError, match=r"cannot be opened .file is not a database., expected a file that can be written"
    ):
        OutageQueue(path)
    assert path.read_bytes() == b"somebody's letters" * 100


def test_an_outage_queue_that_cannot_be_written_keeps_nothing_and_says_so(queue: OutageQueue) -> None:
    queue.keep(ENTRY, [])
    queue.close()
    other: Decision = entry(2)
    with pytest.raises(StoreError, match=r"the outage queue cannot be written to .Cannot operate on a closed database"):
        queue.keep(other, [])
    assert queue.kept("CL-2") is None
    assert queue.kept("CL-1") is ENTRY
