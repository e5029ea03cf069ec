"""The features of one claim from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import sqlalchemy as sa

from data.contract.tables import TABLES
from features.context import LOOKUPS
from features.declaration import Entity, Feature, LinkFeature
from features.one_claim.changes import Changes
from features.one_claim.layout import HOLDERS, TOKEN
from features.one_claim.reading import readings
from features.one_claim.values import ClaimValues, Value
from scoring_service.store import links
from scoring_service.store.contract_rows import cents
from scoring_service.store.holders import identity_links
from scoring_service.store.reading import HistoryReader
from scoring_service.store.statements import run

PlaceKey = tuple[str, str]


class ClaimReader:
    """Reads claims; made once, used by all threads."""

    def __init__(self, changes: Changes, features: Sequence[Feature]) -> None:
        self._values = ClaimValues(features)
        self._has_links = any(isinstance(feature, LinkFeature) for feature in features)
        self._readings = readings(changes.layout)
        self._histories = HistoryReader(changes, self._readings)
        self._filled = {"claims"}  # the claim at hand is one, wherever it is

    def read(self, connection: sa.Connection, claim: Mapping[str, Any], filed_at: int) -> dict[str, Value]:
        """Every feature of the claim as if it had been filed at `filed_at`."""
        filled = self._filled_now(connection)
        context = self._context(connection, claim, filed_at)
        tokens = links.shared_tokens(connection, claim["customer_id"], filed_at)
        keys = {
            place: self._keys(place, context, tokens) for place in self._readings if self._is_available(place, filled)
        }
        parts = self._histories.parts(connection, keys, filed_at)
        histories = {place: self._parts_of(place, keys[place], parts) for place in keys if place[1] != TOKEN}
        tied = self._links(connection, context, filed_at, parts, tokens, filled) if self._has_links else {}
        return self._values.of(context, histories, tied)

    def note_filled(self, tables: Iterable[str]) -> None:
        """These have rows that nobody can take away any more, so they are not looked at again."""
        self._filled |= set(tables)

    def _filled_now(self, connection: sa.Connection) -> Set[str]:
        """The tables that have a row."""
        asked = [name for name in TABLES if name not in self._filled]
        if not asked:
            return self._filled
        found = run(connection, f"SELECT {', '.join(f'EXISTS (SELECT 1 FROM {name})' for name in asked)}")[0]
        return self._filled | {name for name, has_rows in zip(asked, found, strict=True) if has_rows}

    def _context(self, connection: sa.Connection, claim: Mapping[str, Any], filed_at: int) -> dict[str, Any]:
        """The claim's own columns and what was known of its parties, in cents and microseconds."""
        amount = claim["amount_claimed"]
        context = {**claim, "filed_at": filed_at, "amount": None if amount is None else cents(amount)}
        for table, (key, known_at, columns) in LOOKUPS.items():
            sql = f"SELECT {', '.join(columns.values())} FROM {table} WHERE {key} = ? AND {known_at} < ?"
            rows = run(connection, sql, (claim[key], filed_at)) if claim[key] is not None else []
            context |= zip(columns, rows[0] if rows else [None] * len(columns), strict=True)
        return context

    def _keys(self, place: PlaceKey, context: Mapping[str, Any], tokens: Sequence[str]) -> Sequence[str]:
        if place[1] == TOKEN:
            return tokens
        key = context[Entity(place[1]).key]
        return [] if key is None else [key]

    def _parts_of(
        self, place: PlaceKey, keys: Sequence[str], parts: Mapping[tuple[str, str, str], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Nothing at all where the entity is unknown: counts are 0 then, and the rest is null."""
        return parts[(*place, keys[0])] if keys else {part.name: None for part in self._readings[place].place.parts}

    def _links(
        self,
        connection: sa.Connection,
        context: Mapping[str, Any],
        filed_at: int,
        parts: links.Parts,
        tokens: Sequence[str],
        filled: Set[str],
    ) -> dict[str, int]:
        """The counts of `features.links`; those whose tables are empty are left out."""
        found = links.narrative_links(connection, context, filed_at)
        if "evidence" in filled:
            found |= links.evidence_links(connection, context, filed_at)
        if "identity_links" in filled:
            held = {token: parts["identity_links", TOKEN, token][HOLDERS.name] for token in tokens}
            found |= identity_links(connection, context["customer_id"], filed_at, held)
            found |= links.token_links(parts, context["customer_id"], tokens)
        return found

    def _is_available(self, place: PlaceKey, filled: Set[str]) -> bool:
        """Whether every table that the history needs has a row, as `features.plan.is_available`."""
        source, entity = self._readings[place].place.source, place[1]
        needed = (*source.tables, "products") if entity == Entity.CATEGORY else source.tables
        return filled >= set(needed)
