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
# # Generated against real
#
# The marketplace is made up. This notebook lays its marginals beside those of the real files that its constants were fitted to, and
# says where it departs from them on purpose. It reads `../shared/data` (or `$CLAIMVET_BENCH_DATA`) and generates 10,000 claims.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace import fits, generate
from claimvet.data.reference import load_categories
from claimvet.data.reference.derive_categories import source_directory

CLAIMS, SEED = 10_000, 7
REAL, MADE = "#888888", "#c0392b"

scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)
report = generate(folder, CLAIMS, SEED)
made = {name: pd.read_parquet(folder / f"{name}.parquet") for name in report.rows}
truth = pd.read_parquet(folder / "truth" / "claims.parquet")
tsa = fits.tsa_claims(source_directory())
lines = fits.retail_lines(source_directory())
sold = fits.sales(lines)
losses = fits.injury_losses(source_directory())
display(pd.Series(dict(report.rows), name="rows").to_frame())


# %%
def compare(axis: plt.Axes, title: str, real: pd.Series, generated: pd.Series, log: bool = True) -> None:
    """Two normalised histograms on one axis."""
    values = [np.log10(part.dropna()) if log else part.dropna() for part in (real, generated)]
    bins = np.linspace(min(part.quantile(0.001) for part in values), max(part.quantile(0.999) for part in values), 45)
    for part, name, colour in zip(values, ("real", "generated"), (REAL, MADE), strict=True):
        axis.hist(part, bins, density=True, histtype="step", linewidth=1.8, color=colour, label=name)
    axis.set_title(title)
    axis.legend(frameon=False)


def quantiles(real: pd.Series, generated: pd.Series) -> pd.DataFrame:
    """Quantiles of both, side by side."""
    points = [0.05, 0.25, 0.5, 0.75, 0.95]
    return pd.DataFrame({"real": real.quantile(points), "generated": generated.quantile(points)}).round(2)


# %% [markdown]
# ## Constants and fits
#
# Every constant that names a source, beside what the source says. A test holds them within 1.2 %.

# %%
fitted = fits.fitted(source_directory())
rows = {name: {"fitted": np.round(figure, 4), "constant": getattr(c, name)} for name, figure in fitted.items()}
display(pd.DataFrame(rows).T)

# %% [markdown]
# ## Amounts and delays of claims
#
# Property damage and delays come from the TSA's claims, injuries from settled bodily injury claims. The bump just below $1,000 is no
# accident: abusers know the concession limit. The TSA has no such limit, and no bump. Frivolous and abusive claims also shift the
# amounts, valid ones do not.

# %%
claims = made["claims"].merge(truth, on="claim_id")
damage = claims["claim_type"] == "property_damage"
delay = (claims["filed_at"] - claims["incident_at"]).dt.total_seconds() / 86400
tsa_damage = tsa.loc[tsa["claim_type"] == "Property Damage", "claim_amount"]
figure, axes = plt.subplots(1, 3, figsize=(15, 4))
compare(axes[0], "Property damage, log10 dollars", tsa_damage, claims.loc[damage, "amount_claimed"])
compare(axes[1], "Injury, log10 dollars", losses, claims.loc[~damage, "amount_claimed"])
compare(axes[2], "Incident to filing, log10 (1 + days)", 1 + tsa["delay_days"], 1 + delay)
figure.tight_layout()

# %%
valid = claims["true_label"] == "valid"
amounts = pd.concat(
    {
        "property damage": quantiles(tsa_damage, claims.loc[damage, "amount_claimed"]),
        "property damage, valid only": quantiles(tsa_damage, claims.loc[damage & valid, "amount_claimed"]),
        "injury, valid only": quantiles(losses, claims.loc[~damage & valid, "amount_claimed"]),
        "delay in days, valid only": quantiles(tsa["delay_days"], delay[valid]),
    }
)
display(amounts)

# %%
stated = claims["amount_claimed"].dropna()
real_amount = tsa["claim_amount"].dropna()
shares = pd.DataFrame(
    {
        "real (TSA)": [(real_amount < 1000).mean(), (real_amount % 100 == 0).mean(), (real_amount % 10 == 0).mean()],
        "generated": [(stated < 1000).mean(), (stated % 100 == 0).mean(), (stated % 10 == 0).mean()],
    },
    index=["below $1,000", "multiple of $100", "multiple of $10"],
).round(3)
display(shares)

# %% [markdown]
# ## Orders
#
# Season, hours and inequality come from the real shop. Its customers are businesses that buy by day; one order in five is spread over
# all hours here. The shop lists only customers who bought; accounts that never did are left out of the comparison. The real
# shop covers one year, the marketplace two, so its customers make twice as many orders.

# %%
orders = made["orders"].merge(made["products"][["product_id", "price"]], on="product_id")
invoices = sold.drop_duplicates("InvoiceNo")
year = invoices[invoices["InvoiceDate"] < "2011-12-01"]["InvoiceDate"].dt
first_year = orders.loc[orders["ordered_at"] < "2025-01-01", "ordered_at"].dt
by_customer = sold.dropna(subset="CustomerID").groupby("CustomerID")["InvoiceNo"].nunique()
figure, axes = plt.subplots(2, 2, figsize=(13, 8))
for name, real, generated, axis in (
    ("month", year.month, first_year.month, axes[0, 0]),
    ("hour", year.hour, orders["ordered_at"].dt.hour, axes[0, 1]),
):
    both = pd.DataFrame(
        {"real": real.value_counts(normalize=True), "generated": generated.value_counts(normalize=True)}
    )
    both.sort_index().fillna(0).plot.bar(ax=axis, color=[REAL, MADE], title=f"Orders by {name}", width=0.8)
compare(axes[1, 0], "Orders a customer, log10", by_customer, orders.groupby("customer_id").size())
relative = [part / part.median() for part in (sold.groupby("StockCode").size(), orders.groupby("product_id").size())]
compare(axes[1, 1], "Sales of a product against the median, log10", *relative)
figure.tight_layout()

# %% [markdown]
# ## Returns
#
# In the real shop a few customers make most of the returned value: its two largest cancellations, of whole pallets, are 40 % of it.
# Here returns are spread wider, as a marketplace of private buyers sees many ordinary ones (assumption); abusers send back more than
# others, and worse.

# %%
cancelled = lines[lines["cancelled"] & lines["CustomerID"].notna()]
real_value = (-cancelled.groupby("CustomerID")["value"].sum()).clip(lower=0)
made_value = (
    made["returns"].merge(made["orders"][["order_id", "amount"]], on="order_id").groupby("customer_id")["amount"].sum()
)


def concentration(value: pd.Series, everybody: int) -> list[float]:
    """Share of customers who ever return, and share of the returned value by the top 1, 5 and 10 % of all customers."""
    ranked = value.sort_values(ascending=False)
    return [
        len(value) / everybody,
        *(ranked.head(int(everybody * top)).sum() / ranked.sum() for top in (0.01, 0.05, 0.1)),
    ]


returned = pd.DataFrame(
    {
        "real": concentration(real_value, lines["CustomerID"].nunique()),
        "generated": concentration(made_value, orders["customer_id"].nunique()),
    },
    index=["customers who ever return", "value by the top 1 %", "value by the top 5 %", "value by the top 10 %"],
).round(3)
display(returned)

# %% [markdown]
# ## Hazard of categories
#
# Claims for each order against the NEISS rate of the category. NEISS counts injuries, not injuries for each unit sold, so the generator
# takes the square root; sellers' care, products' own hazard and dangerous lots add the scatter.

# %%
category = made["products"].set_index("product_id")["category_id"]
valid_claims = claims.loc[valid, "product_id"].map(category).value_counts()
rate = 1000 * valid_claims / orders["product_id"].map(category).value_counts()
hazard = load_categories().set_index("category_id").assign(claims_per_1000_orders=rate)
axis = hazard.plot.scatter("injury_rate", "claims_per_1000_orders", logx=True, logy=True, color=MADE, figsize=(8, 5))
for name in ("books", "music_cds", "bicycles", "trampolines", "beds_mattresses", "power_saws"):
    if np.isfinite(hazard.loc[name, "claims_per_1000_orders"]):
        axis.annotate(name, (hazard.loc[name, "injury_rate"], hazard.loc[name, "claims_per_1000_orders"]))
axis.set_title("Valid claims for 1,000 orders against injuries in NEISS")

# %%
figures = hazard[["injury_rate", "claims_per_1000_orders"]].corr("spearman").iloc[0, 1]
print(f"rank correlation of NEISS rate and valid claims an order: {figures:.2f}")

# %% [markdown]
# ## What has no real counterpart
#
# Kinds of customers, schemes of abuse, who investigates and how rightly, days to a decision, seller reports and evidence are assumptions;
# `docs/marketplace.md` lists them. No source at hand has a claimant's history beside the truth.
