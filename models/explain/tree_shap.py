"""Tree SHAP of a whole batch at once: the values of LightGBM's `pred_contrib`, from tables instead of a walk for every row.

For one leaf of value v, whose path asks m features, let z be the share of the training claims that each feature's splits let through and
o whether the row passes them (1 or 0). The leaf contributes to feature i (Lundberg and others, Nature Machine Intelligence 2020; the
weights of the subsets written as an integral)

    v (o_i - z_i)  integral over u from 0 to 1 of  product over j other than i of (z_j (1 - u) + o_j u)

The product is a polynomial of degree m - 1, so a Gauss-Legendre rule of m / 2 points is exact. It depends on the row through m bits only:
each leaf has a table of 2^m values a feature. Leaves that share most of their path share one table, addressed by the answers at the
splits that they have in common and at those below; a row then costs one look-up a table and feature, and no arithmetic but sums.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAX_BITS = 9
"""Answers that address one table; a table has 2^9 rows. More means fewer look-ups and larger tables, which then leave the cache."""
MAX_FEATURES = 12
"""Features on one path, at most; a leaf's own table has 2^12 rows then. Deeper trees are left to LightGBM."""
BLOCK_ROWS = 16_384
"""Rows that are looked up at once: their answers stay in the cache."""

_CATEGORICAL, _DEFAULT_LEFT, _MISSING_IS_ZERO, _MISSING_IS_NAN = 1, 2, 4, 8
"""Bits of `decision_type` in LightGBM's text format (include/LightGBM/tree.h)."""


@dataclass(frozen=True)
class Tree:
    """One tree in arrays: n splits, n + 1 leaves; a child below 0 is the leaf `-child - 1`.

    `missing_left` says where NaN goes at each split; `claims` and `leaf_claims` how many training claims came by.
    """

    feature: Ints
    threshold: Floats
    missing_left: Flags
    left: Ints
    right: Ints
    claims: Floats
    leaf_value: Floats
    leaf_claims: Floats

    @property
    def expected(self) -> float:
        """Mean value of the training claims: the tree's part of the base."""
        return float((self.leaf_value * self.leaf_claims).sum() / self.leaf_claims.sum())


@dataclass(frozen=True)
class Step:
    """One split on the way to a leaf, the side taken, and the share of the split's training claims that took it."""

    split: int
    to_left: bool
    share: float


@dataclass(frozen=True)
class Group:
    """Leaves below one split, and what addresses their table.

    Bit b of an address says of the b-th of `splits` whether the row goes left there; the bits after those say of each of `above`, the
    splits on the way down (gathered by feature), whether the row takes the sides that lead here.
    """

    splits: tuple[int, ...]
    above: tuple[tuple[Step, ...], ...]
    leaves: tuple[int, ...]

    @property
    def bits(self) -> int:
        """Length of an address."""
        return len(self.splits) + len(self.above)


@dataclass(frozen=True)
class Table:
    """Contributions (features, 2^bits) to the `features` that a group's leaves ask about."""

    group: Group
    features: Ints
    values: Floats


def read_trees(booster: lgb.Booster) -> list[Tree] | None:
    """The trees of a booster, from its text; None where a tree has splits that tables do not know (categories, zero as missing)."""
    blocks = booster.model_to_string(num_iteration=-1).partition("\nend of trees")[0].split("\n\nTree=")[1:]
    trees = [_read_tree(dict(line.partition("=")[::2] for line in block.splitlines()[1:])) for block in blocks]
    return None if any(tree is None for tree in trees) else [tree for tree in trees if tree is not None]


def tree_contributions(trees: list[Tree], matrix: Floats) -> Floats | None:
    """Contributions (n, columns + 1) of `matrix` (n, columns) to the sum of the trees; the last column is the base.

    None where a path asks more features than tables can hold.
    """
    planned = []
    for tree in trees:
        paths = _paths(tree)
        if max(len({int(tree.feature[step.split]) for step in path}) for path in paths) > MAX_FEATURES:
            return None
        planned.append((tree, list(_tables(tree, paths))))
    columns = np.ascontiguousarray(matrix.T)
    answer = np.zeros((matrix.shape[1] + 1, len(matrix)))
    answer[-1] = sum(tree.expected for tree in trees)

    def look_up(start: int) -> None:
        block = slice(start, start + BLOCK_ROWS)
        for tree, tables in planned:
            _add(tree, tables, columns[:, block], answer[:, block])

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets go of the interpreter while it looks up
        for _ in pool.map(look_up, range(0, len(matrix), BLOCK_ROWS)):
            pass
    return np.ascontiguousarray(answer.T)


def _read_tree(fields: dict[str, str]) -> Tree | None:
    if int(fields["num_leaves"]) < 2:
        none = np.empty(0, dtype=np.int64)
        value = np.array([float(fields["leaf_value"])])
        return Tree(none, np.empty(0), np.empty(0, dtype=np.bool_), none, none, np.empty(0), value, np.ones(1))
    ints = {
        name: np.array(fields[name].split(), dtype=np.int64) for name in ("split_feature", "left_child", "right_child")
    }
    floats = {
        name: np.array(fields[name].split(), dtype=np.float64)
        for name in ("threshold", "internal_count", "leaf_value", "leaf_count")
    }
    kind = np.array(fields["decision_type"].split(), dtype=np.int64)
    if (kind & (_CATEGORICAL | _MISSING_IS_ZERO)).any() or int(fields.get("is_linear", "0")):
        return None
    nan_left = np.where(kind & _MISSING_IS_NAN, kind & _DEFAULT_LEFT, floats["threshold"] >= 0.0).astype(np.bool_)
    return Tree(
        ints["split_feature"],
        floats["threshold"],
        nan_left,
        ints["left_child"],
        ints["right_child"],
        floats["internal_count"],
        floats["leaf_value"],
        floats["leaf_count"],
    )


def _paths(tree: Tree) -> list[tuple[Step, ...]]:
    """The way to each leaf."""
    paths: list[tuple[Step, ...]] = [()] * len(tree.leaf_value)
    waiting: list[tuple[int, tuple[Step, ...]]] = [(0, ())] if len(tree.feature) else []
    while waiting:
        split, path = waiting.pop()
        for child, to_left in ((int(tree.left[split]), True), (int(tree.right[split]), False)):
            claims = tree.claims[child] if child >= 0 else tree.leaf_claims[-child - 1]
            further = (*path, Step(split, to_left, float(claims / tree.claims[split])))
            if child >= 0:
                waiting.append((child, further))
            else:
                paths[-child - 1] = further
    return paths


def _groups(tree: Tree, node: int = 0, path: tuple[Step, ...] = ()) -> Iterator[Group]:
    """The tree in as few parts as an address allows, each a split with all that hangs below it, or a single leaf."""
    splits, leaves = _below(tree, node)
    above: dict[int, tuple[Step, ...]] = {}
    for step in path:
        feature = int(tree.feature[step.split])
        above[feature] = (*above.get(feature, ()), step)
    if node < 0 or len(splits) + len(above) <= MAX_BITS:
        yield Group(splits, tuple(above.values()), leaves)
        return
    for child, to_left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
        yield from _groups(tree, child, (*path, Step(node, to_left, 0.0)))


def _below(tree: Tree, node: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Splits and leaves from `node` on."""
    if node < 0:
        return (), (-node - 1,)
    (left, left_leaves), (right, right_leaves) = (_below(tree, int(side[node])) for side in (tree.left, tree.right))
    return (node, *left, *right), (*left_leaves, *right_leaves)


def _tables(tree: Tree, paths: list[tuple[Step, ...]]) -> Iterator[Table]:
    for group in _groups(tree) if len(tree.feature) else ():
        asked = sorted({int(tree.feature[step.split]) for leaf in group.leaves for step in paths[leaf]})
        row = {feature: place for place, feature in enumerate(asked)}
        values = np.zeros((len(asked), 1 << group.bits))
        for leaf in group.leaves:
            features, passed, shares = _conditions(tree, group, paths[leaf])
            own = _leaf_table(shares) * tree.leaf_value[leaf]
            address = passed.T @ (1 << np.arange(len(features)))
            values[[row[feature] for feature in features]] += own[:, address]
        yield Table(group, np.array(asked), values)


def _conditions(tree: Tree, group: Group, path: tuple[Step, ...]) -> tuple[list[int], Flags, Floats]:
    """The features of a path, whether each address of the group passes their splits (features, 2^bits), and their shares."""
    addresses = np.arange(1 << group.bits)
    bit = {split: place for place, split in enumerate(group.splits)}
    features = list(dict.fromkeys(int(tree.feature[step.split]) for step in path))
    passed, shares = np.ones((len(features), len(addresses)), dtype=np.bool_), np.ones(len(features))
    for step in path:
        place = features.index(int(tree.feature[step.split]))
        shares[place] *= step.share
        if step.split in bit:
            passed[place] &= (addresses >> bit[step.split] & 1) == step.to_left
    for number, steps in enumerate(group.above):
        place = features.index(int(tree.feature[steps[0].split]))
        passed[place] &= (addresses >> (len(group.splits) + number) & 1) == 1
    return features, passed, shares


def _leaf_table(shares: Floats) -> Floats:
    """What a leaf of value 1 contributes to each of m features, (m, 2^m); bit j of the second place says whether j is passed."""
    passed, u, weights = _rule(len(shares))
    factors = shares[:, None, None] * (1.0 - u) + passed[:, :, None] * u
    others = factors.prod(axis=0) / factors
    table: Floats = (passed - shares[:, None]) * (others @ weights)
    return table


@lru_cache
def _rule(m: int) -> tuple[Ints, Floats, Floats]:
    """Which of m features each of 2^m rows passes, and the points and weights of the integral from 0 to 1."""
    points, weights = np.polynomial.legendre.leggauss(m // 2 + 1)
    return np.arange(1 << m) >> np.arange(m)[:, None] & 1, (points + 1.0) / 2.0, weights / 2.0


def _add(tree: Tree, tables: list[Table], columns: Floats, answer: Floats) -> None:
    """Adds the tables' values at the addresses of a block of rows, (columns, rows)."""
    left = [
        ~(columns[feature] > line) if missing else columns[feature] <= line
        for feature, line, missing in zip(tree.feature, tree.threshold, tree.missing_left, strict=True)
    ]
    rows = columns.shape[1]
    found = np.empty(rows)
    for table in tables:
        address = np.zeros(rows, dtype=np.uint16)  # short numbers fill the cache less, and MAX_BITS of them are needed
        for place, answers in enumerate(_answers(table.group, left)):
            address |= np.left_shift(answers.view(np.uint8), place, dtype=np.uint16)
        places = address.astype(np.intp)
        for feature, values in zip(table.features, table.values, strict=True):
            answer[feature] += np.take(values, places, out=found, mode="clip")  # no address is out of bounds


def _answers(group: Group, left: list[Flags]) -> Iterator[Flags]:
    for split in group.splits:
        yield left[split]
    for steps in group.above:
        sides = [left[step.split] if step.to_left else ~left[step.split] for step in steps]
        yield sides[0] if len(sides) == 1 else np.logical_and.reduce(sides)
