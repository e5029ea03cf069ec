"""How many customers a chain of shared tokens ties to one of them, by the links seen before a moment.

Links are only ever added, so components only grow: a link that ties two of them together renames the smaller one's customers, each of whom
is renamed at most once for every doubling of a component. Of each component is known since when it is *whole*: the latest of the moments
at which it was tied together. A claim filed later needs its size only; one filed before, whose component was smaller then, is answered by a
search through the links of that time, which costs as much as the component has links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from claimvet.features.links.connected_components import ConnectedComponents
from claimvet.scoring_service.store.db import locks
from claimvet.scoring_service.store.db.statements import AT_ONCE, run, run_many

INSERT_MEMBER = "INSERT INTO component_members (customer_id, component) VALUES (?, ?)"
INSERT_COMPONENT = "INSERT INTO components (component, customers, whole_since) VALUES (?, ?, ?)"

_RING = """
SELECT c.component, c.customers, c.whole_since FROM component_members m JOIN components c ON c.component = m.component
WHERE m.customer_id = ?
"""
_FIRST = (
    "SELECT customer_id, seen_at FROM identity_links WHERE kind = ? AND token = ? ORDER BY seen_at, customer_id LIMIT ?"
)
_TOKENS = "SELECT kind, token FROM identity_links WHERE customer_id IN ({places}) AND seen_at < ?"
_HOLDERS = "SELECT customer_id FROM identity_links WHERE ({tokens}) AND seen_at < ?"


def others_in_component(connection: sa.Connection, customer: str, filed_at: int) -> int:
    """Other customers in the component as it was then."""
    found = run(connection, _RING, (customer,))
    if not found:
        return 0
    _, customers, whole_since = found[0]
    return int(customers) - 1 if whole_since < filed_at else _searched(connection, customer, filed_at)


def join(connection: sa.Connection, links: Iterable[Mapping[str, Any]]) -> None:
    """Tie components together by links that are in the store by now.

    Whoever holds a token is tied to its first holder, and has been since they held it. Where the first holder is new, those known before
    are tied to each other already, so the first of them is tied as well.
    """
    locks.components(connection)
    new: dict[tuple[str, str], dict[str, int]] = {}
    for link in links:
        new.setdefault((link["kind"], link["token"]), {})[link["customer_id"]] = link["seen_at"]
    for token, holders in new.items():
        earliest = {row[0]: row[1] for row in run(connection, _FIRST, (*token, len(holders) + 1))}
        first = next(iter(earliest))
        known_before = next((customer for customer in earliest if customer not in holders), None)
        tied = holders if known_before is None else {**holders, known_before: earliest[known_before]}
        for customer, seen_at in tied.items():
            if customer != first:
                _tie(connection, customer, first, seen_at)


def _tie(connection: sa.Connection, one: str, other: str, tied_at: int) -> None:
    (large, many, since), (small, few, before) = sorted(
        (_component_of(connection, customer) for customer in (one, other)),
        key=lambda component: component[1],
        reverse=True,
    )
    if large == small:
        return
    run_many(connection, "UPDATE component_members SET component = ? WHERE component = ?", [(large, small)])
    run_many(connection, "DELETE FROM components WHERE component = ?", [(small,)])
    update = "UPDATE components SET customers = ?, whole_since = ? WHERE component = ?"
    run_many(connection, update, [(many + few, max(since, before, tied_at), large)])


def _component_of(connection: sa.Connection, customer: str) -> tuple[str, int, int]:
    """Return the component of a customer, made where the customer is in none; named after its first one."""
    found = run(connection, _RING, (customer,))
    if found:
        return found[0][0], found[0][1], found[0][2]
    alone = (customer, 1, -(2**62))
    run_many(connection, INSERT_COMPONENT, [alone])
    run_many(connection, INSERT_MEMBER, [(customer, customer)])
    return alone


def all_components(links: Iterable[tuple[str, str, int]]) -> tuple[list[tuple[str, str]], list[tuple[str, int, int]]]:
    """Return the rows of `component_members` and of `components` for links (customer, token, seen at) in order of time."""
    components, whole_since, customers = ConnectedComponents(), dict[str, int](), dict[str, None]()
    for customer, token, seen_at in links:
        size = components.size(customer)
        components.link(customer, token)
        if components.size(customer) > size:
            whole_since[str(components.name(customer))] = seen_at
        customers[customer] = None
    names = {customer: str(components.name(customer)) for customer in customers}
    members = [(customer, name) for customer, name in names.items() if components.size(customer) > 1]
    sizes = {name: components.size(customer) for customer, name in members}
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
