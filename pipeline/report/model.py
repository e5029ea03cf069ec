"""What the model is, and what it learned from."""

from __future__ import annotations

import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.charts.charts import Bar, bar_chart
from claimvet.models.explain.reference_ranges import describe
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.report.parts import Card, Section, Table, shortened

TIME_SLICES = ("train", "bound", "test", "everything")
"""Slices of the findings as the record names them, in time."""


def model_section(model: ClaimModel) -> Section:
    """Return what the model is, and what it learned from."""
    record = model.record
    facts = [
        ["version", model.version],
        ["inputs", f"{len(model.schema.names)}"],
        [
            "trees against valid",
            f"{model.frivolous.num_trees()} for frivolous, {model.abusive.num_trees()} for abusive",
        ],
        [
            "calibration",
            f"{model.frivolous_calibration.method} for frivolous, {model.abusive_calibration.method} for abusive",
        ],
        *(
            [name.replace("_", " "), str(record[name])[:10]]
            for name in ("bound_from", "test_from", "known_until")
            if name in record
        ),
        *([["days that findings take", f"{float(record['gap_days']):.0f}"]] if record.get("gap_days") else []),
        *([["note", str(record["note"])]] if record.get("note") else []),
    ]
    cards = [Card("The model", table=Table(["fact", "value"], facts)), _importance(model)]
    if "findings" in record:
        rows = [
            [name, *(f"{record['findings'][name].get(label, 0):,}" for label in LABELS)]
            for name in TIME_SLICES
            if name in record["findings"]
        ]
        cards.append(
            Card(
                "Findings it learned from",
                table=Table(["slice", *LABELS], rows),
                note="Claims that somebody looked at, by slice; slices follow one another in time, and everything grew the final model.",
            )
        )
    lead = "Two boosters, each against valid; calibrated by folds of their own findings, evaluated on later claims, then grown anew on all."
    return Section("model", "What the model is", lead, cards)


def _importance(model: ClaimModel) -> Card:
    columns = list(model.sources.values())
    gains = {
        name: pd.Series(getattr(model, name).feature_importance("gain"), index=columns)
        for name in ("frivolous", "abusive")
    }
    shares = pd.DataFrame({name: gain.groupby(level=0).sum() / (gain.sum() or 1.0) for name, gain in gains.items()})
    order = shares.sum(axis=1).sort_values(ascending=False).head(8).index
    bars = [
        Bar(shortened(describe(source)), [(f"c-{name}", float(shares.loc[source, name])) for name in gains])
        for source in order
    ]
    return Card(
        "Gain by input",
        bar_chart("Gain by input", bars),
        note="Share of what all inputs gain, of the eight that gain most. Amber: frivolous against valid. Red: abusive against valid.",
    )
