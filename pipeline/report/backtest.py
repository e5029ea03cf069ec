"""The backtest as a page: tiles, a line for each figure over time, what staleness costs, and the shadow run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from claimvet.models.assessment.backtest import Replayed
from claimvet.models.assessment.plots import DOLLARS, areas_over, errors_over, money_plots
from claimvet.models.charts.axes import Axis, named_axis, round_axis, short_dollars
from claimvet.models.charts.charts import Line, line_chart
from claimvet.models.policy.alternatives import CAPACITIES, money_table
from claimvet.pipeline.report.parts import Card, Section, Table, chart_card, figure, share
from claimvet.pipeline.report.plain import write_page
from claimvet.pipeline.report.tiles import Tile, cost_tile, injuries_tile


def write_backtest_page(
    out: Path,
    replayed: Sequence[Replayed],
    periods: pd.DataFrame,
    staleness: pd.DataFrame,
    shadow: pd.DataFrame,
    *,
    seed: int,
    written_at: datetime,
) -> None:
    """Write the page to `out`; the tables are those of `models.assessment.backtest`."""
    sections = [
        _quality(periods),
        _money(replayed, periods, seed),
        _guarantee(periods),
        _staleness(staleness),
        _shadow(shadow),
    ]
    write_page(
        out,
        "Claimvet: what would have happened",
        f"History replayed from {periods['from'].min():%Y-%m-%d} to {periods['until'].max():%Y-%m-%d}: {len(periods)} models, each "
        "trained on the outcomes that were decided before its period, deciding all its claims with each day's reviews allocated.",
        _tiles(periods),
        sections,
        footer="Claimvet. Counted on claims with a finding by the end of the data; the latest period has the quickly decided ones only.",
        written_at=written_at,
    )


def _tiles(periods: pd.DataFrame) -> list[Tile]:
    weights = periods["findings"]
    mean = {
        name: float(np.average(periods[name], weights=weights))
        for name in ("log_loss", "calibration_error", "usd_per_1000")
    }
    presenting = float(np.average(periods["usd_per_1000_presenting"], weights=weights))
    denied, valid = int(periods["valid_denied"].sum()), int(periods["valid_findings"].sum())
    guaranteed = periods["guarantee_kept"].dropna()
    kept = int(guaranteed.sum())
    capacity = periods["capacity"].iloc[0]
    most = int(periods["max_reviews_of_a_day"].max())
    return [
        Tile("log loss", figure(mean["log_loss"]), "lower is better; mean over all findings"),
        Tile("calibration error", figure(mean["calibration_error"]), "how far P(valid) is off, mean over periods"),
        cost_tile(mean["usd_per_1000"], presenting, "presenting everything"),
        Tile(
            "guarantee kept",
            f"{kept} of {len(guaranteed)}",
            f"periods with a guarantee; {denied} of {valid:,} valid findings denied",
            kept == len(guaranteed),
        ),
        injuries_tile(int(periods["injuries_denied"].sum()), "a person decides those"),
        Tile("most reviews of a day", f"{most}", f"capacity: {capacity}", capacity is None or most <= capacity),
        Tile(
            "audited",
            share(float((periods["audited_share"] * periods["claims"]).sum()), float(periods["claims"].sum())),
            "of all claims, whatever the score",
        ),
    ]


def _quality(periods: pd.DataFrame) -> Section:
    cards = [
        Card(
            "Areas under the ROC curve",
            areas_over(_across(periods), periods),
            note="How often a valid (or abusive) claim ranks above another: 1 is perfect, 0.5 chance.",
        ),
        Card(
            "Log loss and calibration error",
            errors_over(_across(periods), periods),
            note="The lower, the better. Log loss in nats; calibration error is how far P(valid) is off on average.",
        ),
        _table_card(
            "Period by period",
            periods,
            {
                "from": "from",
                "claims": "claims",
                "findings": "findings",
                "auc_valid": "AUC valid",
                "auc_abusive": "AUC abusive",
                "log_loss": "log loss",
                "calibration_error": "calibration error",
            },
        ),
    ]
    return Section(
        "quality", "Quality over time", "Every model is asked about claims that came after all that it knew.", cards
    )


def _money(replayed: Sequence[Replayed], periods: pd.DataFrame, seed: int) -> Section:
    lines = [
        Line(
            "policy",
            list(range(len(periods))),
            periods["usd_per_1000"].tolist(),
            "c-policy",
            True,
            list(zip(periods["usd_low"], periods["usd_high"], strict=True)),
        ),
        Line(
            "present everything",
            list(range(len(periods))),
            periods["usd_per_1000_presenting"].tolist(),
            "c-other",
            True,
        ),
    ]
    highest = periods[["usd_per_1000", "usd_high", "usd_per_1000_presenting"]].to_numpy(dtype=np.float64).max()
    y = round_axis(DOLLARS, 0.0, float(highest), short_dollars)
    evaluated = pd.concat([one.evaluated.evaluated for one in replayed])
    features = pd.concat([one.period.features.loc[one.evaluated.evaluated.index] for one in replayed])
    policy = replayed[-1].model.policy
    money = money_table(evaluated, policy, seed, features)
    cards = [
        Card(
            "Period by period",
            line_chart("Money", lines, _across(periods), y),
            note="The policy should lie below presenting everything in every period. Bars are 95 % intervals.",
        ),
        *(chart_card(drawn) for drawn in money_plots(money).values()),
        _ways_table(money[money["cost_ratio"] == 1.0]),
    ]
    lead = "Dollars per 1,000 claims with a finding, at the costs of params.yaml, counted with hindsight, against other ways of deciding."
    return Section("money", "Money", lead, cards)


def _ways_table(table: pd.DataFrame) -> Card:
    rows = []
    for way, part in table.groupby("way", sort=False):
        cells = zip(part["usd_per_1000"], part["low"], part["high"], strict=True)
        rows.append(
            [str(way), *(f"{cost / 1e3:,.1f} ({low / 1e3:,.0f} to {high / 1e3:,.0f})" for cost, low, high in cells)]
        )
    header = ["way", *(f"{capacity:.0%} reviewed" for capacity in CAPACITIES)]
    note = "Thousands of US dollars per 1,000 claims; in brackets 95 % bootstrap intervals. The oracle knows every finding beforehand."
    return Card("Ways of deciding, by capacity", table=Table(header, rows), note=note, wide=True)


def _guarantee(periods: pd.DataFrame) -> Section:
    names = {
        "from": "from",
        "valid_findings": "valid",
        "valid_denied": "denied",
        "valid_denied_share": "share",
        "without_merit_denied_share": "without merit, denied",
        "guarantee_kept": "kept",
        "injuries_denied": "injuries denied",
        "max_reviews_of_a_day": "most reviews of a day",
        "audited_share": "audited",
    }
    lead = (
        "Valid findings that would have been denied by machine. Findings are wrong at times, so as many as are expected to be valid by "
        "mistake are counted off before the guarantee is violated."
    )
    note = (
        "Kept: what is left is not significantly above the guarantee, at its own confidence; at 90 % one period in ten looks violated by "
        "chance; a dash: with so few findings nothing was guaranteed. Share and audited: of valid findings, and of all claims."
    )
    return Section(
        "guarantee", "The guarantee, and the experts", lead, [_table_card("Period by period", periods, names, note)]
    )


def _across(periods: pd.DataFrame) -> Axis:
    return named_axis("period, by its first month", [f"{start:%Y-%m}" for start in periods["from"]])


def _staleness(staleness: pd.DataFrame) -> Section:
    by_age = pd.DataFrame([{"age": age, **_weighted(part)} for age, part in staleness.groupby("age")])
    cards = []
    for name, title, write in (("log_loss", "log loss", "{:g}".format), ("usd", DOLLARS, short_dollars)):
        ends = list(zip(by_age[f"{name}_low"], by_age[f"{name}_high"], strict=True))
        line = Line(
            "lost against the freshest model",
            by_age["age"].tolist(),
            by_age[f"{name}_difference"].tolist(),
            "c-policy",
            True,
            ends,
        )
        ages = by_age["age"].tolist()
        x = Axis("age of the model, in periods", 0, max(max(ages), 1), ages)
        low, high = float(by_age[f"{name}_low"].min()), float(by_age[f"{name}_high"].max())
        cards.append(
            Card(
                f"What age costs: {title}",
                line_chart(title, [line], x, round_axis(f"{title}, lost", min(low, 0.0), max(high, 0.0), write)),
                note="At 0 a model of that age is as good as the freshest; a rising line says when to retrain. "
                "Mean over periods; bars are means of 95 % intervals.",
            )
        )
    lead = "Older models score the same claims as the freshest; what they lose is the price of not retraining."
    return Section("staleness", "Staleness", lead, cards)


def _weighted(part: pd.DataFrame) -> dict[str, float]:
    names = [name for name in part.columns if name.startswith(("log_loss", "usd"))]
    return {str(name): float(np.average(part[name], weights=part["findings"])) for name in names}


def _shadow(shadow: pd.DataFrame) -> Section:
    lead = "The challenger less the champion on the same claims, paired: below 0 it is better. Intervals are 95 %, by resampling claims."
    if shadow.empty:
        return Section("shadow", "Shadow run", f"{lead} There was no period with both.")
    rows = [
        [
            f"{row['from']:%Y-%m-%d}",
            str(row["champion"])[:8],
            str(row["challenger"])[:8],
            f"{row['findings']:,}",
            f"{row['log_loss_difference']:+.4f} ({row['log_loss_low']:+.4f} to {row['log_loss_high']:+.4f})",
            f"{row['usd_difference']:+,.0f} ({row['usd_low']:+,.0f} to {row['usd_high']:+,.0f})",
        ]
        for row in shadow.to_dict("records")
    ]
    table = Table(["from", "champion", "challenger", "findings", "log loss", "US dollars per 1,000 claims"], rows)
    return Section("shadow", "Shadow run", lead, [Card("Period by period", table=table, wide=True)])


def _table_card(title: str, periods: pd.DataFrame, names: dict[str, str], note: str = "") -> Card:
    rows = [[_written(name, row[name]) for name in names] for row in periods.to_dict("records")]
    return Card(title, table=Table(list(names.values()), rows), note=note, wide=True)


def _written(name: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.1%}" if name.endswith("share") else figure(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
