"""The commands around the endpoint: keys, loading, replay, and what they say when it cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from claimvet.pipeline.cli.main import main
from claimvet.scoring_service.auth.keys import good_key
from claimvet.scoring_service.store import EventStore


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
