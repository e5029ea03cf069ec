"""The record: every promotion, refusal and rollback is a run in MLflow, and tags on the version.

An entry that changes the champion is unfinished (its run is running) until the alias has been given. So what a killed process left is
told from what happened: an unfinished entry has happened if the version that it names as champion is champion.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from claimvet.data.contract.errors import RegistryError
from claimvet.models.registry.experiment import experiment_id, find_experiment
from claimvet.models.registry.mlflow_store import is_made, mlflow_client, version_of
from claimvet.models.registry.model_store import CHAMPION, NAME
from claimvet.models.registry.undo import Undo

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

PAGE = 1000
"""Runs asked for at once."""
MAX_TAG = 5000
"""Characters of a tag that every store of MLflow holds."""
EVENT_TAG, _VERSION_TAG = "claimvet.event", "claimvet.version"
_CHAMPION_TAG = "claimvet.champion"
"""On a run: the version that is champion if the entry happened; none where it changes no alias."""
_CHANGED_TAG, _BEFORE_TAG = "claimvet.changed", "claimvet.before."
"""On a run: a JSON list of the version's tags that the entry writes, and the value of each before, where it had one."""
_RUNNING, _FINISHED, _CLEARED = "RUNNING", "FINISHED", "KILLED"


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


def begin_entry(
    entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str], undo: Undo, *, champion: str | None = None
) -> str:
    """Write an entry as a run that is not finished, and as tags on the version beside `tags`; return the run's identifier.

    `champion` is the version that `finish_entry` will find champion, None where the entry changes no alias.
    """
    with mlflow_client(f"put on record that version {entry.number} of {NAME} is {entry.event.value}") as client:
        written = {**entry.tags(), **tags}
        known = client.get_model_version(NAME, entry.number).tags
        run = client.create_run(
            experiment_id(client), run_name=f"{entry.event.value} version {entry.number}"
        ).info.run_id
        undo.later(f"the record in run {run}", lambda: _delete_run(run))
        client.log_text(run, entry.why, "why.txt")
        _log_batch(client, run, entry, figures, _to_settle_it(entry.number, champion, written, known))
        for key, value in written.items():
            undo.later(
                f"the tag {key} of version {entry.number}", partial(_restore_tag, entry.number, key, known.get(key))
            )
            client.set_model_version_tag(NAME, entry.number, key, value)
    return str(run)


def finish_entry(run: str) -> None:
    """Say that what the entry says has happened."""
    with mlflow_client(f"finish the record in run {run}") as client:
        client.set_terminated(run, _FINISHED)


def require_unfinished(run: str) -> None:
    """Raise `RegistryError` where another command took the entry for one that was broken off."""
    with mlflow_client(f"show the record in run {run}") as client:
        status = client.get_run(run).info.status
    if status != _RUNNING:
        raise RegistryError(
            f"another command has cleared the record in run {run} in the meantime, expected to be the only one that changes the {CHAMPION}"
        )


def settle_record() -> list[str]:
    """Finish what a killed command did without finishing its entry, clear what it did not do; return a sentence for each entry.

    Raise `RegistryError` where MLflow does not do so.
    """
    if not is_made():
        return []
    with mlflow_client(f"look for changes of the {CHAMPION} of {NAME} that were broken off") as client:
        left = list(_entries(client, f"attributes.status = '{_RUNNING}'"))
        champion = version_of(NAME, CHAMPION) if left else None
        return [_settle(client, run, champion) for run in left]


def record() -> list[Entry]:
    """Return every entry of what has happened, the earliest first; of the same second, in the order in which they were put on record."""
    if not is_made():
        return []
    with mlflow_client(f"show the record of {NAME}") as client:
        runs = list(_entries(client))
        is_whole = all(run.info.status != _RUNNING for run in runs)
        champion = None if is_whole else version_of(NAME, CHAMPION)
    return sorted((_entry(run) for run in runs if _has_happened(run, champion)), key=lambda entry: entry.at)


def _to_settle_it(
    number: str, champion: str | None, written: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return what the next command has to know if this one is killed."""
    target = {} if champion is None else {_CHAMPION_TAG: champion}
    before = {f"{_BEFORE_TAG}{key}": known[key] for key in written if key in known}
    return {_VERSION_TAG: number, _CHANGED_TAG: json.dumps(list(written)), **target, **before}


def _log_batch(
    client: MlflowClient, run: str, entry: Entry, figures: Mapping[str, float], more: Mapping[str, str]
) -> None:
    """Figures and tags in one call, so that a run is an entry of the record whole or not at all."""
    from mlflow.entities import Metric, RunTag

    at = round(entry.at.timestamp() * 1000)
    metrics = [Metric(name, float(value), at, 0) for name, value in figures.items() if value == value]
    tags = [RunTag(key, value) for key, value in {**entry.tags(), **more}.items()]
    client.log_batch(run, metrics=metrics, tags=tags)


def _settle(client: MlflowClient, run: Run, champion: str | None) -> str:
    entry = _entry(run)
    begun = f"an entry of {entry.at.isoformat()} by {entry.by}, version {entry.number} of {NAME} {entry.event.value}, was broken off"
    if _has_happened(run, champion):
        client.set_terminated(run.info.run_id, _FINISHED)
        return f"{begun} after version {champion} had become {CHAMPION}: it is finished now"
    for key in json.loads(run.data.tags.get(_CHANGED_TAG, "[]")):
        _restore_tag(entry.number, key, run.data.tags.get(f"{_BEFORE_TAG}{key}"))
    client.set_terminated(run.info.run_id, _CLEARED)
    return f"{begun} before it happened: it is cleared"


def _has_happened(run: Run, champion: str | None) -> bool:
    if run.info.status == _RUNNING:
        return champion is not None and run.data.tags.get(_CHAMPION_TAG) == champion
    return str(run.info.status) == _FINISHED


def _entry(run: Run) -> Entry:
    tags = run.data.tags
    at = datetime.fromisoformat(tags["claimvet.at"])
    return Entry(Event(tags[EVENT_TAG]), tags[_VERSION_TAG], tags["claimvet.by"], at, tags["claimvet.why"])


def _restore_tag(number: str, key: str, value: str | None) -> None:
    with mlflow_client(f"restore the tag {key} of version {number}") as client:
        if value is None:
            client.delete_model_version_tag(NAME, number, key)
        else:
            client.set_model_version_tag(NAME, number, key, value)


def _delete_run(run: str) -> None:
    with mlflow_client(f"delete the record in run {run}") as client:
        client.delete_run(run)


def _entries(client: MlflowClient, only: str = "") -> Iterator[Run]:
    """Yield the runs that are entries, the earliest first."""
    experiment = find_experiment(client)
    if experiment is not None:
        for page in _pages(client, experiment.experiment_id, only):
            yield from (run for run in page if EVENT_TAG in run.data.tags)


def _pages(client: MlflowClient, experiment: str, only: str) -> Iterator[PagedList[Run]]:
    """Yield all runs of an experiment, the earliest first; MLflow gives so many at once and no more."""
    token = None
    while True:
        page = client.search_runs(
            [experiment], only, max_results=PAGE, order_by=["attributes.start_time ASC"], page_token=token
        )
        yield page
        token = page.token
        if not token:
            return
