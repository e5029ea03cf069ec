"""Which reasons are given, and how single claims read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd
from markupsafe import Markup

from claimvet.data.contract.tables import LABELS
from claimvet.models.charts.charts import Bar, bar_chart
from claimvet.models.explain.reference_ranges import describe
from claimvet.models.policy.policy import most_likely
from claimvet.pipeline.report.parts import Card, Section, shortened


def reasons_section(evaluated: pd.DataFrame) -> Section:
    """Return which features are named most often as the first three reasons of each label."""
    cards = []
    for label in LABELS:
        rows = evaluated.loc[most_likely(evaluated) == label, "reasons"]
        if len(rows):
            cards.append(
                Card(
                    f"Called {label}",
                    _reason_bars(label, rows),
                    note=f"Share of {len(rows):,} claims that name it among their first three reasons.",
                )
            )
    lead = (
        "Which facts of a claim moved the model towards its label. A reason is a feature's contribution to the log-odds of the label "
        "(Tree SHAP); only what points towards the label is told."
    )
    return Section("reasons", "Why it says so", lead, cards)


def _reason_bars(label: str, rows: Iterable[Sequence[dict[str, object]]]) -> Markup:
    listed = list(rows)
    named = Counter(str(reason["feature"]) for reasons in listed for reason in list(reasons)[:3])
    bars = [
        Bar(shortened(describe(name)), [(f"c-{label}", count / len(listed))], f"{count / len(listed):.0%}")
        for name, count in named.most_common(8)
    ]
    return bar_chart(f"Reasons for {label}", bars, highest=1.0)
