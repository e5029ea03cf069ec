"""Which columns a model reads, in which order, of which kind: fixed at training, checked at every scoring.

A category becomes one ordered number, because trees part levels by ranges of it and the package that explains scores fast needs plain
thresholds: the rate of claims without merit among training's claims of its level (`models.learning.target_encoding`), or, where none was
learned, the rank of its level by how often training saw it (0 is the commonest; a null and an unseen level are missing). A frame that
lacks a column, or brings an `x_` column that the model never saw, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.finite import finite_numbers
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX

InputKind = Literal["number", "category"]


@dataclass(frozen=True)
class Input:
    """One column that the model reads.

    `levels` are the values of a category seen in training, commonest first; empty for a number. `suspicion` is `raises`, `lowers`
    or `unknown`, as the feature declares it. `rates` has a rate for each level, one for a null and one for an unseen level;
    empty where none was learned.
    """

    name: str
    kind: InputKind
    levels: tuple[str, ...] = ()
    suspicion: str = "unknown"
    rates: tuple[float, ...] = ()


@dataclass(frozen=True)
class InputSchema:
    """The ordered inputs of a model."""

    inputs: tuple[Input, ...]

    @classmethod
    def fit(cls, frame: pd.DataFrame, suspicions: Mapping[str, str]) -> InputSchema:
        """Fix the inputs: every column of `frame`, in its order; numbers and booleans are numbers, all else is a category.

        `suspicions` maps a column to `raises` or `lowers`; a column that it lacks is `unknown`.
        """
        return cls(tuple(_fit_input(frame[name], suspicions.get(name, "unknown")) for name in frame.columns))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all inputs, in order."""
        return tuple(column.name for column in self.inputs)

    @property
    def categories(self) -> tuple[Input, ...]:
        """The inputs that are categories, in order."""
        return tuple(column for column in self.inputs if column.kind == "category")

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the inputs in order as float64, with the index of `frame`: numbers as they are (infinite ones missing), ranks of levels.

        Columns that are no inputs are left out. Raises `ModelError` for a missing input, an unknown `x_` column, or a value of the
        wrong kind.
        """
        self._check_names(frame)
        columns = {column.name: _conform(frame[column.name], column) for column in self.inputs}
        return pd.DataFrame(columns, index=frame.index, columns=list(self.names))

    def _check_names(self, frame: pd.DataFrame) -> None:
        known = set(self.names)
        missing = [name for name in self.names if name not in frame.columns]
        extra = [
            name for name in map(str, frame.columns) if name.startswith(FEATURE_COLUMN_PREFIX) and name not in known
        ]
        if missing or extra:
            raise ModelError(
                f"these features do not fit the model: missing {_listed(missing)}, not known to it {_listed(extra)}, "
                f"expected its {len(self.inputs)} inputs and no other {FEATURE_COLUMN_PREFIX} column"
            )

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the JSON form: one object an input, in order."""
        return [asdict(column) for column in self.inputs]

    @classmethod
    def from_dict(cls, inputs: list[dict[str, Any]]) -> InputSchema:
        """Read what `to_dict` wrote."""
        return cls(
            tuple(
                Input(**{**column, "levels": tuple(column["levels"]), "rates": tuple(column["rates"])})
                for column in inputs
            )
        )


def booster_safe(name: str, position: int) -> str:
    """`name` where LightGBM's text format can hold it, else one made of its position."""
    return name if re.fullmatch(r"[A-Za-z0-9_.\-]+", name) else f"input_{position}"


def _fit_input(values: pd.Series, suspicion: str) -> Input:
    if pd.api.types.is_numeric_dtype(values.dtype) or _is_boolean(values):
        return Input(str(values.name), "number", (), suspicion)
    return Input(str(values.name), "category", _levels(values), suspicion)


def _is_boolean(values: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values.dtype):
        return True
    seen = values.dropna()
    return len(seen) > 0 and all(isinstance(value, (bool, np.bool_)) for value in seen)


def _levels(values: pd.Series) -> tuple[str, ...]:
    counts = values.dropna().map(level_text).value_counts()
    return tuple(sorted(counts.index, key=lambda level: (-counts[level], level)))


def _conform(values: pd.Series, column: Input) -> Floats:
    if column.kind == "category":
        return _coded(values, column)
    return finite_numbers(values if pd.api.types.is_numeric_dtype(values.dtype) else _numbers(values))


def _numbers(values: pd.Series) -> pd.Series[float]:
    present = values.notna()
    numbers = pd.Series(np.nan, index=range(len(values)))
    try:
        numbers[present.to_numpy()] = values[present].astype("float64").to_numpy()
    except (TypeError, ValueError) as error:
        culprit = next(value for value in values[present] if not _is_number(value))
        raise ModelError(f"feature {values.name} holds {culprit!r:.80}, expected numbers") from error
    return numbers


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def category_codes(column: Input) -> tuple[dict[str, float], float, float]:
    """Return the number of each level of a category by its text, that of a null, and that of a level which training never saw.

    >>> category_codes(Input("claim_category", "category", ("toys", "sofas")))
    ({'toys': 0.0, 'sofas': 1.0}, nan, nan)
    >>> category_codes(Input("claim_category", "category", ("toys", "sofas"), rates=(0.1, 0.3, 0.2, 0.25)))
    ({'toys': 0.1, 'sofas': 0.3}, 0.2, 0.25)
    """
    if not column.rates:
        return {level: float(rank) for rank, level in enumerate(column.levels)}, math.nan, math.nan
    *known, null, unseen = column.rates
    return dict(zip(column.levels, known, strict=True)), null, unseen


def _coded(values: pd.Series, column: Input) -> Floats:
    codes, null, unseen = category_codes(column)
    seen = {value: codes.get(level_text(value), unseen) for value in values.dropna().unique()}
    coded: Floats = values.map(seen).where(values.notna(), null).to_numpy(np.float64, na_value=np.nan)
    return coded


def level_text(value: object) -> str:
    """Return the name of a level; 3.0 is written as 3, because a reader may have made floats of whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _listed(names: list[str], most: int = 10) -> str:
    if not names:
        return "nothing"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
