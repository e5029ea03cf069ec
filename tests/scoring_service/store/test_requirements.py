"""What a store needs of its database is said when it is opened, in one sentence."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psycopg
import pytest

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.store import EventStore
from tests.scoring_service.postgres import Server


def made(server: Server, name: str, options: str) -> str:
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name} {options}".encode())
    return server.url_of(name)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252"])
def test_a_database_of_another_encoding_is_refused(postgres_server: Server, encoding: str) -> None:
    url = made(postgres_server, f"coded_{encoding.lower()}", f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    with pytest.raises(
        StoreError, match=rf"has server_encoding {encoding}, expected a database made with ENCODING 'UTF8'$"
    ):
        EventStore.open(url)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("default_transaction_read_only = on", "has default_transaction_read_only on, expected off$"),
        (
            "synchronous_commit = off",
            r"has synchronous_commit off, expected on: what is answered has to be on the disk$",
        ),
        ("standard_conforming_strings = off", "has standard_conforming_strings off, expected on$"),
        ("default_transaction_isolation = 'serializable'", "isolation serializable, expected read committed$"),
    ],
)
def test_a_database_that_is_set_up_otherwise_is_refused(
    postgres_server: Server, postgres_url: str, setting: str, reason: str
) -> None:
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET {setting}".encode())
    with pytest.raises(StoreError, match=reason):
        EventStore.open(postgres_url)


def test_a_user_without_rights_is_told_which_one_is_lacking(postgres_server: Server, postgres_url: str) -> None:
    plain = postgres_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN")
    as_reader = postgres_url.replace("claimvet@", "reader@")
    with pytest.raises(StoreError, match="its user may not make the tables, expected the right to CREATE"):
        EventStore.open(as_reader)
    EventStore.open(postgres_url).close()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO reader")
    with pytest.raises(
        StoreError,
        match=r"the user reader of the store .* lacks the right to [A-Z]+ on [a-z_]+, expected all rights",
    ):
        EventStore.open(as_reader)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text("claim_id,customer_id\n" * 200)
    with pytest.raises(StoreError, match=r"it is no SQLite database, expected one, or the name of a new file$"):
        EventStore.open(f"sqlite:///{path}")
    assert path.read_text() == "claim_id,customer_id\n" * 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    EventStore.open(f"sqlite:///{path}").close()
    path.chmod(stat.S_IRUSR)
    with pytest.raises(StoreError, match="it cannot be written to"):
        EventStore.open(f"sqlite:///{path}")


def test_a_url_says_when_statements_are_prepared(postgres_url: str) -> None:
    store = EventStore.open(f"{postgres_url}?prepare_threshold=none")
    with store.engine.connect() as connection:
        assert connection.connection.dbapi_connection.prepare_threshold is None  # type: ignore[union-attr]
    store.close()
    with pytest.raises(
        StoreError, match=r"prepare_threshold in the store's URL is often, expected a whole number or none$"
    ):
        EventStore.open(f"{postgres_url}?prepare_threshold=often")
