"""Every command that writes, on a disk that is full and on one that is read-only: one sentence, status 1, nothing half-written."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from claimvet.models.registry.registry import register
from claimvet.pipeline.cli.main import main
from claimvet.pipeline.stages.train import write_evaluation
from tests.made_once import made_once
from tests.models.registry.champions import make_champion
from tests.models.registry.stores import new_store
from tests.models.small_world import small_world, trained
from tests.pipeline.cli.test_every_command_fails_well import RECIPES
from tests.pipeline.stages.small_scoring import claims_file, few_inputs_model

pytestmark = pytest.mark.slow

QUICK = "train: {num_boost_round: 5, learning_rate: 0.3, num_leaves: 4, max_depth: 2, averaged: 1}\nsplit: {min_findings: 5}\n"
IN_FILES: dict[str, str] = {
    "backtest": "backtest --data {world}/data --out {disk}/out --params {world}/quick.yaml",
    "data generate": "data generate --out {disk}/out --claims 300",
    "data validate": "data validate {world}/scored --docs {disk}/out",
    "demo": "demo --out {disk}/out --claims 300",
    "evaluate": "evaluate --evaluated {world}/evaluation/evaluated.parquet --out {disk}/out",
    "features build": "features build --data {world}/scored --out {disk}/out.csv",
    "monitor": "monitor --data {world}/data --out {disk}/out --model {world}/model",
    "score": "score --data {world}/scored --claims {world}/scored/new.parquet --out {disk}/out.csv --model {world}/model",
    "train": "train --data {world}/data --features {world}/features.parquet --out {disk}/out --params {world}/quick.yaml",
    "tune": "tune --data {world}/data --features {world}/features.parquet --out {disk}/out.yaml --params {world}/quick.yaml --trials 1",
}
"""Commands that write files, where they write them."""
IN_REGISTRY: dict[str, str] = {
    "promote": "promote",
    "rollback": "rollback",
    "train": "train --data {world}/data --features {world}/features.parquet --params {world}/quick.yaml",
}
"""Commands that write to MLflow, whose store lies on the disk."""
IN_STORE: dict[str, str] = {
    "erase": "erase --customer c1 --store sqlite:///{disk}/store.db",
    "events load": "events load --data {world}/scored --store sqlite:///{disk}/store.db",
    "events upgrade": "events upgrade --store sqlite:///{disk}/store.db",
    "keys create": "keys create --role admin --store sqlite:///{disk}/store.db",
    "keys revoke": "keys revoke abc --store sqlite:///{disk}/store.db",
    "serve": "serve --store sqlite:///{disk}/store.db --port 0 --model {world}/model",
}
"""Commands that write to the event store, which lies on the disk."""
WRITES_NOTHING = {"features list", "keys list", "replay"}
SAID = {
    "full": r"no space left on device|disk is full|disk I/O error",
    "read-only": r"read-only|readonly|unable to open database file",
}


def test_every_command_that_writes_is_tried() -> None:
    assert {*IN_FILES, *IN_REGISTRY, *IN_STORE, *WRITES_NOTHING} == set(RECIPES)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets, their features, models, and a registry of two versions: what the commands read."""
    return made_once(tmp_path_factory, "full-disks", lambda folder: make_world(folder, tmp_path_factory))


def make_world(folder: Path, factory: pytest.TempPathFactory) -> None:
    (folder / "quick.yaml").write_text(QUICK)
    assert main(["data", "generate", "--out", str(folder / "data"), "--claims", "250"]) == 0
    assert main(["features", "build", "--data", str(folder / "data"), "--out", str(folder / "features.parquet")]) == 0
    new = claims_file(folder / "scored")
    shutil.copy(new, new.with_name("claims.parquet"))
    few_inputs_model().save(folder / "model")
    training = trained(small_world())
    figures = write_evaluation(training, folder / "evaluation", seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", new_store(factory, folder / "mlflow.db"))
        for _ in range(2):
            make_champion(register(training.model, folder / "evaluation", {}, figures, {}))
    assert main(["keys", "create", "--role", "admin", "--store", f"sqlite:///{folder / 'store.db'}"]) == 0


@pytest.fixture(params=["full", "read-only"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, world: Path) -> Iterator[Path]:
    """A small disk that holds a registry and an event store, and takes nothing more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        for name in ("mlflow.db", "store.db"):
            shutil.copy(world / name, folder)
        if request.param == "full":
            fill(folder)
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


@pytest.fixture
def built(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features that are on this machine already take the place of the same ones built again, which takes seconds."""

    def copied(_: object, out: Path, **__: object) -> None:
        shutil.copy(world / "features.parquet", out)

    for stage in ("backtest", "monitor"):
        monkeypatch.setattr(f"claimvet.pipeline.stages.{stage}.build_features", copied)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        *((name, command) for name, command in IN_FILES.items()),
        *((f"{name} into the registry", command) for name, command in IN_REGISTRY.items()),
        *((name, command) for name, command in IN_STORE.items()),
    ],
)
def test_a_disk_that_takes_nothing(
    name: str,
    command: str,
    disk: Path,
    world: Path,
    built: None,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    on_disk = name.endswith("into the registry")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{(disk if on_disk else world) / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    before, bytes_before = sorted(disk.rglob("*")), contents(disk)
    capfd.readouterr()
    status, err = main(command.format(disk=disk, world=world).split()), capfd.readouterr().err
    kind = request.node.callspec.params["disk"]
    assert status == 1, err
    told = err.splitlines()[-1]
    assert told.startswith("claimvet: "), err
    assert re.search(SAID[kind], told), err
    assert "unexpected" not in err
    assert ".claimvet-" not in err
    assert [
        path for path in sorted(disk.rglob("*")) if not path.name.endswith(("-wal", "-shm", "-journal", ".trials.db"))
    ] == before
    assert contents(disk) == bytes_before


def contents(disk: Path) -> dict[str, bytes]:
    return {name: (disk / name).read_bytes() for name in ("mlflow.db", "store.db")}
