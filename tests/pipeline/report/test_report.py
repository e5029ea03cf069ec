"""The report says what the figures are, in one file that needs nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.errors import InvalidDataError
from claimvet.models.assessment.plots import precision_recall_plot, roc_plot
from claimvet.models.charts.axes import Axis
from claimvet.models.charts.charts import Bar, Line, bar_chart, histogram, line_chart
from claimvet.models.policy.policy import DISPOSITIONS, Policy
from claimvet.models.scoring.calibration import Calibration
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.schema import InputSchema
from claimvet.pipeline.report.evaluated import evaluated_by_truth
from claimvet.pipeline.report.figures import dollars, money
from claimvet.pipeline.report.page import DataFacts, scoreboard, write_report

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROWS = 600
POLICY = Policy(deny_threshold=0.1)


def world(rows: int = ROWS) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.DataFrame]:
    """Scores, truth, claims and features of claims whose probabilities are right."""
    rng = np.random.default_rng(3)
    ids = [f"k{place:04}" for place in range(rows)]
    p = rng.dirichlet((0.8, 0.4, 0.4), rows)
    truth = np.array(["valid", "frivolous", "abusive"])[
        (rng.random(rows)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(max=2)
    ]
    filed = pd.date_range("2026-01-01", periods=rows, freq="6h", tz="UTC", unit="us")
    amount = np.where(rng.random(rows) < 0.05, np.nan, rng.lognormal(5.5, 1.2, rows).round(2))
    claims = pd.DataFrame(
        {
            "claim_id": ids,
            "filed_at": filed,
            "customer_id": [f"u{place % 97}" for place in range(rows)],
            "claim_type": np.where(rng.random(rows) < 0.2, "personal_injury", "property_damage"),
            "amount_claimed": amount,
        }
    )
    features = pd.DataFrame(
        {
            "claim_id": ids,
            "claim_category": rng.choice(["toys", "sofas & <beds>", None], rows),
            "claim_evidence_count": 1.0,
        }
    )
    probabilities = pd.DataFrame(p, columns=["p_valid", "p_frivolous", "p_abusive"])
    decided = POLICY.dispositions(probabilities, claims)
    reason = {"feature": "claim_amount", "value": "12", "contribution": 0.5, "text": "Amount claimed: $12 <b>."}
    scores = probabilities.assign(claim_id=ids, disposition=decided, reasons=[[reason]] * rows)
    return scores, pd.Series(truth, index=ids, name="true_label"), claims, features


@pytest.fixture(scope="module")
def evaluated() -> pd.DataFrame:
    return evaluated_by_truth(*world(), POLICY, known_customers={"u1"})


@pytest.fixture(scope="module")
def model() -> ClaimModel:
    rows = pd.DataFrame({"claim_amount": np.arange(200.0), "claim_hour": np.arange(200.0) % 24})
    schema = InputSchema.fit(rows, {})
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(rows.to_numpy(), (rows["claim_amount"] > 90).astype(float)), 5)
    record = {
        "findings": {"test": {"valid": 3}, "train": {"valid": 9, "abusive": 2}},
        "test_from": "2026-02-01T00:00:00",
    }
    return ClaimModel(
        schema=schema,
        frivolous=booster,
        abusive=booster,
        frivolous_calibration=Calibration(),
        abusive_calibration=Calibration(),
        policy=POLICY,
        record=record,
    )


@pytest.fixture(scope="module")
def page(evaluated: pd.DataFrame, model: ClaimModel, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("report") / "made" / "report.html"
    outcomes = pd.DataFrame({"valid": [3.0], "frivolous": [0.0], "abusive": [1.0]}, index=["seller_defense"])
    data = DataFacts(
        "A test",
        [("claims", ROWS, "2026-01-01 to 2026-05-30")],
        "The data keep the contract.",
        outcomes,
        ("no orders",),
    )
    write_report(out, evaluated, model, data, basis="the truth", written_at=NOW)
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    return out.read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Counts open tags and collects what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [
            str(value) for name, value in attrs if name in ("src", "href") and not str(value).startswith("#")
        ]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_fetches_nothing_and_closes_what_it_opens(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.fetched == []
    assert "<script" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_every_section_that_the_menu_names_is_there(page: str) -> None:
    anchors = re.findall(r'href="#([a-z]+)"', page)
    assert anchors == ["data", "quality", "slices", "money", "reasons", "model", "claims"]
    assert all(page.count(f'id="{anchor}"') == 1 for anchor in anchors)


def test_what_users_write_is_shown_and_never_run(page: str) -> None:
    assert "sofas &amp; &lt;beds&gt;" in page
    assert "$12 &lt;b&gt;." in page
    assert "<beds>" not in page


def test_the_figures_at_the_top_are_those_of_the_claims(page: str, evaluated: pd.DataFrame, model: ClaimModel) -> None:
    tiles = {tile.name: tile for tile in scoreboard(evaluated, model)}
    valid, denied = evaluated["label"] == "valid", evaluated["disposition"] == "deny"
    assert tiles["valid claims denied"].value == f"{(valid & denied).sum() / valid.sum():.2%}"
    assert tiles["claims without merit denied"].value == f"{(~valid & denied).sum() / (~valid).sum():.1%}"
    assert tiles["injuries denied"].value == "0"
    assert tiles["log loss"].good
    assert all(tile.value in page for tile in tiles.values())


def test_a_violated_guarantee_shows_as_violated(evaluated: pd.DataFrame, model: ClaimModel) -> None:
    all_denied = evaluated.assign(disposition="deny")
    good = {tile.name: tile.good for tile in scoreboard(all_denied, model)}
    assert good["valid claims denied"] is False
    assert good["injuries denied"] is False


def test_samples_show_each_disposition_that_occurs(page: str, evaluated: pd.DataFrame) -> None:
    badges = set(re.findall(r'class="badge">([a-z ]+)<', page))
    assert badges == {name.replace("_", " ") for name in DISPOSITIONS if (evaluated["disposition"] == name).any()}


def test_scores_of_unknown_claims_are_refused() -> None:
    scores, truth, claims, features = world(5)
    with pytest.raises(InvalidDataError, match="1 scored claims such as k0004 are missing from the claims"):
        evaluated_by_truth(scores, truth, claims.head(4), features, POLICY)


def test_only_scores_with_a_truth_are_evaluated() -> None:
    scores, truth, claims, features = world(5)
    assert evaluated_by_truth(scores, truth.iloc[[1, 3]], claims, features, POLICY).index.tolist() == ["k0001", "k0003"]


def test_the_policy_beats_the_simple_ways_and_the_truth_beats_it(evaluated: pd.DataFrame) -> None:
    costs = list(money(evaluated, POLICY).values())
    assert costs[0] == min(costs[:-1])
    assert costs[-1] < costs[0]


def test_dollars_are_those_of_the_chosen_dispositions() -> None:
    realised = pd.DataFrame({"deny": [1.0, 2.0], "refer_to_expert": [10.0, 20.0]})
    assert dollars(realised, pd.Series(["refer_to_expert", "deny"])) == 12.0


def ends(chart: str, label: str) -> tuple[list[float], list[float]]:
    """Across and up, of the points of a label's curve."""
    (curve,) = [node for node in ElementTree.fromstring(chart).iter() if node.attrib.get("class") == f"curve c-{label}"]
    points = [tuple(map(float, point.split(","))) for point in curve.attrib["points"].split()]
    return [point[0] for point in points], [point[1] for point in points]


def test_curves_run_from_corner_to_corner(evaluated: pd.DataFrame) -> None:
    (across, up), (recall, precision) = (
        ends(str(plot(evaluated).chart), "valid") for plot in (roc_plot, precision_recall_plot)
    )
    assert (across[0], up[0], across[-1], up[-1]) == (min(across), max(up), max(across), min(up))
    assert (recall[0], recall[-1]) == (across[0], across[-1])
    assert len(across) <= 160
    height = (up[0] - precision[-1]) / (up[0] - up[-1])
    assert height == pytest.approx((evaluated["label"] == "valid").mean(), abs=0.001)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def test_a_line_chart_names_its_lines_and_axes_and_is_sound_xml() -> None:
    line = Line("a < b", [0.0, 1.0], [0.0, 1.0], "c-valid", dots=True, intervals=[(0.0, 0.1), (0.9, 1.0)])
    written = texts(line_chart("chart", [line], Axis("across"), Axis("up"), diagonal=True))
    assert {"a < b", "across", "up", "0", "1"} <= set(written)


@pytest.mark.parametrize("name", ["short", "a name that is long"])
@pytest.mark.parametrize("lines", [1, 4, 5, 9])
def test_the_legend_of_every_line_is_inside_the_picture(name: str, lines: int) -> None:
    drawn = [Line(f"{name} {place}", [0.0, 1.0], [0.0, 1.0], "c-valid") for place in range(lines)]
    root = ElementTree.fromstring(line_chart("chart", drawn, Axis("across"), Axis("up")))
    height = float(root.attrib["viewBox"].split()[3])
    legends = [each for each in root.iter() if each.tag.endswith("text") and (each.text or "").startswith(name)]
    assert len(legends) == lines
    assert all(float(each.attrib["y"]) + 4 <= height for each in legends)


@pytest.mark.parametrize("one", ["one", "a name that is too long to stand beside its bar"])
def test_bars_are_as_long_as_their_values(one: str) -> None:
    svg = bar_chart("bars", [Bar(one, [("c-valid", 1.0), ("c-abusive", 3.0)], "4"), Bar("none", [])])
    widths = [
        float(element.attrib["width"]) for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("rect")
    ]
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01)
    assert {one, "none", "4"} <= set(texts(svg))


def test_a_histogram_stacks_its_parts_without_gaps() -> None:
    svg = histogram("h", [("a", "c-valid", [0.2, 0.1]), ("b", "c-abusive", [0.3, 0.0])], Axis("x"))
    boxes = [
        element.attrib
        for element in ElementTree.fromstring(svg).iter()
        if element.tag.endswith("rect") and "rx" not in element.attrib
    ]
    assert float(boxes[0]["y"]) == pytest.approx(float(boxes[1]["y"]) + float(boxes[1]["height"]), abs=0.2)
