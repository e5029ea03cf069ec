"""Which stores can be opened, and what is said of the others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.store.db import database
from claimvet.scoring_service.store.db.records import METADATA
from tests.scoring_service.postgres import Server


def test_a_new_store_has_the_tables_that_the_code_declares_and_opens_again(store_url: str) -> None:
    for _ in range(2):
        store = EventStore.open(store_url)
        with store.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        store.close()
    database.upgrade(store_url)


def test_a_new_file_has_small_pages_and_every_commit_reaches_the_disk(tmp_path: Path) -> None:
    store = EventStore.open(f"sqlite:///{tmp_path / 'new.db'}")
    with store.begin() as connection:
        asked = ("page_size", "journal_mode", "synchronous")
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked}
    assert found == {"page_size": database.PAGE_BYTES, "journal_mode": "wal", "synchronous": 2}  # 2 is FULL


def test_a_file_with_pages_of_another_size_keeps_them_and_works(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("PRAGMA page_size = 4096")
        old.execute("VACUUM")
    old.close()
    store = EventStore.open(f"sqlite:///{tmp_path / 'old.db'}")
    with store.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA page_size").scalar() == 4096
        assert store.staleness(connection)["claims"] is None


def test_a_store_of_another_version_is_refused_with_one_sentence(store: EventStore, store_url: str) -> None:
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"the store .* is of version 9999, expected 0005; `claimvet events upgrade`"):
        EventStore.open(store_url)
    with pytest.raises(StoreError, match="the store is of version 9999, which this code cannot bring to 0005"):
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


def test_a_checkpoint_moves_what_was_committed_into_the_file_itself(tmp_path: Path) -> None:
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    with store.begin() as connection:
        store.append([StoredEvent("sellers", {"seller_id": "S-1", "created_at": 1})], connection)
    store.checkpoint()
    (tmp_path / "apart.db").write_bytes((tmp_path / "store.db").read_bytes())  # without its log
    with sqlite3.connect(tmp_path / "apart.db") as apart:
        assert apart.execute("SELECT seller_id FROM sellers").fetchall() == [("S-1",)]
    apart.close()
    store.close()


def test_a_checkpoint_waits_for_no_writer(tmp_path: Path) -> None:
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    with store.begin() as connection:
        store.append([StoredEvent("sellers", {"seller_id": "S-1", "created_at": 1})], connection)
        store.checkpoint()
    with store.engine.connect() as connection:
        assert store.staleness(connection)["sellers"] == 1
    store.close()


def test_the_log_begins_anew_where_claims_come_without_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAL_BYTES", 100 * database.PAGE_BYTES)
    store = EventStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    for number in range(300):
        with store.begin() as connection:
            store.append([StoredEvent("sellers", {"seller_id": f"S-{number}", "created_at": number})], connection)
    assert (tmp_path / "store.db-wal").stat().st_size < 200 * (database.PAGE_BYTES + 100)
    store.close()


def test_that_a_table_has_rows_is_believed_only_when_they_are_committed(store: EventStore) -> None:
    claim = {"claim_id": "CL-1", "order_id": None, "customer_id": "C-1", "seller_id": "S-1", "product_id": "P-1"}
    claim |= {"incident_at": None, "filed_at": 10, "claim_type": "property_damage", "amount_claimed": None}
    event = StoredEvent("claims", {**claim, "narrative": None})
    order = {"order_id": "O-1", "customer_id": "C-1", "seller_id": "S-1", "product_id": "P-1", "amount": 1.0}
    orders = StoredEvent("orders", {**order, "ordered_at": 1})
    connection = store.engine.connect()
    connection.begin()
    store.append([event, orders], connection)
    assert store.claim_features(event.row, None, connection)["customer_orders_count_365d"] == 1
    connection.rollback()
    connection.close()
    with store.begin() as connection:
        store.append([event], connection)
        assert store.claim_features(event.row, None, connection)["customer_orders_count_365d"] is None


@pytest.mark.slow
def test_a_store_of_an_older_version_is_brought_to_this_one_with_all_that_is_in_it(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(database, "VERSION", "0001")
        engine = database.open_engine(store_url)
        database.ensure_version(engine)
        with database.writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO sellers (seller_id, created_at) VALUES ('S-1', 1)")
        engine.dispose()
    with pytest.raises(StoreError, match="is of version 0001, expected 0005; `claimvet events upgrade` brings"):
        EventStore.open(store_url)
    database.upgrade(store_url)
    store = EventStore.open(store_url)
    with store.engine.connect() as connection:
        assert store.staleness(connection)["sellers"] == 1
    store.close()
