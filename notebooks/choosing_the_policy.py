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
# # Choosing the policy
#
# For a claims manager with a data scientist beside: what each disposition is expected to cost, how many experts are worth their money,
# and what changes when a wrong denial is held to be worse. The costs are those of `params.yaml`; put in your own and run it again.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import SVG, display

from claimvet.data.contract.dataset import DataSet
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.models.assessment.plots import money_plots
from claimvet.models.learning.training import train_model
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.alternatives import costs_of, money_table, policy_way, with_cost_ratio
from claimvet.models.policy.capacity import REFER, ShadowPrice, allocate_reviews
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.policy import DISPOSITIONS, Policy
from claimvet.pipeline.stages.history import known_by
from claimvet.pipeline.stages.train import read_training_data

CLAIMS, SEED, KNOWN_SHARE = 1_500, 23, 0.6
COLOURS = dict(zip(DISPOSITIONS, ("#1b9e77", "#0b5c6b", "#dd9a1f", "#7b5ea7", "#c9483b"), strict=True))
policy = Policy(deny_threshold=0.05)

# %% [markdown]
# ## One claim: what each disposition is expected to cost
#
# Property damage with one piece of evidence at hand, abusive as likely as frivolous. A line that is missing is not allowed there: nobody
# pays what is not believed, and a machine denies only below the bound of the guarantee.


# %%
def a_claim(p_valid: np.ndarray, amount: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rest = (1 - p_valid) / 2
    probabilities = pd.DataFrame({"p_valid": p_valid, "p_frivolous": rest, "p_abusive": rest})
    facts = pd.DataFrame(
        {"claim_type": "property_damage", "amount_claimed": amount, "evidence_count": 1.0}, index=probabilities.index
    )
    return probabilities, facts


p = np.linspace(0.002, 0.998, 250)
figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
for axis, amount in zip(axes, (80.0, 600.0, 4000.0), strict=True):
    costs = policy.costs(*a_claim(p, amount)).replace(np.inf, np.nan)
    for name in DISPOSITIONS:
        axis.plot(p, costs[name], color=COLOURS[name], label=name.replace("_", " "))
    axis.set(title=f"${amount:,.0f} claimed", xlabel="P(valid)", ylim=(0, np.nanquantile(costs.to_numpy(), 0.9)))
axes[0].set_ylabel("expected cost, US dollars")
axes[0].legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# ## The cheapest one, over probability and amount

# %%
amounts = np.geomspace(20, 30_000, 120)
cheapest = np.array(
    [[DISPOSITIONS.index(name) for name in policy.dispositions(*a_claim(p, amount))] for amount in amounts]
)
figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
axis.pcolormesh(
    p, amounts, cheapest, cmap=plt.matplotlib.colors.ListedColormap(list(COLOURS.values())), vmin=-0.5, vmax=4.5
)
axis.set(
    yscale="log", xlabel="P(valid)", ylabel="amount claimed, US dollars", title="What happens, if experts are free"
)
axis.legend(
    [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()],
    [name.replace("_", " ") for name in COLOURS],
    fontsize=8,
    loc="upper center",
    ncols=3,
)
plt.show()

# %% [markdown]
# ## A marketplace, and a model that knows its first part
#
# The later claims are evaluated by the truth, which a made-up marketplace has.

# %%
scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)
generate(folder / "all", CLAIMS, SEED)
whole = DataSet.open(folder / "all")
claims = pd.read_parquet(folder / "all" / "claims.parquet").set_index("claim_id").sort_values("filed_at")
cut = claims["filed_at"].iloc[int(KNOWN_SHARE * len(claims))].floor("s")
build_features(whole, folder / "features.parquet")
features = pd.read_parquet(folder / "features.parquet").set_index("claim_id")
known = known_by(whole, cut.to_pydatetime(), folder / "known")
data = read_training_data(known, folder / "features.parquet")
model = train_model(data, SplitParams(), TrainParams(num_boost_round=60, learning_rate=0.15), Policy()).model

later = claims[claims["filed_at"] >= cut]
truth = pd.read_parquet(folder / "all" / "truth" / "claims.parquet").set_index("claim_id")["true_label"]
rows = features.loc[later.index]
evaluated = model.probabilities(rows).join(policy_facts(rows)).assign(label=truth.reindex(later.index))
print(f"{len(evaluated):,} later claims; bound for denials: {model.policy.deny_threshold}")

# %% [markdown]
# ## How many experts are worth their money?
#
# Left: what a review saves, the claim that gains most first; a review is worth more than its price of zero as long as the line is above
# it, and with a capacity the shadow price is where the line is cut. Right: what a thousand claims cost with so many reviews.

# %%
options = model.policy.options(evaluated[["p_valid", "p_frivolous", "p_abusive"]], evaluated)
savings = np.sort(options["expert_saving_usd"].to_numpy())[::-1]
shares = np.linspace(0, 0.4, 17)
spent = [
    costs_of(evaluated, model.policy, policy_way(evaluated, model.policy, round(share * len(evaluated)))).mean() * 1000
    for share in shares
]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
left.plot(np.arange(len(savings)) / len(savings), np.maximum(savings, 0.1), color="#0b5c6b")
left.set(
    yscale="log", xlabel="share of the claims", ylabel="saved by a review, US dollars", title="What a review saves"
)
right.plot(shares, spent, marker="o", markersize=3, color="#0b5c6b")
right.set(
    xlabel="reviews, as a share of the claims",
    ylabel="US dollars per 1,000 claims",
    title="Cost by capacity",
    ylim=(0, None),
)
plt.show()

# %% [markdown]
# ## Against other ways of deciding

# %%
money = money_table(evaluated, model.policy, SEED, rows, capacities=(0.0, 0.1, 0.3), cost_ratios=(0.5, 2.0))
for chart in money_plots(money).values():
    display(SVG(chart.file()))
display(money.pivot_table(index="way", columns=["cost_ratio", "capacity"], values="usd_per_1000").round(-2))

# %% [markdown]
# ## What if a wrong denial were twice as bad?

# %%
counts = pd.DataFrame(
    {
        f"{ratio:g} times": with_cost_ratio(model.policy, ratio)
        .dispositions(evaluated[["p_valid", "p_frivolous", "p_abusive"]], evaluated)
        .value_counts(normalize=True)
        for ratio in (0.5, 1.0, 2.0, 4.0)
    }
).reindex(DISPOSITIONS)
display(counts.fillna(0.0).style.format("{:.1%}"))

# %% [markdown]
# ## One by one: the price carried over
#
# The endpoint does not know the day's later claims. It holds each against the price of the days before, and a count keeps the capacity.

# %%
scarce = replace(model.policy, expert_reviews_per_day=1)
days = later["filed_at"].dt.strftime("%Y-%m-%d")
batch = allocate_reviews(options, pd.Series(later.index, index=later.index), days, scarce)["disposition"] == REFER
state, referred, prices = ShadowPrice(), [], []
for name, day in days.items():
    verdict, state = state.decide(str(name), day, float(options.loc[name, "expert_saving_usd"]), scarce)
    referred.append(verdict.referred)
    prices.append(verdict.expert_price_usd)
saved = {
    "one by one": options.loc[referred, "expert_saving_usd"].sum(),
    "day by day": options.loc[batch, "expert_saving_usd"].sum(),
}
print("saved by reviews: " + ", ".join(f"{way} ${value:,.0f}" for way, value in saved.items()))
print(
    f"most reviews of a day: {pd.Series(referred, index=days).groupby(level=0).sum().max()} of {scarce.expert_reviews_per_day}"
)
figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
axis.plot(later["filed_at"], prices, color="#7b5ea7", drawstyle="steps-post")
axis.set(ylabel="US dollars", title="Shadow price of a review")
plt.show()
scratch.cleanup()
