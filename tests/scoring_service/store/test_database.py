"""Which stores can be opened, and what is said of the others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from data.contract.errors import StoreError
from scoring_service.store import EventStore, database
from scoring_service.store.records import METADATA
from tests.scoring_service.postgres import Server


def test_a_new_store_has_the_tables_that_the_code_declares_and_opens_again(store_url: str) -> None:
    for _ in range(2):
        store = EventStore.open(store_url)
        with store.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        store.close()
    database.upgrade(store_url)


def test_a_store_of_another_version_is_refused_with_one_sentence(store: EventStore, store_url: str) -> None:
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"the store .* is of version 9999, expected 0001"):
        EventStore.open(store_url)
    with pytest.raises(StoreError, match="the store is of version 9999, which this code cannot bring to 0001"):
        database.upgrade(store_url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("no url", "the store is 'no url', expected a URL"),
        ("mysql://here/there", "the store is a mysql database, expected sqlite or postgresql"),
        ("sqlite://", "an SQLite database in memory, expected one in a file"),
        ("sqlite:////no/such/folder/store.db", "failed: unable to open database file"),
        ("postgresql://claimvet:secret@127.0.0.1:1/nothing", r"claimvet:\*\*\*@127.0.0.1:1/nothing failed: "),
    ],
)
def test_a_store_that_cannot_be_opened_says_why_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        EventStore.open(url)


def test_a_file_that_is_no_store_of_ours_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE orders (number INTEGER)")
    other.close()
    with pytest.raises(StoreError, match="has a table orders and no version, expected a new store"):
        EventStore.open(f"sqlite:///{tmp_path / 'other.db'}")


def test_a_transaction_that_fails_says_so_in_one_sentence_and_leaves_nothing(store: EventStore) -> None:
    with pytest.raises(StoreError, match=r"the store .* failed: "):
        insert_twice(store)
    with store.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM customers")).scalar() == 0


def insert_twice(store: EventStore) -> None:
    with store.begin() as connection:
        for _ in range(2):
            connection.exec_driver_sql("INSERT INTO customers (customer_id, created_at) VALUES ('c', 1)")


def test_a_store_comes_back_when_its_server_does(postgres_server: Server, postgres_url: str) -> None:
    store = EventStore.open(postgres_url)
    postgres_server.stop()
    with pytest.raises(StoreError, match="failed: "), store.begin():
        pass
    postgres_server.start()
    with store.begin() as connection:
        assert store.staleness(connection)["claims"] is None
    store.close()
