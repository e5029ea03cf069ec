"""What every declared feature should be, worked out the slow way: one claim after the other, plain loops over lists of
dicts.

It reads the declarations and shares no code with the plan. A world is a list of rows per table
(`tests.features.worlds`), times in microseconds, money in dollars.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import sqrt
from typing import Any

from claimvet.data.reference import load_categories
from claimvet.features.catalogue.declaration import (
    ClaimFeature,
    Feature,
    HistoryFeature,
    LinkFeature,
    RatioFeature,
    TrendFeature,
)

Row = dict[str, Any]
World = dict[str, list[Row]]
Value = float | int | str | None

DAY = 24 * 3600 * 1_000_000
TABLES_OF = {
    "orders": ("orders",),
    "returns": ("returns",),
    "inspections": ("returns",),
    "claims": ("claims",),
    "outcomes": ("outcomes", "claims"),
    "seller_reports": ("seller_reports",),
    "claim_evidence": ("evidence",),
    "identity_links": ("identity_links",),
    "insurance_policies": ("insurance_policies",),
    "seller_violations": ("seller_violations",),
    "listings": ("products",),
}
PLAIN_TIMES = {"orders": "ordered_at", "returns": "requested_at", "claims": "filed_at", "seller_reports": "reported_at"}
PLAIN_TIMES |= {"identity_links": "seen_at", "listings": "listed_at"}
TABLES_OF_LINKS = {
    "evidence_hash_other_customers_count": ("evidence",),
    "evidence_hash_own_claims_count": ("evidence",),
    "identity_token_abusive_outcomes_count": ("identity_links", "outcomes"),
    "narrative_similar_customers_count": ("claims",),
}


class Oracle:
    """The features of a world's claims, by name and claim."""

    def __init__(self, world: World) -> None:
        self.world = defaultdict(list, world)
        self.products = {row["product_id"]: row for row in self.world["products"]}
        self.claims = {row["claim_id"]: row for row in self.world["claims"]}
        self.hazards = load_categories().set_index("category_id").to_dict("index")
        self.triples = {claim_id: triples(row["narrative"]) for claim_id, row in self.claims.items()}
        self.histories: dict[tuple[str, str], dict[Any, list[Row]]] = {}

    def features(self, declared: Sequence[Feature]) -> dict[str, dict[str, Value]]:
        """Claim id to feature name to value; None is null."""
        return {claim_id: {f.name: self.value(f, claim) for f in declared} for claim_id, claim in self.claims.items()}

    def value(self, feature: Feature, claim: Row) -> Value:
        if isinstance(feature, RatioFeature):
            return quotient(self.value(feature.numerator, claim), self.value(feature.denominator, claim))
        if isinstance(feature, TrendFeature):
            days = feature.short.window_days, feature.long.window_days
            rates = [
                quotient(self.value(f, claim), d) for f, d in zip((feature.short, feature.long), days, strict=True)
            ]
            return quotient(*rates)
        if isinstance(feature, HistoryFeature):
            return self.history_value(feature, claim)
        return (
            self.claim_value(feature, claim) if isinstance(feature, ClaimFeature) else self.link_value(feature, claim)
        )

    # histories

    def history_value(self, feature: HistoryFeature, claim: Row) -> Value:
        tables = TABLES_OF[feature.event.source] + (("products",) if feature.entity == "category" else ())
        if not all(self.world[table] for table in tables):
            return None
        events = self.visible(feature, claim)
        if feature.window_days is not None:
            events = [event for event in events if event["known"] >= claim["filed_at"] - feature.window_days * DAY]
        everything, events = events, [event for event in events if passes(feature.event.where, event)]
        if feature.aggregation == "share":
            return quotient(len(events), len(everything))
        return aggregate(str(feature.aggregation), feature.column, events, claim["filed_at"])

    def visible(self, feature: HistoryFeature, claim: Row) -> list[Row]:
        """The events of the claim's entity that the platform knew before the claim was filed."""
        filed_at, entity, source = claim["filed_at"], str(feature.entity), feature.event.source
        key = self.category(claim["product_id"], filed_at) if entity == "category" else claim[f"{entity}_id"]
        if key is None:
            return []
        events = [event for event in self.history(entity, source).get(key, ()) if event["known"] < filed_at]
        if entity == "category":
            events = [event for event in events if self.category(event["product_id"], filed_at) == key]
        if source == "outcomes":
            events = [
                max((e for e in events if e["claim_id"] == c), key=latest) for c in {e["claim_id"] for e in events}
            ]
        if source == "insurance_policies":
            events = [event for event in events if filed_at <= event["valid_to"]]
        if source == "seller_violations":
            events = [event for event in events if event["lifted_at"] is None or filed_at <= event["lifted_at"]]
        return events

    def category(self, product_id: str, before: int) -> str | None:
        product = self.products.get(product_id)
        return product["category_id"] if product and product["listed_at"] < before else None

    def history(self, entity: str, source: str) -> dict[Any, list[Row]]:
        """All events of a source by entity, whenever they were known."""
        if (entity, source) not in self.histories:
            by_key = self.histories[entity, source] = defaultdict(list)
            for event in self.events(source):
                key = self.category(event["product_id"], 10**18) if entity == "category" else event[f"{entity}_id"]
                by_key[key].append(event)
        return self.histories[entity, source]

    def events(self, source: str) -> Iterator[Row]:
        for row in self.world[TABLES_OF[source][0]]:
            if source in PLAIN_TIMES:
                yield row | {"known": row[PLAIN_TIMES[source]]} | derived(source, row)
            elif source == "inspections" and row["inspected_at"] is not None:
                yield row | {"known": row["inspected_at"], "refund": row["refund_amount"]}
            elif source == "outcomes":
                finding = "none" if row["decided_by"] == "concession" else row["label"]
                parties = self.claims[row["claim_id"]]
                yield parties | row | {"known": row["decided_at"], "paid": row["amount_paid"], "finding": finding}
            elif source == "claim_evidence":
                # submitted at the very instant of filing still counts
                yield row | {"known": row["submitted_at"] - 1}
            elif source == "insurance_policies":
                yield row | {"known": row["valid_from"], "coverage": row["coverage_amount"]}
            elif source == "seller_violations":
                yield row | {"known": row["recorded_at"]}

    # the claim itself

    def claim_value(self, feature: ClaimFeature, claim: Row) -> Value:
        value = self.fact(feature.column, claim)
        if value is None:
            return None
        match str(feature.form):
            case "days_until_filing":
                return (claim["filed_at"] - value) / DAY
            case "hour_of_day":
                time = moment(value)
                return time.hour + time.minute / 60 + (time.second + time.microsecond / 1e6) / 3600
            case "day_of_week":
                return moment(value).weekday()
            case "within":
                assert feature.bounds is not None
                return 1.0 if feature.bounds[0] <= value < feature.bounds[1] else 0.0
            case "length":
                return len(value)
        return value

    def fact(self, column: str, claim: Row) -> Any:
        filed_at = claim["filed_at"]
        if column in {"injury_rate", "severity", "incident_index"}:
            hazard = self.hazards.get(self.category(claim["product_id"], filed_at), {}).get(column)
            return None if hazard is None or hazard != hazard else hazard
        if column in {"ordered_at", "order_amount"}:
            return self.found("orders", "order_id", "ordered_at", claim, column.removeprefix("order_"))
        if column in {"price", "category_id", "listed_at"}:
            return self.found("products", "product_id", "listed_at", claim, column)
        if column in {"customer_created_at", "seller_created_at"}:
            party = column.split("_")[0]
            return self.found(f"{party}s", f"{party}_id", "created_at", claim, "created_at")
        return claim["amount_claimed" if column == "amount" else column]

    def found(self, table: str, key: str, known_at: str, claim: Row, column: str) -> Any:
        for row in self.world[table]:
            if row[key] == claim[key] and row[known_at] < claim["filed_at"]:
                return row[column]
        return None

    # other customers

    def link_value(self, feature: LinkFeature, claim: Row) -> Value:
        tables = TABLES_OF_LINKS.get(feature.name, ("identity_links",))
        if not all(self.world[table] for table in tables):
            return None
        if feature.name.startswith("evidence"):
            return self.evidence_value(feature.name, claim)
        if feature.name.startswith("narrative"):
            return self.narrative_value(claim)
        return self.identity_value(feature.name, claim)

    def evidence_value(self, name: str, claim: Row) -> int:
        evidence, filed_at, customer = self.world["evidence"], claim["filed_at"], claim["customer_id"]
        own = {
            e["content_hash"] for e in evidence if e["claim_id"] == claim["claim_id"] and e["submitted_at"] <= filed_at
        }
        before = [e for e in evidence if e["content_hash"] in own and e["submitted_at"] < filed_at]
        if name == "evidence_hash_other_customers_count":
            return len({e["customer_id"] for e in before} - {customer})
        return len({e["claim_id"] for e in before if e["customer_id"] == customer} - {claim["claim_id"]})

    def identity_value(self, name: str, claim: Row) -> int:
        """How many share a token, or a connected component; or, for `identity_token_…`, the most events of the others
        who share one token."""
        known = [link for link in self.world["identity_links"] if link["seen_at"] < claim["filed_at"]]
        kind = re.fullmatch(r"identity_(device|payment|address)_shared_customers_count", name)
        holders = defaultdict(set)
        for link in known:
            if not kind or link["kind"] == kind[1]:
                holders[link["kind"], link["token"]].add(link["customer_id"])
        if name == "identity_ring_customers_count":
            return len(component(claim["customer_id"], list(holders.values()))) - 1
        others = [held - {claim["customer_id"]} for held in holders.values() if claim["customer_id"] in held]
        if not name.startswith("identity_token"):
            return len(set().union(*others))
        count = self.claims_of_a_year if name == "identity_token_claims_count_365d" else self.abusive_claims
        return max((count(customers, claim["filed_at"]) for customers in others), default=0)

    def claims_of_a_year(self, customers: set[str], before: int) -> int:
        return sum(
            c["customer_id"] in customers and before - 365 * DAY <= c["filed_at"] < before for c in self.world["claims"]
        )

    def abusive_claims(self, customers: set[str], before: int) -> int:
        known: dict[str, list[Row]] = defaultdict(list)
        for row in self.world["outcomes"]:
            if row["decided_at"] < before and self.claims[row["claim_id"]]["customer_id"] in customers:
                known[row["claim_id"]].append({**row, "known": row["decided_at"]})
        return sum(max(rows, key=latest)["label"] == "abusive" for rows in known.values())

    def narrative_value(self, claim: Row) -> int:
        """The worlds' texts are alike by half of their word triples or by none, where a MinHash must tell them
        apart."""
        told = self.triples[claim["claim_id"]]
        earlier = [c for c in self.world["claims"] if c["filed_at"] < claim["filed_at"]]
        alike = {c["customer_id"] for c in earlier if jaccard(told, self.triples[c["claim_id"]]) >= 0.5}
        return len(alike - {claim["customer_id"]})


def component(customer: str, held_together: list[set[str]]) -> set[str]:
    """The customers that can be reached from one by sets of customers who hold the same token; breadth first."""
    reached = {customer}
    edge = reached
    while edge:
        edge = set().union(*(held for held in held_together if held & edge)) - reached
        reached = reached | edge
    return reached


def derived(source: str, row: Row) -> Row:
    """Columns that a source has beside those of its table."""
    if source == "returns":
        return {"refund": row["refund_amount"], "refused": "yes" if row["refund_amount"] == 0 else "no"}
    if source == "claims":
        amount = row["amount_claimed"]
        return {
            "amount": amount,
            "band": "just_under_limit" if amount is not None and 900 <= amount < 1000 else "other",
        }
    return {}


def passes(where: Any, event: Row) -> bool:
    return where is None or event[where.column] in where.values


def latest(outcome: Row) -> tuple[int, str]:
    """Of outcomes decided at the same instant the one with the larger id counts as the later."""
    return outcome["known"], outcome["outcome_id"]


def aggregate(aggregation: str, column: str | None, events: list[Row], filed_at: int) -> Value:
    """One number of many events; null where there is nothing to average, compare or date."""
    known = [event["known"] for event in events]
    if aggregation == "count":
        return len(events)
    if aggregation.startswith("days_since"):
        chosen = min if aggregation == "days_since_first" else max
        return (filed_at - chosen(known)) / DAY if known else None
    values = [event[column] for event in events if event[column] is not None]
    if aggregation == "distinct":
        return len(set(values))
    exact = [Fraction(str(value)) for value in values]
    if aggregation == "sum":
        return float(sum(exact))
    if not exact:
        return None
    mean = sum(exact) / len(exact)
    match aggregation:
        case "mean":
            return float(mean)
        case "max":
            return float(max(exact))
        case "std":
            return sqrt(sum((value - mean) ** 2 for value in exact) / len(exact))
    raise AssertionError(f"the oracle does not know {aggregation}")


def quotient(above: Value, below: Value) -> float | None:
    if above is None or below is None or below == 0:
        return None
    return float(above) / float(below)


def moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def triples(narrative: str | None) -> set[tuple[str, ...]]:
    """Every run of three words, or all words of a text that has fewer."""
    words = re.findall(r"\w+", (narrative or "").lower())
    return {tuple(words[i : i + 3]) for i in range(max(len(words) - 2, 1))} - {()}


def jaccard(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
