"""Tree SHAP of one claim in a fraction of the time of a walk: the tables of `models.explain.tree_shap`, made for all trees at once.

There a batch visits one table after the other; here one row visits the tables of all trees in a few steps on whole arrays. Leaves that
hang below one split share a table. Its address has a bit for each split below, whether the row goes left there, and one for each split
above, whether the row comes by. To make the tables takes a few hundred milliseconds, to look a row up an eighth of `pred_contrib`.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from claimvet.models.explain.tree_shap import Tree, read_trees

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

BITS = 8
"""Most splits that address one table; `numpy.packbits` makes one byte of them. Deeper trees are left to LightGBM."""
_SHARED_BITS = 7
"""Of a table with several leaves: with 7 the tables of 450 trees take 10 MB."""
_LEAVES_AT_ONCE = 512
_ROOT = -1
_NONE: Places = np.empty(0, dtype=np.intp)


@dataclass(frozen=True)
class _Forest:
    """The splits (s) and leaves (n) of all trees; `up` is the split above (`_ROOT` where none), the leaves' after the splits'.

    `is_left` says on which side of it, `share` how many of its training claims came this way.
    """

    feature: Places
    threshold: Floats
    missing_left: Flags
    value: Floats
    up: Places
    is_left: Flags
    share: Floats

    @property
    def splits(self) -> int:
        return len(self.feature)


class RowShap:
    """The contributions of a booster's inputs to the raw score of single rows; with `base` (log-odds) they sum to that score."""

    def __init__(self, forest: _Forest, columns: int, base: float) -> None:
        self.base = base
        self._forest = forest
        self._columns = columns
        self._groups = _Groups(forest)
        self._features, self._group, self._offset, self._values = _tables(forest, self._groups)
        self._width = np.bincount(self._group, minlength=self._groups.count)
        sizes = self._width << self._groups.bits
        self._base = np.cumsum(sizes) - sizes

    @classmethod
    def of(cls, booster: lgb.Booster) -> RowShap | None:
        """None where a tree is deeper than an address is long, or asks what tables do not know (`models.explain.tree_shap.read_trees`)."""
        trees = read_trees(booster)
        if trees is None:
            return None
        forest = _forest([tree for tree in trees if len(tree.feature)])
        if _depths(forest).max(initial=0) > BITS:
            return None
        return cls(forest, booster.num_feature(), sum(tree.expected for tree in trees))

    def contributions(self, matrix: Floats) -> Floats:
        """Contribution of each column to each row's raw score, log-odds, float64 (n, columns), without the base.

        A row has the same values, to the last bit, whichever rows are beside it.
        """
        return np.array([self._of_row(row) for row in matrix]).reshape(len(matrix), self._columns)

    def _of_row(self, row: Floats) -> Floats:
        forest, groups = self._forest, self._groups
        asked = row[forest.feature]
        left = np.zeros(forest.splits + 1, dtype=np.bool_)
        left[:-1] = (asked <= forest.threshold) | (np.isnan(asked) & forest.missing_left)
        address = np.packbits(left[groups.sources] ^ groups.turned, axis=1, bitorder="little")[:, 0]
        found = self._values[(self._base + address * self._width)[self._group] + self._offset]
        return np.asarray(np.bincount(self._features, found, minlength=self._columns), dtype=np.float64)


class _Groups:
    """Which leaves share a table, and what addresses it.

    `sources` (groups, `BITS`) are the splits whose answers are the bits, `turned` whether a bit says right instead of left.
    """

    def __init__(self, forest: _Forest) -> None:
        splits, depth = forest.splits, _depths(forest)
        below = _splits_below(forest, depth)
        fits = np.ones(len(forest.up), dtype=np.bool_)
        fits[:splits] = below + depth[:splits] <= _SHARED_BITS
        above = forest.up != _ROOT
        starts = fits & ~(above & fits[forest.up])
        roots = np.flatnonzero(starts)
        self.count = len(roots)
        self.of = np.full(len(fits), -1)
        self.of[roots] = np.arange(self.count)
        for level in range(1, depth.max(initial=0) + 1):
            inside = np.flatnonzero((depth == level) & fits & ~starts)
            self.of[inside] = self.of[forest.up[inside]]
        self.place = np.zeros(splits, dtype=np.intp)
        self._number(splits, below, roots)
        inner = np.where(roots < splits, below[np.minimum(roots, max(splits - 1, 0))] if splits else 0, 0)
        self.inner: Places = inner
        self.bits: Places = inner + depth[roots]
        self.sources, self.turned = self._addressed(forest, roots, splits)

    def _number(self, splits: int, below: Places, roots: Places) -> None:
        """Each split's bit within its group."""
        grouped = np.flatnonzero(self.of[:splits] >= 0)
        order = grouped[np.argsort(self.of[grouped], kind="stable")]
        counts = np.bincount(self.of[order], minlength=len(roots))
        self.place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)

    def _addressed(self, forest: _Forest, roots: Places, splits: int) -> tuple[Places, Flags]:
        sources = np.full((self.count, BITS), splits, dtype=np.intp)
        turned = np.zeros((self.count, BITS), dtype=np.bool_)
        grouped = np.flatnonzero(self.of[:splits] >= 0)
        sources[self.of[grouped], self.place[grouped]] = grouped
        node = roots.copy()
        bit = self.inner.copy()
        while len(some := np.flatnonzero(forest.up[node] != _ROOT)):
            sources[some, bit[some]] = forest.up[node[some]]
            turned[some, bit[some]] = ~forest.is_left[node[some]]
            bit[some] += 1
            node[some] = forest.up[node[some]]
        return sources, turned


def _forest(trees: list[Tree]) -> _Forest:
    """All trees in one; a tree's root is its first split."""
    splits = np.cumsum([0, *(len(tree.feature) for tree in trees)])
    leaves = np.cumsum([0, *(len(tree.leaf_value) for tree in trees)]) + splits[-1]
    up = np.full(leaves[-1], _ROOT, dtype=np.intp)
    is_left = np.zeros(leaves[-1], dtype=np.bool_)
    claims = np.ones(leaves[-1])
    for tree, split, leaf in zip(trees, splits, leaves, strict=False):
        claims[split : split + len(tree.feature)] = tree.claims
        claims[leaf : leaf + len(tree.leaf_value)] = tree.leaf_claims
        for side, to_left in ((tree.left, True), (tree.right, False)):
            child = np.where(side >= 0, side + split, leaf - side - 1)
            up[child] = np.arange(split, split + len(tree.feature))
            is_left[child] = to_left
    return _Forest(
        np.concatenate([_NONE, *(tree.feature for tree in trees)]),
        np.concatenate([np.empty(0), *(tree.threshold for tree in trees)]),
        np.concatenate([_NONE.astype(np.bool_), *(tree.missing_left for tree in trees)]),
        np.concatenate([np.empty(0), *(tree.leaf_value for tree in trees)]),
        up,
        is_left,
        np.where(up == _ROOT, 1.0, claims / claims[up]),
    )


def _depths(forest: _Forest) -> Places:
    """How many splits are above each split and each leaf."""
    depth = np.zeros(len(forest.up), dtype=np.intp)
    node = forest.up.copy()
    while (some := node != _ROOT).any():
        depth += some
        node = np.where(some, forest.up[node], _ROOT)
    return depth


def _splits_below(forest: _Forest, depth: Places) -> Places:
    """How many splits hang at each split, itself among them."""
    below = np.ones(forest.splits, dtype=np.intp)
    depth = depth[: forest.splits]
    for level in range(depth.max(initial=0), 0, -1):
        some = np.flatnonzero(depth == level)
        np.add.at(below, forest.up[some], below[some])
    return below


def _tables(forest: _Forest, groups: _Groups) -> tuple[Places, Places, Places, Floats]:
    """Of each value of a table's row its feature, its group and its place in the row; and all tables, one after the other."""
    splits = forest.splits
    leaves = np.argsort(groups.of[splits:], kind="stable") + splits
    features, group, offset, values = [], [], [], []
    for some in _whole_groups(groups.of[leaves]):
        f, g, made = _block(forest, groups, leaves[some])
        first = np.r_[True, g[1:] != g[:-1]]
        starts = np.flatnonzero(first)
        features.append(f)
        group.append(g)
        offset.append(np.arange(len(g)) - np.repeat(starts, np.diff(np.r_[starts, len(g)])))
        values += [table[:, : 1 << groups.bits[g[start]]].T.ravel() for start, table in _split(starts, made)]
    return (
        np.concatenate([_NONE, *features]),
        np.concatenate([_NONE, *group]),
        np.concatenate([_NONE, *offset]),
        np.concatenate([np.empty(0), *values]),
    )


def _split(starts: Places, made: Floats) -> list[tuple[int, Floats]]:
    return list(zip(starts.tolist(), np.split(made, starts[1:]), strict=True))


def _whole_groups(of: Places) -> list[slice]:
    """The leaves in blocks of a size that stays in the cache, no group parted."""
    blocks, start, end = [], 0, 0
    for following in [*(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]:
        if end > start and following - start > _LEAVES_AT_ONCE:
            blocks.append(slice(start, end))
            start = end
        end = following
    return [*blocks, slice(start, end)] if end > start else []


def _block(forest: _Forest, groups: _Groups, leaves: Places) -> tuple[Places, Places, Floats]:
    """Feature, group and values (2^bits) of everything that these leaves contribute, sorted by group and feature."""
    nodes = _ways(forest, leaves)  # (steps, leaves): the node below each split on the way, `_ROOT` beyond the root
    there = nodes != _ROOT
    split = np.where(there, forest.up[nodes], 0)
    feature = np.where(there, forest.feature[split], -1)
    first = (feature[:, None] == feature[None]).argmax(axis=1)  # the first step that asks the same feature
    own = groups.of[leaves]
    inside = groups.of[split] == own
    bit = np.where(inside, groups.place[split], _above_bits(groups, own, inside, there))
    wanted = np.where(inside, forest.is_left[nodes], True)
    addresses = np.arange(1 << groups.bits.max(initial=0))
    shares = np.ones(nodes.shape)
    passed = np.ones((*nodes.shape, len(addresses)), dtype=np.bool_)
    columns = np.arange(len(leaves))
    for step in range(len(nodes)):
        agrees = ((addresses >> bit[step][:, None] & 1) == wanted[step][:, None]) | ~there[step][:, None]
        passed[first[step], columns] &= agrees
        shares[first[step], columns] *= np.where(there[step], forest.share[nodes[step]], 1.0)
    pattern = (passed << np.arange(len(nodes))[:, None, None]).sum(axis=0)
    single = _leaf_tables(shares) * forest.value[leaves - forest.splits][:, None]
    values = np.take_along_axis(single, pattern[None], axis=2)
    return _gathered(feature, first, own, values)


def _above_bits(groups: _Groups, own: Places, inside: Flags, there: Flags) -> Places:
    """The bits of the splits above a group: after those inside, the nearest first."""
    outside = there & ~inside
    nearest: Places = groups.inner[own] + np.cumsum(outside, axis=0) - 1
    return nearest


def _ways(forest: _Forest, leaves: Places) -> Places:
    """From each leaf up: the leaf, then each split above it but the root; (steps, leaves)."""
    ways, node = [], leaves
    while (on := (node != _ROOT) & (forest.up[node] != _ROOT)).any():
        ways.append(np.where(on, node, _ROOT))
        node = np.where(on, forest.up[node], _ROOT)
    return np.array(ways).reshape(len(ways), len(leaves))


def _leaf_tables(shares: Floats) -> Floats:
    """What leaves of value 1 contribute to each of m features, (m, leaves, 2^m), by which of them are passed;
    `models.explain.tree_shap`.
    """
    m, leaves = shares.shape
    points, weights = np.polynomial.legendre.leggauss(m // 2 + 1)
    u, weights = (points + 1.0) / 2.0, weights / 2.0
    failed = shares[:, :, None] * (1.0 - u)
    whole = np.ones((leaves, 1, len(u)))
    for place in range(m):
        whole = np.concatenate([whole * failed[place][:, None], whole * (failed[place] + u)[:, None]], axis=1)
    passed = np.arange(1 << m) >> np.arange(m)[:, None] & 1
    tables = np.empty((m, leaves, 1 << m))
    for place in range(m):
        factor = np.where(passed[place][:, None] == 1, (failed[place] + u)[:, None], failed[place][:, None])
        tables[place] = (passed[place] - shares[place][:, None]) * ((whole / factor) @ weights)
    return tables


def _gathered(feature: Places, first: Places, own: Places, values: Floats) -> tuple[Places, Places, Floats]:
    """The sums over the leaves of a group, feature by feature."""
    steps, leaves = np.nonzero((first == np.arange(len(first))[:, None]) & (feature >= 0))
    order = np.lexsort((feature[steps, leaves], own[leaves]))
    steps, leaves = steps[order], leaves[order]
    f, g = feature[steps, leaves], own[leaves]
    starts = np.flatnonzero(np.r_[True, (f[1:] != f[:-1]) | (g[1:] != g[:-1])])
    return f[starts], g[starts], np.add.reduceat(values[steps, leaves], starts, axis=0)
