"""What the journal was given is there after whatever happens, once a claim, until the store has it."""

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
from claimvet.scoring_service.decisions.outage_queue import Journal
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
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    made = Journal(path)
    yield made
    made.close()


@settings(max_examples=25, deadline=None)
@given(claim_id=TEXT, received=TEXT, events=EVENTS)
def test_a_decision_and_its_events_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, claim_id: str, received: str, events: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    decision = replace(ENTRY, claim_id=claim_id, received=received)
    events = [event for event in events if float("inf") not in map(_size, event.row.values())]
    first = Journal(path)
    first.keep(decision, events)
    first.close()
    again = Journal(path)
    task = again.waiting()[0]
    again.close()
    assert (task.decision, list(task.events), task.claim_id) == (decision, events, claim_id)


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, float) else 0.0


def test_of_two_decisions_on_a_claim_the_first_is_kept(journal: Journal) -> None:
    other = replace(ENTRY, decision_id="D-2", answer="{1}")
    assert journal.keep(ENTRY, []) is ENTRY
    assert journal.keep(other, []) is ENTRY
    assert journal.kept("CL-1") is ENTRY
    assert len(journal.waiting()) == 1


def test_what_was_moved_is_gone_and_the_others_wait_in_their_order(journal: Journal, path: Path) -> None:
    decisions = [entry(number) for number in (3, 1, 2)]
    for decision in decisions:
        journal.keep(decision, [])
    journal.moved(journal.waiting()[1])
    assert journal.kept("CL-1") is None
    again = Journal(path)
    assert [task.decision for task in again.waiting()] == [decisions[0], decisions[2]]
    again.close()


def test_a_journal_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    place = tmp_path / "none" / "journal.db"
    with pytest.raises(
        StoreError, match=f"the journal {place} cannot be opened .unable to open database file., expected"
    ):
        Journal(place)


def test_a_file_that_is_no_journal_is_left_alone(path: Path) -> None:
    path.write_bytes(b"somebody's letters" * 100)
    with pytest.raises(
        StoreError, match=r"cannot be opened .file is not a database., expected a file that can be written"
    ):
        Journal(path)
    assert path.read_bytes() == b"somebody's letters" * 100


def test_a_journal_that_cannot_be_written_keeps_nothing_and_says_so(journal: Journal) -> None:
    journal.keep(ENTRY, [])
    journal.close()
    other: Decision = entry(2)
    with pytest.raises(StoreError, match=r"the journal cannot be written to .Cannot operate on a closed database"):
        journal.keep(other, [])
    assert journal.kept("CL-2") is None
    assert journal.kept("CL-1") is ENTRY
