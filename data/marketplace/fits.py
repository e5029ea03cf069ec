"""Computes again, from the real files, every constant that names a source.

    python -m claimvet.data.marketplace.fits

prints each figure beside the constant that rounds it; a test keeps the two in step. The generator itself never reads these files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from claimvet.data.marketplace import constants as c
from claimvet.data.reference.derive_categories import source_directory

ABSURD_AMOUNT = 1e6
"""TSA amounts from here on are typing errors (its SOURCE.md: up to 3e12)."""
MAX_DELAY_DAYS = 1000
"""TSA delays from here on, and those below 0, are typing errors in TSA dates."""


def tsa_claims(source: Path) -> pd.DataFrame:
    """TSA claims with `delay_days` (from incident to receipt) and `claim_amount` (dollars) as float64, NaN where absurd or absent."""
    raw = pd.read_csv(source / "tsa_claims" / "tsa_claims_2007_2017.csv.gz", low_memory=False)
    received = pd.to_datetime(raw["date_received"], errors="coerce")
    delay = (received - pd.to_datetime(raw["incident_date"], errors="coerce")).dt.days
    amount = pd.to_numeric(raw["claim_amount"], errors="coerce")
    closed = pd.to_numeric(raw["close_amount"], errors="coerce")
    return raw.assign(
        received=received,
        delay_days=delay.where((delay >= 0) & (delay < MAX_DELAY_DAYS)),
        claim_amount=amount.where((amount > 0) & (amount < ABSURD_AMOUNT)),
        close_amount=closed.where(closed > 0),
    )


def retail_lines(source: Path) -> pd.DataFrame:
    """Return all lines of the real shop, with `cancelled` (bool) and `value` (pounds)."""
    raw = pd.read_parquet(source / "online_retail" / "online_retail.parquet")
    return raw.assign(
        InvoiceDate=pd.to_datetime(raw["InvoiceDate"]),
        cancelled=raw["InvoiceNo"].astype(str).str.startswith("C"),
        value=raw["Quantity"] * raw["UnitPrice"],
    )


def sales(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of the real shop that were sold and paid for."""
    return lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]


def injury_losses(source: Path) -> pd.Series:
    """Bodily injury losses, dollars (AutoBi)."""
    loss = pd.read_csv(source / "bodily_injury_claims" / "AutoBi.csv")["LOSS"] * 1000
    return loss[loss > 0]


def _log_moments(values: pd.Series) -> tuple[float, float]:
    logs = np.log(values.dropna())
    return float(logs.mean()), float(logs.std())


def tsa_fits(claims: pd.DataFrame) -> dict[str, Any]:
    """Delays, amounts, roundness and settlements of TSA claims."""
    amount = claims["claim_amount"].dropna()
    damage = claims.loc[claims["claim_type"] == "Property Damage", "claim_amount"]
    settled = claims[claims["disposition"] == "Settle"]
    ratio = (settled["close_amount"] / settled["claim_amount"]).dropna()
    decided = claims["disposition"].isin(["Deny", "Approve in Full", "Settle"])
    return {
        "REPORT_DELAY": _log_moments(1 + claims["delay_days"]),
        "PROPERTY_AMOUNT": _log_moments(damage),
        "ROUND_HUNDRED": float((amount % 100 == 0).mean()),
        "ROUND_TEN": float((amount % 10 == 0).mean()),
        "SETTLED_RATIO": tuple(float(ratio.quantile(q)) for q in (0.1, 0.9)),
        "SETTLED_SHARE": float(len(settled) / decided.sum()),
    }


def retail_fits(lines: pd.DataFrame) -> dict[str, Any]:
    """Season, hours, orders a customer, popularity and prices of the real shop."""
    sold = sales(lines)
    year = sold.drop_duplicates("InvoiceNo").query("InvoiceDate < '2011-12-01'")["InvoiceDate"].dt
    month = year.month.value_counts(normalize=True).sort_index() * 12
    hour = year.hour.value_counts(normalize=True).reindex(range(24), fill_value=0.0)
    invoices = sold.dropna(subset="CustomerID").groupby("CustomerID")["InvoiceNo"].nunique()
    mean, variance = invoices.mean(), invoices.var()
    by_product = sold.groupby("StockCode")
    return {
        "MONTH_FACTOR": tuple(month),
        "HOUR_SHARE": tuple(hour),
        "ACTIVITY_SHAPE": float(mean**2 / (variance - mean)),
        "PRODUCT_POPULARITY_SIGMA": float(np.log(by_product.size()).std()),
        "SELLER_SIZE_SIGMA": float(np.log(by_product.size()).std()),
        "PRICE_SIGMA": float(np.log(by_product["UnitPrice"].median()).std()),
    }


def fitted(source: Path) -> Mapping[str, Any]:
    """By the name of the constant: what the real files say."""
    injury = {"INJURY_AMOUNT": _log_moments(injury_losses(source))}
    return tsa_fits(tsa_claims(source)) | retail_fits(retail_lines(source)) | injury


def main() -> None:
    """Print each fitted figure beside its constant."""
    for name, figure in fitted(source_directory()).items():
        rounded = np.round(np.array(figure, dtype=np.float64), 4).tolist()
        print(f"{name}: fitted {rounded}, constant {getattr(c, name)}")  # noqa: T201


if __name__ == "__main__":
    main()
