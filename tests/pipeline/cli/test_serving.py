"""The commands around the endpoint: keys, loading, replay, and what they say when it cannot be."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from claimvet.pipeline.cli import serving
from claimvet.pipeline.cli.main import main
from claimvet.scoring_service.auth.keys import good_key
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.times import micros


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return "sqlite:///claimvet.db"


def test_a_key_is_printed_once_works_and_is_revoked(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--role", "intake"]) == 0
    key = capsys.readouterr().out.strip()
    assert re.fullmatch(r"cv_[0-9a-f]{12}_[0-9a-f]{64}", key)
    key_id, secret = key.split("_")[1:]
    assert main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert key_id in listed
    assert "intake" in listed
    assert secret not in listed
    store = EventStore.open(url)
    with store.engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT * FROM api_keys")).one()
        assert secret not in str(kept)
        assert good_key(key, connection) is not None
    assert main(["keys", "revoke", key_id]) == 0
    with store.engine.connect() as connection:
        assert good_key(key, connection) is None
    store.close()
    assert main(["keys", "list"]) == 0
    assert "revoked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keys", "revoke", "none"], "there is no API key none"),
        (["keys", "create", "--role", "king"], "king"),
        (["replay", "none"], "there is no decision none"),
        (["serve", "--store", "mysql://x"], "expected sqlite or postgresql"),
        (["serve", "--port", "99999"], "65535"),
        (["events", "load", "--data", "none"], "none"),
    ],
)
@pytest.mark.usefixtures("url")
def test_what_cannot_be_is_one_sentence(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) in {1, 2}
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert error.count("\n") == 1


def test_the_store_can_be_named_by_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLAIMVET_STORE", "sqlite:///other.db")
    assert main(["keys", "create", "--role", "admin"]) == 0
    assert Path("other.db").is_file()
    assert not Path("claimvet.db").exists()


def told(store: EventStore, claim_id: str, customer: str, filed_at: int) -> None:
    """A claim with a story that names somebody."""
    row: dict[str, Any] = {"claim_id": claim_id, "order_id": None, "customer_id": customer, "seller_id": "S-1"}
    row |= {"product_id": "P-1", "incident_at": None, "filed_at": filed_at, "claim_type": "property_damage"}
    row |= {"amount_claimed": 1.0, "narrative": f"Mrs Quibblesworth of {claim_id}"}
    with store.begin() as connection:
        store.append([StoredEvent("claims", row)], connection)


@pytest.mark.slow
def test_texts_are_erased_from_the_very_file_and_those_of_others_stay(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = EventStore.open(url)
    now = micros(datetime.now(UTC))
    told(store, "CL-1", "C-1", now)
    told(store, "CL-2", "C-2", now)
    told(store, "CL-3", "C-3", now - 900 * 86_400_000_000)
    store.close()
    assert main(["erase", "--customer", "C-1"]) == 0
    assert capsys.readouterr().out == "erased the narratives of 1 claims and the texts of 0 decisions\n"
    assert main(["erase", "--customer", "C-1"]) == 0
    assert "of 0 claims" in capsys.readouterr().out
    assert main(["erase", "--older-than", "365"]) == 0
    assert "of 1 claims" in capsys.readouterr().out
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    found = [name for name in ("CL-1", "CL-2", "CL-3") if f"Quibblesworth of {name}".encode() in files]
    assert found == ["CL-2"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["erase"], 2, "takes either --customer ID or --older-than DAYS"),
        (["erase", "--customer", "C-1", "--older-than", "3"], 2, "takes either"),
        (["erase", "--customer", "C-1"], 1, "there is no store claimvet.db, expected an SQLite file"),
    ],
)
def test_to_erase_makes_no_store_and_needs_to_be_told_whose(
    url: str, tmp_path: Path, arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_outage_queue_of_the_former_name_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert serving._outage_queue_there(serving.DEFAULT_OUTAGE_QUEUE) == serving.DEFAULT_OUTAGE_QUEUE
    Path("claimvet-journal.db").touch()
    assert serving._outage_queue_there(serving.DEFAULT_OUTAGE_QUEUE) == Path("claimvet-journal.db")
    assert serving._outage_queue_there(Path("mine.db")) == Path("mine.db")
