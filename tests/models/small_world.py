"""A small world whose truth is known: features that tell the labels apart, outcomes that come late, assumptions in between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from claimvet.models.learning.training import Training, train_model
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.policy import Policy

START = pd.Timestamp("2026-01-01", tz="UTC")
QUICK = TrainParams(num_boost_round=25, learning_rate=0.2, num_leaves=7, max_depth=3)
SPLIT = SplitParams(min_findings=20)
POLICY = Policy()


def small_world(
    claims: int = 900, seed: int = 3, labels: tuple[str, ...] = ("valid", "frivolous", "abusive")
) -> TrainingData:
    """Claims over a year, each with a finding 5 to 30 days later, and another third that were paid unseen."""
    random = np.random.default_rng(seed)
    names = pd.Index([f"c{number:05}" for number in range(claims)], name="claim_id")
    label = random.choice(labels, claims)
    features = pd.DataFrame(
        {
            "customer_claims_count": random.poisson(np.where(label == "abusive", 4.0, 1.0)).astype(np.float64),
            "claim_days_since_incident": random.exponential(np.where(label == "frivolous", 40.0, 6.0)),
            "x_noise": random.normal(size=claims),
            "x_site": random.choice(["gate", "belt", "hall"], claims, p=[0.6, 0.3, 0.1]),
        },
        index=names,
    )
    features.loc[names[::17], "claim_days_since_incident"] = np.nan
    filed = START + pd.to_timedelta(np.sort(random.uniform(0, 365, claims)), unit="D").round("us")
    table = pd.DataFrame(
        {
            "filed_at": filed,
            "customer_id": random.choice([f"u{number}" for number in range(claims // 2)], claims),
            "claim_type": random.choice(["property_damage", "personal_injury"], claims, p=[0.9, 0.1]),
            "amount_claimed": random.lognormal(5, 1, claims).round(2),
            "category_id": random.choice(["toys", "ladders"], claims),
        },
        index=names,
    )
    found = pd.DataFrame({"outcome_id": names, "claim_id": names, "label": label})
    found["decided_by"] = np.where(random.random(claims) < 1 / 3, "concession", "expert")
    found["decided_at"] = filed + pd.to_timedelta(random.uniform(5, 30, claims), unit="D").round("us")
    suspicions = {"customer_claims_count": "raises"}
    return TrainingData(features, suspicions, table, found, {"sha256": "none", "claims": claims, "claimvet": "test"})


def trained(data: TrainingData) -> Training:
    return train_model(data, SPLIT, QUICK, Policy())


def loaded_again(data: TrainingData, times: int, share: float = 1.0) -> TrainingData:
    """The data with a share of its rows loaded so many times more, under other ids."""
    kept = data.claims.index[: int(share * len(data.claims))]
    own, decided = data.claims.loc[kept], data.outcomes[data.outcomes["claim_id"].isin(kept)]
    features, claims, outcomes = [data.features], [data.claims], [data.outcomes]
    for number in range(times):
        named = "copy" + str(number) + "-" + kept
        features.append(data.features.loc[kept].set_axis(named))
        claims.append(own.assign(customer_id=f"other{number}").set_axis(named))
        ids = {column: f"copy{number}-" + decided[column] for column in ("claim_id", "outcome_id")}
        outcomes.append(decided.assign(**ids))
    return replace(data, features=pd.concat(features), claims=pd.concat(claims), outcomes=pd.concat(outcomes))
