"""After scoring: Reviews are allocated over the days of filing, and products that hurt people are put before people.

Both need the whole batch and the claims' own rows, which features do not carry: when a claim was filed, by whom, on which product.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from claimvet.data.contract.dataset import TableFile, connect
from claimvet.data.contract.tables import TABLES
from claimvet.models.policy.capacity import REFER, allocate_reviews
from claimvet.models.policy.policy import Policy
from claimvet.models.policy.safety import WINDOW_DAYS, cluster_p_values, is_cluster
from claimvet.pipeline.stages.scores import SCORES

ALERT_COLUMNS = ("product_id", "claims", "customers", "expected", "p_value", "since", "first_alarm_at")

CLUSTER = ("cluster_customers", "cluster_expected")
NEEDED = ("claim_id", "otherwise", "expert_saving_usd", *CLUSTER)
"""Columns of first scores that the whole batch is settled from: some 60 bytes a claim."""
DECIDED = ("disposition", "audited", "audit_probability")
"""Columns of scores that allocating reviews decides."""


def filings(claims: Path) -> pd.DataFrame:
    """`filed_at` (UTC), `customer_id` and `product_id` of the claims of a file, index `claim_id`, in the file's order."""
    connection = connect()
    try:
        source = TableFile(TABLES["claims"], claims).typed_select(connection)
        table = connection.execute(f"SELECT claim_id, filed_at, customer_id, product_id FROM ({source})").df()
    finally:
        connection.close()
    return table.set_index("claim_id")


@dataclass(frozen=True)
class WholeBatch:
    """What only the whole batch tells: `shared`, what `models.policy.capacity.allocate_reviews` returns with `claim_id` as its index,
    in the order of the batch; and `alerts`, what `safety_alerts` returns."""

    shared: pd.DataFrame
    alerts: pd.DataFrame


def whole_batch(known: pd.DataFrame, filed: pd.DataFrame, policy: Policy) -> WholeBatch:
    """Share out experts and look for clusters: `known` has the columns `NEEDED` of all first scores,
    `filed` is as of `filings`.
    """
    wanted = known["expert_saving_usd"] > 0.0
    options = known.assign(disposition=known["otherwise"].where(~wanted, REFER)).reset_index(drop=True)
    shared = allocated(options, filed["filed_at"], policy).set_axis(pd.Index(known["claim_id"], name="claim_id"))
    return WholeBatch(shared, safety_alerts(known[["claim_id", *CLUSTER]].reset_index(drop=True), filed, policy))


def with_experts_shared(scores: pa.Table, shared: pd.DataFrame) -> pa.Table:
    """Return the scores (columns of `SCORES`, or more) with the dispositions, audits and audit probabilities of `shared`.

    `shared` has `claim_id` as its index, in any order; a claim that is not among them keeps what it has.
    """
    places = shared.index.get_indexer(scores["claim_id"].to_pandas())
    scores = scores.select(SCORES.names)
    for name in DECIDED:
        field, own = SCORES.field(name), scores[name].to_pandas()
        values = own.where(places < 0, shared[name].take(np.maximum(places, 0)).to_numpy()) if len(shared) else own
        scores = scores.set_column(SCORES.get_field_index(name), field, pa.array(values, field.type))
    return scores


def allocated(options: pd.DataFrame, filed_at: pd.Series, policy: Policy) -> pd.DataFrame:
    """`models.policy.capacity.allocate_reviews` over the days of filing (UTC); `options` has a column `claim_id` beside its own.

    A claim whose filing is not known belongs to a day of its own kind, which has the capacity of one day.
    """
    days = filed_at.reindex(options["claim_id"]).dt.floor("D").to_numpy()
    return allocate_reviews(options, options["claim_id"], pd.Series(days, index=options.index), policy)


def safety_alerts(facts: pd.DataFrame, filed: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Products on which independent customers claim more often than chance allows; columns `ALERT_COLUMNS`, the surest first.

    `facts` has `claim_id` and what `models.policy.safety.cluster_facts` answers, `filed` is what `filings` answers. `claims` and
    `customers` count the independent claims of this batch from 90 days before the product's first alarm to its last, `customers` at
    least what was known before it; `expected` is what the product's orders and history explain; `since` is the earliest of these claims,
    and `first_alarm_at` the one that first alarmed.
    """
    table = facts.join(filed, on="claim_id").dropna(subset=["product_id"])
    if "cluster_customers" not in table:
        return pd.DataFrame(columns=list(ALERT_COLUMNS))
    table = table.assign(
        alarm=is_cluster(table, policy.cluster_customers, policy.cluster_p_value), p_value=cluster_p_values(table)
    )
    independent = table[
        (table["cluster_customers"] > 0) & table["product_id"].isin(table.loc[table["alarm"], "product_id"])
    ]
    rows = [_alert(str(product), part) for product, part in independent.groupby("product_id", sort=True)]
    alerts = pd.DataFrame(rows, columns=list(ALERT_COLUMNS))
    return alerts.sort_values(["p_value", "product_id"], kind="stable").reset_index(drop=True)


def _alert(product: str, claims: pd.DataFrame) -> dict[str, object]:
    alarmed = claims[claims["alarm"]]
    strongest = alarmed.sort_values("p_value", kind="stable").iloc[0]
    begin, end = alarmed["filed_at"].min() - pd.Timedelta(days=WINDOW_DAYS), alarmed["filed_at"].max()
    window = claims[(claims["filed_at"] >= begin) & (claims["filed_at"] <= end)]
    return {
        "product_id": product,
        "claims": len(window),
        "customers": int(max(window["customer_id"].nunique(), strongest["cluster_customers"])),
        "expected": float(np.round(strongest["cluster_expected"], 3)),
        "p_value": float(strongest["p_value"]),
        "since": window["filed_at"].min(),
        "first_alarm_at": alarmed["filed_at"].min(),
    }
