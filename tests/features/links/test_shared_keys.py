"""Distinct customers who share a token or a piece of evidence, also where very many do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from claimvet.features.catalogue.features import BY_NAME
from claimvet.features.catalogue.link_features import LINK_FEATURES
from tests.features.oracle import Oracle
from tests.features.worlds import build, build_from, instant, many_worlds

pytestmark = pytest.mark.slow

HOLDERS, CLAIMS = 100_000, 3_000
NEVER = np.iinfo(np.int64).max
Times = npt.NDArray[np.int64]


@pytest.mark.parametrize(
    ("hub_holders", "max_hubs"),
    [(0, 4), (1, 2), (1, 1), (200, 4)],
    ids=["all are hubs", "sets of two", "whole sets only", "no hubs"],
)
def test_links_agree_with_the_oracle_whatever_counts_as_a_hub(
    hub_holders: int, max_hubs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimvet.features.links.shared_keys.HUB_HOLDERS", hub_holders)
    monkeypatch.setattr("claimvet.features.links.shared_keys.MAX_HUBS", max_hubs)
    world = many_worlds(11 + hub_holders + max_hubs, 50)
    built = build(world, tmp_path, features=LINK_FEATURES)
    expected = pd.DataFrame.from_dict(Oracle(world).features(LINK_FEATURES), orient="index")
    pd.testing.assert_frame_equal(built, expected, check_names=False, check_dtype=False)


def crowd(folder: Path, rng: np.random.Generator) -> tuple[dict[str, Times], pd.DataFrame]:
    """A device and an address that 100,000 customers each hold, a receipt that as many handed in, and 3,000 claims.

    Returns since when each customer holds each of them, and the claims.
    """
    customers = HOLDERS + 2 * CLAIMS
    start, year = instant("2024-01-01T00:00:00"), 365 * 86_400_000_000
    since: dict[str, Times] = {}
    for name in ("device", "address", "receipt"):
        since[name] = np.full(customers, NEVER)
        since[name][rng.choice(customers, HOLDERS, replace=False)] = start + rng.integers(0, year, HOLDERS)
    asking = rng.integers(0, customers, CLAIMS)
    claims = pd.DataFrame(
        {
            "claim_id": [f"k{i}" for i in range(CLAIMS)],
            "customer": asking,
            "filed_at": start + rng.integers(0, year, CLAIMS),
        }
    )
    folder.mkdir()
    links = [_held(since[kind], "seen_at", kind=kind, token="everybody's") for kind in ("device", "address")]
    pd.concat(links).to_parquet(folder / "identity_links.parquet")
    own = pd.DataFrame(
        {"claim_id": claims["claim_id"], "customer_id": _ids(asking), "submitted_at": _times(claims["filed_at"])}
    )
    handed_in = pd.concat([_held(since["receipt"], "submitted_at", claim_id="gone"), own], ignore_index=True)
    handed_in = handed_in.assign(evidence_id=handed_in.index.astype("str"), kind="receipt", content_hash="the same")
    handed_in.to_parquet(folder / "evidence.parquet")
    _claims(claims).to_parquet(folder / "claims.parquet")
    return since, claims


def _ids(numbers: Times) -> list[str]:
    return [f"c{number}" for number in numbers]


def _times(micros: Any) -> pd.Series:
    return pd.Series(np.asarray(micros)).astype("datetime64[us]").dt.tz_localize("UTC")


def _held(since: Times, column: str, **same: str) -> pd.DataFrame:
    holding = np.flatnonzero(since != NEVER)
    return pd.DataFrame({"customer_id": _ids(holding), column: _times(since[holding]), **same})


def _claims(claims: pd.DataFrame) -> pd.DataFrame:
    filed_at = _times(claims["filed_at"])
    ids = {
        "claim_id": claims["claim_id"],
        "order_id": None,
        "customer_id": _ids(claims["customer"]),
        "seller_id": "s",
        "product_id": "p",
    }
    facts = {
        "incident_at": filed_at,
        "filed_at": filed_at,
        "claim_type": "property_damage",
        "amount_claimed": 1.0,
        "narrative": None,
    }
    return pd.DataFrame(ids | facts).astype({"order_id": "str", "narrative": "str"})


def others(held: list[Times], customer: int, filed_at: int) -> int:
    """Customers who hold one of those that the customer holds, all before the claim."""
    shared = [since < filed_at for since in held if since[customer] < filed_at]
    anyone = np.logical_or.reduce(shared) if shared else np.zeros(1 + customer)
    return int(anyone.sum() - anyone[customer])


def test_a_token_of_a_hundred_thousand_customers_does_not_explode(tmp_path: Path) -> None:
    since, claims = crowd(tmp_path / "data", np.random.default_rng(1))
    device, both, receipt = (
        "identity_device_shared_customers_count",
        "identity_shared_customers_count",
        "evidence_hash_other_customers_count",
    )
    began = time.process_time()
    features = [BY_NAME[name] for name in (device, both, receipt)]
    built = build_from(tmp_path / "data", tmp_path / "out.parquet", features=features)
    spent = time.process_time() - began
    handed_in = since["receipt"].copy()
    np.minimum.at(handed_in, claims["customer"], claims["filed_at"])
    for claim in claims.itertuples():
        who, when = claim.customer, claim.filed_at
        assert built.loc[claim.claim_id, device] == others([since["device"]], who, when)
        assert built.loc[claim.claim_id, both] == others([since["device"], since["address"]], who, when)
        assert built.loc[claim.claim_id, receipt] == (handed_in < when).sum() - (handed_in[who] < when)
    assert spent < 20, f"the build took {spent:.0f} seconds of CPU, expected 2"
