"""Tree SHAP of a booster for one row or a hundred thousand: the values of LightGBM's `pred_contrib`, from tables instead of a walk.

LightGBM walks every tree for every row. `TreeShap` computes the same values from tables (`models.explain.shap_tables`) and reads them in
two ways: a row visits the tables of all trees in a few steps on whole arrays, a batch visits one table after the other. Both are measured
in docs/decisions/0029. Every row is checked against the booster's own score, which its contributions must sum to, and a sample of a batch
against `pred_contrib`; rows that fail are computed by `pred_contrib`, all rows where the sample fails.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.models.explain.shap_tables import BITS, Flags, Forest, Groups, Places, read_forest, tables_of

MANY_ROWS = 1_000
"""From here on tables that are made for the occasion are the faster way: they take as long as LightGBM takes for some 600 rows."""
BLOCK_ROWS = 16_384
"""Rows that are looked up at once: their answers stay in the cache."""
SAMPLE_ROWS = 64
"""Rows of a batch that are checked value by value, evenly spaced."""
TOLERANCE = 1e-6
"""Log-odds; sums of 300 trees in another order were seen to differ by 4e-15."""


@dataclass(frozen=True)
class _Table:
    """One table: contributions (features, 2^bits), and the splits whose answers are the bits of its address.

    `turned` says whether a bit says right instead of left.
    """

    splits: Places
    turned: Flags
    features: Places
    values: Floats


class TreeShap:
    """The contributions of a booster's inputs to its raw score; with `base` (log-odds) they sum to that score."""

    def __init__(self, forest: Forest, columns: int) -> None:
        self.base = forest.base
        self._forest = forest
        self._columns = columns
        self._groups = Groups(forest)
        self._features, self._group, self._offset, self._values = tables_of(forest, self._groups)
        self._width = np.bincount(self._group, minlength=self._groups.count)
        sizes = self._width << self._groups.bits
        self._start = np.cumsum(sizes) - sizes

    @classmethod
    def of(cls, booster: lgb.Booster) -> TreeShap | None:
        """Return None where a tree is deeper than an address is long, or asks what tables do not know."""
        forest = read_forest(booster)
        return None if forest is None or forest.depth > BITS else cls(forest, booster.num_feature())

    def of_rows(self, matrix: Floats) -> Floats:
        """Return the contribution of each column to each row's raw score, log-odds, float64 (n, columns), without the base.

        A row has the same values, to the last bit, whichever rows are beside it.
        """
        return np.array([self._of_row(row) for row in matrix]).reshape(len(matrix), self._columns)

    def _of_row(self, row: Floats) -> Floats:
        forest, groups = self._forest, self._groups
        asked = row[forest.feature]
        left = np.zeros(forest.splits + 1, dtype=np.bool_)
        left[:-1] = (asked <= forest.threshold) | (np.isnan(asked) & forest.missing_left)
        address = np.packbits(left[groups.sources] ^ groups.turned, axis=1, bitorder="little")[:, 0]
        found = self._values[(self._start + address * self._width)[self._group] + self._offset]
        return np.asarray(np.bincount(self._features, found, minlength=self._columns), dtype=np.float64)

    def of_batch(self, matrix: Floats) -> Floats:
        """Return the same within 1e-12, table by table and on all cores: faster where there are many rows."""
        columns = np.ascontiguousarray(matrix.T)
        answer = np.zeros((self._columns, len(matrix)))
        tables = [self._table(group) for group in range(self._groups.count)]

        def look_up(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            for table in tables:
                self._add(table, columns[:, block], answer[:, block])

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets go of the interpreter while it looks up
            for _ in pool.map(look_up, range(0, len(matrix), BLOCK_ROWS)):
                pass
        return np.ascontiguousarray(answer.T)

    def _table(self, group: int) -> _Table:
        bits, width, start = int(self._groups.bits[group]), int(self._width[group]), int(self._start[group])
        values = self._values[start : start + (width << bits)].reshape(1 << bits, width)
        first = int(np.searchsorted(self._group, group))
        return _Table(
            self._groups.sources[group, :bits],
            self._groups.turned[group, :bits],
            self._features[first : first + width],
            np.ascontiguousarray(values.T),
        )

    def _add(self, table: _Table, columns: Floats, answer: Floats) -> None:
        """Add a table's values at the addresses of a block of rows, (columns, rows)."""
        forest, rows = self._forest, columns.shape[1]
        address = np.zeros(rows, dtype=np.uint8)
        for bit, (split, turned) in enumerate(zip(table.splits.tolist(), table.turned.tolist(), strict=True)):
            asked, line = columns[forest.feature[split]], forest.threshold[split]
            left = ~(asked > line) if forest.missing_left[split] else asked <= line
            address |= np.left_shift((~left if turned else left).view(np.uint8), bit, dtype=np.uint8)
        places, found = address.astype(np.intp), np.empty(rows)
        for feature, values in zip(table.features.tolist(), table.values, strict=True):
            answer[feature] += np.take(values, places, out=found, mode="clip")  # no address is out of bounds


def contributions(
    booster: lgb.Booster, matrix: Floats, scores: Floats | None = None, shap: TreeShap | None = None
) -> Floats:
    """Return the contribution of each column to each row's raw score, log-odds, float64 (n, columns).

    With the booster's base each row sums to its raw score. `matrix` is float64 (n, columns) in the booster's order, `scores` (n,) the
    booster's raw scores where they are at hand, `shap` its tables where they are: few rows are left to LightGBM without them.
    """
    if not len(matrix):
        return np.empty(matrix.shape, dtype=np.float64)
    many = shap is None and len(matrix) >= MANY_ROWS
    tables = TreeShap.of(booster) if many else shap
    if tables is None:
        return exact(booster, matrix)
    values = tables.of_batch(matrix) if many else tables.of_rows(matrix)
    sample = np.linspace(0, len(matrix) - 1, SAMPLE_ROWS).astype(np.intp)
    if many and np.abs(values[sample] - exact(booster, matrix[sample])).max() > TOLERANCE:
        return exact(booster, matrix)
    known = np.asarray(booster.predict(matrix, raw_score=True)) if scores is None else scores
    astray = np.flatnonzero(np.abs(values.sum(axis=1) + tables.base - known) > TOLERANCE)
    if len(astray):
        values[astray] = exact(booster, matrix[astray])
    return values


def exact(booster: lgb.Booster, matrix: Floats) -> Floats:
    """Return LightGBM's own values; shape and unit as `contributions`. Few rows take one thread: starting others costs more."""
    threads = 1 if len(matrix) < SAMPLE_ROWS else 0
    return np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=threads), dtype=np.float64)[:, :-1]
