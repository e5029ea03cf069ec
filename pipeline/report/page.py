"""Puts the report together and writes it as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.data.contract.writing.atomic_write import atomic_write
from claimvet.models.charts.charts import Bar, bar_chart
from claimvet.models.charts.titled import STYLE
from claimvet.models.metrics import evaluation
from claimvet.models.policy.policy import DISPOSITIONS, most_likely
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.report.decisions import money_section
from claimvet.pipeline.report.figures import money
from claimvet.pipeline.report.model import model_section
from claimvet.pipeline.report.parts import Card, Section, Table, figure, share
from claimvet.pipeline.report.quality import quality_section, slices_section
from claimvet.pipeline.report.reasons import reasons_section
from claimvet.pipeline.report.tiles import Tile, cost_tile, injuries_tile

TEMPLATE = "report.html.j2"
SAMPLES_PER_DISPOSITION = 2


@dataclass(frozen=True)
class DataFacts:
    """What the report says about the data: its name, rows and period by table, the verdict of the validation, how outcomes came.

    `outcomes` counts claims by who decided and label; `notes` are what the run had to say about the data.
    """

    name: str
    tables: Sequence[tuple[str, int, str]]
    verdict: str
    outcomes: pd.DataFrame
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class SampleClaim:
    """One claim as a person would read it."""

    claim_id: str
    facts: str
    label: str
    truth: str
    disposition: str
    probabilities: Mapping[str, float]
    reasons: Sequence[Mapping[str, object]]


def write_report(
    out: Path, evaluated: pd.DataFrame, model: ClaimModel, data: DataFacts, *, basis: str, written_at: datetime
) -> None:
    """Write the report of `evaluated` claims (`pipeline.report.evaluated.evaluated_by_truth`) to the HTML file `out`.

    `basis` says what the labels are, such as `the truth of the generated marketplace`.
    """
    sections = [
        _data_section(data),
        quality_section(evaluated),
        slices_section(evaluated),
        money_section(evaluated, model.policy),
        reasons_section(evaluated),
        model_section(model),
    ]
    html = template(TEMPLATE).render(
        title="Claimvet: claims and what became of them",
        data=data,
        basis=basis,
        written_at=written_at,
        period=_period(evaluated["filed_at"]),
        tiles=scoreboard(evaluated, model),
        sections=sections,
        samples=_samples(evaluated),
        labels=LABELS,
    )
    with atomic_write(out) as aside:
        aside.write_text(html, encoding="utf-8")


def scoreboard(evaluated: pd.DataFrame, model: ClaimModel) -> list[Tile]:
    """Return the figures that matter most, in order; also what `claimvet demo` prints."""
    found = evaluation.figures(evaluated)
    policy = model.policy
    valid, denied = evaluated["label"] == "valid", evaluated["disposition"] == "deny"
    injured = evaluated["claim_type"] == "personal_injury"
    wronged = float((denied & valid).sum() / max(valid.sum(), 1))
    hurt = int((denied & injured).sum())
    costs = list(money(evaluated, policy).values())
    return [
        Tile(
            "AUC valid",
            figure(found["auc_valid"]),
            "how often valid ranks above the rest",
        ),
        Tile("AUC abusive", figure(found["auc_abusive"]), "the same of abusive; 0.5 is chance"),
        Tile(
            "log loss",
            figure(found["log_loss"]),
            f"lower is better; shares: {figure(_base_loss(evaluated))}",
            found["log_loss"] < _base_loss(evaluated),
        ),
        Tile(
            "calibration error",
            figure(found["calibration_error"]),
            "of P(valid), on average; 0.03 wanted",
            found["calibration_error"] <= 0.03,
        ),
        Tile(
            "valid claims denied",
            f"{wronged:.2%}",
            f"guaranteed: at most {policy.deny_alpha:.0%}",
            wronged <= policy.deny_alpha,
        ),
        Tile(
            "claims without merit denied",
            share((denied & ~valid).sum(), (~valid).sum()),
            "by machine, within that guarantee",
        ),
        injuries_tile(hurt, f"of {int(injured.sum()):,}; a person decides those", policy.deny_personal_injury),
        cost_tile(costs[0], costs[2], "paying everything"),
    ]


def _base_loss(evaluated: pd.DataFrame) -> float:
    """Log loss of answering every claim with the shares of the labels: their entropy, in nats."""
    shares = evaluated["label"].value_counts(normalize=True).to_numpy()
    return float(-(shares * np.log(shares)).sum())


def _data_section(data: DataFacts) -> Section:
    tables = Table(["table", "rows", "period"], [[name, f"{rows:,}", period] for name, rows, period in data.tables])
    bars = [
        Bar(
            str(decider).replace("_", " "),
            [(f"c-{label}", float(row[label])) for label in LABELS],
            f"{int(row.sum()):,}",
        )
        for decider, row in data.outcomes.iterrows()
    ]
    chart = bar_chart("Outcomes by who decided", bars)
    note = "A concession is an assumption: paid unchecked. The others are findings. Green is valid, amber frivolous, red abusive."
    cards = [
        Card("Tables", table=tables, note=" ".join(data.notes)),
        Card("Outcomes, by who decided", chart, note=note),
    ]
    return Section("data", "The data", data.verdict, cards)


def _samples(evaluated: pd.DataFrame) -> list[SampleClaim]:
    """Return the first claims of each disposition, in the order in which they were filed."""
    ordered = (
        evaluated.assign(called=most_likely(evaluated))
        .rename_axis("claim_id")
        .reset_index()
        .sort_values(["filed_at", "claim_id"])
    )
    picked = [ordered[ordered["disposition"] == name].head(SAMPLES_PER_DISPOSITION) for name in DISPOSITIONS]
    return [_sample({str(key): value for key, value in row.items()}) for row in pd.concat(picked).to_dict("records")]


def _sample(row: Mapping[str, Any]) -> SampleClaim:
    amount = "amount not stated" if pd.isna(row["amount_claimed"]) else f"${row['amount_claimed']:,.2f}"
    facts = f"{row['claim_type'].replace('_', ' ')}, {amount}, {row['category_id'].replace('_', ' ')}, filed {row['filed_at']:%Y-%m-%d}"
    return SampleClaim(
        claim_id=row["claim_id"],
        facts=facts,
        label=row["called"],
        truth=row["label"],
        disposition=row["disposition"],
        probabilities={label: float(row[f"p_{label}"]) for label in LABELS},
        reasons=list(row["reasons"]),
    )


def _period(times: pd.Series[pd.Timestamp]) -> str:
    return f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}"


def template(name: str) -> jinja2.Template:
    """Return a template of this package by its file's name."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["chart_style"] = STYLE
    return environment.get_template(name)
