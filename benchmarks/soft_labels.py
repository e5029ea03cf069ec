"""Which labels should train? Generated marketplaces whose truth is known: `python -m benchmarks.soft_labels [--worlds 20000:7,...]`.

Each way grows both boosters on what was known when three quarters of the claims were filed, with equal trees, and is evaluated by the
truth of all later claims; log loss is after the best beta calibration, so that ways are compared, not calibrations. What every outcome
as if it were a finding does, and what the truth would do, frame them. Differences are paired by world.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.page import table, write_section
from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import LABELS
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.models.learning.boosters import Boosters, TrainingSet, grow, grow_both, suspicion_signs
from claimvet.models.learning.labels import latest_outcomes
from claimvet.models.learning.soft_labels import OutOfFold, hard_labels, out_of_fold, soft_labels
from claimvet.models.learning.target_encoding import learn_rates
from claimvet.models.metrics.evaluation import auc_abusive_metric, auc_valid_metric
from claimvet.models.metrics.label_noise import BOOSTER_LABELS, Findings, fit, shares_of
from claimvet.models.parameters import TrainParams
from claimvet.models.scoring.schema import InputSchema
from claimvet.pipeline.progress import say
from claimvet.pipeline.stages.train import model_inputs

WORLDS = ((20_000, 7), (20_000, 11), (20_000, 12), (20_000, 13), (40_000, 22))
"""Claims and seed."""
KNOWN_SHARE = 0.75
TREES = 300
PARAMS = TrainParams()
OURS = "**findings by how sure they are: what Claimvet does**"
LARGEST_WEIGHT = 5.0
"""Inverse propensities are cut here: a few claims would carry all else."""


@dataclass(frozen=True)
class World:
    """What was known at the cut, and the truth: matrices of findings, unchecked claims and later claims, and their labels."""

    schema: InputSchema
    findings: pd.DataFrame
    matrix: pd.DataFrame
    unchecked: pd.DataFrame
    later: pd.DataFrame
    true_findings: list[str]
    true_unchecked: list[str]
    true_later: npt.NDArray[np.intp]
    audited: npt.NDArray[np.bool_]
    """Which later claims were small and went to an expert: the random audit slice."""


def make_world(claims: int, seed: int, scratch: Path) -> World:
    """Generates a marketplace and its features, and cuts it."""
    generate(scratch, claims, seed)
    built = scratch / "features.parquet"
    build_features(DataSet.open(scratch), built)
    rows = pd.read_parquet(scratch / "claims.parquet").set_index("claim_id")
    outcomes = pd.read_parquet(scratch / "outcomes.parquet")
    truth = pd.read_parquet(scratch / "truth" / "claims.parquet").set_index("claim_id")["true_label"]
    features = pd.read_parquet(built).set_index("claim_id")
    inputs, suspicions = model_inputs(list(features.columns))
    features = features[inputs]
    filed = rows["filed_at"].sort_values(kind="stable")
    cut = filed.iloc[int(KNOWN_SHARE * len(filed))]
    known = latest_outcomes(outcomes, cut)
    findings = known[known["is_finding"]].reindex(
        filed.index.intersection(known.index[known["is_finding"]], sort=False)
    )
    unchecked = filed.index[filed < cut].difference(findings.index, sort=False)
    later = filed.index[filed >= cut]
    target = (findings["label"] != "valid").to_numpy()
    own = features.loc[findings.index]
    schema, matrix = learn_rates(InputSchema.fit(own, suspicions), own, target, PARAMS.seed)
    first = outcomes.sort_values("decided_at").drop_duplicates("claim_id").set_index("claim_id")["decided_by"]
    audited = (first.reindex(later) == "expert") & (rows.loc[later, "amount_claimed"] < 1000.0)
    return World(
        schema,
        findings,
        matrix,
        schema.conform(features.loc[unchecked]),
        schema.conform(features.loc[later]),
        list(truth[findings.index]),
        list(truth[unchecked]),
        np.array([LABELS.index(label) for label in truth[later]], dtype=np.intp),
        audited.to_numpy(dtype=np.bool_),
    )


def boosters(training_set: TrainingSet) -> Boosters:
    """Both boosters on a training set, of `TREES` trees each."""
    return grow_both(training_set, dict.fromkeys(BOOSTER_LABELS, TREES), PARAMS)


def propensities(world: World) -> Floats:
    """P(somebody looks at the claim) of each finding, from what was known at filing, by boosters of the other folds."""
    both = pd.concat([world.matrix, world.unchecked])
    looked = np.r_[np.ones(len(world.matrix)), np.zeros(len(world.unchecked))]
    fold, answers = np.arange(len(both)) % 5, np.zeros(len(both))
    for number in range(5):
        others = fold != number
        booster = grow(both[others], looked[others], [0] * both.shape[1], 100, PARAMS)
        answers[~others] = booster.predict(both[~others].to_numpy())
    return answers[: len(world.matrix)]


def training_sets(world: World) -> Iterator[tuple[str, TrainingSet]]:
    """Every way by name."""
    signs = suspicion_signs(world.schema)
    plain = hard_labels(world.matrix, list(world.findings["label"]), signs)
    yield "findings only", plain
    weight = np.clip(1.0 / propensities(world), 1.0, LARGEST_WEIGHT)
    yield "findings, by inverse propensity", replace(plain, weight=weight / weight.mean())
    assumed = hard_labels(world.unchecked, ["valid"] * len(world.unchecked), signs)
    yield "every unchecked claim as valid", _joined(plain, assumed, 1.0)
    guess = _believed(world, boosters(plain))
    yield (
        "findings, unchecked as believed",
        _joined(plain, TrainingSet(world.unchecked, guess, np.ones(len(guess)), signs), 0.5),
    )

    some = world.unchecked.iloc[-len(world.matrix) :]
    scores = out_of_fold(plain, some, dict.fromkeys(BOOSTER_LABELS, TREES), PARAMS)
    none = OutOfFold(scores.findings, scores.unchecked.iloc[:0])
    yield OURS, soft_labels(plain, world.findings, world.unchecked.iloc[:0], none, 0.0)
    yield (
        "both, one unchecked claim beside each finding",
        soft_labels(plain, world.findings, some, scores, PARAMS.unchecked_weight),
    )
    yield "the truth of the findings", hard_labels(world.matrix, world.true_findings, signs)
    everything = hard_labels(
        pd.concat([world.matrix, world.unchecked]), world.true_findings + world.true_unchecked, signs
    )
    yield "the truth of all earlier claims", everything


def _joined(first: TrainingSet, second: TrainingSet, weight: float) -> TrainingSet:
    return TrainingSet(
        pd.concat([first.matrix, second.matrix]),
        np.vstack([first.labels, second.labels]),
        np.concatenate([first.weight, weight * second.weight]),
        first.signs,
    )


def _believed(world: World, pair: Boosters) -> Floats:
    return shares_of(pair.log_odds(world.unchecked).to_numpy())


def evaluated(world: World, pair: Boosters) -> list[float]:
    """AUC valid, AUC abusive, log loss by the truth of later claims, and log loss of those in the audit slice."""
    return evaluated_odds(world, pair.log_odds(world.later).to_numpy())


def evaluated_odds(world: World, raw: Floats) -> list[float]:
    """The same of log odds of frivolous and abusive against valid, (n, 2), however they were made."""
    truth = pd.Series([LABELS[place] for place in world.true_later])
    facts = Findings.of(pd.DataFrame(raw, columns=list(BOOSTER_LABELS)), truth, pd.Series(["truth"] * len(truth)))
    p = shares_of(facts.log_odds(fit(facts, "beta").coefficients))
    losses = -np.log(np.maximum(p[np.arange(len(p)), world.true_later], 1e-12))
    plain = shares_of(raw)
    return [
        auc_valid_metric(plain, world.true_later),
        auc_abusive_metric(plain, world.true_later),
        float(losses.mean()),
        float(losses[world.audited].mean()),
    ]


def section(found: Mapping[str, list[list[float]]], worlds: int) -> str:
    """The benchmark's part of the page; the mean and, against findings only, the paired difference with its standard error."""
    names = list(found)
    base = np.array(found[names[0]])
    rows: list[list[object]] = []
    for name in names:
        values = np.array(found[name])
        gain = values - base
        error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.full(4, np.nan)
        cells = [f"{mean:.4f}" for mean in values.mean(axis=0)]
        shifts = [f"{mean:+.4f} ± {spread:.4f}" for mean, spread in zip(gain.mean(axis=0), error, strict=True)]
        rows.append([name, *cells, *(shifts[:3] if name != names[0] else ["", "", ""])])
    header = ["trained on", "AUC valid", "AUC abusive", "log loss", "log loss, audit slice"]
    truth, ours = (np.array(found[name]).mean(axis=0)[2] for name in (names[-1], OURS))
    back = (base.mean(axis=0)[2] - ours) / (base.mean(axis=0)[2] - truth)
    return TEXT.format(
        table=table([*header, "gain in AUC valid", "in AUC abusive", "in log loss"], rows), worlds=worlds, back=back
    )


TEXT = """## Which labels should train

`make bench-labels`. {worlds} generated marketplaces whose truth is known, trained on what was known when three quarters of
the claims were filed, evaluated by the truth of the claims after it (after the best beta calibration). Differences are to findings only,
paired by marketplace, ± one standard error.

{table}

Of the log loss between findings only and a model that knows the truth of all earlier claims, what Claimvet does gives back {back:.0%}.
The audit slice is small claims that went to an expert at random; it is small, so its column is the least sure.
"""


def asked_worlds() -> list[tuple[int, int]]:
    """Claims and seed of each world that the command line names, else `WORLDS`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", default=",".join(f"{claims}:{seed}" for claims, seed in WORLDS))
    pairs = [each.split(":") for each in parser.parse_args().worlds.split(",")]
    return [(int(claims), int(seed)) for claims, seed in pairs]


def main() -> None:
    """Run and write the section."""
    worlds, found = asked_worlds(), dict[str, list[list[float]]]()
    for claims, seed in worlds:
        with tempfile.TemporaryDirectory(prefix="claimvet-basis-") as scratch:
            world = make_world(claims, seed, Path(scratch))
        for name, training_set in training_sets(world):
            found.setdefault(name, []).append(evaluated(world, boosters(training_set)))
            say(f"{claims:,} claims, seed {seed}: {name} {[round(value, 4) for value in found[name][-1]]}")
    text = section(found, len(worlds))
    print(text)
    write_section("label-basis", text)


if __name__ == "__main__":
    main()
