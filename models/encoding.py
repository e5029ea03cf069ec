"""Categories as numbers: the smoothed share of valid (and of deceptive) claims among the training claims of a level.

Trees split such a number as well as the level itself, unseen levels are missing, and the sums that explain a score stay fast. A training
claim never sees its own label in its encoding: it is encoded from the other folds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.schema import InputSchema

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EncodedColumn:
    """One column of the matrix made from a category: its name, the input it comes from and one value per level, in level order."""

    name: str
    source: str
    values: tuple[float, ...]

    def apply(self, codes: pd.Series) -> pd.Series:
        """Level codes (float64, NaN where missing) to values, float64."""
        table = np.append(np.asarray(self.values, dtype=np.float64), np.nan)
        positions = codes.fillna(len(self.values)).astype(np.intp).to_numpy()
        return pd.Series(table[positions], index=codes.index)


@dataclass(frozen=True)
class Encoding:
    """How conformed inputs become the numeric matrix of the boosters."""

    schema: InputSchema
    columns: tuple[EncodedColumn, ...] = ()

    @property
    def sources(self) -> dict[str, str]:
        """Matrix column to the input that it comes from, in matrix order."""
        plan: dict[str, str] = {}
        for column in self.schema.inputs:
            if column.kind == "number":
                plan[column.name] = column.name
            plan.update({made.name: made.source for made in self.columns if made.source == column.name})
        return plan

    def matrix(self, features: pd.DataFrame) -> pd.DataFrame:
        """Numeric matrix, float64, one row a row of `features` with its index; raises `ModelError` where the schema refuses them."""
        conformed = self.schema.conform(features)
        made = {column.name: column.apply(conformed[column.source]) for column in self.columns}
        plan = self.sources
        return pd.DataFrame({name: made.get(name, conformed.get(plan[name])) for name in plan}, index=features.index)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        made = [{"name": column.name, "source": column.source, "values": list(column.values)} for column in self.columns]
        return {"inputs": self.schema.to_dict(), "encoded": made}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Encoding:
        """Reads what `to_dict` wrote."""
        made = (EncodedColumn(item["name"], item["source"], tuple(item["values"])) for item in document["encoded"])
        return cls(InputSchema.from_dict(document["inputs"]), tuple(made))


def level_rates(codes: Iterable[float], target: Iterable[float], levels: int, smoothing: float) -> tuple[float, ...]:
    """Mean of `target` per level, drawn towards the overall mean as if by `smoothing` further claims; the overall mean where unseen."""
    code, value = np.asarray(codes, dtype=np.float64), np.asarray(target, dtype=np.float64)
    known = ~np.isnan(code)
    overall = float(value.mean()) if len(value) else 0.5
    counts = np.bincount(code[known].astype(np.intp), minlength=levels)
    sums = np.bincount(code[known].astype(np.intp), weights=value[known], minlength=levels)
    return tuple(((sums + smoothing * overall) / (counts + smoothing)).tolist())
