"""What is done with the claims, what that costs, and whom it wrongs."""

from __future__ import annotations

from itertools import islice

import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.charts.charts import Bar, bar_chart
from claimvet.models.policy.policy import DISPOSITIONS, Policy
from claimvet.pipeline.report.figures import money
from claimvet.pipeline.report.parts import Card, Section, Table, dollars, share


def money_section(evaluated: pd.DataFrame, policy: Policy) -> Section:
    """Dispositions by what the claims are, and what they cost against other ways of deciding."""
    costs = money(evaluated, policy)
    best_other = min((cost, way) for way, cost in islice(costs.items(), 1, 4))
    saved = best_other[0] - next(iter(costs.values()))
    lead = (
        f"Costs are those of params.yaml, counted with hindsight. Against the best of the simple ways ({best_other[1]}) the policy "
        f"{'saves' if saved >= 0 else 'loses'} {dollars(abs(saved))} per 1,000 claims."
    )
    bars = [
        Bar(way, [("c-policy" if place == 0 else "c-other", cost)], dollars(cost))
        for place, (way, cost) in enumerate(costs.items())
    ]
    chart = bar_chart("Dollars per 1,000 claims", bars)
    return Section(
        "money",
        "What it does with them, in money",
        lead,
        [
            _dispositions(evaluated),
            Card(
                "Dollars per 1,000 claims",
                chart,
                note="The policy's bar should be the shortest but that of knowing the truth.",
            ),
            _denials(evaluated, policy),
        ],
    )


def _dispositions(evaluated: pd.DataFrame) -> Card:
    counts = pd.crosstab(evaluated["disposition"], evaluated["label"]).reindex(
        index=list(DISPOSITIONS), columns=list(LABELS), fill_value=0
    )
    bars = [
        Bar(
            str(name).replace("_", " "),
            [(f"c-{label}", float(row[label])) for label in LABELS],
            f"{row.sum():,} ({share(row.sum(), len(evaluated))})",
        )
        for name, row in counts.iterrows()
    ]
    return Card(
        "Dispositions, by what the claims are",
        bar_chart("Dispositions", bars),
        note="Green is valid, amber frivolous, red abusive.",
    )


def _denials(evaluated: pd.DataFrame, policy: Policy) -> Card:
    denied = evaluated["disposition"] == "deny"
    rows = []
    for label in LABELS:
        is_so = evaluated["label"] == label
        rows.append(
            [
                label,
                f"{int((denied & is_so).sum()):,}",
                f"{int(is_so.sum()):,}",
                share((denied & is_so).sum(), is_so.sum()),
            ]
        )
    injured = evaluated["claim_type"] == "personal_injury"
    rows.append(
        [
            "personal injury, whatever the label",
            f"{int((denied & injured).sum()):,}",
            f"{int(injured.sum()):,}",
            share((denied & injured).sum(), injured.sum()),
        ]
    )
    bound = (
        "none: too few findings to guarantee anything"
        if policy.deny_threshold is None
        else f"P(valid) at most {policy.deny_threshold:.3f}"
    )
    note = f"Guarantee: at most {policy.deny_alpha:.1%} of valid claims. Bound set at training: {bound}."
    return Card("Denials", table=Table(["", "denied", "of", "share"], rows), note=note, wide=True)
