"""How well the probabilities part and fit the labels, over all and in slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from claimvet.data.contract.tables import LABELS
from claimvet.models.metrics import evaluation
from claimvet.pipeline.report.charts import Axis, Line, histogram, line_chart, round_axis
from claimvet.pipeline.report.figures import area, precision_recall, reliability, roc
from claimvet.pipeline.report.parts import Card, Section, Table, figure, share

SLICES = {
    "By month of filing": ("month",),
    "By category": ("category_id",),
    "By lane, type and customer": ("lane", "claim_type", "is_new_customer"),
}
SLICE_FIGURES = {
    "auc_valid": "AUC valid",
    "auc_abusive": "AUC abusive",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
VALUES = {
    "True": "new customers",
    "False": "known customers",
    "concession": "concession lane",
    "seller": "seller lane",
}
MAX_ROWS = 12
SMALLEST_BIN = 0.01
"""Bins with a smaller share of the claims are left out of a calibration curve: their intervals hide the rest."""


def quality_section(evaluated: pd.DataFrame) -> Section:
    """ROC and precision-recall curves, calibration, how probabilities part the labels, and the confusion matrix."""
    lead = (
        "Can it tell honest claims from others, and do its probabilities mean what they say? Both are asked of claims that it had "
        "not seen."
    )
    return Section(
        "quality",
        "How well it tells them apart",
        lead,
        [_roc(evaluated), _precision(evaluated), _calibration(evaluated), _spread(evaluated), _confusion(evaluated)],
    )


def _roc(evaluated: pd.DataFrame) -> Card:
    lines = [Line(_with_area(evaluated, label), *roc(evaluated, label), f"c-{label}") for label in _present(evaluated)]
    x, y = Axis("share of the others suspected with them"), Axis("share of the label caught")
    note = "The nearer to the top left, the better. The area is how often a claim of the label ranks above another; a coin gets 0.5."
    return Card("ROC curves", line_chart("ROC curves", lines, x, y, diagonal=True), note=note)


def _with_area(evaluated: pd.DataFrame, label: str) -> str:
    return f"{label}, area {area(evaluated, label):.3f}"


def _precision(evaluated: pd.DataFrame) -> Card:
    lines = [Line(label, *precision_recall(evaluated, label), f"c-{label}") for label in _present(evaluated)]
    x, y = Axis("recall: share of the label caught"), Axis("precision: share that is so")
    note = "The nearer to the top right, the better: catching more of a label takes in more claims that are none."
    return Card("Precision and recall", line_chart("Precision and recall", lines, x, y), note=note)


def _calibration(evaluated: pd.DataFrame) -> Card:
    lines = []
    for label in _present(evaluated):
        curve = reliability(evaluated, label)
        curve = curve[curve["claims"] >= SMALLEST_BIN * len(evaluated)]
        ends = list(zip(curve["low"].tolist(), curve["high"].tolist(), strict=True))
        points = curve["p_mean"].tolist(), curve["share"].tolist()
        lines.append(Line(label, *points, f"c-{label}", dots=True, intervals=ends))
    x, y = Axis("probability given"), Axis("share that is so")
    note = (
        "Of claims that are given 0.7, seven in ten should be so: points on the dashed line. Bars are 90 % intervals."
    )
    return Card("Calibration", line_chart("Calibration", lines, x, y, diagonal=True), note=note)


def _spread(evaluated: pd.DataFrame) -> Card:
    edges = np.linspace(0, 1, 21)
    counts = {label: np.histogram(evaluated.loc[evaluated["label"] == label, "p_valid"], edges)[0] for label in LABELS}
    parts = [(label, f"c-{label}", (counts[label] / len(evaluated)).tolist()) for label in LABELS]
    chart = histogram("P(valid) by label", parts, Axis("P(valid), the probability of being valid"))
    note = "Well parted labels meet in the middle only; green on the left are honest people who look suspicious."
    return Card("P(valid) of what is valid, frivolous, abusive", chart, note=note)


def _confusion(evaluated: pd.DataFrame) -> Card:
    counts = evaluation.confusion(evaluated).to_numpy()
    rows = [
        [f"truly {label}", *(f"{count:,}" for count in counts[place]), share(counts[place, place], counts[place].sum())]
        for place, label in enumerate(LABELS)
    ]
    note = "Claims by what they are (rows) and by the label that the model finds most likely (columns)."
    table = Table(["", *(f"called {label}" for label in LABELS), "called right"], rows)
    return Card("Confusion", table=table, note=note, wide=True)


def slices_section(evaluated: pd.DataFrame) -> Section:
    """The figures by month, lane, claim type, new customers and category."""
    cut = evaluation.by_slice(evaluated)
    chart = _month_chart(cut[cut["slice"] == "month"])
    cards = [_slice_card(title, names, cut, chart if names == ("month",) else None) for title, names in SLICES.items()]
    lead = (
        "A model is as good as the slice that it is worst in. AUC: 1 is perfect, 0.5 is chance. Log loss and calibration error: the lower, "
        "the better; in small slices chance alone makes the latter large. Slices with fewer than 30 claims are left out."
    )
    return Section(
        "slices",
        "Where it is better and worse",
        lead,
        [card for card in cards if card.table and card.table.rows],
    )


def _slice_card(title: str, names: Sequence[str], cut: pd.DataFrame, chart: Markup | None) -> Card:
    rows = cut[cut["slice"].isin(names)]
    kept = (
        rows if len(rows) <= MAX_ROWS else rows.sort_values("findings", ascending=False, kind="stable").head(MAX_ROWS)
    )
    body = []
    for record in kept.to_dict("records"):
        value = VALUES.get(str(record["value"]), str(record["value"]).replace("_", " "))
        body.append([value, f"{record['findings']:,}", *(figure(float(str(record[key]))) for key in SLICE_FIGURES)])
    note = f"The {MAX_ROWS} with most claims, of {len(rows)}." if len(kept) < len(rows) else ""
    seen = "Both lines should stay level: one that falls says that the model ages." if chart else ""
    table = Table(["", "claims", *SLICE_FIGURES.values()], body)
    return Card(title, chart, table, note=" ".join(filter(None, (seen, note))), wide="lane" in names)


def _month_chart(rows: pd.DataFrame) -> Markup | None:
    """Areas under the curves month by month, where there are at least three."""
    if len(rows) < 3:
        return None
    names, places = rows["value"].tolist(), list(range(len(rows)))
    lowest = np.floor(float(rows[["auc_valid", "auc_abusive"]].to_numpy().min()) * 20 - 0.5) / 20
    lines = [
        Line(f"AUC {label}", places, rows[f"auc_{label}"].tolist(), f"c-{label}", dots=True)
        for label in ("valid", "abusive")
    ]
    every = max(1, len(names) // 6)
    x = Axis("month of filing", 0, len(names) - 1, places[::every], lambda place: str(names[round(place)]))
    y = round_axis("area under the ROC curve", lowest, 1.0)
    return line_chart("Month by month", lines, x, y)


def _present(evaluated: pd.DataFrame) -> list[str]:
    return [label for label in LABELS if 0 < (evaluated["label"] == label).sum() < len(evaluated)]
