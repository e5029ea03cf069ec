"""The monitor tells what moved, scores where there is a model, and leaves the verdict to a person."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import claimvet.pipeline.stages.monitor as stage
from claimvet.data.contract.errors import ModelError, UsageError
from claimvet.data.contract.reading.options import AS_IT_LIES
from claimvet.data.marketplace import generate
from claimvet.features.engines.progress import silent
from claimvet.models.parameters import MonitorParams
from claimvet.models.scoring.schema import InputSchema
from claimvet.pipeline.stages.monitor import MonitorReport, monitor

pytestmark = [pytest.mark.slow]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Steady:
    """A model that answers by amount alone."""

    schema = InputSchema(())

    def probabilities(self, features: pd.DataFrame) -> pd.DataFrame:
        p = 0.1 + 0.8 * features["claim_amount"].fillna(0.0).rank(pct=True)
        return pd.DataFrame({"p_valid": p, "p_frivolous": (1 - p) / 2, "p_abusive": (1 - p) / 2})


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monitor") / "market"
    generate(folder, 600, seed=6)
    return folder


@pytest.fixture
def moved(market: Path, tmp_path: Path) -> Path:
    """The same claims at ten times the amount, all of them found abusive."""
    folder = tmp_path / "moved"
    folder.mkdir()
    for file in market.glob("*.parquet"):
        table = pd.read_parquet(file)
        if file.stem == "claims":
            table["amount_claimed"] = table["amount_claimed"] * 10
        if file.stem == "outcomes":
            table["label"] = "abusive"
        table.to_parquet(folder / file.name)
    return folder


def levels(report: MonitorReport, section: str) -> dict[str, str]:
    return {one.name: one.level for one in report.drifts[section]}


def test_amounts_scores_and_labels_that_moved_are_told(
    market: Path, moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "load_model", lambda _: Steady())
    report = monitor(moved, tmp_path / "out", MonitorParams(), reference=market, now=NOW)
    features = levels(report, "features")
    assert features["claim_amount"] == "alarm"
    assert features["customer_returns_count_365d"] == "steady"
    assert levels(report, "labels")["label"] == "alarm"
    assert levels(report, "scores")["p_valid"] == "steady"
    table = pd.read_csv(tmp_path / "out" / "drift.csv")
    assert set(table["section"]) == {"features", "other features", "scores", "labels"}
    page = report.page.read_text(encoding="utf-8")
    assert "claim_amount" in page
    assert "alarm" in page
    assert "label (alarm, PSI" in str(report)


def test_without_a_reference_the_latest_claims_are_held_against_the_earlier_ones(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_model(named: str | None) -> None:
        raise ModelError(f"there is no model {named}")

    monkeypatch.setattr(stage, "load_model", no_model)
    report = monitor(market, tmp_path / "out", MonitorParams(), now=NOW)
    assert "scores" not in report.drifts
    assert any("no champion to score with" in note for note in report.notes)
    page = report.page.read_text(encoding="utf-8")
    assert "150 of them (claims after" in page
    assert "There is no champion to score with, so the drift of scores is left out." in page
    assert '<td class="words">' in page
    with pytest.raises(ModelError, match="there is no model models:/claimvet/9"):
        monitor(market, tmp_path / "out", MonitorParams(), model="models:/claimvet/9", now=NOW)


def test_labels_of_the_earlier_side_are_those_that_were_known_when_it_ended(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the earlier claims have slow outcomes and appeals that the later ones cannot have yet, and all labels seem to move."""
    monkeypatch.setattr(stage, "load_model", lambda _: Steady())
    filed = pd.read_parquet(market / "claims.parquet").set_index("claim_id")["filed_at"]
    cut = filed.sort_values().iloc[int(0.75 * (len(filed) - 1))]
    folder = tmp_path / "appealed"
    folder.mkdir()
    for file in market.glob("*.parquet"):
        table = pd.read_parquet(file)
        if file.stem == "outcomes":
            early = table[table["claim_id"].map(filed) <= cut].drop_duplicates("claim_id")
            late = early.assign(outcome_id="z" + early["outcome_id"], label="abusive", decided_by="appeal")
            late["decided_at"] = table["decided_at"].max()
            table = pd.concat([table, late])
        table.to_parquet(folder / file.name)
    before, after = (
        monitor(data, tmp_path / "reports" / data.name, MonitorParams(), now=NOW).drifts["labels"]
        for data in (market, folder)
    )
    assert after == before


def test_one_claim_has_nothing_to_be_compared_with(market: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    pd.read_parquet(market / "claims.parquet").head(1).assign(order_id=None).to_parquet(folder / "claims.parquet")
    with pytest.raises(UsageError, match="expected some on both sides to compare"):
        monitor(folder, tmp_path / "out", MonitorParams(), now=NOW)


def test_a_load_that_is_repeated_is_no_more_claims_to_be_sure_by(market: Path, tmp_path: Path) -> None:
    (tmp_path / "twice").mkdir()
    for file in market.glob("*.parquet"):
        once = pd.read_parquet(file)
        names = [name for name in once.columns if name.endswith("_id") and name != "category_id"]
        again = once.assign(**{name: once[name].where(once[name].isna(), "z-" + once[name]) for name in names})
        pd.concat([once, again]).to_parquet(tmp_path / "twice" / file.name)
    whole, doubled = (stage._side(folder, AS_IT_LIES, silent) for folder in (market, tmp_path / "twice"))
    assert set(doubled.features.index) == set(doubled.filed_at.index) == set(whole.features.index)
    assert len(doubled.labels) == len(whole.labels) > 0
