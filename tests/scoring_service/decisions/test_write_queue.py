"""The write queue does together what waits together, answers after the commit, and nobody pays for another's failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from claimvet.scoring_service.decisions import write_queue as queues
from claimvet.scoring_service.decisions.write_queue import WriteQueue
from claimvet.scoring_service.errors import OutageError, UnavailableError, UnprocessableError
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore


@dataclass(frozen=True)
class Sale:
    """A seller to be put into the store."""

    seller: str
    claim_id: str | None = None


def gone(why: str) -> sa.exc.OperationalError:
    """What SQLAlchemy raises where the driver lost the connection."""
    return sa.exc.OperationalError("INSERT", None, Exception(why), connection_invalidated=True)


class Refusal(Exception):  # noqa: N818
    """What a driver raises; PostgreSQL says what it means by its SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("a secret value")
        self.sqlstate = sqlstate


class Clerk:
    """Puts sellers into the store; waits at the door for `free`, fails where it is told to."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.begun = threading.Event()
        self.batches: list[list[str]] = []
        self.failing: dict[str, list[Exception]] = {}

    def together(self, requests: Sequence[Sale], connection: sa.Connection) -> list[Any]:
        self.begun.set()
        assert self.free.wait(20)
        self.batches.append([request.seller for request in requests])
        for request in requests:
            connection.exec_driver_sql(f"INSERT INTO sellers VALUES ('{request.seller}', 1)")
            for error in self.failing.get(request.seller, [])[:1]:
                self.failing[request.seller].pop(0)
                raise error
        return [request.seller for request in requests]


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
def write_queue(sqlite: EventStore, clerk: Clerk) -> Iterator[WriteQueue]:
    made = WriteQueue(sqlite, clerk.together, Metrics())
    yield made
    clerk.free.set()
    made.close()


def sellers(store: EventStore) -> set[str]:
    with store.engine.connect() as connection:
        return set(connection.exec_driver_sql("SELECT seller_id FROM sellers").scalars())


async def asked(write_queue: WriteQueue, clerk: Clerk, requests: Sequence[Sale], seconds: float = 10.0) -> list[Any]:
    """The answers; the first request is under way before the others come, and all others wait together."""
    first = asyncio.create_task(write_queue.submit(requests[0], seconds))
    await asyncio.to_thread(clerk.begun.wait, 20)
    others = [asyncio.create_task(write_queue.submit(request, seconds)) for request in requests[1:]]
    await asyncio.sleep(0.05)
    clerk.free.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_what_waits_together_is_done_in_one_transaction(
    write_queue: WriteQueue, clerk: Clerk, sqlite: EventStore
) -> None:
    answers = asyncio.run(asked(write_queue, clerk, [Sale(f"S-{number}") for number in range(5)]))
    assert answers == [f"S-{number}" for number in range(5)]
    assert clerk.batches == [["S-0"], ["S-1", "S-2", "S-3", "S-4"]]
    assert sellers(sqlite) == set(answers)


def test_one_that_fails_is_alone_with_its_failure(write_queue: WriteQueue, clerk: Clerk, sqlite: EventStore) -> None:
    clerk.failing["S-2"] = [ValueError("no such street"), ValueError("no such street")]
    answers = asyncio.run(asked(write_queue, clerk, [Sale(f"S-{number}") for number in range(4)]))
    assert isinstance(answers[2], ValueError)
    assert [answers[place] for place in (0, 1, 3)] == ["S-0", "S-1", "S-3"]
    assert sellers(sqlite) == {"S-0", "S-1", "S-3"}


def test_a_second_request_of_a_claim_waits_for_the_first(write_queue: WriteQueue, clerk: Clerk) -> None:
    requests = [Sale("S-0"), Sale("S-1", "CL-1"), Sale("S-2", "CL-1"), Sale("S-3", "CL-2")]
    asyncio.run(asked(write_queue, clerk, requests))
    assert clerk.batches == [["S-0"], ["S-1", "S-3"], ["S-2"]]


def test_a_race_is_run_again(write_queue: WriteQueue, clerk: Clerk, sqlite: EventStore) -> None:
    lost = sa.exc.IntegrityError("INSERT", None, Exception("somebody was faster"))
    clerk.failing["S-0"] = [lost]
    assert asyncio.run(asked(write_queue, clerk, [Sale("S-0")])) == ["S-0"]
    assert sellers(sqlite) == {"S-0"}


def test_a_race_that_is_lost_again_and_again_ends(write_queue: WriteQueue, clerk: Clerk) -> None:
    clerk.failing["S-0"] = [sa.exc.IntegrityError("INSERT", None, Exception("somebody was faster")) for _ in range(9)]
    answers = asyncio.run(asked(write_queue, clerk, [Sale("S-0")]))
    assert isinstance(answers[0], UnavailableError)
    assert not isinstance(answers[0], OutageError)  # the store is there


def test_a_store_that_is_gone_is_said_to_all_of_a_batch_at_once(
    write_queue: WriteQueue, clerk: Clerk, sqlite: EventStore
) -> None:
    clerk.failing["S-1"] = [gone("it is gone")]
    answers = asyncio.run(asked(write_queue, clerk, [Sale("S-0"), Sale("S-1"), Sale("S-2")]))
    assert answers[0] == "S-0"
    assert all("cannot be written to; nothing was recorded" in str(answer) for answer in answers[1:])
    assert all(isinstance(answer, OutageError) for answer in answers[1:])
    assert sellers(sqlite) == {"S-0"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("54000", UnprocessableError),  # longer than an index takes
        ("22021", UnprocessableError),  # no text of the database's encoding
        ("22003", UnprocessableError),  # out of range
        ("26000", UnavailableError),  # a pooler that mixes up prepared statements
        ("42501", UnavailableError),  # no right to write
    ],
)
def test_an_error_of_a_row_or_a_setting_is_told_to_who_sent_it_and_stops_nobody_else(
    write_queue: WriteQueue,
    clerk: Clerk,
    sqlite: EventStore,
    caplog: pytest.LogCaptureFixture,
    state: str,
    expected: type[Exception],
) -> None:
    clerk.failing["S-2"] = [sa.exc.DBAPIError("INSERT", None, Refusal(state)) for _ in range(2)]
    answers = asyncio.run(asked(write_queue, clerk, [Sale(f"S-{number}") for number in range(4)]))
    assert isinstance(answers[2], expected)
    assert not isinstance(answers[2], OutageError)
    assert "secret" not in str(answers[2])
    assert sellers(sqlite) == {"S-0", "S-1", "S-3"}
    assert write_queue.failing() is None


def test_who_gives_up_is_told_so_and_nothing_of_it_is_kept(
    write_queue: WriteQueue, clerk: Clerk, sqlite: EventStore
) -> None:
    async def gives_up() -> None:
        with pytest.raises(UnavailableError, match=r"did not answer within 0\.05 seconds; send it again"):
            await write_queue.submit(Sale("S-0"), 0.05)
        clerk.free.set()
        assert await write_queue.submit(Sale("S-1"), 10.0) == "S-1"

    asyncio.run(gives_up())
    assert sellers(sqlite) == {"S-1"}


def test_too_many_are_refused_at_the_door(
    write_queue: WriteQueue, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MAX_WAITING", 2)
    answers = asyncio.run(asked(write_queue, clerk, [Sale(f"S-{number}") for number in range(5)]))
    refused = [answer for answer in answers if isinstance(answer, UnavailableError)]
    assert len(refused) == 2
    assert "2 requests wait already" in str(refused[0])


def test_who_comes_after_a_crowd_is_answered_alone_or_together(
    write_queue: WriteQueue, clerk: Clerk, sqlite: EventStore
) -> None:
    async def crowds() -> list[str]:
        await asked(write_queue, clerk, [Sale(f"S-{number}") for number in range(5)])
        again = await asyncio.gather(*(write_queue.submit(Sale(f"T-{number}"), 10.0) for number in range(4)))
        return [*again, await write_queue.submit(Sale("U-0"), 10.0), await write_queue.submit(Sale("U-1"), 10.0)]

    assert asyncio.run(crowds()) == ["T-0", "T-1", "T-2", "T-3", "U-0", "U-1"]
    assert clerk.batches[-2:] == [["U-0"], ["U-1"]]
    assert len(sellers(sqlite)) == 11


def test_how_long_the_work_at_hand_takes_can_be_seen(write_queue: WriteQueue, clerk: Clerk) -> None:
    async def looks() -> float:
        waiting = asyncio.create_task(write_queue.submit(Sale("S-0"), 10.0))
        await asyncio.to_thread(clerk.begun.wait, 20)
        await asyncio.sleep(0.02)
        stalled = write_queue.stalled_seconds()
        clerk.free.set()
        await waiting
        return stalled

    assert write_queue.stalled_seconds() == 0.0
    assert asyncio.run(looks()) > 0.01


def test_the_parts_that_the_write_queue_knows_are_timed(sqlite: EventStore, clerk: Clerk) -> None:
    metrics = Metrics()
    write_queue = WriteQueue(sqlite, clerk.together, metrics)
    asyncio.run(asked(write_queue, clerk, [Sale(f"S-{number}") for number in range(3)]))
    write_queue.close()
    text = metrics.text().decode()
    assert 'claimvet_part_seconds_count{part="wait"} 3.0' in text
    assert 'claimvet_part_seconds_count{part="commit"} 3.0' in text
    assert "claimvet_batch_size_count 2.0" in text


def test_a_store_that_could_not_be_written_to_is_out_of_order_for_a_while_or_until_it_can(
    write_queue: WriteQueue, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk.free.set()
    clerk.failing = {name: [gone("the store is full")] for name in ("a", "b")}

    async def sell(seller: str) -> None:
        with pytest.raises(
            UnavailableError, match="cannot be written to; nothing was recorded, so the same request may be"
        ):
            await write_queue.submit(Sale(seller), 20)
        assert write_queue.failing() == "the event store cannot be written to"

    assert write_queue.failing() is None
    asyncio.run(sell("a"))
    assert asyncio.run(write_queue.submit(Sale("a"), 20)) == "a"
    assert write_queue.failing() is None
    asyncio.run(sell("b"))
    monkeypatch.setattr(queues, "FAILED_SECONDS", 0.0)
    assert write_queue.failing() is None
