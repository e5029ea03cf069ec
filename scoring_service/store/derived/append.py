"""From rows of the contract to deltas of running totals, in whatever order the rows come.

Tables are taken one after the other, so that every step finds the store complete but for its own rows. A row changes the events of the
sources that read its table. It may also complete events that came before it: a product tells their category, a claim the parties of
its outcomes, an identity link one more token of their customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from claimvet.data.contract.errors import EventConflictError
from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.declaration import Entity
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.online.deltas import Deltas, EntityKeys
from claimvet.features.online.interpreter import Row, Rows
from claimvet.features.online.layout import TOKEN, Place, token_key
from claimvet.scoring_service.store.db import locks
from claimvet.scoring_service.store.db.statements import run_many, where_in
from claimvet.scoring_service.store.derived import connected_components
from claimvet.scoring_service.store.derived.minhash import buckets_of_all
from claimvet.scoring_service.store.derived.totals import TotalsWriter
from claimvet.scoring_service.store.events import contract_rows
from claimvet.scoring_service.store.events.contract_rows import Stored, fetch
from claimvet.scoring_service.store.events.event import StoredEvent

ORDER = ("customers", "sellers", "products", "identity_links", "claims", "outcomes")
"""Tables that complete the events of others, in the order in which they are taken; the others follow."""

INSERT_NARRATIVE = (
    "INSERT INTO narratives (bucket, filed_at, claim_id, customer_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)

Events = Sequence[tuple[str, Row]]


class Appender:
    """Adds events in one transaction."""

    def __init__(self, connection: sa.Connection, deltas: Deltas) -> None:
        self._connection = connection
        self._deltas = deltas
        self._totals = TotalsWriter(connection, deltas.layout)
        self.claims: dict[str, dict[str, Any]] = {}
        """The claims among the events as they are stored now: what other rows of them said is in them too."""

    def append(self, events: Iterable[StoredEvent]) -> None:
        """All of them; what fails leaves the transaction to be undone.

        Raises:
            EventConflictError: where a key was seen with another row, and for an outcome before its claim.
        """
        by_table: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            by_table.setdefault(event.table, []).append(contract_rows.normalised(event))
        locks.rows(self._connection, by_table)
        for name in (*ORDER, *(name for name in TABLES if name not in ORDER)):
            if name in by_table:
                self._put(name, by_table[name])
        self._totals.write()

    def without(self, claim_id: str) -> None:
        """Take one claim and its outcomes out of all totals; for a transaction that is going to be undone."""
        claims = fetch(self._connection, "claims", "claim_id", [claim_id])
        outcomes = fetch(self._connection, "outcomes", "claim_id", [claim_id])
        self._replace("claims", {"claims": claims}, {"claims": []})
        self._replace("outcomes", {"claims": claims, "outcomes": outcomes}, {"claims": claims, "outcomes": []})
        self._totals.write()

    def _put(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        if name == "identity_links":
            locks.keys(self._connection, (token_key(row["kind"], row["token"]) for row in rows))
        merged = contract_rows.put_all(self._connection, name, rows)
        if name == "claims":
            self.claims = {row.new["claim_id"]: row.new for row in merged}
        stored = [row for row in merged if row.new != row.old]
        if not stored:
            return
        new, old = [row.new for row in stored], [row.old for row in stored if row.old is not None]
        for source in SOURCES.values():
            if source.tables == (name,):
                self._replace(source.name, {name: old}, {name: new})
        if name in _COMPLETERS:
            _COMPLETERS[name](self, stored)

    def _completed_by_products(self, stored: Sequence[Stored]) -> None:
        listed = [row.new["product_id"] for row in stored if row.old is None]
        categories = self._categories(listed)
        locks.keys(self._connection, (category for category, _ in categories.values()))
        self._appear(Entity.CATEGORY, EntityKeys(categories=categories), Entity.PRODUCT.key, listed)

    def _completed_by_identity_links(self, stored: Sequence[Stored]) -> None:
        tokens: dict[str, list[tuple[str, int | None]]] = {}
        for link in (row.new for row in stored if row.old is None):
            key = token_key(link["kind"], link["token"])
            tokens.setdefault(link["customer_id"], []).append((key, link["seen_at"]))
        self._appear(TOKEN, EntityKeys(tokens=tokens), Entity.CUSTOMER.key, list(tokens))
        connected_components.join(self._connection, [row.new for row in stored if row.old is None])

    def _completed_by_claims(self, stored: Sequence[Stored]) -> None:
        claims = {row.new["claim_id"]: row for row in stored}
        decided = fetch(self._connection, "outcomes", "claim_id", claims)
        if decided:
            _require_later({claim_id: row.new["filed_at"] for claim_id, row in claims.items()}, decided)
            before = [row.old for row in claims.values() if row.old is not None]
            after = [row.new for row in claims.values()]
            self._replace("outcomes", {"claims": before, "outcomes": decided}, {"claims": after, "outcomes": decided})
        told = [row.new for row in claims.values() if row.new["narrative"] and not (row.old and row.old["narrative"])]
        run_many(self._connection, INSERT_NARRATIVE, narrative_rows(told))

    def _completed_by_outcomes(self, stored: Sequence[Stored]) -> None:
        decided = {row.new["claim_id"] for row in stored}
        claims = fetch(self._connection, "claims", "claim_id", decided)
        locks.rows(self._connection, {"claims": claims})
        after = fetch(self._connection, "outcomes", "claim_id", [claim["claim_id"] for claim in claims])
        _require_later({claim["claim_id"]: claim["filed_at"] for claim in claims}, [row.new for row in stored])
        changed = {row.new["outcome_id"]: row.old for row in stored}
        before = [changed.get(row["outcome_id"], row) for row in after]
        self._replace(
            "outcomes",
            {"claims": claims, "outcomes": [row for row in before if row is not None]},
            {"claims": claims, "outcomes": after},
        )

    def _appear(self, entity: str, entity_keys: EntityKeys, column: str, values: Sequence[str]) -> None:
        """Events that are there already are counted under further keys."""
        for place in self._deltas.layout.places.values():
            if place.entity == entity and (place.is_of_holders or entity != TOKEN):
                for tables in self._tables(place, column, values):
                    for identity, event in self._deltas.events(place.source.name, tables):
                        self._totals.add(self._deltas.of_event(place, identity, event, entity_keys.keys(place, event)))

    def _tables(self, place: Place, column: str, values: Sequence[str]) -> Iterable[Mapping[str, Rows]]:
        """Return the rows that a source reads where the column has one of the values."""
        first, *others = place.source.tables
        if not others:
            return [{first: fetch(self._connection, first, column, values)}]
        claims = fetch(self._connection, "claims", column, values)
        outcomes = fetch(self._connection, "outcomes", "claim_id", [claim["claim_id"] for claim in claims])
        return by_claim({"claims": claims, "outcomes": outcomes})

    def _replace(self, source: str, before: Mapping[str, Rows], after: Mapping[str, Rows]) -> None:
        """Remove the events of rows as they were, and add those of the rows as they are."""
        gone, come = self._events(source, before), self._events(source, after)
        entity_keys = self._entity_keys([*gone, *come], source)
        for place in self._deltas.layout.places_of(source):
            for identity, event in gone:
                keys = entity_keys.keys(place, event)
                self._totals.remove(self._deltas.of_event(place, identity, event, keys))
                self._totals.unsee(self._deltas.repeats_of(place, identity, event, keys))
            for identity, event in come:
                keys = entity_keys.keys(place, event)
                self._totals.add(self._deltas.of_event(place, identity, event, keys))
                self._totals.see(self._deltas.repeats_of(place, identity, event, keys))

    def _events(self, source: str, tables: Mapping[str, Rows]) -> Events:
        if not self._deltas.layout.places_of(source):
            return []
        if len(SOURCES[source].tables) == 1:
            return self._deltas.events(source, tables)
        return [event for group in by_claim(tables) for event in self._deltas.events(source, group)]

    def _entity_keys(self, events: Events, source: str) -> EntityKeys:
        places = self._deltas.layout.places_of(source)
        entity_keys = EntityKeys()
        if any(place.entity == Entity.CATEGORY for place in places):
            entity_keys.categories = self._categories([event["product_id"] for _, event in events])
            locks.keys(self._connection, (category for category, _ in entity_keys.categories.values()))
        if any(place.is_of_holders for place in places):
            entity_keys.tokens = self._tokens([event["customer_id"] for _, event in events])
            locks.keys(self._connection, (key for keys in entity_keys.tokens.values() for key, _ in keys))
        return entity_keys

    def _categories(self, products: Iterable[str]) -> dict[str, tuple[str, int | None]]:
        select = "SELECT product_id, category_id, listed_at FROM products"
        return {row[0]: (row[1], row[2]) for row in where_in(self._connection, select, "product_id", products)}

    def _tokens(self, customers: Iterable[str]) -> dict[str, list[tuple[str, int | None]]]:
        select = "SELECT customer_id, kind, token, seen_at FROM identity_links"
        found: dict[str, list[tuple[str, int | None]]] = {}
        for customer, kind, token, seen_at in where_in(self._connection, select, "customer_id", customers):
            found.setdefault(customer, []).append((token_key(kind, token), seen_at))
        return found


_COMPLETERS = {
    "products": Appender._completed_by_products,
    "identity_links": Appender._completed_by_identity_links,
    "claims": Appender._completed_by_claims,
    "outcomes": Appender._completed_by_outcomes,
}


def _require_later(filed_at: Mapping[str, int], outcomes: Iterable[Row]) -> None:
    """Raise `EventConflictError` for an outcome before its claim, where the claim is known."""
    for outcome in outcomes:
        if outcome["decided_at"] < filed_at.get(outcome["claim_id"], outcome["decided_at"]):
            raise EventConflictError(
                "outcomes",
                (outcome["outcome_id"],),
                f"outcome {outcome['outcome_id']}: decided_at is before its claim {outcome['claim_id']} was filed, "
                "expected a time at or after claims.filed_at",
            )


def by_claim(tables: Mapping[str, Rows]) -> list[dict[str, Rows]]:
    """Return the rows of claims and of outcomes, claim by claim; an outcome without its claim is left out until that comes."""
    decided: dict[str, list[Row]] = {}
    for row in tables["outcomes"]:
        decided.setdefault(row["claim_id"], []).append(row)
    return [{"claims": [claim], "outcomes": decided.get(claim["claim_id"], [])} for claim in tables["claims"]]


def narrative_rows(claims: Sequence[Mapping[str, Any]]) -> list[tuple[int, int, str, str]]:
    """Return rows of the table `narratives` for claims that have a narrative."""
    buckets = buckets_of_all(claim["narrative"] for claim in claims)
    return [
        (bucket, claim["filed_at"], claim["claim_id"], claim["customer_id"])
        for claim in claims
        for bucket in buckets[claim["narrative"]]
    ]
