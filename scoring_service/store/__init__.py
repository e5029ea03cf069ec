"""What did the platform know, and when? An append-only store of the contract's events, with the features of one claim at any moment.

`EventStore` is all that others need; `StoredEvent` is one validated row (`scoring_service.http.parsing.rows`).
"""

from __future__ import annotations

from claimvet.scoring_service.store.event_store import EventStore
from claimvet.scoring_service.store.events.event import StoredEvent

__all__ = ["EventStore", "StoredEvent"]
