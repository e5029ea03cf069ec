"""Two boosters against valid, or one multiclass model? `make bench-boosters`, on the marketplaces of `benchmarks.soft_labels`.

Every way learns the same findings, as they are, from the same inputs with equal trees, and is evaluated by the truth of all later
claims after the best beta calibration of its log odds against valid: so designs are compared, not calibrations.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np

from benchmarks.page import table, write_section
from benchmarks.soft_labels import PARAMS as USUAL
from benchmarks.soft_labels import TREES, World, asked_worlds, evaluated_odds, make_world
from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.tables import LABELS
from claimvet.models.learning.boosters import booster_settings, grow, grow_both, suspicion_signs
from claimvet.models.learning.soft_labels import hard_labels
from claimvet.models.metrics.label_noise import BOOSTER_LABELS
from claimvet.models.scoring.claim_model import raw_scores
from claimvet.pipeline.progress import say

PARAMS = replace(USUAL, averaged=1)
"""One booster each: a multiclass model has no other to be averaged with."""


def two_questions(world: World) -> Floats:
    """P(valid), and P(abusive | not valid)."""
    labels = world.findings["label"].to_numpy()
    merit = labels == "valid"
    signs = suspicion_signs(world.schema)
    without = grow(world.matrix, (~merit).astype(np.float64), signs, TREES, PARAMS)
    abusive = (labels[~merit] == "abusive").astype(np.float64)
    which = grow(world.matrix[~merit], abusive, [0] * len(signs), TREES, PARAMS)
    return odds_of_two_questions(raw_scores(without, world.later), raw_scores(which, world.later))


def odds_of_two_questions(without: Floats, which: Floats) -> Floats:
    """Log odds of frivolous and of abusive against valid, (n, 2), from those of no merit and of abusive among claims without merit.

    >>> odds_of_two_questions(np.array([0.0]), np.array([0.0])).round(3)
    array([[-0.693, -0.693]])
    """
    return np.column_stack([without - np.logaddexp(0.0, which), without - np.logaddexp(0.0, -which)])


def one_multiclass(world: World) -> Floats:
    """One model of three classes; LightGBM has no monotone constraints for it that mean anything."""
    labels = np.array([LABELS.index(label) for label in world.findings["label"]], dtype=np.float64)
    settings = booster_settings([0] * len(world.schema.inputs), len(labels), PARAMS)
    settings |= {"objective": "multiclass", "num_class": len(LABELS)}
    grown = lgb.train(settings, lgb.Dataset(world.matrix.to_numpy(), label=labels), num_boost_round=TREES)
    raw = np.asarray(grown.predict(world.later.to_numpy(), raw_score=True), dtype=np.float64)
    return raw[:, 1:] - raw[:, :1]


def against_valid(world: World, *, signed: bool) -> Floats:
    """One booster a label, each against valid, with monotone constraints or without."""
    signs = suspicion_signs(world.schema) if signed else [0] * len(world.schema.inputs)
    hard = hard_labels(world.matrix, list(world.findings["label"]), signs)
    return grow_both(hard, dict.fromkeys(BOOSTER_LABELS, TREES), PARAMS).log_odds(world.later).to_numpy()


def designs(world: World) -> Iterator[tuple[str, Floats]]:
    """Every design by name, with its log odds against valid of the later claims."""
    yield "P(valid), and P(abusive given not valid)", two_questions(world)
    yield "one multiclass model", one_multiclass(world)
    yield "two boosters against valid, free", against_valid(world, signed=False)
    yield "**two boosters against valid, monotone: what Claimvet does**", against_valid(world, signed=True)


TEXT = """## Two boosters, or one model of three classes

`make bench-boosters`. {worlds} generated marketplaces whose truth is known: the same findings, inputs and {trees} trees of depth {depth},
evaluated by the truth of all later claims (after the best beta calibration). Differences are to the first row, paired by marketplace, ± one
standard error. None is averaged with another of its kind here, as a model's boosters are.

{table}
"""


def section(found: Mapping[str, list[list[float]]]) -> str:
    """The benchmark's part of the page."""
    base = np.array(next(iter(found.values())))[:, :3]
    rows: list[list[object]] = []
    for name, figures in found.items():
        values = np.array(figures)[:, :3]
        gain = values - base
        error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.full(3, np.nan)
        shifts = [f"{mean:+.4f} ± {spread:.4f}" for mean, spread in zip(gain.mean(axis=0), error, strict=True)]
        rows.append([name, *(f"{mean:.4f}" for mean in values.mean(axis=0)), *(shifts if rows else [""] * 3)])
    header = ["design", "AUC valid", "AUC abusive", "log loss", "gain in AUC valid", "in AUC abusive", "in log loss"]
    return TEXT.format(worlds=len(base), trees=TREES, depth=PARAMS.max_depth, table=table(header, rows))


def main() -> None:
    """Run and write the section."""
    found: dict[str, list[list[float]]] = {}
    for claims, seed in asked_worlds():
        with tempfile.TemporaryDirectory(prefix="claimvet-designs-") as scratch:
            world = make_world(claims, seed, Path(scratch))
        for name, odds in designs(world):
            found.setdefault(name, []).append(evaluated_odds(world, odds))
            say(f"{claims:,} claims, seed {seed}: {name} {[round(value, 4) for value in found[name][-1]]}")
    text = section(found)
    print(text)
    write_section("two-boosters", text)


if __name__ == "__main__":
    main()
