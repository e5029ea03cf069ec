"""Who made which version champion, when and why: every promotion, refusal and rollback is a run in MLflow, and tags on the version.

A change happens with its record or not at all: the record is written first, the alias is given last, and where a step fails those before
it are taken back (`models.registry.undo`). The champion's version remembers the one before it (`previous_champion`), so a rollback needs
no search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.addresses import registry_uri, shown
from claimvet.models.registry.aliases import give_alias
from claimvet.models.registry.experiment import experiment_id, find_experiment
from claimvet.models.registry.mlflow_store import is_made, mlflow_client, none_if_missing, version_of
from claimvet.models.registry.model_store import CHAMPION, NAME
from claimvet.models.registry.undo import Undo, undone_on_failure

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

PREVIOUS = "previous_champion"
EVENT_TAG = "claimvet.event"
PAGE = 1000
"""Runs asked for at once."""
MAX_TAG = 5000
"""Characters of a tag that every store of MLflow holds."""


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
        """Return the entry as tags of a run and of a version."""
        at = self.at.astimezone(UTC).isoformat(timespec="seconds")
        return {
            EVENT_TAG: self.event.value,
            "claimvet.by": self.by,
            "claimvet.at": at,
            "claimvet.why": self.why[:MAX_TAG],
        }


def champion_number() -> str | None:
    """Return the version that is champion, None where MLflow says that none is; raise `RegistryError` where it does not say."""
    return version_of(NAME, CHAMPION)


def promote_version(entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str], *, before: str | None) -> None:
    """Make the entry's version champion instead of version `before` (None: there is none), with its record and `tags` on the version.

    Raise `RegistryError` where that fails, or another version became champion in the meantime; then nothing has changed, or it says
    exactly what has.
    """
    remembered = {PREVIOUS: before} if before not in (None, entry.number) else {}
    with undone_on_failure("the champion and the record are as they were") as undo:
        write_record(entry, figures, {**tags, **remembered}, undo)
        _require_champion(before)
        give_alias(CHAMPION, entry.number, before, undo)


def roll_back(*, by: str, now: datetime, why: str = "") -> tuple[str, str]:
    """Make the version champion that was so before; return the version that lost the alias and the one that has it.

    Raise `ModelError` where there is no champion, or none before it; `RegistryError` where MLflow fails, as `promote_version` does.
    """
    number = champion_number()
    if number is None:
        raise ModelError(f"there is no {CHAMPION} of {NAME} in {shown(registry_uri())}, expected one to roll back from")
    before = _champion_before(number)
    said = why or f"version {before} of {NAME} is {CHAMPION} again instead of version {number}"
    with undone_on_failure("the champion and the record are as they were") as undo:
        write_record(Entry(Event.ROLLED_BACK, number, by, now, said), {}, {}, undo)
        _require_champion(number)
        give_alias(CHAMPION, before, number, undo)
    return number, before


def put_on_record(entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Write an entry that changes no alias; raise `RegistryError` where it cannot be written whole."""
    with undone_on_failure("nothing was put on record") as undo:
        write_record(entry, figures, tags, undo)


def write_record(entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str], undo: Undo) -> None:
    """Write the entry as a run of its own, with its figures as metrics, and as tags on the version beside `tags`."""
    with mlflow_client(f"put on record that version {entry.number} of {NAME} is {entry.event.value}") as client:
        run = client.create_run(
            experiment_id(client), run_name=f"{entry.event.value} version {entry.number}"
        ).info.run_id
        undo.later(f"the record in run {run}", lambda: _delete_run(run))
        client.log_text(run, entry.why, "why.txt")
        _log_batch(client, run, entry, figures)
        client.set_terminated(run)
        _tag_version(client, entry.number, {**entry.tags(), **tags}, undo)


def _log_batch(client: MlflowClient, run: str, entry: Entry, figures: Mapping[str, float]) -> None:
    """Figures and tags in one call, so that a run is an entry of the record whole or not at all."""
    from mlflow.entities import Metric, RunTag

    at = round(entry.at.timestamp() * 1000)
    metrics = [Metric(name, float(value), at, 0) for name, value in figures.items() if value == value]
    tags = {**entry.tags(), "claimvet.version": entry.number}
    client.log_batch(run, metrics=metrics, tags=[RunTag(key, value) for key, value in tags.items()])


def _tag_version(client: MlflowClient, number: str, tags: Mapping[str, str], undo: Undo) -> None:
    known = client.get_model_version(NAME, number).tags
    for key, value in tags.items():
        undo.later(f"the tag {key} of version {number}", partial(_restore_tag, number, key, known.get(key)))
        client.set_model_version_tag(NAME, number, key, value)


def _restore_tag(number: str, key: str, value: str | None) -> None:
    with mlflow_client(f"restore the tag {key} of version {number}") as client:
        if value is None:
            client.delete_model_version_tag(NAME, number, key)
        else:
            client.set_model_version_tag(NAME, number, key, value)


def _delete_run(run: str) -> None:
    with mlflow_client(f"delete the record in run {run}") as client:
        client.delete_run(run)


def _require_champion(expected: str | None) -> None:
    """Another process may have changed it while the gate was asked."""
    found = champion_number()
    if found != expected:
        raise RegistryError(
            f"version {found or 'none'} of {NAME} is {CHAMPION} by now, expected version {expected or 'none'} as at the beginning"
        )


def _champion_before(number: str) -> str:
    """The version that was champion before; raises `ModelError` where there was none, or it was deleted."""
    with mlflow_client(f"say which version was {CHAMPION} before version {number}") as client:
        found = none_if_missing(lambda: client.get_model_version(NAME, number))
        before = None if found is None else found.tags.get(PREVIOUS)
        if before is None:
            raise ModelError(
                f"version {number} of {NAME} is the first {CHAMPION}, expected one before it to roll back to"
            )
        if none_if_missing(lambda: client.get_model_version(NAME, before)) is None:
            raise ModelError(f"version {before} of {NAME} was {CHAMPION} before version {number}, and is deleted")
        return str(before)


def record() -> list[Entry]:
    """Return every entry, the earliest first; of the same second, in the order in which they were put on record."""
    if not is_made():
        return []
    with mlflow_client(f"show the record of {NAME}") as client:
        experiment = find_experiment(client)
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
