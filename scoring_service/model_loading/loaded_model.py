"""Which model scores? One that was verified before it took over; it follows its alias without dropping a request.

A model is verified by its hash (the registry says which bytes it must be), by its features (the catalogue must have every input)
and by a smoke row, scored both ways (`models.scoring.scoring`). One that fails changes nothing: the one before stays, and it is said so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from claimvet.data.contract.errors import ClaimvetError, ModelError
from claimvet.data.contract.reading.feature_types import FeatureTypes
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.explain.reference_ranges import Value
from claimvet.models.policy.policy import DISPOSITIONS
from claimvet.models.registry.model_store import CHAMPION, NAME, Fetched, exact_uri, fetch
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.own_values import learned_types
from claimvet.models.scoring.scoring import RowScorer
from claimvet.scoring_service.json_text import canonical
from claimvet.scoring_service.model_loading.fetching import Fetching

CHAMPION_URI = f"models:/{NAME}@{CHAMPION}"

LOOKS_BEFORE_AGAIN = 12
"""How often a version that was not taken is passed over before it is tried again: a minute, at a look every 5 seconds."""


@dataclass(frozen=True)
class LoadedModel:
    """A verified model, ready to score; `uri` names exactly it (a version's number, or a directory)."""

    uri: str
    model: ClaimModel
    scorer: RowScorer

    @property
    def version(self) -> str:
        """Name of exactly this model's bytes."""
        return self.model.version

    @cached_property
    def own_types(self) -> FeatureTypes:
        """The types of a claim's own columns, as the model learned them."""
        return learned_types(self.model.schema)

    @cached_property
    def policy(self) -> str:
        """The policy as canonical JSON, as the ledger keeps it."""
        return canonical(self.model.policy.to_dict())


def public_uri(uri: str) -> str:
    """Return a model's address as anyone may read it: of a directory its name only.

    >>> public_uri("models:/claimvet/3"), public_uri("/srv/models/of-june")
    ('models:/claimvet/3', 'of-june')
    """
    return uri if uri.startswith("models:/") else Path(uri).name


@dataclass
class ModelReloader:
    """The place of the model that scores, or of the one that scores in its shadow; `uri` may be an alias, which is followed.

    `loaded` is replaced as a whole, so a request has one model from its beginning to its end. `problem` says why none, or no newer
    one, could be taken. `begun` is the first look, where somebody has begun it already. `has_looked` is false until a model has come or
    it was said that there is none that works: until then another instance may have one, and a claim is better sent there.
    """

    uri: str
    begun: Fetching | None = None
    loaded: LoadedModel | None = None
    problem: str | None = "it is being loaded"
    has_looked: bool = False
    _under_way: Fetching | None = None
    _failure: Exception | None = None
    _refused: str | None = None
    _looks_left: int = 0

    def refresh(self) -> bool:
        """Take what the address names now, if that is another model; whether one was taken. Never raises: `problem` says it."""
        try:
            taken = self._taken()
        except (ClaimvetError, OSError) as error:
            self._failed(error)
        except Exception as error:  # whatever a damaged file or a library does, the next look is taken
            self._failed(ModelError(f"the model {self.uri} cannot be taken over ({_shown(error)})"))
        else:
            self.problem, self.has_looked, self._failure = None, True, None
            return taken
        return False

    def _failed(self, error: Exception) -> None:
        """Say why; only a `ModelError` says that there is no model, or none that works, and not that nobody could be asked."""
        self.problem, self._failure = str(error), error
        self.has_looked = self.has_looked or isinstance(error, ModelError)

    def close(self) -> None:
        """End a look that is under way; for the end of the process."""
        for fetching in (self.begun, self._under_way):
            if fetching is not None:
                fetching.close()

    def _taken(self) -> bool:
        begun, self.begun = self.begun, None
        if begun is None:
            exact = exact_uri(self.uri)
            if self.loaded is not None and self.loaded.uri == exact:
                return False
            self._require_patience(exact)
            begun, self._refused = Fetching(exact), exact
        self._under_way = begun
        try:
            self.loaded = load_verified(begun.result())
        finally:
            self._under_way = None
            begun.close()
        self._refused = None
        return True

    def _require_patience(self, exact: str) -> None:
        """Raise what was wrong with this version the last time, for some looks: to fetch it takes seconds of a core."""
        if self._refused == exact and self._looks_left > 0 and self._failure is not None:
            self._looks_left -= 1
            raise self._failure
        self._looks_left = LOOKS_BEFORE_AGAIN


def verified(uri: str) -> LoadedModel:
    """Do as `loaded`, of the model at an address, fetched by this process."""
    with TemporaryDirectory() as folder:
        return load_verified(fetch(uri, Path(folder)))


def load_verified(fetched: Fetched) -> LoadedModel:
    """Return the model, after its hash, its features and a smoke row; raises `ModelError` where one fails."""
    uri, model = fetched.uri, _loaded(fetched)
    if fetched.expected is not None and model.version != fetched.expected:
        raise ModelError(
            f"the model {uri} has the hash {model.version}, expected {fetched.expected} as the registry says"
        )
    _require_known_features(uri, model)
    scorer = RowScorer(model)
    _smoke(uri, scorer)
    return LoadedModel(uri, model, scorer)


def _loaded(fetched: Fetched) -> ClaimModel:
    try:
        return ClaimModel.load(fetched.directory)
    except ModelError as error:
        raise ModelError(f"the model {fetched.uri} cannot be loaded: {error}") from error
    except Exception as error:  # what a library says of bytes that are no model of its own can be anything
        raise ModelError(
            f"the model {fetched.uri} cannot be loaded: a file of it is damaged ({_shown(error)})"
        ) from error


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _require_known_features(uri: str, model: ClaimModel) -> None:
    unknown = [
        name for name in model.schema.names if name not in BY_NAME and not name.startswith(FEATURE_COLUMN_PREFIX)
    ]
    if unknown:
        raise ModelError(f"the model {uri} reads {', '.join(unknown[:10])}, expected features of the catalogue only")


def _smoke(uri: str, scorer: RowScorer) -> None:
    """Scores what is usual, as rows and as a frame: the answers must be the same, shares that sum to 1, and a disposition."""
    row = smoke_row(scorer.model)
    score = scorer.score([row], ["smoke"])[0]
    batch = scorer.model.probabilities(pd.DataFrame([row]))
    total = sum(score.probabilities)
    same = np.array_equal(batch.to_numpy()[0], np.array(score.probabilities))
    if not (same and math.isfinite(total) and abs(total - 1.0) <= 1e-6 and score.disposition in DISPOSITIONS):
        raise ModelError(f"the model {uri} answers {score.probabilities} to a usual claim, expected shares of sum 1")


def smoke_row(model: ClaimModel) -> dict[str, Value]:
    """Return a claim that is usual in everything: the middle of each number, the commonest level of each category."""
    row: dict[str, Value] = {}
    for column in model.schema.inputs:
        usual = model.reference_ranges.get(column.name)
        if column.kind == "category":
            row[column.name] = column.levels[0] if column.levels else None
        else:
            row[column.name] = float(usual[1]) if isinstance(usual, list) else None
    return row
