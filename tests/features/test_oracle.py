"""Every declared feature against plain loops, over many small histories full of ties, edges, gaps and strangers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.link_features import LINK_FEATURES
from tests.examples import examples
from tests.features.oracle import Oracle, Value, World
from tests.features.worlds import build, many_worlds


def differences(
    built: pd.DataFrame, world: World, features: Sequence[Feature] = FEATURES
) -> dict[str, tuple[str, Any, Value]]:
    """Features that differ from the oracle, each with the first claim where they do: (claim, built, expected)."""
    expected = Oracle(world).features(features)
    assert list(built.index) == list(expected)
    found: dict[str, tuple[str, Any, Value]] = {}
    for feature in features:
        for claim_id, value in zip(built.index, built[feature.name], strict=True):
            if not same(value, expected[claim_id][feature.name]):
                found.setdefault(feature.name, (claim_id, value, expected[claim_id][feature.name]))
    return found


def same(built: Any, expected: Value) -> bool:
    if expected is None or isinstance(expected, str):
        return built == expected or (expected is None and (built is None or built is pd.NA or isnan(built)))
    return not isinstance(built, str) and isclose(built, expected, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("way", "pairs_per_event"), [("join", float("inf")), ("running totals", 0.0)])
def test_links_counted_either_way_agree_with_the_oracle(
    way: str, pairs_per_event: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimvet.features.links.event_counts.PAIRS_PER_EVENT", pairs_per_event)
    world = many_worlds(1, 60)
    assert differences(build(world, tmp_path, features=LINK_FEATURES), world, LINK_FEATURES) == {}, way


@pytest.mark.slow
@settings(max_examples=examples(3), deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32), batch=st.sampled_from([1, 7, 2**18]))
def test_streamed_features_agree_with_the_oracle_whatever_the_batches(
    tmp_path_factory: pytest.TempPathFactory, seed: int, batch: int
) -> None:
    world = many_worlds(seed, 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("claimvet.features.batch.streaming.batch_rows", lambda breakpoints: batch)
        assert differences(build(world, tmp_path_factory.mktemp("world")), world) == {}
