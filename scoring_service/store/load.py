"""Fills a store from a data set: `claimvet events load`."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from claimvet.data.contract.dataset import DataSet
from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.engines.progress import Progress, silent
from claimvet.features.online.layout import Layout
from claimvet.scoring_service.store.db import database
from claimvet.scoring_service.store.derived.bulk_load import fill_events, has_events
from claimvet.scoring_service.store.derived.fingerprint import fingerprint_of, lock_derivation, note_fingerprint
from claimvet.scoring_service.store.event_store import EventStore
from claimvet.scoring_service.store.events.export import events_of

EVENTS_AT_ONCE = 1_000
"""Rows that a store with events takes in one transaction."""


def load(data_set: DataSet, url: str, progress: Progress = silent, features: Sequence[Feature] = FEATURES) -> int:
    """Put every row of a validated data set into the store, which is made where it is new; the number of rows.

    A store without events is filled at once, in one transaction. One that has some takes the rows as events, a thousand at a time:
    rows that are there already change nothing, so a load may be started again.

    Raises:
        StoreError: where the store cannot be reached, or is of another version.
        EventConflictError: where the store has another row with the same key.
    """
    engine = database.open_engine(url)
    try:
        database.ensure_version(engine)
        with database.writing(engine) as connection:
            lock_derivation(connection)
            database.keep_others_out(connection)
            if not has_events(connection):
                return _fill(connection, data_set, Layout(features), progress)
    finally:
        engine.dispose()
    return _append(data_set, url, features, progress)


def _fill(connection: sa.Connection, data_set: DataSet, layout: Layout, progress: Progress) -> int:
    rows = fill_events(connection, data_set, layout, progress)
    note_fingerprint(connection, fingerprint_of(layout))
    return rows


def _append(data_set: DataSet, url: str, features: Sequence[Feature], progress: Progress) -> int:
    store = EventStore.open(url, features)
    done, total = 0, sum(data_set.rows(name) for name in data_set.tables)
    try:
        for events in events_of(data_set, EVENTS_AT_ONCE):
            with store.begin() as connection:
                store.append(events, connection)
            done += len(events)
            progress("events", done, total)
    finally:
        store.close()
    return done
