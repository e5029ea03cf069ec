"""What the outage queue was given is there after whatever happens, once a claim, until the store has it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.decisions.idempotency import Idempotency
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.decisions.outage_queue import OutageQueue, QueuedDecision
from claimvet.scoring_service.store import StoredEvent
from tests.examples import examples
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


@settings(max_examples=examples(25), deadline=None)
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
    assert queue.keep(ENTRY, []).decision is ENTRY
    assert queue.keep(other, []).decision is ENTRY
    assert queue.kept("CL-1") == QueuedDecision(ENTRY, ())
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
    assert queue.kept("CL-1") == QueuedDecision(ENTRY, ())


def test_what_is_refused_is_set_aside_and_stays_readable_with_the_reason(queue: OutageQueue, path: Path) -> None:
    for number in (1, 2):
        queue.keep(entry(number), [])
    queue.set_aside(queue.waiting()[0], "it is too long")
    queue.close()
    again = OutageQueue(path)
    assert [one.claim_id for one in again.waiting()] == ["CL-2"]
    assert [(one.claim_id, one.refused) for one in again.refused()] == [("CL-1", "it is too long")]
    kept = again.kept("CL-1")
    again.close()
    assert kept is not None
    assert kept.decision == entry(1)


def test_a_key_stays_with_what_was_answered_under_it(queue: OutageQueue, path: Path) -> None:
    key = Idempotency.of("caller", "POST /v1/claims/score", "4711", b"{}")
    queue.keep(ENTRY, [], key)
    queue.close()
    again = OutageQueue(path)
    assert again.waiting()[0].idempotency == key
    again.close()


def test_a_file_of_an_older_version_is_read_and_its_text_set_apart(path: Path) -> None:
    told = {**vars(ENTRY), "claim": '{"claim_id":"CL-1","narrative":"A rung broke."}'}
    for name in ("narrative", "received_digest", "erased_at"):
        del told[name]
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE waiting (claim_id TEXT PRIMARY KEY, decision TEXT NOT NULL, events TEXT NOT NULL)")
        old.execute("INSERT INTO waiting VALUES ('CL-1', ?, '[]')", (json.dumps(told),))
        old.commit()
    queue = OutageQueue(path)
    found = queue.waiting()[0].decision
    queue.close()
    assert found.narrative == "A rung broke."
    assert "rung" not in found.claim
    assert found.claim_row["narrative"] == "A rung broke."


def test_every_commit_of_the_connection_that_writes_reaches_the_disk(queue: OutageQueue) -> None:
    """SQLite's documentation: 2 is FULL, and with a write-ahead log only FULL survives the loss of power."""
    assert queue.synchronous() == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is missing, expected Debian's package strace")
def test_a_claim_is_on_the_disk_before_it_is_acknowledged(path: Path) -> None:
    """The kernel is asked, not SQLite: between the INSERT and the answer the log is synchronised."""
    code = (
        "import sys; from pathlib import Path; from claimvet.scoring_service.decisions.outage_queue import OutageQueue\n"
        "from tests.scoring_service.decisions.test_ledger import ENTRY\n"
        "queue = OutageQueue(Path(sys.argv[1])); sys.stdout.write('BEFORE'); sys.stdout.flush()\n"
        "queue.keep(ENTRY, []); sys.stdout.write('ACKNOWLEDGED'); sys.stdout.flush()"
    )
    command = ["strace", "-f", "-y", "-e", "trace=write,fsync,fdatasync", sys.executable, "-c", code, str(path)]
    trace = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    between = trace[trace.index('"BEFORE"') : trace.index('"ACKNOWLEDGED"')]
    assert re.search(r"f(data)?sync\(\d+<[^>]*queue\.db-wal>", between)
