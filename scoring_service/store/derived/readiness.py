"""Makes a store ready for the features at hand: what was derived for other features is derived anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import sqlalchemy as sa

from claimvet.data.contract.dataset import DataSet
from claimvet.features.online.layout import Layout
from claimvet.scoring_service.store.db import database
from claimvet.scoring_service.store.derived.bulk_load import fill_histories, has_events, note_histories, noted_histories
from claimvet.scoring_service.store.events import export


def make_ready(engine: sa.Engine, layout: Layout) -> None:
    """Derive what the layout needs, where the store has not; seconds for every million events."""
    with database.writing(engine) as connection:
        if noted_histories(connection) == layout.description:
            return
        database.keep_others_out(connection)
        if not has_events(connection):
            note_histories(connection, layout)
            return
        with tempfile.TemporaryDirectory() as folder:
            export.export(connection, Path(folder))
            fill_histories(connection, DataSet.open(Path(folder)), layout)
