"""A key opens as long as it is whole and not revoked, and the store does not know it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import UsageError
from claimvet.scoring_service.auth.keys import create_key, good_key, list_keys, revoke_key
from claimvet.scoring_service.auth.roles import ALLOWED, Action, Role
from claimvet.scoring_service.store import EventStore
from tests.examples import examples

HEX = "0123456789abcdef"
KEY_ID, SECRET = "0123456789ab", "f0" * 32


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[EventStore, str]:
    store = EventStore.open(f"sqlite:///{tmp_path_factory.mktemp('keys') / 'store.db'}")
    with store.begin() as connection:
        return store, create_key(Role.INTAKE, KEY_ID, SECRET, 5, connection)


@settings(max_examples=examples(60), deadline=None)
@given(place=st.integers(0, 79), instead=st.text(max_size=2) | st.sampled_from(HEX))
def test_a_key_with_another_character_anywhere_opens_nothing(
    made: tuple[EventStore, str], place: int, instead: str
) -> None:
    store, key = made
    other = key[:place] + instead + key[place + 1 :]
    with store.engine.connect() as connection:
        assert good_key(key, connection) is not None
        assert (good_key(other, connection) is not None) == (other == key)


@settings(max_examples=examples(40), deadline=None)
@given(st.text())
def test_what_has_not_the_form_of_a_key_opens_nothing(made: tuple[EventStore, str], text: str) -> None:
    store, key = made
    with store.engine.connect() as connection:
        for other in (text, key + text if text else "", text + key if text else "", key.upper(), f" {key}", f"{key}\n"):
            assert good_key(other, connection) is None


def test_the_store_keeps_the_sha256_of_the_secret_and_not_the_secret(store: EventStore) -> None:
    with store.begin() as connection:
        key = create_key(Role.ADMIN, KEY_ID, SECRET, 5, connection)
        kept = connection.exec_driver_sql("SELECT * FROM api_keys").fetchall()
    assert key == f"cv_{KEY_ID}_{SECRET}"
    assert hashlib.sha256(SECRET.encode()).hexdigest() in str(kept)
    assert SECRET not in str(kept)


def test_a_key_that_is_revoked_opens_nothing_and_stays_listed_with_the_first_time(store: EventStore) -> None:
    with store.begin() as connection:
        keys = [create_key(role, f"{place:012x}", SECRET, place, connection) for place, role in enumerate(Role)]
        for now in (7, 8):
            revoke_key(f"{1:012x}", now, connection)
        assert [good_key(key, connection) is None for key in keys] == [False, True, False]
        assert [(key.role, key.created_at, key.revoked_at) for key in list_keys(connection)] == [
            (role, place, 7 if place == 1 else None) for place, role in enumerate(Role)
        ]


def test_what_is_no_key_cannot_be_revoked(store: EventStore) -> None:
    with store.begin() as connection, pytest.raises(UsageError, match="there is no API key none; `claimvet keys list`"):
        revoke_key("none", 1, connection)


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (Role.INTAKE, {Action.SCORE, Action.SEND_EVENTS, Action.READ}),
        (Role.REVIEWER, {Action.READ}),
        (Role.ADMIN, set(Action)),
    ],
)
def test_each_role_may_what_the_contract_says(store: EventStore, role: Role, actions: set[Action]) -> None:
    with store.begin() as connection:
        key = good_key(create_key(role, KEY_ID, SECRET, 5, connection), connection)
    assert key is not None
    assert {action for action in Action if key.may(action)} == actions == set(ALLOWED[role])
