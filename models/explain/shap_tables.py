"""Tables of Tree SHAP: what each leaf contributes to each feature, by the answers at the splits on its way.

For one leaf of value v, whose path asks m features, let z be the share of the training claims that each feature's splits let through and
o whether the row passes them (1 or 0). The leaf contributes to feature i (Lundberg and others, Nature Machine Intelligence 2020; the
weights of the subsets written as an integral)

    v (o_i - z_i)  integral over u from 0 to 1 of  product over j other than i of (z_j (1 - u) + o_j u)

The product is a polynomial of degree m - 1, so a Gauss-Legendre rule of m / 2 points is exact. It depends on the row through m bits only.
Leaves that hang below one split share a table. Its address has a bit for each split below, whether the row goes left there, and one for
each split above, whether the row comes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from claimvet.data.contract.arrays import Floats

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
class Forest:
    """The splits (s) and leaves (n) of all trees; `up` is the split above (`_ROOT` where none), the leaves' after the splits'.

    `is_left` says on which side of it, `share` how many of its training claims came this way. `base` is the mean score of these claims,
    log-odds.
    """

    feature: Places
    threshold: Floats
    missing_left: Flags
    value: Floats
    up: Places
    is_left: Flags
    share: Floats
    base: float

    @property
    def splits(self) -> int:
        """Return how many splits there are."""
        return len(self.feature)

    @property
    def depth(self) -> int:
        """Return the highest number of splits above a leaf."""
        return int(_depths(self).max(initial=0))


class _Reader:
    """Collects the splits and leaves of trees as LightGBM's JSON has them, in the order of LightGBM's own numbers."""

    def __init__(self) -> None:
        self.splits: list[tuple[int, int, bool, float, int, float, bool]] = []
        self.leaves: list[tuple[int, int, bool, float, float]] = []
        self.base = 0.0

    def read(self, tree: dict[str, Any]) -> bool:
        """Add a tree; return False where it asks what tables do not know (categories, zero as missing)."""
        first_split, first_leaf = len(self.splits), len(self.leaves)
        waiting: list[tuple[dict[str, Any], int, bool]] = [(tree["tree_structure"], _ROOT, False)]
        if "split_index" not in tree["tree_structure"]:
            self.base += float(tree["tree_structure"]["leaf_value"])
            return True
        while waiting:
            node, up, is_left = waiting.pop()
            if "split_index" not in node:
                number, count = first_leaf + node["leaf_index"], float(node["leaf_count"])
                self.leaves.append((number, up, is_left, count, float(node["leaf_value"])))
                continue
            if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
                return False
            number, threshold = first_split + node["split_index"], float(node["threshold"])
            missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
            count = float(node["internal_count"])
            self.splits.append((number, up, is_left, count, node["split_feature"], threshold, bool(missing_left)))
            waiting += [(node["left_child"], number, True), (node["right_child"], number, False)]
        own = self.leaves[first_leaf:]
        self.base += sum(leaf[4] * leaf[3] for leaf in own) / sum(leaf[3] for leaf in own)
        return True

    def forest(self) -> Forest:
        """Return all trees in one."""
        splits, leaves = sorted(self.splits), sorted(self.leaves)
        up = np.array([node[1] for node in (*splits, *leaves)], dtype=np.intp)
        claims = np.array([node[3] for node in (*splits, *leaves)], dtype=np.float64)
        return Forest(
            np.array([split[4] for split in splits], dtype=np.intp),
            np.array([split[5] for split in splits], dtype=np.float64),
            np.array([split[6] for split in splits], dtype=np.bool_),
            np.array([leaf[4] for leaf in leaves], dtype=np.float64),
            up,
            np.array([node[2] for node in (*splits, *leaves)], dtype=np.bool_),
            np.where(up == _ROOT, 1.0, claims / claims[up]) if len(up) else claims,
            self.base,
        )


def read_forest(booster: lgb.Booster) -> Forest | None:
    """Return the trees of a booster; None where a tree asks what tables do not know (categories, zero as missing)."""
    reader = _Reader()
    known = all(reader.read(tree) for tree in booster.dump_model()["tree_info"])
    return reader.forest() if known else None


class Groups:
    """Which leaves share a table, and what addresses it.

    `sources` (groups, `BITS`) are the splits whose answers are the bits, `turned` whether a bit says right instead of left.
    """

    def __init__(self, forest: Forest) -> None:
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
        """Return each split's bit within its group."""
        grouped = np.flatnonzero(self.of[:splits] >= 0)
        order = grouped[np.argsort(self.of[grouped], kind="stable")]
        counts = np.bincount(self.of[order], minlength=len(roots))
        self.place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)

    def _addressed(self, forest: Forest, roots: Places, splits: int) -> tuple[Places, Flags]:
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


def _depths(forest: Forest) -> Places:
    """Return how many splits are above each split and each leaf."""
    depth = np.zeros(len(forest.up), dtype=np.intp)
    node = forest.up.copy()
    while (some := node != _ROOT).any():
        depth += some
        node = np.where(some, forest.up[node], _ROOT)
    return depth


def _splits_below(forest: Forest, depth: Places) -> Places:
    """Return how many splits hang at each split, itself among them."""
    below = np.ones(forest.splits, dtype=np.intp)
    depth = depth[: forest.splits]
    for level in range(depth.max(initial=0), 0, -1):
        some = np.flatnonzero(depth == level)
        np.add.at(below, forest.up[some], below[some])
    return below


def tables_of(forest: Forest, groups: Groups) -> tuple[Places, Places, Places, Floats]:
    """Return for each value of a table's row its feature, its group and its place in the row; and all tables, one after the other."""
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
    """Return the leaves in blocks of a size that stays in the cache, no group parted."""
    blocks, start, end = [], 0, 0
    for following in [*(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]:
        if end > start and following - start > _LEAVES_AT_ONCE:
            blocks.append(slice(start, end))
            start = end
        end = following
    return [*blocks, slice(start, end)] if end > start else []


def _block(forest: Forest, groups: Groups, leaves: Places) -> tuple[Places, Places, Floats]:
    """Return feature, group and values (2^bits) of everything that these leaves contribute, sorted by group and feature."""
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


def _above_bits(groups: Groups, own: Places, inside: Flags, there: Flags) -> Places:
    """Return the bits of the splits above a group: after those inside, the nearest first."""
    outside = there & ~inside
    nearest: Places = groups.inner[own] + np.cumsum(outside, axis=0) - 1
    return nearest


def _ways(forest: Forest, leaves: Places) -> Places:
    """From each leaf up: the leaf, then each split above it but the root; (steps, leaves)."""
    ways, node = [], leaves
    while (on := (node != _ROOT) & (forest.up[node] != _ROOT)).any():
        ways.append(np.where(on, node, _ROOT))
        node = np.where(on, forest.up[node], _ROOT)
    return np.array(ways).reshape(len(ways), len(leaves))


def _leaf_tables(shares: Floats) -> Floats:
    """Return what leaves of value 1 contribute to each of m features, (m, leaves, 2^m), by which of them are passed;
    the module's formula.
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
    """Return the sums over the leaves of a group, feature by feature."""
    steps, leaves = np.nonzero((first == np.arange(len(first))[:, None]) & (feature >= 0))
    order = np.lexsort((feature[steps, leaves], own[leaves]))
    steps, leaves = steps[order], leaves[order]
    f, g = feature[steps, leaves], own[leaves]
    starts = np.flatnonzero(np.r_[True, (f[1:] != f[:-1]) | (g[1:] != g[:-1])])
    return f[starts], g[starts], np.add.reduceat(values[steps, leaves], starts, axis=0)
