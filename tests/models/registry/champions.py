"""Shortcuts to a champion, for tests of what comes after the gate."""

from __future__ import annotations

from datetime import UTC, datetime

from claimvet.models.registry.lifecycle import Entry, Event, champion_number, promote_version
from claimvet.models.registry.mlflow_store import mlflow_client
from claimvet.models.registry.model_store import NAME

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_champion(number: str) -> None:
    """Promote a version without asking the gate."""
    promote_version(Entry(Event.PROMOTED, number, "a test", NOW, "a test wants it"), {}, {}, before=champion_number())


def tag_version(number: str, key: str, value: str) -> None:
    """Write a tag on a version."""
    with mlflow_client("tag a version") as client:
        client.set_model_version_tag(NAME, number, key, value)
