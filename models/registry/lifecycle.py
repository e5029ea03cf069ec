"""Who made which version champion, when and why: every promotion, refusal and rollback is a run in MLflow, and tags on the version.

The champion's version remembers the one before it (`previous_champion`), so a rollback needs no search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from claimvet.data.contract.errors import ModelError
from claimvet.models.registry.registry import CHAMPION, NAME, quiet_store

PREVIOUS = "previous_champion"
EVENT_TAG = "claimvet.event"
PAGE = 1000
"""Runs asked for at once."""


class Event(StrEnum):
    """What happened to a version."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Entry:
    """One entry of the record: what happened to which version, by whom, when (UTC), and why."""

    event: Event
    number: str
    by: str
    at: datetime
    why: str

    def tags(self) -> dict[str, str]:
        """The entry as tags of a run and of a version."""
        at = self.at.astimezone(UTC).isoformat(timespec="seconds")
        return {EVENT_TAG: self.event.value, "claimvet.by": self.by, "claimvet.at": at, "claimvet.why": self.why[:5000]}


def champion_number() -> str | None:
    """The version that is champion, None where there is none."""
    with quiet_store() as client:
        try:
            return str(client.get_model_version_by_alias(NAME, CHAMPION).version)
        except MlflowException:
            return None


def make_champion(number: str) -> None:
    """Gives the alias `champion` to a version, which remembers the one before it."""
    before = champion_number()
    with quiet_store() as client:
        if before is not None and before != number:
            client.set_model_version_tag(NAME, number, PREVIOUS, before)
        client.set_registered_model_alias(NAME, CHAMPION, number)


def roll_back() -> tuple[str, str]:
    """Gives the alias `champion` back to the version that had it before; answers the version that lost it and the one that has it.

    Raises `ModelError` where there is no champion, or none before it.
    """
    number = champion_number()
    if number is None:
        raise ModelError(f"there is no {CHAMPION} of {NAME}, expected one to roll back from")
    with quiet_store() as client:
        before = client.get_model_version(NAME, number).tags.get(PREVIOUS)
        if before is None:
            raise ModelError(
                f"version {number} of {NAME} is the first {CHAMPION}, expected one before it to roll back to"
            )
        client.set_registered_model_alias(NAME, CHAMPION, before)
    return number, before


def tag_version(number: str, tags: dict[str, str]) -> None:
    """Writes tags on a version."""
    with quiet_store() as client:
        for key, value in tags.items():
            client.set_model_version_tag(NAME, number, key, value)


def put_on_record(entry: Entry, figures: dict[str, float] | None = None) -> None:
    """Writes the entry as a run of its own in the experiment, with its figures as metrics, and as tags on the version."""
    with quiet_store():
        mlflow.set_experiment(NAME)
        with mlflow.start_run(run_name=f"{entry.event.value} version {entry.number}"):
            mlflow.set_tags({**entry.tags(), "claimvet.version": entry.number})
            mlflow.log_metrics({name: value for name, value in (figures or {}).items() if value == value})
            mlflow.log_text(entry.why, "why.txt")
    tag_version(entry.number, entry.tags())


def record() -> list[Entry]:
    """Every entry, the earliest first; of the same second, in the order in which they were put on record."""
    with quiet_store() as client:
        experiment = client.get_experiment_by_name(NAME)
        if experiment is None:
            return []
        pages = _pages(client, experiment.experiment_id)
        tagged = [run.data.tags for page in pages for run in page if EVENT_TAG in run.data.tags]
    entries = [
        Entry(
            Event(tags[EVENT_TAG]),
            tags["claimvet.version"],
            tags["claimvet.by"],
            datetime.fromisoformat(tags["claimvet.at"]),
            tags["claimvet.why"],
        )
        for tags in tagged
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _pages(client: MlflowClient, experiment: str) -> Iterator[PagedList[Run]]:
    """All runs of an experiment, the earliest first; MLflow gives so many at once and no more."""
    token = None
    while True:
        page = client.search_runs(
            [experiment], max_results=PAGE, order_by=["attributes.start_time ASC"], page_token=token
        )
        yield page
        token = page.token
        if not token:
            return
