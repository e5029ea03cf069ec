"""What running totals mean, as one hash: two lists of features with the same fingerprint can share what was derived of events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ibis.expr.format import pretty

from claimvet.features.catalogue.aggregates import Aggregate
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.links.minhash import text_buckets
from claimvet.features.online.deltas import contract_table, distinct_values, taken_back
from claimvet.features.online.layout import EXTREMES, TOTALS, Kind, Layout, token_key

_PROBE = "A kettle leaked boiling water over my left hand while I was pouring tea for two guests."
"""A text whose buckets stand for everything that MinHash depends on: shingles, seeds, bands."""


def fingerprint(layout: Layout) -> str:
    """Return the SHA-256, in hexadecimal, of all that is derived of events for the histories of a layout.

    It follows what a source, a filter or a column *means*, by its expression over the contract's tables, and not only what it is called.

    >>> from claimvet.features.catalogue.features import FEATURES
    >>> whole, fewer = fingerprint(Layout(FEATURES)), fingerprint(Layout(FEATURES[:40]))
    >>> len(whole), whole == fingerprint(Layout(FEATURES)), whole == fewer
    (64, True, False)
    """
    return hashlib.sha256("\n".join(_meanings(layout)).encode()).hexdigest()


def _meanings(layout: Layout) -> Iterator[str]:
    yield f"columns {TOTALS} {EXTREMES}, tokens {token_key('kind', 'token')}"
    yield f"buckets {text_buckets([_PROBE])}"
    yield f"bounds {[taken_back(10, window, appears, ends) for window, appears, ends in _BOUNDS]}"
    for history in layout.histories:
        yield f"history {history.number}: {history.description}"
    for name in sorted({name for name, _ in layout.places}):
        source, events = SOURCES[name], SOURCES[name].read(contract_table)
        contributed = {aggregate.name: aggregate.contribution(events) for aggregate in _aggregates(layout, name)}
        known = events.mutate(**contributed)
        yield f"source {name} of {source.tables}, ends {source.has_end}: {pretty(known.op())}"


def _aggregates(layout: Layout, source: str) -> Iterator[Aggregate]:
    for history in layout.histories:
        if history.place.source.name == source:
            yield from history.totals
            yield from history.extremes
            if history.kind is Kind.REPEATS:
                yield distinct_values(history)


_BOUNDS = [(window, appears, ends) for window in (None, 5) for appears in (None, 12, 20) for ends in (None, 11, 30)]
"""Windows, appearances and ends that show how an event's bounds are put right."""
