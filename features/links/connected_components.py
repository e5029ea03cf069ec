"""How many customers a chain of shared tokens ties together: connected components of customers, as they grow over time.

Links are only ever added, so a union-find keeps the components: a link costs next to nothing, however large the
components that it joins, and so does asking for a size between two links. The same class serves a whole history and one
claim at a time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from claimvet.features.engines.arrow_numpy import to_arrow

OTHERS = pa.schema([("row", pa.int64()), ("others", pa.int64())])
"""Columns of `others_in_components`."""


class ConnectedComponents:
    """Customers joined by tokens; both are anything that can be a key of a dict.

    >>> components = ConnectedComponents()
    >>> components.link("Ann", "phone 1")
    >>> components.link("Bob", "phone 1")
    >>> components.link("Bob", "card 7")
    >>> components.link("Eve", "card 7")
    >>> components.size("Ann"), components.size("Joe")
    (3, 1)
    """

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}
        self._sizes: dict[Hashable, int] = {}
        self._holders: dict[Hashable, Hashable] = {}

    def link(self, customer: Hashable, token: Hashable) -> None:
        """Note that the customer holds the token from now on; linking again changes nothing."""
        if customer not in self._parents:
            self._parents[customer] = customer
            self._sizes[customer] = 1
        self._join(customer, self._holders.setdefault(token, customer))

    def size(self, customer: Hashable) -> int:
        """Return the number of customers in the component, this one included; 1 where nothing is known of the
        customer."""
        return self._sizes[self._root(customer)] if customer in self._parents else 1

    def name(self, customer: Hashable) -> Hashable:
        """Return one customer of the component, the same for all of it until it grows; the customer itself where
        nothing is known.
        """
        return self._root(customer) if customer in self._parents else customer

    def _join(self, one: Hashable, other: Hashable) -> None:
        large, small = self._root(one), self._root(other)
        if large == small:
            return
        if self._sizes[large] < self._sizes[small]:
            large, small = small, large
        self._parents[small] = large
        self._sizes[large] += self._sizes.pop(small)

    def _root(self, customer: Hashable) -> Hashable:
        parents = self._parents
        while (parent := parents[customer]) != customer:
            parents[customer] = customer = parents[parent]  # who asks later has half the way
        return customer


def others_in_components(links: pa.Table, asked: pa.Table) -> pa.Table:
    """Return `row` and `others` (int64): the other customers in the component of each claim's customer, by the links
    seen before it was filed.

    Parameters:
        links: `customer` and `token` (integers or strings), `seen_at` (int64): who holds a token and since when.
        asked: `row` (int64), `customer`, `filed_at` (int64); a link of that very instant does not count yet.
    """
    components, seen, others = (
        ConnectedComponents(),
        _rows(links.sort_by("seen_at"), "seen_at", "customer", "token"),
        [],
    )
    upcoming = next(seen, None)
    asked = asked.sort_by("filed_at")
    for filed_at, customer in _rows(asked, "filed_at", "customer"):
        while upcoming is not None and upcoming[0] < filed_at:
            components.link(*upcoming[1:])
            upcoming = next(seen, None)
        others.append(components.size(customer) - 1)
    return pa.table([asked["row"].cast(pa.int64()), to_arrow(np.array(others, np.int64))], schema=OTHERS)


def _rows(table: pa.Table, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield row by row, a batch of them as Python objects at a time."""
    for batch in table.select(columns).to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
