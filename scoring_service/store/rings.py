"""How many customers a chain of shared tokens ties to one of them, by the links seen before a moment."""

from __future__ import annotations

import sqlalchemy as sa

from scoring_service.store.statements import AT_ONCE, run

_NEIGHBOURS = """
SELECT DISTINCT other.customer_id FROM identity_links own
JOIN identity_links other ON other.kind = own.kind AND other.token = own.token
WHERE own.customer_id IN ({places}) AND own.seen_at < ? AND other.seen_at < ?
"""


def others_in_ring(connection: sa.Connection, customer: str, filed_at: int) -> int:
    """Other customers that can be reached, breadth first."""
    reached = {customer}
    edge = [customer]
    while edge:
        found: set[str] = set()
        for start in range(0, len(edge), AT_ONCE):
            some = edge[start : start + AT_ONCE]
            sql = _NEIGHBOURS.format(places=", ".join("?" * len(some)))
            found |= {row[0] for row in run(connection, sql, (*some, filed_at, filed_at))}
        edge = sorted(found - reached)
        reached |= found
    return len(reached) - 1
