"""What each family of features is worth, in log loss and in money: `python -m benchmarks.ablation [--claims N] [--seed S]`.

A generated marketplace, so that the truth is known: both boosters are grown on the findings known when three quarters of the claims were
filed, once with all inputs and once without each family, and evaluated by the truth of all later claims. Dispositions are those of the
policy in `params.yaml` without a bound for denials, so no machine denies; what they cost is by the truth.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.page import table, write_section
from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import MODEL_FEATURES
from claimvet.models.learning.labels import latest_findings
from claimvet.models.learning.pairs import train_plain_pair
from claimvet.models.learning.splits import in_order_of_filing
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.metrics.evaluation import auc_valid_metric
from claimvet.models.metrics.label_noise import BOOSTER_LABELS, Findings, fit, shares_of
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.policy import Policy
from claimvet.pipeline.params import Params, load_params
from claimvet.pipeline.progress import say
from claimvet.pipeline.stages.history import claims_from, known_by
from claimvet.pipeline.stages.train import read_training_data

KNOWN_SHARE = 0.75


def families() -> dict[str, list[str]]:
    """The inputs of each family, in the order of the catalogue."""
    found: dict[str, list[str]] = {}
    for feature in MODEL_FEATURES:
        found.setdefault(feature.family, []).append(feature.name)
    return found


def make_world(claims: int, seed: int, scratch: Path) -> tuple[TrainingData, pd.DataFrame, pd.Series]:
    """What was known at the cut, and features and truth of the later claims (index `claim_id`)."""
    generate(scratch / "whole", claims, seed)
    whole = DataSet.open(scratch / "whole")
    filed = pd.read_parquet(scratch / "whole" / "claims.parquet", columns=["filed_at"])["filed_at"].sort_values()
    cut = filed.iloc[int(KNOWN_SHARE * len(filed))].floor("s").to_pydatetime()
    claims_from(whole, cut, scratch / "later.parquet")
    known = known_by(whole, cut, scratch / "known")
    build_features(known, scratch / "known_features.parquet")
    build_features(whole, scratch / "later_features.parquet", claims=scratch / "later.parquet")
    later = pd.read_parquet(scratch / "later_features.parquet").set_index("claim_id")
    truth = pd.read_parquet(scratch / "whole" / "truth" / "claims.parquet").set_index("claim_id")["true_label"]
    return read_training_data(known, scratch / "known_features.parquet"), later, truth[later.index]


def evaluated(data: TrainingData, later: pd.DataFrame, truth: pd.Series, params: Params) -> tuple[float, float, float]:
    """AUC of valid, log loss by the truth, and US dollars per 1,000 claims."""
    findings = in_order_of_filing(
        latest_findings(data.outcomes, data.outcomes["decided_at"].max()), data.claims["filed_at"]
    )
    raw = train_plain_pair(data, findings, params.train).raw(later)
    facts = Findings.of(raw[list(BOOSTER_LABELS)], truth, pd.Series(["truth"] * len(truth)))
    p = shares_of(facts.log_odds(fit(facts, "beta").coefficients))
    loss = -np.log(np.maximum(p[np.arange(len(p)), facts.label], 1e-12)).mean()
    probabilities = pd.DataFrame(p, index=later.index, columns=list(PROBABILITIES))
    return auc_valid_metric(p, facts.label), float(loss), _cost(params.policy, probabilities, later, truth)


def _cost(policy: Policy, probabilities: pd.DataFrame, later: pd.DataFrame, truth: pd.Series) -> float:
    claims = policy_facts(later)
    chosen = policy.dispositions(probabilities, claims)
    costs = policy.realised_costs(probabilities, claims, truth)
    places = costs.columns.get_indexer(pd.Index(chosen))
    return float(costs.to_numpy()[np.arange(len(costs)), places].mean() * 1000.0)


TEXT = """## What each family of features is worth

`make bench-ablation`. A generated marketplace ({claims:,} claims, seed {seed}): trained on findings known when three quarters of
the claims were filed, evaluated by the truth of the {later:,} after it, once with all {inputs} inputs and once without each family.
Money is
what the dispositions of `params.yaml` cost, nobody being denied by machine. One world: differences below 0.003 in log loss are noise.

{table}
"""


def main() -> None:
    """Run and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    params = load_params()
    with tempfile.TemporaryDirectory(prefix="claimvet-ablation-") as scratch:
        data, later, truth = make_world(asked.claims, asked.seed, Path(scratch))
    whole = evaluated(data, later, truth, params)
    rows: list[tuple[float, list[object]]] = []
    for family, names in families().items():
        auc, loss, cost = evaluated(replace(data, features=data.features.drop(columns=names)), later, truth, params)
        say(f"without {family}: log loss {loss:.4f}, ${cost:,.0f}")
        cells: list[object] = [family, len(names), f"{auc:.4f}", f"{loss - whole[1]:+.4f}", f"{cost - whole[2]:+,.0f}"]
        rows.append((loss, cells))
    ordered = [cells for _, cells in sorted(rows, key=lambda row: -row[0])]
    everything: list[object] = ["(none)", "", f"{whole[0]:.4f}", f"{whole[1]:.4f}", f"{whole[2]:,.0f}"]
    text = TEXT.format(
        claims=asked.claims,
        seed=asked.seed,
        later=len(later),
        inputs=data.features.shape[1],
        table=table(
            ["left out", "inputs", "AUC valid", "log loss", "dollars per 1,000 claims"], [everything, *ordered]
        ),
    )
    print(text)
    write_section("ablation", text)


if __name__ == "__main__":
    main()
