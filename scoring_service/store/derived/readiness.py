"""Makes a store ready for the features at hand: what was derived for others is derived anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import sqlalchemy as sa

from claimvet.data.contract.dataset import DataSet
from claimvet.features.online.layout import Layout
from claimvet.scoring_service.store.db import database
from claimvet.scoring_service.store.derived.bulk_load import fill_histories, has_events
from claimvet.scoring_service.store.derived.fingerprint import lock_derivation, note_fingerprint, stored_fingerprint
from claimvet.scoring_service.store.events import export


def ensure_derived(engine: sa.Engine, layout: Layout, fingerprint: str) -> None:
    """Derive what the layout needs, where the store has something else; seconds for every million events.

    Raises:
        StoreError: where the database fails.
    """
    with database.writing(engine) as connection:
        if stored_fingerprint(connection) == fingerprint:
            return
    with database.writing(engine) as connection:
        lock_derivation(connection)
        if stored_fingerprint(connection) != fingerprint:
            database.keep_others_out(connection)
            _derive_anew(connection, layout)
            note_fingerprint(connection, fingerprint)


def _derive_anew(connection: sa.Connection, layout: Layout) -> None:
    if has_events(connection):
        with tempfile.TemporaryDirectory() as folder:
            export.export(connection, Path(folder))
            fill_histories(connection, DataSet.open(Path(folder)), layout)
