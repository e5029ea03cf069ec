"""Designs are compared on one footing: each answers log odds against valid, and the same measure reads them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import soft_labels, two_boosters
from benchmarks.soft_labels import World, asked_worlds, evaluated_odds
from claimvet.data.contract.tables import LABELS
from claimvet.models.metrics.label_noise import shares_of
from claimvet.models.scoring.schema import InputSchema

ODDS = st.floats(-8.0, 8.0)


def world(findings: int = 300, later: int = 400) -> World:
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, findings + later)
    matrix = pd.DataFrame({"a": truth + random.normal(0, 0.6, len(truth)), "b": random.normal(size=len(truth))})
    found = pd.DataFrame({"label": np.array(LABELS)[truth[:findings]], "decided_by": "expert"})
    schema = InputSchema.fit(matrix, {"a": "raises"})
    labels = list(found["label"])
    known, asked = matrix.iloc[:findings], matrix.iloc[findings:]
    return World(schema, found, known, asked.iloc[:0], asked, labels, [], truth[findings:], np.arange(later) % 10 == 0)


@given(ODDS, ODDS)
def test_two_questions_are_the_same_three_probabilities_as_log_odds_against_valid(without: float, which: float) -> None:
    no_merit, abusive = 1 / (1 + np.exp(-without)), 1 / (1 + np.exp(-which))
    wanted = [1 - no_merit, no_merit * (1 - abusive), no_merit * abusive]
    odds = two_boosters.odds_of_two_questions(np.array([without]), np.array([which]))
    np.testing.assert_allclose(shares_of(odds)[0], wanted, atol=1e-9)


def test_every_design_learns_what_is_there_and_is_evaluated_by_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_boosters, "TREES", 30)
    small = world()
    figures = {name: evaluated_odds(small, odds) for name, odds in two_boosters.designs(small)}
    assert len(figures) == 4
    for auc_valid, auc_abusive, loss, audited in figures.values():
        assert min(auc_valid, auc_abusive) > 0.85
        assert loss < np.log(3) - 0.3
        assert np.isfinite(audited)


def test_the_section_pairs_each_design_with_the_first_by_marketplace() -> None:
    found = {
        "first": [[0.9, 0.8, 0.4, 0.5], [0.7, 0.6, 0.6, 0.5]],
        "second": [[0.91, 0.8, 0.3, 0.5], [0.73, 0.6, 0.5, 0.5]],
    }
    text = two_boosters.section(found)
    assert "| first | 0.8000 | 0.7000 | 0.5000 |  |  |  |" in text
    assert "| second | 0.8200 | 0.7000 | 0.4000 | +0.0200 ± 0.0100 | +0.0000 ± 0.0000 | -0.1000 ± 0.0000 |" in text


def test_worlds_are_those_that_the_command_line_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["two_boosters", "--worlds", "500:1,700:2"])
    assert asked_worlds() == [(500, 1), (700, 2)]
    monkeypatch.setattr("sys.argv", ["two_boosters"])
    assert asked_worlds() == list(soft_labels.WORLDS)
