"""The transactions of the Fraud Detection Handbook as a data set of the contract.

The data are simulated (`handbook/SOURCE.md` beside them says from where), the protocol and the published figures are the handbook's
(Le Borgne, Siblini, Lebichot and Bontempi, 2022, chapters 3 and 5):

- a transaction is a claim of its card on its terminal: customer, seller and product of the contract, filed when it was made;
- a fraud is abusive, all else is valid, each found by an expert seven days later: the handbook's delay;
- a model learns from one week and is evaluated on the week that begins seven days after it, without cards known to be compromised by then;
- four such weeks, one after the other, make a figure; what is read and how boosters grow earlier weeks choose
  (`benchmarks.handbook_choice`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from claimvet.data.contract.errors import UsageError

DELAY = pd.Timedelta(days=7)
FIRST_DAY = pd.Timestamp("2018-04-01")
FIRST_TRAINING = pd.Timestamp("2018-07-25")
WEEK = 7
FOLDS = 4
CARDS = 100
"""Cards that investigators look at each day."""
LAST_DAY = FIRST_TRAINING + pd.Timedelta(days=WEEK * (FOLDS + 2))
FILE = "handbook_transactions.parquet"


@dataclass(frozen=True)
class Fold:
    """One week that trains and one that evaluates: rows of the transactions, index `claim_id`."""

    train: pd.DataFrame
    test: pd.DataFrame


def read_transactions(folder: Path) -> pd.DataFrame:
    """Transactions until the last week that evaluates, index `claim_id`; raises `UsageError` where the file is missing."""
    path = folder / "handbook" / FILE
    if not path.is_file():
        raise UsageError(
            f"{path} does not exist; put the transactions there, or name the folder with CLAIMVET_BENCH_DATA"
        )
    rows = pd.read_parquet(path)
    rows = rows[rows["TX_DATETIME"] < LAST_DAY]
    return rows.assign(claim_id="t" + rows["TRANSACTION_ID"].astype("str")).set_index("claim_id")


def contract_tables(transactions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The contract's `claims` and `outcomes`."""
    made = transactions["TX_DATETIME"].astype("datetime64[us]").dt.tz_localize("UTC")
    nothing = pd.Series(None, index=transactions.index, dtype="str")
    terminal = "s" + transactions["TERMINAL_ID"].astype("str")
    claims = pd.DataFrame(
        {
            "order_id": nothing,
            "customer_id": "c" + transactions["CUSTOMER_ID"].astype("str"),
            "seller_id": terminal,
            "product_id": terminal,
            "filed_at": made,
            "incident_at": pd.Series(pd.NaT, index=transactions.index, dtype="datetime64[us, UTC]"),
            "claim_type": "property_damage",
            "amount_claimed": transactions["TX_AMOUNT"].astype("float64"),
            "narrative": nothing,
        }
    ).reset_index()
    outcomes = pd.DataFrame(
        {
            "outcome_id": "o" + claims["claim_id"],
            "claim_id": claims["claim_id"],
            "label": np.where(transactions["TX_FRAUD"] == 1, "abusive", "valid"),
            "decided_by": "expert",
            "decided_at": claims["filed_at"] + DELAY,
            "amount_paid": np.nan,
        }
    )
    return {"claims": claims, "outcomes": outcomes}


def folds(transactions: pd.DataFrame, weeks: range) -> Iterator[Fold]:
    """The handbook's weeks; week 0 trains from 2018-07-25 on, week -1 seven days earlier."""
    start = (FIRST_TRAINING - FIRST_DAY).days
    day = transactions["TX_TIME_DAYS"]
    frauds = transactions["TX_FRAUD"] == 1
    for week in weeks:
        first = start + WEEK * week
        train = transactions[day.between(first, first + WEEK - 1)]
        known = set(train.loc[train["TX_FRAUD"] == 1, "CUSTOMER_ID"])
        evaluated = []
        for offset in range(WEEK):
            known |= set(transactions.loc[frauds & (day == first + WEEK + offset - 1), "CUSTOMER_ID"])
            asked = transactions[day == first + 2 * WEEK + offset]
            evaluated.append(asked[~asked["CUSTOMER_ID"].isin(known)])
        yield Fold(train, pd.concat(evaluated))


def card_precision(test: pd.DataFrame, score: pd.Series, cards: int = CARDS) -> float:
    """Share of compromised cards among the `cards` most suspicious of each day, without those found before; mean over the days."""
    found: set[int] = set()
    shares = []
    for _, rows in test.assign(score=score).groupby("TX_TIME_DAYS"):
        left = rows[~rows["CUSTOMER_ID"].isin(found)].groupby("CUSTOMER_ID")[["score", "TX_FRAUD"]].max()
        looked_at = left.sort_values("score", ascending=False, kind="stable").head(cards)
        caught = looked_at.index[looked_at["TX_FRAUD"] == 1]
        shares.append(len(caught) / cards)
        found |= set(caught)
    return float(np.mean(shares))


def figures(test: pd.DataFrame, score: pd.Series) -> tuple[float, float, float]:
    """Area under the ROC curve, average precision, card precision at 100."""
    fraud = test["TX_FRAUD"]
    return (
        float(roc_auc_score(fraud, score)),
        float(average_precision_score(fraud, score)),
        card_precision(test, score),
    )
