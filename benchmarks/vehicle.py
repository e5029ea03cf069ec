"""Claims on vehicle insurance, 1994 to 1996, as a data set of the contract.

The data (`vehicle_claims/SOURCE.md` beside them) have no identities, amounts or dates but month and week:

- each claim has a customer, a seller and a product of its own, so there are no features of anybody's past; its columns are `x_` columns;
- it is filed on the first day of its week, and found out 30 days later, fraud abusive and all else valid, by an expert;
- `PolicyNumber` is the number of the row, and the year dates a claim instead of judging it: neither is a column.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from claimvet.data.contract.errors import UsageError

FILE = "fraud_oracle.csv"
DELAY = pd.Timedelta(days=30)
LAST_TRAINING_YEAR, JUDGING_YEAR = 1995, 1996
_LEFT_OUT = ("FraudFound_P", "PolicyNumber", "Year")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def read_rows(folder: Path) -> pd.DataFrame:
    """The rows as they are; raises `UsageError` where the file is missing."""
    path = folder / "vehicle_claims" / FILE
    if not path.is_file():
        raise UsageError(f"{path} does not exist; put the claims there, or name the folder with CLAIMVET_BENCH_DATA")
    return pd.read_csv(path)


def contract_tables(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The contract's `claims` and `outcomes`, in the order of filing."""
    month = rows["Month"].map({name: number for number, name in enumerate(_MONTHS, start=1)})
    first = pd.to_datetime({"year": rows["Year"], "month": month, "day": 1}, utc=True)
    filed = (first + pd.to_timedelta(7 * (rows["WeekOfMonth"] - 1), unit="D")).astype("datetime64[us, UTC]")
    name = "v" + rows["PolicyNumber"].astype("str").str.zfill(5)
    nothing = pd.Series(None, index=rows.index, dtype="str")
    own = rows.drop(columns=list(_LEFT_OUT)).assign(Age=rows["Age"].where(rows["Age"] > 0))
    claims = pd.DataFrame(
        {
            "claim_id": name,
            "order_id": nothing,
            "customer_id": "holder of " + name,
            "seller_id": "insurer of " + name,
            "product_id": "policy of " + name,
            "filed_at": filed,
            "incident_at": pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]"),
            "claim_type": "property_damage",
            "amount_claimed": np.nan,
            "narrative": nothing,
            **{f"x_{column}": own[column] for column in own},
        }
    )
    outcomes = pd.DataFrame(
        {
            "outcome_id": "outcome of " + name,
            "claim_id": name,
            "label": np.where(rows["FraudFound_P"] == 1, "abusive", "valid"),
            "decided_by": "expert",
            "decided_at": filed + DELAY,
            "amount_paid": np.nan,
        }
    )
    order = claims.sort_values(["filed_at", "claim_id"]).index
    return {"claims": claims.loc[order].reset_index(drop=True), "outcomes": outcomes.loc[order].reset_index(drop=True)}
