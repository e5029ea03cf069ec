"""How well the probabilities part and fit the labels, over all and in slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.assessment.plots import (
    calibration_plot,
    confusion_plot,
    month_plot,
    precision_recall_plot,
    roc_plot,
)
from claimvet.models.charts.axes import Axis
from claimvet.models.charts.charts import histogram
from claimvet.models.charts.titled import TitledChart
from claimvet.models.metrics import evaluation
from claimvet.pipeline.report.parts import Card, Section, Table, chart_card, figure, share

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
        [
            *(chart_card(plot(evaluated)) for plot in (roc_plot, precision_recall_plot, calibration_plot)),
            _spread(evaluated),
            _confusion(evaluated),
        ],
    )


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
    drawn = confusion_plot(evaluated)
    table = Table(["", *(f"called {label}" for label in LABELS), "called right"], rows)
    return Card(drawn.title, drawn.chart, table, note=drawn.caption, wide=True)


def slices_section(evaluated: pd.DataFrame) -> Section:
    """Return the figures by month, lane, claim type, new customers and category."""
    cut = evaluation.by_slice(evaluated)
    drawn = month_plot(evaluated) if (cut["slice"] == "month").sum() >= 3 else None
    cards = [_slice_card(title, names, cut, drawn if names == ("month",) else None) for title, names in SLICES.items()]
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


def _slice_card(title: str, names: Sequence[str], cut: pd.DataFrame, drawn: TitledChart | None) -> Card:
    rows = cut[cut["slice"].isin(names)]
    kept = (
        rows if len(rows) <= MAX_ROWS else rows.sort_values("findings", ascending=False, kind="stable").head(MAX_ROWS)
    )
    body = []
    for record in kept.to_dict("records"):
        value = VALUES.get(str(record["value"]), str(record["value"]).replace("_", " "))
        body.append([value, f"{record['findings']:,}", *(figure(float(str(record[key]))) for key in SLICE_FIGURES)])
    note = f"The {MAX_ROWS} with most claims, of {len(rows)}." if len(kept) < len(rows) else ""
    table = Table(["", "claims", *SLICE_FIGURES.values()], body)
    seen = drawn.caption if drawn else ""
    return Card(title, drawn.chart if drawn else None, table, note=f"{seen} {note}".strip(), wide="lane" in names)
