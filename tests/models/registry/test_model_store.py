"""A model is found and fetched without MLflow in this process, and the answer is MLflow's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from claimvet.data.contract.errors import ModelError
from claimvet.models.registry.addresses import tracking_uri
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.model_store import (
    CHALLENGER,
    CHAMPION,
    NAME,
    exact_uri,
    fetch,
)
from claimvet.models.registry.registry import CARD_FILE, register
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.scoring_service.model_loading.fetching import Fetching
from tests.models.registry.champions import make_champion
from tests.models.registry.stores import new_store
from tests.scoring_service.endpoint.small_model import saved, small_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with two versions: the first is champion, the second challenger."""
    root = tmp_path_factory.mktemp("registry")
    (root / "evaluation").mkdir()
    (root / "evaluation" / CARD_FILE).write_text("For tests.\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", new_store(tmp_path_factory, root / "mlflow.db"))
        patch.chdir(root)
        for seed in (1, 2):
            number = register(small_model(seed), root / "evaluation", {}, {}, {})
            if seed == 1:
                make_champion(number)
    return root


@pytest.fixture(autouse=True)
def _in_registry(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registry / 'mlflow.db'}")
    monkeypatch.chdir(registry)


@pytest.mark.parametrize("alias", [CHAMPION, CHALLENGER])
def test_an_alias_names_the_version_that_mlflow_says(alias: str) -> None:
    with mlflow_client("say it itself") as client:
        number = client.get_model_version_by_alias(NAME, alias).version
    assert exact_uri(f"models:/{NAME}@{alias}") == f"models:/{NAME}/{number}"


@pytest.mark.parametrize("uri", ["models:/claimvet/1", "/some/directory", "runs:/abc/claimvet"])
def test_an_address_without_an_alias_is_exact_already(uri: str) -> None:
    assert exact_uri(uri) == uri


def test_an_alias_that_nobody_bears_is_no_model() -> None:
    with pytest.raises(
        ModelError, match=r"there is no model models:/claimvet@nobody .* no version of claimvet is nobody"
    ):
        exact_uri("models:/claimvet@nobody")


def test_a_store_that_is_not_there_has_no_model_and_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(ModelError, match=r"there is no model models:/claimvet@champion in sqlite:///.*none\.db"):
        exact_uri(f"models:/{NAME}@{CHAMPION}")
    assert not (tmp_path / "none.db").exists()


def test_without_a_variable_the_store_is_the_working_directorys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking_uri() == "sqlite:///mlflow.db"
    assert exact_uri(f"models:/{NAME}@{CHAMPION}") == f"models:/{NAME}/1"


def test_a_version_is_fetched_with_the_hash_that_it_must_have(tmp_path: Path) -> None:
    fetched = fetch(f"models:/{NAME}@{CHAMPION}", tmp_path)
    assert fetched.uri == f"models:/{NAME}/1"
    assert ClaimModel.load(fetched.directory).version == fetched.expected == small_model(1).version


def test_a_process_of_its_own_fetches_the_same_and_leaves_nothing_behind() -> None:
    fetching = Fetching(f"models:/{NAME}@{CHALLENGER}")
    fetched = fetching.result()
    assert (fetched.uri, fetched.expected) == (f"models:/{NAME}/2", small_model(2).version)
    assert ClaimModel.load(fetched.directory).version == fetched.expected
    fetching.close()
    assert not fetched.directory.exists()
    fetching.close()


def test_a_process_of_its_own_says_what_is_wrong() -> None:
    fetching = Fetching("models:/claimvet@nobody")
    with pytest.raises(ModelError, match="there is no model models:/claimvet@nobody"):
        fetching.result()
    fetching.close()


def test_a_fetching_that_nobody_waits_for_ends() -> None:
    fetching = Fetching(f"models:/{NAME}@{CHAMPION}")
    fetching.close()
    with pytest.raises(ModelError, match="could not be fetched"):
        fetching.result()


def test_a_directory_is_where_it_is(tmp_path: Path) -> None:
    saved(small_model(), tmp_path / "model")
    fetching = Fetching(str(tmp_path / "model"))
    assert fetching.result().directory == tmp_path / "model"
    fetching.close()
    assert (tmp_path / "model").is_dir()


HEAVY = ("mlflow", "sklearn", "scipy.stats", "matplotlib", "great_expectations", "ibis.backends.duckdb", "pyspark")


def test_the_server_imports_nothing_heavy_that_it_does_not_need() -> None:
    code = (
        "from claimvet.scoring_service.http.light_start import import_lightgbm_alone; import_lightgbm_alone()\n"
        "import json, sys, claimvet.scoring_service.http.server, claimvet.models.registry.model_store\n"
        f"model = claimvet.models.registry.model_store.exact_uri('models:/{NAME}@{CHAMPION}')\n"
        f"print(json.dumps([model, [name for name in {HEAVY} if name in sys.modules]]))\n"
        "import sklearn"  # whoever needs it afterwards gets it
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[0]) == [f"models:/{NAME}/1", []]
