"""A trained model: inputs, two boosters, two calibrations, the policy, and the record of how it was made; all of it text.

`ClaimModel.save` writes a directory of LightGBM's text format and JSON; equal data, parameters and seed give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from data.contract.errors import ModelError
from models.calibration import Calibration, FloatArray
from models.policy import Policy
from models.schema import InputSchema

PROBABILITIES = ("p_valid", "p_frivolous", "p_abusive")
FORMAT = 1
"""Version of the directory's layout; a model of another one is refused."""

_MERIT, _DECEPTION, _DOCUMENT = "merit.txt", "deception.txt", "model.json"


@dataclass(frozen=True)
class ClaimModel:
    """P(valid), P(frivolous) and P(abusive) for rows of features.

    `merit` answers P(valid), `deception` P(abusive | not valid). `usual` holds what is usual for each input, as
    `models.reasons.usual_values` gives it; `record` says what it was trained on. Both are JSON values only.
    """

    schema: InputSchema
    merit: lgb.Booster
    deception: lgb.Booster
    merit_calibration: Calibration
    deception_calibration: Calibration
    policy: Policy
    usual: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, str]:
        """Column of the matrix to the input that it comes from, in order."""
        return {name: name for name in self.schema.names}

    def matrix(self, features: pd.DataFrame) -> pd.DataFrame:
        """The boosters' input: float64, one column an input in order, index of `features`; raises `ModelError` where they do not fit."""
        return self.schema.conform(features)

    def probabilities(self, features: pd.DataFrame) -> pd.DataFrame:
        """`p_valid`, `p_frivolous`, `p_abusive`, float64, index of `features`, each within (0, 1), each row summing to 1."""
        return self.probabilities_of(self.matrix(features))

    def probabilities_of(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """As `probabilities`, for a matrix that `matrix` has made."""
        merit = self.merit_calibration.apply(raw_scores(self.merit, matrix))
        deception = self.deception_calibration.apply(raw_scores(self.deception, matrix))
        return class_probabilities(merit, deception, matrix.index)

    @cached_property
    def version(self) -> str:
        """Name of exactly this model: the first 16 hexadecimal digits of the SHA-256 of its files."""
        digest = hashlib.sha256()
        for name, text in sorted(self._files().items()):
            digest.update(f"{name}\n{text}".encode())
        return digest.hexdigest()[:16]

    def save(self, directory: Path) -> None:
        """Writes the model's files into `directory`, which is made where it is missing; each file is replaced as a whole."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in self._files().items():
            aside = directory / f".{name}.part"
            aside.write_text(text, encoding="utf-8")
            aside.replace(directory / name)

    @classmethod
    def load(cls, directory: Path) -> ClaimModel:
        """Reads what `save` wrote; raises `ModelError` where a file is missing, damaged or of another format."""
        try:
            document = json.loads((directory / _DOCUMENT).read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise ModelError(f"the model in {directory} has format {document['format']}, expected {FORMAT}")
            return cls(
                schema=InputSchema.from_dict(document["inputs"]),
                merit=_booster(directory / _MERIT),
                deception=_booster(directory / _DECEPTION),
                merit_calibration=Calibration.from_dict(document["calibration"]["merit"]),
                deception_calibration=Calibration.from_dict(document["calibration"]["deception"]),
                policy=Policy.from_dict(document["policy"]),
                usual=document["usual"],
                record=document["record"],
            )
        except (OSError, ValueError, KeyError, TypeError, lgb.basic.LightGBMError) as error:
            raise ModelError(f"the directory {directory} holds no whole Claimvet model: {error}") from error

    def _files(self) -> dict[str, str]:
        document = {
            "format": FORMAT,
            "inputs": self.schema.to_dict(),
            "calibration": {"merit": self.merit_calibration.to_dict(), "deception": self.deception_calibration.to_dict()},
            "policy": self.policy.to_dict(),
            "usual": self.usual,
            "record": self.record,
        }
        return {
            _MERIT: self.merit.model_to_string(num_iteration=-1),
            _DECEPTION: self.deception.model_to_string(num_iteration=-1),
            _DOCUMENT: json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n",
        }


def _booster(path: Path) -> lgb.Booster:
    return lgb.Booster(model_str=path.read_text(encoding="utf-8"))


def raw_scores(booster: lgb.Booster, matrix: pd.DataFrame) -> FloatArray:
    """The booster's log odds, float64, one a row."""
    if matrix.empty:
        return np.empty(0, dtype=np.float64)
    return np.asarray(booster.predict(matrix.to_numpy(), raw_score=True), dtype=np.float64)


def class_probabilities(merit: FloatArray, deception: FloatArray, index: pd.Index) -> pd.DataFrame:
    """The three classes from P(valid) and P(abusive | not valid); columns as `PROBABILITIES`, float64."""
    wanting = 1.0 - merit
    columns = dict(zip(PROBABILITIES, (merit, wanting * (1.0 - deception), wanting * deception), strict=True))
    return pd.DataFrame(columns, index=index)
