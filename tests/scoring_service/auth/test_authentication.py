"""A key that was found good is believed for a moment, and longer only while nobody can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from claimvet.scoring_service.auth.authentication import REMEMBERED_SECONDS, TRUSTED_SECONDS, Authenticator
from claimvet.scoring_service.auth.keys import create_key, revoke_key
from claimvet.scoring_service.auth.roles import Action, Role
from claimvet.scoring_service.errors import ForbiddenError, UnauthorizedError, UnavailableError
from claimvet.scoring_service.store import EventStore


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(sqlite: EventStore, clock: Clock) -> Iterator[Authenticator]:
    made = Authenticator(sqlite, clock)
    yield made
    made.close()


def new_key(store: EventStore, role: Role = Role.INTAKE) -> str:
    with store.begin() as connection:
        return create_key(role, "0" * 12, "a" * 64, 0, connection)


def ask(authenticator: Authenticator, key: str, action: Action = Action.SCORE) -> None:
    asyncio.run(authenticator.require(f"Bearer {key}", action))


def revoke(store: EventStore) -> None:
    with store.begin() as connection:
        revoke_key("0" * 12, 1, connection)


def lose(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store cannot be asked any more."""

    def gone() -> None:
        raise TimeoutError

    monkeypatch.setattr(store.engine, "connect", gone)


def test_a_revoked_key_is_refused_within_a_moment(
    authenticator: Authenticator, sqlite: EventStore, clock: Clock
) -> None:
    key = new_key(sqlite)
    ask(authenticator, key)
    revoke(sqlite)
    clock.seconds += REMEMBERED_SECONDS / 2
    ask(authenticator, key)
    clock.seconds += REMEMBERED_SECONDS
    with pytest.raises(UnauthorizedError, match="unknown or revoked"):
        ask(authenticator, key)


def test_a_key_with_another_secret_is_refused(authenticator: Authenticator, sqlite: EventStore) -> None:
    key = new_key(sqlite)
    with pytest.raises(UnauthorizedError, match="unknown or revoked"):
        ask(authenticator, key[:-1] + "b")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc"])
def test_without_a_bearer_token_nobody_is_asked(authenticator: Authenticator, header: str | None) -> None:
    with pytest.raises(UnauthorizedError, match="there is no API key"):
        asyncio.run(authenticator.require(header, Action.READ))


def test_a_reviewer_may_read_and_nothing_else(authenticator: Authenticator, sqlite: EventStore) -> None:
    key = new_key(sqlite, Role.REVIEWER)
    ask(authenticator, key, Action.READ)
    for action in (Action.SCORE, Action.SEND_EVENTS):
        with pytest.raises(ForbiddenError, match=f"a key with the role reviewer may not {action}"):
            ask(authenticator, key, action)


def test_a_key_seen_good_stays_good_for_minutes_while_the_store_is_gone(
    authenticator: Authenticator, sqlite: EventStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(sqlite)
    ask(authenticator, key)
    lose(sqlite, monkeypatch)
    clock.seconds += TRUSTED_SECONDS - 1
    ask(authenticator, key)
    clock.seconds += 2
    with pytest.raises(UnavailableError, match="cannot be asked for API keys"):
        ask(authenticator, key)


def test_a_key_never_seen_is_not_believed_while_the_store_is_gone(
    authenticator: Authenticator, sqlite: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(sqlite)
    lose(sqlite, monkeypatch)
    with pytest.raises(UnavailableError, match="cannot be asked for API keys"):
        ask(authenticator, key)


def test_a_store_asked_in_vain_is_left_alone_for_a_moment(
    authenticator: Authenticator, sqlite: EventStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(sqlite)
    with monkeypatch.context() as outage:
        lose(sqlite, outage)
        with pytest.raises(UnavailableError, match="cannot be asked"):
            ask(authenticator, key)
    with pytest.raises(UnavailableError, match="cannot be asked"):
        ask(authenticator, key)
    clock.seconds += 1
    ask(authenticator, key)
