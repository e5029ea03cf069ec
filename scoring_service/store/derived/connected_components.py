"""How many customers a chain of shared tokens ties to one of them, by the links seen before a moment.

Links are only ever added, so rings only grow: a link that ties two of them together renames the smaller one's customers, each of whom
is renamed at most once for every doubling of a ring. Of each ring is known since when it is *whole*: the latest of the moments at which
its parts were tied together. A claim filed later needs its size only; one filed before, whose ring was smaller then, is answered by a
search through the links of that time, which costs as much as the ring has links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from claimvet.features.links.connected_components import ConnectedComponents
from claimvet.scoring_service.store.db import locks
from claimvet.scoring_service.store.db.statements import AT_ONCE, run, run_many

INSERT_MEMBER = "INSERT INTO ring_members (customer_id, ring) VALUES (?, ?)"
INSERT_RING = "INSERT INTO rings (ring, customers, whole_since) VALUES (?, ?, ?)"

_RING = """
SELECT r.ring, r.customers, r.whole_since FROM ring_members m JOIN rings r ON r.ring = m.ring WHERE m.customer_id = ?
"""
_FIRST_OTHER = """
SELECT customer_id, seen_at FROM identity_links WHERE kind = ? AND token = ? AND customer_id <> ? ORDER BY seen_at LIMIT 1
"""
_TOKENS = "SELECT kind, token FROM identity_links WHERE customer_id IN ({places}) AND seen_at < ?"
_HOLDERS = "SELECT customer_id FROM identity_links WHERE ({tokens}) AND seen_at < ?"


def others_in_ring(connection: sa.Connection, customer: str, filed_at: int) -> int:
    """Other customers in the ring as it was then."""
    found = run(connection, _RING, (customer,))
    if not found:
        return 0
    _, customers, whole_since = found[0]
    return int(customers) - 1 if whole_since < filed_at else _searched(connection, customer, filed_at)


def join(connection: sa.Connection, links: Iterable[Mapping[str, Any]]) -> None:
    """Tie rings together by links that are in the store by now."""
    locks.rings(connection)
    for link in links:
        customer = link["customer_id"]
        first = run(connection, _FIRST_OTHER, (link["kind"], link["token"], customer))
        if first:
            other, seen_at = first[0]
            _tie(connection, customer, other, max(seen_at, link["seen_at"]))


def _tie(connection: sa.Connection, one: str, other: str, tied_at: int) -> None:
    (large, many, since), (small, few, before) = sorted(
        (_ring_of(connection, customer) for customer in (one, other)), key=lambda ring: ring[1], reverse=True
    )
    if large == small:
        return
    run_many(connection, "UPDATE ring_members SET ring = ? WHERE ring = ?", [(large, small)])
    run_many(connection, "DELETE FROM rings WHERE ring = ?", [(small,)])
    update = "UPDATE rings SET customers = ?, whole_since = ? WHERE ring = ?"
    run_many(connection, update, [(many + few, max(since, before, tied_at), large)])


def _ring_of(connection: sa.Connection, customer: str) -> tuple[str, int, int]:
    """The ring of a customer, made where the customer is in none; named after its first one."""
    found = run(connection, _RING, (customer,))
    if found:
        return found[0][0], found[0][1], found[0][2]
    alone = (customer, 1, -(2**62))
    run_many(connection, INSERT_RING, [alone])
    run_many(connection, INSERT_MEMBER, [(customer, customer)])
    return alone


def all_rings(links: Iterable[tuple[str, str, int]]) -> tuple[list[tuple[str, str]], list[tuple[str, int, int]]]:
    """The rows of `ring_members` and of `rings` for links (customer, token, seen at) in order of time."""
    rings, whole_since, customers = ConnectedComponents(), dict[str, int](), dict[str, None]()
    for customer, token, seen_at in links:
        size = rings.size(customer)
        rings.link(customer, token)
        if rings.size(customer) > size:
            whole_since[str(rings.name(customer))] = seen_at
        customers[customer] = None
    names = {customer: str(rings.name(customer)) for customer in customers}
    members = [(customer, name) for customer, name in names.items() if rings.size(customer) > 1]
    sizes = {name: rings.size(customer) for customer, name in members}
    return members, [(name, size, whole_since[name]) for name, size in sizes.items()]


def _searched(connection: sa.Connection, customer: str, filed_at: int) -> int:
    """Other customers that can be reached, breadth first; every customer and every token is looked at once."""
    customers, tokens = {customer}, set[tuple[str, str]]()
    edge = [customer]
    while edge:
        held = {(kind, token) for kind, token in _tokens(connection, edge, filed_at)} - tokens
        found = set(_holders(connection, sorted(held), filed_at)) - customers
        tokens |= held
        customers |= found
        edge = sorted(found)
    return len(customers) - 1


def _tokens(connection: sa.Connection, customers: Sequence[str], filed_at: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(customers), AT_ONCE):
        some = customers[start : start + AT_ONCE]
        yield from run(connection, _TOKENS.format(places=", ".join("?" * len(some))), (*some, filed_at))


def _holders(connection: sa.Connection, tokens: Sequence[tuple[str, str]], filed_at: int) -> Iterator[str]:
    size = AT_ONCE // 2
    for start in range(0, len(tokens), size):
        some = tokens[start : start + size]
        either = " OR ".join(["(kind = ? AND token = ?)"] * len(some))
        names = [name for token in some for name in token]
        yield from (row[0] for row in run(connection, _HOLDERS.format(tokens=either), (*names, filed_at)))
