"""A trained model: inputs, two boosters, two calibrations, the policy, and the record of how it was made; all of it text.

`ClaimModel.save` writes a directory of LightGBM's text format and JSON; equal data, parameters and seed give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.calibration import Calibration
from claimvet.models.scoring.schema import InputSchema

FORMAT = 2
"""Version of the directory's layout. Format 1 had other words for the same things and is read as well; any other is refused."""

_FILES = _FRIVOLOUS, _ABUSIVE, _DOCUMENT = "frivolous.txt", "abusive.txt", "model.json"
_END_OF_TREES = "\nend of trees\n"


@dataclass(frozen=True)
class ClaimModel:
    """P(valid), P(frivolous) and P(abusive) for rows of features.

    `frivolous` answers log odds of frivolous against valid, `abusive` those of abusive against valid; either is a constant where
    training saw too little to learn it. `reference_ranges` holds what `models.explain.reference_ranges` gives for each input;
    `record` says what the model was trained on. Both are JSON values only.
    """

    schema: InputSchema
    frivolous: lgb.Booster
    abusive: lgb.Booster
    frivolous_calibration: Calibration
    abusive_calibration: Calibration
    policy: Policy
    reference_ranges: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[str, str]:
        """Column of the matrix to the input that it comes from, in order."""
        return {name: name for name in self.schema.names}

    def matrix(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return the boosters' input: float64, one column an input in order, index of `features`; raises `ModelError` where they do not
        fit.
        """
        return self.schema.conform(features)

    def probabilities(self, features: pd.DataFrame) -> pd.DataFrame:
        """`p_valid`, `p_frivolous`, `p_abusive`: float64, index of `features`, each within (0, 1), each row summing to 1."""
        return self.probabilities_of(self.matrix(features))

    def probabilities_of(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Do as `probabilities`, for a matrix that `matrix` has made."""
        return self.calibrated(self.raw(matrix), matrix.index)

    def raw(self, matrix: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return log odds of frivolous and of abusive against valid, as the boosters say them: float64, one a row of the matrix."""
        return raw_scores(self.frivolous, matrix), raw_scores(self.abusive, matrix)

    def calibrated(self, raw: tuple[Floats, Floats], index: pd.Index) -> pd.DataFrame:
        """`probabilities` of what `raw` answers."""
        frivolous, abusive = self.frivolous_calibration.apply(raw[0]), self.abusive_calibration.apply(raw[1])
        return class_probabilities(frivolous, abusive, index)

    @cached_property
    def version(self) -> str:
        """Name of exactly this model: the first 16 hexadecimal digits of the SHA-256 of its files."""
        return _digest(self._files())

    @property
    def size_bytes(self) -> int:
        """Bytes of the model's files."""
        return sum(len(text.encode()) for text in self._files().values())

    def save(self, directory: Path) -> None:
        """Write the model's files into `directory`, which is made where it is missing; each file is replaced as a whole."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in self._files().items():
            aside = directory / f".{name}.part"
            aside.write_text(text, encoding="utf-8")
            aside.replace(directory / name)

    @classmethod
    def load(cls, directory: Path) -> ClaimModel:
        """Read what `save` wrote; raise `ModelError` where a file is missing, damaged or of a format that is not known."""
        try:
            texts = {name: (directory / name).read_text(encoding="utf-8") for name in _FILES}
            document = _in_todays_words(json.loads(texts[_DOCUMENT]), directory)
            _require_whole(texts, document, directory)
            model = cls(
                schema=InputSchema.from_dict(document["inputs"]),
                frivolous=lgb.Booster(model_str=texts[_FRIVOLOUS]),
                abusive=lgb.Booster(model_str=texts[_ABUSIVE]),
                frivolous_calibration=Calibration.from_dict(document["calibration"]["frivolous"]),
                abusive_calibration=Calibration.from_dict(document["calibration"]["abusive"]),
                policy=Policy.from_dict(document["policy"]),
                reference_ranges=document["reference_ranges"],
                record=document["record"],
            )
            vars(model)["version"] = _digest(texts)  # its name stays, though it would be written in today's format
            return model
        except (OSError, ValueError, KeyError, TypeError, lgb.basic.LightGBMError) as error:
            raise ModelError(f"the directory {directory} holds no whole Claimvet model: {error}") from error

    def _files(self) -> dict[str, str]:
        calibration = {"frivolous": self.frivolous_calibration.to_dict(), "abusive": self.abusive_calibration.to_dict()}
        document: dict[str, Any] = {
            "format": FORMAT,
            "inputs": self.schema.to_dict(),
            "calibration": calibration,
            "policy": self.policy.to_dict(),
            "reference_ranges": self.reference_ranges,
            "record": self.record,
        }
        boosters = {
            _FRIVOLOUS: self.frivolous.model_to_string(num_iteration=-1),
            _ABUSIVE: self.abusive.model_to_string(num_iteration=-1),
        }
        document["sha256"] = {name: _sha256(text) for name, text in boosters.items()}
        return {
            **boosters,
            _DOCUMENT: json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n",
        }


def _require_whole(texts: Mapping[str, str], document: Mapping[str, Any], directory: Path) -> None:
    """Check each booster against the hash that was written beside it: of a damaged one LightGBM may end the whole process.

    A model of before that was written has none; of it at least a file that was cut is seen.
    """
    hashes = document.get("sha256", {})
    for name in (_FRIVOLOUS, _ABUSIVE):
        whole = _sha256(texts[name]) == hashes[name] if hashes else _END_OF_TREES in texts[name]
        if not whole:
            raise ModelError(
                f"the directory {directory} holds no whole Claimvet model: {name} is not as it was written, expected its own bytes"
            )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name}\n{text}".encode())
    return digest.hexdigest()[:16]


def _in_todays_words(document: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Return a model's document as format 2 has it."""
    if document["format"] == FORMAT:
        return document
    if document["format"] != 1:
        raise ModelError(
            f"the model in {directory} has format {document['format']}, expected {FORMAT} or 1: train it again with `claimvet train`"
        )
    record = {_RECORD_WORDS.get(name, name): value for name, value in document["record"].items()}
    findings = {_RECORD_WORDS.get(name, name): counts for name, counts in record.get("findings", {}).items()}
    return document | {
        "reference_ranges": document["usual"],
        "record": record | ({"findings": findings} if findings else {}),
    }


_RECORD_WORDS = {"judge_from": "test_from", "judge": "test", "practise": "early_bound"}
"""What format 1 called parts of the record, and what they are called now."""


def raw_scores(booster: lgb.Booster, matrix: pd.DataFrame) -> Floats:
    """Return the booster's log odds, float64, one a row."""
    if matrix.empty:
        return np.empty(0, dtype=np.float64)
    return np.asarray(booster.predict(matrix.to_numpy(), raw_score=True), dtype=np.float64)


def class_probabilities(frivolous: Floats, abusive: Floats, index: pd.Index) -> pd.DataFrame:
    """Return the three classes from P(frivolous | frivolous or valid) and P(abusive | abusive or valid), both within (0, 1).

    Columns as `PROBABILITIES`, float64.

    >>> class_probabilities(np.array([0.5]), np.array([0.5]), pd.RangeIndex(1)).round(3).to_numpy().tolist()
    [[0.333, 0.333, 0.333]]
    """
    return pd.DataFrame(class_shares(frivolous, abusive), index=index, columns=list(PROBABILITIES))


def class_shares(frivolous: Floats, abusive: Floats) -> Floats:
    """Do as `class_probabilities`, float64 (n, 3)."""
    odds = np.column_stack([np.ones(len(frivolous)), frivolous / (1.0 - frivolous), abusive / (1.0 - abusive)])
    shares: Floats = odds / odds.sum(axis=1, keepdims=True)
    return shares
