"""The features of one claim from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import sqlalchemy as sa

from claimvet.data.contract.money import cents
from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.declaration import Entity
from claimvet.features.catalogue.lookups import LOOKUPS
from claimvet.features.online.layout import HOLDERS, TOKEN
from claimvet.features.online.plan import OnlinePlan
from claimvet.features.online.values import Value
from claimvet.scoring_service.store.db.statements import run, where_in
from claimvet.scoring_service.store.read import links
from claimvet.scoring_service.store.read.reading import Aggregates, HistoryReader, Keys
from claimvet.scoring_service.store.read.shared_keys import identity_links

PlaceKey = tuple[str, str]


class ClaimReader:
    """Reads claims; made once, used by all threads."""

    def __init__(self, plan: OnlinePlan) -> None:
        self._plan = plan
        self._histories = HistoryReader(plan)
        self._key_columns = {place: Entity(place[1]).key for place in self._plan.readings if place[1] != TOKEN}
        self._nothing = {
            key: {p.name: None for p in reading.place.aggregates} for key, reading in self._plan.readings.items()
        }
        self._filled = {"claims"}  # the claim at hand is one, wherever it is

    def read(
        self, connection: sa.Connection, claims: Sequence[tuple[Mapping[str, Any], int]]
    ) -> list[dict[str, Value]]:
        """Return every feature of each claim as if it had been filed at the moment beside it; many at once cost less than one by one."""
        filled = self._filled_now(connection)
        contexts = _contexts(connection, claims)
        held = links.shared_tokens(connection, [(claim["customer_id"], filed_at) for claim, filed_at in claims])
        available = [place for place in self._plan.readings if self._is_available(place, filled)]
        keys = [
            {place: self._keys(place, context, tokens) for place in available}
            for context, tokens in zip(contexts, held, strict=True)
        ]
        aggregates = self._histories.aggregates(
            connection, [(some, filed_at) for some, (_, filed_at) in zip(keys, claims, strict=True)]
        )
        tied = self._links(connection, contexts, aggregates, held, filled)
        return [
            self._plan.values.of(context, self._histories_of(keys[number], aggregates[number]), tied[number])
            for number, context in enumerate(contexts)
        ]

    def note_filled(self, tables: Iterable[str]) -> None:
        """Note keys whose rows nobody can take away any more, so that they are not looked at again."""
        self._filled |= set(tables)

    def _filled_now(self, connection: sa.Connection) -> Set[str]:
        """Return the tables that have a row."""
        asked = [name for name in TABLES if name not in self._filled]
        if not asked:
            return self._filled
        found = run(connection, f"SELECT {', '.join(f'EXISTS (SELECT 1 FROM {name})' for name in asked)}")[0]
        return self._filled | {name for name, has_rows in zip(asked, found, strict=True) if has_rows}

    def _keys(self, place: PlaceKey, context: Mapping[str, Any], tokens: Sequence[str]) -> Sequence[str]:
        column = self._key_columns.get(place)
        if column is None:
            return tokens
        key = context[column]
        return [] if key is None else [key]

    def _histories_of(self, keys: Keys, aggregates: Aggregates) -> dict[PlaceKey, Mapping[str, Any]]:
        """Nothing at all where the entity is unknown: counts are 0 then, and the rest is null."""
        return {
            place: aggregates[(*place, some[0])] if some else self._nothing[place]
            for place, some in keys.items()
            if place[1] != TOKEN
        }

    def _links(
        self,
        connection: sa.Connection,
        contexts: Sequence[Mapping[str, Any]],
        aggregates: Sequence[Aggregates],
        held: Sequence[Sequence[str]],
        filled: Set[str],
    ) -> list[dict[str, int]]:
        """Return the counts of `features.links.link_tables` of each claim; those whose tables are empty are left out."""
        if not self._plan.has_links:
            return [{} for _ in contexts]
        found = links.narrative_links(connection, contexts)
        if "evidence" in filled:
            found = [one | other for one, other in zip(found, links.evidence_links(connection, contexts), strict=True)]
        if "identity_links" in filled:
            for number, (context, tokens) in enumerate(zip(contexts, held, strict=True)):
                customer, known = context["customer_id"], aggregates[number]
                holders = {token: known["identity_links", TOKEN, token][HOLDERS.name] for token in tokens}
                found[number] |= identity_links(connection, customer, context["filed_at"], holders)
                found[number] |= links.token_links(known, customer, tokens)
        return found

    def _is_available(self, place: PlaceKey, filled: Set[str]) -> bool:
        """Return whether every table that the history needs has a row, as `features.batch.history_events.is_available`."""
        source, entity = self._plan.readings[place].place.source, place[1]
        needed = (*source.tables, "products") if entity == Entity.CATEGORY else source.tables
        return filled >= set(needed)


def _contexts(connection: sa.Connection, claims: Sequence[tuple[Mapping[str, Any], int]]) -> list[dict[str, Any]]:
    """Return each claim's own columns and what was known of its parties, in cents and microseconds."""
    contexts = [
        {
            **claim,
            "filed_at": filed_at,
            "amount": None if claim["amount_claimed"] is None else cents(claim["amount_claimed"]),
        }
        for claim, filed_at in claims
    ]
    for table, (key, known_at, columns) in LOOKUPS.items():
        select = f"SELECT {key}, {known_at}, {', '.join(columns.values())} FROM {table}"
        asked = [claim[key] for claim, _ in claims if claim[key] is not None]
        known = {row[0]: row[1:] for row in where_in(connection, select, key, asked)}
        nothing = [None] * len(columns)
        for context, (claim, filed_at) in zip(contexts, claims, strict=True):
            since, *found = known.get(claim[key], (filed_at, *nothing))
            context |= zip(columns, found if since < filed_at else nothing, strict=True)
    return contexts
