"""Real claims against the US Transportation Security Administration, 2007 to 2017, as a data set of the contract.

The claims are public (`tsa_claims/SOURCE.md` beside the data says from where). What the contract asks for and the data do not have is
said here once:

- claimant: not published, so each claim has a customer of its own, and there are no features of a customer's past;
- seller: the airport; category: the first item with the kind of claim and the site; product: such a category at one airport;
- decision time: not published. A claim counts as decided `DECISION_DELAY` after filing, the longest that the agency allows itself, so no
  feature sees an outcome too early. Training up to a year's end uses all claims filed by then, as the published split does;
- label: Approve in Full and Settle are valid, Deny is frivolous, each by an expert; nobody was ever found abusive;
- loss of property counts as property damage; `x_claim_type` keeps the agency's own word.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from claimvet.data.contract.errors import UsageError

LABELS = {"Approve in Full": "valid", "Settle": "valid", "Deny": "frivolous"}
DECISION_DELAY = pd.Timedelta(days=180)
"""The agency says: often within 60 days, up to six months (tsa.gov/travel/security-screening/claims, also as archived in 2008)."""
OPENED = pd.Timestamp("2002-01-01", tz="UTC")
"""When airports and items count as known: the agency took over screening in 2002, before all claims."""
LARGEST_AMOUNT = 1_000_000.0
"""US dollars; amounts above are typing errors (the largest is 3e12), and count as not stated."""
OLDEST_INCIDENT = pd.Timedelta(days=10 * 365)
"""An incident longer before its claim is a typing error, and counts as not stated."""
RAW_FILE = "tsa_claims_2007_2017.csv.gz"
_UNSTATED = "not stated"
_INJURY = re.compile("injur|death", re.IGNORECASE)


@dataclass(frozen=True)
class Mended:
    """How many rows of the raw file were left out or mended, and why."""

    without_date: int
    repeated: int
    number_shared: int
    incident_impossible: int
    amount_absurd: int


def read_raw(folder: Path) -> pd.DataFrame:
    """The raw file as it is, every column a string but `claim_amount`; raises `UsageError` where it is missing."""
    path = folder / "tsa_claims" / RAW_FILE
    if not path.is_file():
        raise UsageError(
            f"{path} does not exist; put the TSA claims there, or name the folder above with CLAIMVET_BENCH_DATA"
        )
    raw = pd.read_csv(path, dtype="str")
    return raw.assign(claim_amount=raw["claim_amount"].astype("float64"))


def mend(raw: pd.DataFrame) -> tuple[pd.DataFrame, Mended]:
    """The claims that can be used, oldest first, and what was wrong with the others.

    Adds `filed_at` (the end of the day it was received on: only the day is known), `incident_at`, `amount`, `claim_id`.
    """
    dated = raw.assign(received=pd.to_datetime(raw["date_received"], utc=True, errors="coerce")).dropna(
        subset="received"
    )
    same = ["claim_number", "received", "airport_code", "claim_type", "claim_site", "item"]
    unique = dated.drop_duplicates(same, keep="last").sort_values(
        ["received", "claim_number"], kind="stable", ignore_index=True
    )
    copy = unique.groupby("claim_number").cumcount()
    filed = unique["received"] + pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    incident = pd.to_datetime(unique["incident_date"], utc=True, errors="coerce", format="mixed")
    possible = (incident <= filed) & (incident >= filed - OLDEST_INCIDENT)
    absurd = unique["claim_amount"] > LARGEST_AMOUNT
    claims = unique.assign(
        claim_id=unique["claim_number"] + np.where(copy > 0, "-" + (copy + 1).astype("str"), ""),
        filed_at=filed.astype("datetime64[us, UTC]"),
        incident_at=incident.where(possible).astype("datetime64[us, UTC]"),
        amount=unique["claim_amount"].mask(absurd).round(2),
    )
    counts = (len(raw) - len(dated), len(dated) - len(unique), copy > 0, incident.notna() & ~possible, absurd)
    return claims, Mended(*(int(np.sum(count)) for count in counts))


def item_group(item: str) -> str:
    """What the lists of 2007 and of 2010 call alike: the first words of an item, before any detail.

    >>> item_group("Jewelry - Fine"), item_group("Jewelry & Watches"), item_group("MP3 Players-(iPods, etc)")
    ('jewelry', 'jewelry', 'mp3 players')
    """
    plain = re.split(r" - |-\(|\(|&|/|,|;", item, maxsplit=1)[0]
    return plain.strip().lower() or _UNSTATED


def _short(text: str) -> str:
    """A name for a text that an identifier has no room for."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def airline_key(name: str) -> str:
    """One spelling for an airline's spellings.

    >>> airline_key("Jet Blue"), airline_key("JetBlue")
    ('jetblue', 'jetblue')
    """
    return re.sub("[^a-z]", "", name.lower())


def claims_table(mended: pd.DataFrame) -> pd.DataFrame:
    """The contract's `claims`, with what was known at filing as `x_` columns; one row a row of `mended`."""
    first = mended["item"].fillna(_UNSTATED).str.split(";").str[0].str.strip().astype("str")
    kind, site = mended["claim_type"].fillna(_UNSTATED), mended["claim_site"].fillna(_UNSTATED)
    airport, group = mended["airport_code"].fillna(_UNSTATED), first.map(item_group)
    return pd.DataFrame(
        {
            "claim_id": mended["claim_id"],
            "order_id": pd.Series(None, index=mended.index, dtype="str"),
            "customer_id": "claimant of " + mended["claim_id"],
            "seller_id": airport,
            "product_id": airport + " " + (first + ", " + kind + ", " + site).map(_short),
            "incident_at": mended["incident_at"],
            "filed_at": mended["filed_at"],
            "claim_type": np.where(kind.str.contains(_INJURY), "personal_injury", "property_damage"),
            "amount_claimed": mended["amount"],
            "narrative": pd.Series(None, index=mended.index, dtype="str"),
            "x_airport": mended["airport_code"],
            "x_airline": mended["airline_name"].map(airline_key, na_action="ignore"),
            "x_site": mended["claim_site"],
            "x_claim_type": mended["claim_type"],
            "x_item": first,
            "x_item_group": group,
            "x_item_type_site": first + ", " + kind + ", " + site,
            "x_items_count": mended["item"].str.count(";").add(1).fillna(0).astype("int64"),
            "x_filed_month": mended["filed_at"].dt.month.astype("int64"),
        }
    )


def products_table(claims: pd.DataFrame) -> pd.DataFrame:
    """The contract's `products`: the categories of each airport."""
    unique = claims.drop_duplicates("product_id").sort_values("product_id", ignore_index=True)
    products = unique[["product_id", "seller_id"]].assign(category_id=unique["x_item_type_site"], price=np.nan)
    return products.assign(listed_at=pd.Series(OPENED, index=products.index).astype("datetime64[us, UTC]"))


def outcomes_table(mended: pd.DataFrame) -> pd.DataFrame:
    """The contract's `outcomes`: one for each claim that was approved, settled or denied."""
    decided = mended[mended["disposition"].isin(LABELS.keys())]
    return pd.DataFrame(
        {
            "outcome_id": "outcome of " + decided["claim_id"],
            "claim_id": decided["claim_id"],
            "label": decided["disposition"].map(LABELS),
            "decided_by": "expert",
            "decided_at": decided["filed_at"] + DECISION_DELAY,
            "amount_paid": decided["close_amount"]
            .astype("float64")
            .where(lambda amount: amount.between(0, LARGEST_AMOUNT)),
        }
    ).reset_index(drop=True)
