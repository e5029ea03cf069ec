"""The model card: what a claims manager should know of a model before trusting it, in Markdown, made at every training.

After Mitchell et al., *Model Cards for Model Reporting* (FAT* 2019): what it is for, what it learned from, how good it is and for whom,
what its decisions cost, what is guaranteed about wrong denials, and where not to use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from claimvet.data.contract.tables import LABELS
from claimvet.models.explain.protected import protected_names
from claimvet.models.metrics.evaluation import calibration_curve, figures
from claimvet.models.policy.alternatives import USUAL_CAPACITY
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.claim_model import ClaimModel

SHOWN_FIGURES = {
    "auc_valid": "AUC valid (0.5 is chance, 1 is perfect)",
    "auc_abusive": "AUC abusive",
    "log_loss": "log loss (nats; lower is better)",
    "calibration_error": "calibration error of P(valid)",
    "accuracy": "share of claims whose most likely label was found",
}
MAX_ROWS = 14
LIMITS = (
    "It knows what the platform recorded, and nothing else: no photograph is looked at and no sentence is read for its meaning.",
    "It learned from claims that somebody looked at. Claims paid unseen may differ; the audit slice is there to tell.",
    "Findings are wrong at times, and the model learned from them. Where deciders share a prejudice, so does the model.",
    "A new kind of fraud looks like nothing that it has seen until some of it was found out. `claimvet monitor` watches for drift.",
    "It says how likely a claim is valid, not that a person lies. A refusal needs a reason that a person can stand behind.",
    "Costs are assumptions of `params.yaml` until somebody replaces them; dispositions are as good as they are.",
)


@dataclass(frozen=True)
class CardFacts:
    """What a card is made of: the model, what evaluated it, and the tables that training wrote beside it.

    `intervals` as `models.metrics.evaluation.intervals`, `slices` as `by_slice`, `fairness` as
    `models.assessment.fairness.fairness_table`, `money` as `models.policy.alternatives.money_table`, `baselines` the log loss of each
    baseline.
    """

    model: ClaimModel
    evaluated_policy: Policy
    evaluated: pd.DataFrame
    intervals: pd.DataFrame
    slices: pd.DataFrame
    fairness: pd.DataFrame
    money: pd.DataFrame
    baselines: dict[str, float]


def model_card(facts: CardFacts) -> str:
    """Return the card as Markdown; of a model that nothing evaluated it says so instead of figures."""
    parts = [_opening(facts.model), _data(facts.model)]
    if len(facts.evaluated):
        parts += [_quality(facts), _calibration(facts.evaluated), _slices(facts.slices), _money(facts.money)]
    else:
        parts.append(
            "## How good it is\n\nNothing evaluated it: there were too few findings, or all came at once. Do not promote it."
        )
    parts += [_guarantee(facts), _fairness(facts.fairness), _limits()]
    return "\n\n".join(parts) + "\n"


def _opening(model: ClaimModel) -> str:
    known = str(model.record.get("known_until", "not known"))[:10]
    return (
        f"# Model card: Claimvet model {model.version}\n\n"
        "For claims by customers against sellers on a marketplace, for damage or injury by a product. It answers how likely a claim is "
        "valid, frivolous or abusive, and what to do with it at the least expected cost. Use it to sort claims and to spend experts' "
        "time; do not use it to punish customers, to set prices, or for claims of another kind.\n\n"
        f"It knows what was decided until {known}. Two boosters of {model.frivolous.num_trees()} and {model.abusive.num_trees()} trees "
        f"read {len(model.schema.names)} inputs; {_protected(model)}"
    )


def _protected(model: ClaimModel) -> str:
    """Return what the inputs hold of protected fields and proxies, by name."""
    if names := protected_names(model.schema.names):
        shown = ", ".join(f"`{name}`" for name in names)
        return f"among them are protected fields or proxies: {shown}. They move scores, and are never told as a reason."
    return "none of them has the name of a protected field or a proxy, and `group_` columns are never among them."


def _data(model: ClaimModel) -> str:
    record, data = model.record, model.record.get("data", {})
    rows = [
        [name.replace("_", " "), *(f"{counts.get(label, 0):,}" for label in LABELS)]
        for name, counts in record.get("findings", {}).items()
    ]
    rates = record.get("error_rates", {})
    errors = (
        ", ".join(f"{name.replace('_', ' ')} {rate:.1%}" for name, rate in sorted(rates.items())) or "not estimated"
    )
    note = f" Note: {record['note']}." if record.get("note") else ""
    beside = ", and beside them claims that nobody looked at, with what is believed of them and at a lower weight"
    more = beside if record.get("params", {}).get("unchecked_per_finding", 0.0) > 0 else ""
    return (
        f"## What it learned from\n\n{data.get('claims', 0):,} claims (data {str(data.get('sha256', ''))[:12]}); only findings "
        "evaluate: decisions by an expert, an investigator, a seller's defence or an appeal. They teach by how sure they are"
        f"{more}. Slices follow one another in time.{note}\n\n{_table(['slice', *LABELS], rows)}\n\nShare of findings that seem wrong, "
        f"as estimated: {errors}."
    )


def _quality(facts: CardFacts) -> str:
    found = figures(facts.evaluated)
    rows = []
    for name, text in SHOWN_FIGURES.items():
        low, high = facts.intervals.loc[name, ["low", "high"]]
        rows.append([text, f"{found[name]:.3f}", f"{low:.3f} to {high:.3f}"])
    baselines = ", ".join(f"{name.replace('_', ' ')} {loss:.3f}" for name, loss in facts.baselines.items())
    return (
        f"## How good it is\n\nOn {len(facts.evaluated):,} later findings that it had not seen. Log loss of the baselines: {baselines}.\n\n"
        f"{_table(['figure', 'value', '95 % interval'], rows)}"
    )


def _calibration(evaluated: pd.DataFrame) -> str:
    curve = calibration_curve(evaluated["p_valid"].to_numpy(), (evaluated["label"] == "valid").to_numpy())
    rows = [[f"{int(row.claims):,}", f"{row.p_mean:.2f}", f"{row.share:.2f}"] for row in curve.itertuples()]  # type: ignore[arg-type]
    return (
        "## Do its probabilities mean what they say?\n\nOf the claims of each row, the share found valid should be about the probability "
        f"answered.\n\n{_table(['claims', 'P(valid) answered', 'share found valid'], rows)}"
    )


def _slices(slices: pd.DataFrame) -> str:
    kept = slices.sort_values("log_loss", ascending=False, kind="stable").head(MAX_ROWS)
    rows = [
        [_words(row["slice"]), _words(row["value"]), f"{row['findings']:,}"]
        + [f"{row[name]:.3f}" for name in ("auc_valid", "log_loss", "calibration_error")]
        for row in kept.to_dict("records")
    ]
    return (
        f"## Where it is worst\n\n{'All' if len(rows) == len(slices) else f'The {len(rows)} worst of the'} {len(slices)} slices with at "
        "least 30 findings, the highest log loss first.\n\n"
        f"{_table(['slice', 'value', 'findings', 'AUC valid', 'log loss', 'calibration error'], rows)}"
    )


def _money(money: pd.DataFrame) -> str:
    at = money[(money["cost_ratio"] == 1.0) & (money["capacity"] == USUAL_CAPACITY)]
    rows = [
        [str(row["way"]), f"${row['usd_per_1000']:,.0f}", f"${row['low']:,.0f} to ${row['high']:,.0f}"]
        for row in at.to_dict("records")
    ]
    return (
        "## What its decisions cost\n\nUS dollars per 1,000 claims, with hindsight, at the costs of `params.yaml` and with experts for a "
        "tenth of the claims. `money.csv` and the plot have other capacities and costs.\n\n"
        f"{_table(['way', 'cost', '95 % interval'], rows)}"
    )


def _guarantee(facts: CardFacts) -> str:
    policy = facts.model.policy
    bound = (
        "There were too few findings to guarantee this, so it denies nothing."
        if policy.deny_threshold is None
        else f"It denies nothing above a P(valid) of {policy.deny_threshold:.3f}."
    )
    evaluated = facts.evaluated
    tried = ""
    if len(evaluated):
        valid = evaluated[(evaluated["label"] == "valid") & (evaluated["claim_type"] != "personal_injury")]
        denied = int((valid["disposition"] == "deny").sum()) if "disposition" in valid else 0
        tried = (
            f" Tried on later findings with the bound known before them: {denied} of {len(valid):,} claims that were found valid "
            "would have been denied; some of those findings are mistaken."
        )
    injuries = "may be" if policy.deny_personal_injury else "is never"
    return (
        f"## The guarantee\n\nAt most {policy.deny_alpha:.1%} of valid claims end in a denial by machine, with "
        f"{policy.deny_confidence:.0%} confidence, counting off at most {policy.finding_error_share:.1%} of claims without merit that were "
        f"found valid by mistake. {bound}{tried} "
        f"A personal injury {injuries} denied by machine, nor is a claim in a cluster of independent ones on its product."
    )


def _fairness(fairness: pd.DataFrame) -> str:
    rows = [
        [
            _words(row["grouping"]),
            _words(row["group"]),
            f"{row['valid']:,}",
            f"{row['rate']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
            f"{row['held_up']:.1%}",
            "no others" if row["ratio"] != row["ratio"] else f"{row['ratio']:.2f}",
        ]
        for row in fairness.to_dict("records")
    ]
    header = [
        "grouping",
        "group",
        "valid claims",
        "false positive rate",
        "95 % interval",
        "held up",
        "believed against others",
    ]
    return (
        "## False positive rate by group\n\nOf claims that were found valid, the share that it does not call valid; held up are those not "
        f"paid or presented at once. The last column is the share believed over that of all others.\n\n{_table(header, rows)}"
        if rows
        else "## False positive rate by group\n\nToo few valid claims evaluated it to tell."
    )


def _limits() -> str:
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS)


def _words(value: object) -> str:
    """Return a value of the data as words.

    >>> _words("property_damage"), _words(True)
    ('property damage', 'yes')
    """
    return {"True": "yes", "False": "no"}.get(str(value), str(value).replace("_", " "))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines(header, rows))


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "/") for cell in row) + " |"
