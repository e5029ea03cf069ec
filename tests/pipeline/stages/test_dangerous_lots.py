"""Safety alerts find the generator's dangerous lots, and the claims that they protect are mostly valid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.data.marketplace.world import make_world
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.policy.policy import Policy
from claimvet.models.policy.safety import CLUSTER_FEATURES, LINK_FEATURES, cluster_facts, is_cluster
from claimvet.pipeline.stages.review_allocation import filings, safety_alerts

CLAIMS, SEED = 8_000, 7


@pytest.mark.slow
def test_alerts_point_to_dangerous_lots_and_protect_valid_claims(tmp_path: Path) -> None:
    generate(tmp_path / "market", CLAIMS, SEED)
    asked = [BY_NAME[name] for name in (*CLUSTER_FEATURES, *LINK_FEATURES)]
    build_features(DataSet.open(tmp_path / "market"), tmp_path / "features.parquet", features=asked)
    features = pd.read_parquet(tmp_path / "features.parquet")
    facts = features[["claim_id"]].assign(**cluster_facts(features))
    policy = Policy()
    alerts = safety_alerts(facts, filings(tmp_path / "market" / "claims.parquet"), policy)

    products = make_world(CLAIMS, SEED).products
    ids = pd.read_parquet(tmp_path / "market" / "products.parquet")["product_id"]
    lots = set(ids[products.lot_to > products.lot_from])
    truth = pd.read_parquet(tmp_path / "market" / "truth" / "claims.parquet").set_index("claim_id")["true_label"]
    claims = pd.read_parquet(tmp_path / "market" / "claims.parquet").set_index("claim_id")
    valid = (truth == "valid").reindex(claims.index)
    hurt = claims[valid & claims["product_id"].isin(lots)].groupby("product_id").size()
    reachable = set(hurt[hurt >= policy.cluster_customers].index)

    found = set(alerts["product_id"])
    precision, recall = len(found & lots) / len(found), len(found & reachable) / len(reachable)
    clustered = is_cluster(facts, policy.cluster_customers, policy.cluster_p_value)
    protected = float((truth.reindex(features["claim_id"]) == "valid").to_numpy()[clustered].mean())
    told = f"{len(found)} alerts, precision {precision:.2f}, recall {recall:.2f}, valid {protected:.2f} of {valid.mean():.2f}"
    assert precision > 10 * len(lots) / len(ids), told
    assert recall > 0.3, told
    assert protected > valid.mean() + 0.15, told
    assert np.isfinite(alerts["expected"]).all()
