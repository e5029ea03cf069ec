# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From tables to a model's errors
#
# A walk for a data scientist: what the tables hold, when each fact was known, what a feature is, what the model says about claims that
# came later, and where it is wrong. The marketplace is made up, so the truth is at hand; nothing but the last sections looks at it.

# %%
import tempfile
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from scipy.stats import binomtest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.tables import FINDINGS, LABELS, TABLES
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import BY_NAME
from claimvet.models.explain.reasons import explain
from claimvet.models.explain.reference_ranges import describe
from claimvet.models.learning.training import train_model
from claimvet.models.metrics.evaluation import figures
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.policy import DISPOSITIONS, Policy, most_likely
from claimvet.pipeline.report.evaluated import evaluated_by_truth
from claimvet.pipeline.stages.history import known_by
from claimvet.pipeline.stages.train import read_training_data

CLAIMS, SEED, KNOWN_SHARE = 5_000, 11, 0.7
COLOUR = dict(zip(LABELS, ("#2a7f62", "#d08c2e", "#b03a48"), strict=True))

scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)
generate(folder / "all", CLAIMS, SEED)
whole = DataSet.open(folder / "all")
tables = {name: pd.read_parquet(file.path) for name, file in whole.tables.items()}

# %% [markdown]
# ## The tables, and when a row was known
#
# Each event has one time at which the platform knew it. A claim's features see only what was known strictly before it was filed.

# %%
display(
    pd.DataFrame(
        [
            {"table": name, "a row is": TABLES[name].meaning, "rows": len(rows), "known at": TABLES[name].known_at}
            for name, rows in tables.items()
        ]
    )
)
display(tables["claims"].head(3))

# %% [markdown]
# ## What is a label?
#
# A claim may be decided several times, and most small ones are paid without anyone looking: their `valid` is an assumption, not a
# finding. Only findings train and evaluate. They also come late, so the newest claims have none.

# %%
outcomes = tables["outcomes"].merge(tables["claims"][["claim_id", "filed_at"]], on="claim_id")
outcomes["days"] = (outcomes["decided_at"] - outcomes["filed_at"]) / pd.Timedelta(days=1)
outcomes["finding"] = outcomes["decided_by"].isin(FINDINGS)
counts = outcomes.groupby(["decided_by", "label"]).size().unstack(fill_value=0)[list(LABELS)]

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6))
counts.plot.barh(stacked=True, color=[COLOUR[label] for label in LABELS], ax=left, title="Outcomes, by who decided")
for finding, part in outcomes.groupby("finding"):
    right.hist(
        part["days"].clip(upper=120), 40, histtype="step", density=True, label="findings" if finding else "concessions"
    )
right.set(title="Days from filing to outcome", xlabel="days")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Features
#
# Each is declared once, with a description that a seller can read. Here are four, over the claims that somebody looked at.

# %%
known_until = tables["claims"]["filed_at"].sort_values().iloc[int(KNOWN_SHARE * CLAIMS)].floor("s").to_pydatetime()
build_features(whole, folder / "features.parquet")
features = pd.read_parquet(folder / "features.parquet")
found = outcomes[outcomes["finding"]].sort_values("decided_at").drop_duplicates("claim_id", keep="last")
labelled = features.merge(found[["claim_id", "label"]], on="claim_id")

shown = ["claim_days_since_order", "claim_evidence_count", "customer_return_rate_365d", "customer_claims_count_365d"]
figure, axes = plt.subplots(1, 4, figsize=(15, 3.6), sharey=True)
for name, axis in zip(shown, axes, strict=True):
    for label in LABELS:
        values = np.sort(labelled.loc[labelled["label"] == label, name].dropna())
        axis.step(values, np.linspace(0, 1, len(values)), color=COLOUR[label], label=label)
    axis.set_xlim(left=0, right=labelled[name].quantile(0.97) or 1)
    axis.set_title(textwrap.fill(BY_NAME[name].description, 34), fontsize=10)
    axis.set_xlabel("" if BY_NAME[name].unit == "1" else BY_NAME[name].unit)
axes[0].set_ylabel("share of claims at or below")
axes[0].legend(frameon=False)
plt.show()

# %% [markdown]
# ## Train on what was known
#
# The data set is cut at an instant: later rows, later outcomes and later inspections are gone. Training splits what is left by time:
# the train slice grows the boosters, the bound slice sets the bound of denials, the test slice evaluates.

# %%
known = known_by(whole, known_until, folder / "known")
quick = TrainParams(num_boost_round=120, learning_rate=0.1)  # a third of the time, and about as good
training = train_model(read_training_data(known, folder / "features.parquet"), SplitParams(), quick, Policy())
model = training.model
display(pd.DataFrame(training.model.record["findings"]).T)
display(
    pd.DataFrame(
        {"model": figures(training.evaluated), **{name: figures(rows) for name, rows in training.baselines.items()}}
    ).round(3)
)

# %% [markdown]
# ## Score what came later, and hold it against the truth
#
# From here on the truth is used. On real claims it never is at hand: then the test slice above is all there is.

# %%
truth = pd.read_parquet(folder / "all" / "truth" / "claims.parquet").set_index("claim_id")["true_label"]
kinds = pd.read_parquet(folder / "all" / "truth" / "customers.parquet").set_index("customer_id")["kind"]
later_ids = tables["claims"].loc[tables["claims"]["filed_at"] >= known_until, "claim_id"]
later = features[features["claim_id"].isin(later_ids)].reset_index(drop=True)
probabilities = model.probabilities(later)
decided = model.policy.dispositions(probabilities, policy_facts(later))
scores = later[["claim_id"]].assign(**probabilities, disposition=decided, reasons=[[]] * len(later))
seen = set(tables["claims"].loc[tables["claims"]["filed_at"] < known_until, "customer_id"])
evaluated = evaluated_by_truth(scores, truth, tables["claims"], features, model.policy, seen)
evaluated["kind"] = kinds.reindex(evaluated["customer_id"]).to_numpy()
display(pd.Series(figures(evaluated), name="later claims, by the truth").round(3).to_frame())

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
bins = np.linspace(0, 1, 26)
left.hist(
    [evaluated.loc[evaluated["label"] == label, "p_valid"] for label in LABELS],
    bins,
    stacked=True,
    color=list(COLOUR.values()),
    label=LABELS,
)
left.set(title="P(valid) of later claims, by what they truly are", xlabel="P(valid)")
left.legend(frameon=False)
curve = evaluated.groupby(pd.cut(evaluated["p_valid"], np.linspace(0, 1, 11)), observed=True)
right.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
right.plot(
    curve["p_valid"].mean(),
    curve["label"].apply(lambda labels: (labels == "valid").mean()),
    "o-",
    color=COLOUR["valid"],
)
right.set(title="Calibration of P(valid)", xlabel="probability given", ylabel="share truly valid")
plt.show()

# %% [markdown]
# ## Errors: who gets through, and who is wronged?
#
# A single figure hides that cheats differ. Below, the mean probabilities by the kind of customer behind a claim, and the share of their
# invalid claims that would be paid. Then the two kinds of mistake that hurt most: honest claims with the lowest P(valid), and cheats
# with the highest.

# %%
invalid = evaluated["label"] != "valid"
paid = evaluated["disposition"].isin(["pay_concession", "present_to_seller"])
by_kind = pd.DataFrame(
    {
        "claims": evaluated.groupby("kind").size(),
        "truly valid": (~invalid).groupby(evaluated["kind"]).mean(),
        "mean P(valid)": evaluated.groupby("kind")["p_valid"].mean(),
        "mean P(abusive)": evaluated.groupby("kind")["p_abusive"].mean(),
        "invalid claims paid": paid[invalid].groupby(evaluated.loc[invalid, "kind"]).mean(),
        "valid claims paid": paid[~invalid].groupby(evaluated.loc[~invalid, "kind"]).mean(),
    }
).sort_values("claims", ascending=False)
display(by_kind.round(3))

# %% [markdown]
# ## False suspicions and misses, slice by slice
#
# A false suspicion is a valid claim that the model calls something else; a miss is an abusive claim that it calls valid. Bars are 95 %
# intervals (Wilson): where they are long there are few claims, and a difference may be chance. Slices of fewer than 20 are left out.

# %%
called = most_likely(evaluated)
mistakes = {
    "false suspicions, share of valid claims": (evaluated["label"] == "valid", called != "valid"),
    "misses, share of abusive claims": (evaluated["label"] == "abusive", called == "valid"),
}
slices = {
    "claim type": evaluated["claim_type"],
    "amount": evaluated["amount_band"],
    "evidence": (evaluated["evidence_count"] > 0).map({True: "some at hand", False: "none"}),
    "customer": evaluated["is_new_customer"].map({True: "never seen before", False: "known"}),
    "category": evaluated["category_id"].where(
        evaluated["category_id"].isin(evaluated["category_id"].value_counts().index[:6])
    ),
}


def rates(asked: pd.Series, wrong: pd.Series) -> pd.DataFrame:
    """By slice: how many claims are asked about, the share that is wrong, and its interval."""
    rows = []
    for name, values in slices.items():
        for value, part in wrong[asked].groupby(values[asked], observed=True):
            if len(part) >= 20:
                low, high = binomtest(int(part.sum()), len(part)).proportion_ci(0.95, "wilson")
                rows.append((f"{name}: {str(value).replace('_', ' ')}", len(part), part.mean(), low, high))
    return pd.DataFrame(rows, columns=["slice", "claims", "share", "low", "high"])


figure, axes = plt.subplots(1, 2, figsize=(14, 6.5), layout="constrained")
for (title, (asked, wrong)), axis in zip(mistakes.items(), axes, strict=True):
    table = rates(asked, wrong)
    places = np.arange(len(table))[::-1]
    axis.hlines(places, table["low"], table["high"], color="grey")
    axis.plot(table["share"], places, "o", color=COLOUR["abusive"])
    axis.axvline(wrong[asked].mean(), color="black", linewidth=0.8, linestyle=":")
    axis.set_yticks(places, table["slice"].str.replace("$", r"\$") + table["claims"].map(" ({})".format))
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.set(title=title, xlabel="share, dotted: of all", xlim=(0, None))
    print(
        f"{title}: {wrong[asked].mean():.1%} of {int(asked.sum())}; worst slice {table.loc[table['share'].idxmax(), 'slice']}"
    )
plt.show()


# %%
def show_worst(title: str, rows: pd.DataFrame) -> None:
    """The claims of `rows`, with what the model said for its label."""
    print(title)
    named = later.set_index("claim_id").loc[rows.index]
    for (claim_id, row), reasons in zip(rows.iterrows(), explain(model, named, top=3), strict=True):
        print(f"  {claim_id}: {row['kind']}, truly {row['label']}, P(valid) {row['p_valid']:.2f}, {row['disposition']}")
        for reason in reasons:
            print(f"      {reason.contribution:+.2f}  {reason.text}")


show_worst("Valid, and least believed:", evaluated[~invalid].nsmallest(3, "p_valid"))
show_worst("Abusive, and most believed:", evaluated[evaluated["label"] == "abusive"].nlargest(3, "p_valid"))

# %% [markdown]
# ## Three wrong claims, and what would have changed the answer
#
# Reasons say what moved the model. What would have moved it back? Each input is set, one at a time, to values that are usual among claims
# of the true label (their deciles), all else left as it is, and the claim is scored again. It is a question to the model and not to
# the world: inputs hang together, and nobody can have filed earlier. But it tells what to check first in a complaint, and which input a
# cheat had to get right.

# %%
kind_of_input = {column.name: column.kind for column in model.schema.inputs}
numeric = [name for name, kind in kind_of_input.items() if kind != "category"]
by_claim = later.set_index("claim_id")


def what_would_change(claim_id: str) -> pd.DataFrame:
    """The three inputs that alone would bring P(true label) furthest up, with the value that does it."""
    label = evaluated.loc[claim_id, "label"]
    usual = by_claim.loc[evaluated.index[evaluated["label"] == label], numeric].quantile(np.linspace(0.1, 0.9, 9))
    tried = [(name, value) for name in numeric for value in usual[name].dropna().unique()]
    rows = by_claim.loc[[claim_id] * len(tried)].reset_index(drop=True).astype(dict.fromkeys(numeric, "float64"))
    for place, (name, value) in enumerate(tried):
        rows.loc[place, name] = value
    answers = model.probabilities(rows)
    changed = pd.DataFrame(tried, columns=["input", "value instead"]).assign(**answers, called=most_likely(answers))
    best = changed.sort_values(f"p_{label}", ascending=False).drop_duplicates("input").head(3)
    return best.assign(**{"value now": [by_claim.loc[claim_id, name] for name in best["input"]]})


def read_aloud(claim_id: str) -> None:
    """One claim as a colleague would tell it: what it is, what was said and why, and what would have changed that."""
    row = evaluated.loc[claim_id]
    amount = "an amount not stated" if pd.isna(row["amount_claimed"]) else f"${row['amount_claimed']:,.0f}"
    told = ", ".join(row[["claim_type", "category_id", "kind"]].str.replace("_", " "))
    print(f"{claim_id}: {told}, {amount}.")
    said = ", ".join(f"{label} {row[f'p_{label}']:.2f}" for label in LABELS)
    print(
        f"  Truly {row['label']}; called {called[claim_id]} ({said}); disposition: {row['disposition'].replace('_', ' ')}."
    )
    for reason in explain(model, by_claim.loc[[claim_id]], top=3)[0]:
        print(f"    because {reason.text} ({reason.contribution:+.2f})")
    changes = what_would_change(claim_id)
    for change in changes.to_dict("records"):
        now = "unknown" if pd.isna(change["value now"]) else f"{change['value now']:.3g}"
        share = change["p_" + row["label"]]
        then = f"P({row['label']}) {share:.2f}, called {change['called']}"
        print(f"    had it been {change['value instead']:.3g} instead of {now}: {then} - {describe(change['input'])}")
    turned = (changes["called"] == row["label"]).any()
    print("    one input alone would have turned it." if turned else "    no single input would have turned it.")


suspected = evaluated[~invalid & (called != "valid")]
believed = evaluated[(evaluated["label"] == "abusive") & (called == "valid")]
dearest = suspected.sort_values("amount_claimed", ascending=False)
for claim_id in (suspected["p_valid"].idxmin(), dearest.index[0], believed["p_valid"].idxmax()):
    read_aloud(claim_id)

# %% [markdown]
# ## Which inputs mislead?
#
# For each input, how far its values among wrongly believed abusive claims lie from those of the abusive claims that are caught, in
# standard deviations. What stands out is where cheats look honest: the place to look for the next feature.

# %%
abusive = evaluated[evaluated["label"] == "abusive"].index
missed = evaluated.loc[abusive, "p_valid"] > 0.5
numbers = later.set_index("claim_id").loc[abusive].select_dtypes("number")
gap = (numbers[missed].mean() - numbers[~missed].mean()) / numbers.std().replace(0, np.nan)
strongest = gap.dropna().sort_values(key=np.abs).tail(10)
figure, axis = plt.subplots(figsize=(8, 5.5))
axis.barh(
    [textwrap.fill(BY_NAME[name].description, 60) for name in strongest.index], strongest, color=COLOUR["abusive"]
)
axis.set(
    title=f"Abusive claims that are believed ({int(missed.sum())}) against those caught ({int((~missed).sum())})",
    xlabel="standard deviations",
)
plt.show()

# %% [markdown]
# ## From probabilities to money
#
# The policy takes the cheapest disposition that is allowed. By amount and P(valid), for property damage with evidence at hand; where
# training found no bound for denials (too few findings to guarantee anything), the picture shows what a bound of 0.05 would do.

# %%
amounts, shares = np.geomspace(10, 20_000, 120), np.linspace(0.005, 0.995, 100)
grid = pd.DataFrame({"amount_claimed": np.tile(amounts, len(shares)), "p_valid": np.repeat(shares, len(amounts))})
grid = grid.assign(
    claim_type="property_damage",
    evidence_count=1,
    p_frivolous=(1 - grid["p_valid"]) / 2,
    p_abusive=(1 - grid["p_valid"]) / 2,
)
bound = model.policy.deny_threshold or 0.05
chosen = (
    model.policy.with_deny_threshold(bound)
    .dispositions(grid, grid)
    .map({name: place for place, name in enumerate(DISPOSITIONS)})
)

figure, axis = plt.subplots(figsize=(8, 4.5))
colours = plt.matplotlib.colors.ListedColormap(["#2a7f62", "#3c7fb1", "#9cc5de", "#8d7bb5", "#b03a48"])
mesh = axis.pcolormesh(amounts, shares, chosen.to_numpy().reshape(len(shares), -1), cmap=colours, vmin=-0.5, vmax=4.5)
figure.colorbar(mesh, ticks=range(5)).ax.set_yticklabels([name.replace("_", " ") for name in DISPOSITIONS])
axis.set(
    xscale="log",
    xlabel="amount claimed, dollars",
    ylabel="P(valid)",
    title=f"Dispositions with a bound of {bound:.3f}",
)
plt.show()

# %%
display(pd.crosstab(evaluated["disposition"], evaluated["label"])[list(LABELS)])
scratch.cleanup()
