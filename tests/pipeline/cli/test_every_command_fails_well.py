"""Whatever the disk, the files or the registry are like: every command says so in one sentence of ours, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import typer

from claimvet.pipeline.cli.main import app, main
from tests.pipeline.validate.good_data import make_tables, write_parquet

pytestmark = pytest.mark.slow

CLAIMVET = str(Path(sys.executable).with_name("claimvet"))
RECIPES: dict[str, str] = {
    "backtest": "--data {data} --out {out}",
    "data generate": "--out {out} --claims 400",
    "data validate": "{data} --docs {out}",
    "demo": "--out {out} --claims 400",
    "erase": "--customer c1 --store {store}",
    "evaluate": "--evaluated {file} --out {out}",
    "events load": "--data {data} --store {store}",
    "events upgrade": "--store {store}",
    "features build": "--data {data} --out {out}.csv",
    "features list": "",
    "keys create": "--role admin --store {store}",
    "keys list": "--store {store}",
    "keys revoke": "abc --store {store}",
    "monitor": "--data {data} --out {out}",
    "promote": "",
    "replay": "abc --store {store}",
    "rollback": "",
    "score": "--data {data} --claims {file} --out {out}.csv",
    "serve": "--store {store} --port 0",
    "train": "--data {data} --out {out}",
    "tune": "--data {data} --out {out}.yaml",
}
"""How each command is called; one that is new has to be added."""
SERVES = frozenset({"serve"})
"""Runs until it is stopped, so only a store that cannot be makes it fail."""
WITHOUT_STORE = sorted(set(RECIPES) - SERVES)


def commands(group: object, path: str = "") -> Iterator[str]:
    children = getattr(group, "commands", {})
    for name, child in children.items():
        yield from commands(child, f"{path} {name}")
    if not children:
        yield path.strip()


def test_every_command_has_a_recipe() -> None:
    assert sorted(commands(typer.main.get_command(app))) == sorted(RECIPES)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a registry of its own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return work


def outcome(command: str, capfd: pytest.CaptureFixture[str], **places: object) -> tuple[int, str]:
    given = {"data": "data", "file": "data/claims.parquet", "out": "out", "store": "sqlite:///store.db", **places}
    status = main([*command.split(), *RECIPES[command].format_map(given).split()])
    return status, capfd.readouterr().err


def assert_told(status: int, err: str) -> None:
    assert status in (1, 2), err
    assert "unexpected" not in err
    assert "Traceback" not in err
    assert "claimvet: " in err or "the data break the contract" in err


@pytest.mark.parametrize("command", [name for name in WITHOUT_STORE if "{data}" in RECIPES[name]])
@pytest.mark.parametrize("damage", ["missing", "a file", "garbage", "cut off"])
def test_data_that_cannot_be_read(command: str, damage: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = place / "data"
    if damage == "a file":
        data.write_text("x")
    elif damage != "missing":
        write_parquet(make_tables(), data)
        whole = (data / "claims.parquet").read_bytes()
        (data / "claims.parquet").write_bytes(b"PAR1 garbage" if damage == "garbage" else whole[: len(whole) // 2])
    before = sorted(place.rglob("*"))
    assert_told(*outcome(command, capfd))
    assert [path for path in before if not path.exists()] == []
    assert [path for path in data.rglob("*") if path not in before] == []


@pytest.mark.parametrize("command", [name for name in WITHOUT_STORE if "{out}" in RECIPES[name]])
def test_an_output_that_is_something_else(command: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_parquet(make_tables(), place / "data")
    for name in ("out.csv", "out.yaml"):
        (place / name).mkdir()
    (place / "out").write_text("mine")
    assert_told(*outcome(command, capfd))
    assert (place / "out").read_text() == "mine"
    assert sorted(path.name for path in place.iterdir()) == ["data", "out", "out.csv", "out.yaml"]


@pytest.mark.parametrize("command", sorted(SERVES | {name for name in RECIPES if "{store}" in RECIPES[name]}))
def test_a_store_that_is_a_directory(command: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_parquet(make_tables(), place / "data")
    (place / "store.db").mkdir()
    assert_told(*outcome(command, capfd))


@pytest.mark.parametrize("redirected", ["| head -1", "> /dev/full"])
def test_a_stdout_that_takes_nothing(redirected: str) -> None:
    script = f"({CLAIMVET} features list --format json; echo $? >&2) {redirected}"
    err = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False).stderr
    assert err.splitlines()[-1] == "1" or redirected.startswith("|"), err
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_no_home_and_a_locale_of_ascii_change_nothing(tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([CLAIMVET, "features", "list"], env=bare, capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_stopped_by_a_signal_it_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    command = [CLAIMVET, "data", "generate", "--out", str(tmp_path / "deep" / "out"), "--claims", "200000"]
    heeded = partial(signal.signal, number, signal.SIG_DFL)  # also where the tests themselves run with it ignored
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=heeded) as running:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("deep/out/.claimvet-*")) and time.monotonic() < until:
            time.sleep(0.02)
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, b"Traceback" in err) == (128 + number, False), err
    assert list(tmp_path.iterdir()) == []


def test_a_table_instead_of_features_is_told(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_parquet(make_tables(), place / "data")
    assert main(["train", "--data", "data", "--features", "data/claims.parquet"]) == 1
    assert (
        "claims.parquet has no column claim_amount, expected one from `claimvet features build`"
        in capfd.readouterr().err
    )


@pytest.mark.parametrize("option", ["--data", "--out"])
def test_a_name_that_is_no_utf_8_is_told(option: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = {"--data": "data", "--out": "out.csv", option: "d\udcff"}
    assert main(["features", "build", *(word for pair in asked.items() for word in pair)]) == 2
    assert "the argument d\ufffd is no UTF-8, expected names of files and values in it" in capfd.readouterr().err
