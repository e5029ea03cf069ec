"""Several boosters as one: all their trees, each leaf divided by how many they are, so that the sum is the mean of their log odds.

LightGBM has no such booster, but its text format is a list of trees that are summed up, whoever grew them. What reads a booster
(scores, contributions, tables) reads this one as any other.

The text is read because LightGBM's public interface (4.7) cannot do it: `Booster.set_leaf_output` sets a leaf's value, but the call that
puts the trees of two boosters together, `LGBM_BoosterMerge`, is reached only through its private `lightgbm.basic._LIB`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import lightgbm as lgb

_TREE, _END = "\n\nTree=", "\nend of trees"
_LEAVES = re.compile(r"^leaf_value=(.*)$", re.MULTILINE)
_SIZES = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)
"""Bytes of each tree, which a reader may do without."""


def averaged(boosters: Sequence[lgb.Booster]) -> lgb.Booster:
    """Return one booster whose log odds are the mean of theirs, which have the same inputs; a single one as it is."""
    if len(boosters) == 1:
        return boosters[0]
    texts = [booster.model_to_string(num_iteration=-1) for booster in boosters]
    trees = [_scaled(tree, len(texts)) for text in texts for tree in _trees(text)]
    head, tail = _SIZES.sub("", texts[0].partition(_TREE)[0] + "\n"), texts[0].partition(_END)[2]
    body = "".join(f"{_TREE}{number}\n{tree}" for number, tree in enumerate(trees))
    return lgb.Booster(model_str=f"{head.rstrip()}{body}{_END}{tail}")


def _trees(text: str) -> list[str]:
    """Return each tree's lines after its number."""
    return [tree.partition("\n")[2] for tree in text.partition(_END)[0].split(_TREE)[1:]]


def _scaled(tree: str, share: int) -> str:
    return _LEAVES.sub(lambda line: f"leaf_value={_shares(line[1], share)}", tree)


def _shares(values: str, share: int) -> str:
    return " ".join(repr(float(value) / share) for value in values.split())
