"""How many other customers hold a customer's tokens, however many hold one of them.

Up to `features.links.shared_keys.HUB_HOLDERS` holders of a token are read and compared. A token with more is a *hub*: how many hold it is a
running total, and only holders of the customer's other tokens are looked up among its own. Where a customer has two hubs of the same
kind, or of any kind, their holders are counted by the database, which takes some 100 ms for 100,000 of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from claimvet.features.links.link_tables import IDENTITY_FEATURES_BY_KIND
from claimvet.features.links.shared_keys import HUB_HOLDERS
from claimvet.scoring_service.store.db.statements import AT_ONCE, run
from claimvet.scoring_service.store.derived.connected_components import others_in_component

_OF_TOKENS = "SELECT {what} FROM identity_links WHERE ({tokens}) AND seen_at < ?"


def identity_links(connection: sa.Connection, customer: str, filed_at: int, held: Mapping[str, int]) -> dict[str, int]:
    """Others who share a token with the customer, of any kind and of one kind, and others in the customer's component.

    Parameters:
        held: the keys (`features.online.layout.token_key`) of the customer's tokens that others hold too, with how many hold each.
    """
    asked = _Asked(connection, customer, filed_at, held)
    counts = {"identity_shared_customers_count": asked.others(held)}
    for kind in IDENTITY_FEATURES_BY_KIND:
        of_kind = [token for token in held if token.startswith(f"{kind}:")]
        counts[f"identity_{kind}_shared_customers_count"] = asked.others(of_kind)
    component = others_in_component(connection, customer, filed_at) if held else 0
    return {**counts, "identity_ring_customers_count": component}


class _Asked:
    """One customer's shared tokens at one moment."""

    def __init__(self, connection: sa.Connection, customer: str, filed_at: int, held: Mapping[str, int]) -> None:
        self._connection = connection
        self._customer = customer
        self._filed_at = filed_at
        self._counts = held
        self._hubs = {token for token, count in held.items() if count > HUB_HOLDERS}
        self._holders = self._read(sorted(set(held) - self._hubs))

    def others(self, tokens: Iterable[str]) -> int:
        """Distinct other customers who hold one of these tokens."""
        asked = set(tokens)
        hubs = sorted(asked & self._hubs)
        beside = {other for token in asked - self._hubs for other in self._holders.get(token, ())}
        if not hubs:
            return len(beside)
        own = 1  # the customer holds them all
        among = self._counts[hubs[0]] if len(hubs) == 1 else self._counted("count(DISTINCT customer_id)", hubs)
        return among - own + len(beside - self._among(hubs, sorted(beside)))

    def _read(self, tokens: Sequence[str]) -> dict[str, set[str]]:
        """Other holders, by token."""
        found: dict[str, set[str]] = {}
        if tokens:
            sql = _OF_TOKENS.format(what="kind, token, customer_id", tokens=_either(tokens))
            for kind, token, customer in run(self._connection, sql, (*_names(tokens), self._filed_at)):
                if customer != self._customer:
                    found.setdefault(f"{kind}:{token}", set()).add(customer)
        return found

    def _counted(self, what: str, tokens: Sequence[str]) -> int:
        sql = _OF_TOKENS.format(what=what, tokens=_either(tokens))
        return int(run(self._connection, sql, (*_names(tokens), self._filed_at))[0][0])

    def _among(self, hubs: Sequence[str], customers: Sequence[str]) -> set[str]:
        """Return those of the customers who hold one of the hubs."""
        found: set[str] = set()
        for start in range(0, len(customers), AT_ONCE):
            some = customers[start : start + AT_ONCE]
            sql = _OF_TOKENS.format(what="DISTINCT customer_id", tokens=_either(hubs))
            sql += f" AND customer_id IN ({', '.join('?' * len(some))})"
            rows = run(self._connection, sql, (*_names(hubs), self._filed_at, *some))
            found |= {row[0] for row in rows}
        return found


def _either(tokens: Sequence[str]) -> str:
    return " OR ".join(["(kind = ? AND token = ?)"] * len(tokens))


def _names(tokens: Sequence[str]) -> list[str]:
    return [part for token in tokens for part in token.split(":", 1)]
