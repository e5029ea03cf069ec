"""Who is champion: a version is promoted, or gives the title back, with an entry of the record, or not at all.

The entry is written first, as one that is not finished, the alias is given last, and then the entry is finished; where a step fails, those
before it are taken back (`models.registry.undo`). What a killed process leaves is told and cleared by the next command
(`models.registry.record.settle_record`). The champion's version remembers the one before it (`previous_champion`), so a rollback needs no
search.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.addresses import registry_uri, shown
from claimvet.models.registry.aliases import give_alias
from claimvet.models.registry.mlflow_store import mlflow_client, none_if_missing, version_of
from claimvet.models.registry.model_store import CHAMPION, NAME
from claimvet.models.registry.record import (
    MAX_TAG,
    Entry,
    Event,
    begin_entry,
    finish_entry,
    record,
    require_unfinished,
    settle_record,
)
from claimvet.models.registry.undo import undone_on_failure

__all__ = [
    "MAX_TAG",
    "Entry",
    "Event",
    "champion_number",
    "promote_version",
    "put_on_record",
    "record",
    "roll_back",
    "settle_record",
]

PREVIOUS = "previous_champion"


def champion_number() -> str | None:
    """Return the version that is champion, None where MLflow says that none is; raise `RegistryError` where it does not say."""
    return version_of(NAME, CHAMPION)


def promote_version(entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str], *, before: str | None) -> None:
    """Make the entry's version champion instead of version `before` (None: there is none), with its record and `tags` on the version.

    Raise `RegistryError` where that fails, or another version became champion in the meantime; then nothing has changed, or it says
    exactly what has.
    """
    remembered = {PREVIOUS: before} if before not in (None, entry.number) else {}
    _change_champion(entry, figures, {**tags, **remembered}, before=before, after=entry.number)


def roll_back(*, by: str, now: datetime, why: str = "") -> tuple[str, str]:
    """Make the version champion that was so before; return the version that lost the alias and the one that has it.

    Raise `ModelError` where there is no champion, or none before it; `RegistryError` where MLflow fails, as `promote_version` does.
    """
    number = champion_number()
    if number is None:
        raise ModelError(f"there is no {CHAMPION} of {NAME} in {shown(registry_uri())}, expected one to roll back from")
    before = _champion_before(number)
    said = why or f"version {before} of {NAME} is {CHAMPION} again instead of version {number}"
    _change_champion(Entry(Event.ROLLED_BACK, number, by, now, said), {}, {}, before=number, after=before)
    return number, before


def put_on_record(entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Write an entry that changes no alias; raise `RegistryError` where it cannot be written whole."""
    with undone_on_failure("nothing was put on record") as undo:
        finish_entry(begin_entry(entry, figures, tags, undo))


def _change_champion(
    entry: Entry, figures: Mapping[str, float], tags: Mapping[str, str], *, before: str | None, after: str
) -> None:
    with undone_on_failure("the champion and the record are as they were") as undo:
        run = begin_entry(entry, figures, tags, undo, champion=after)
        _require_champion(before)
        require_unfinished(run)
        give_alias(CHAMPION, after, before, undo)
        finish_entry(run)


def _require_champion(expected: str | None) -> None:
    """Another process may have changed it while the gate was asked."""
    found = champion_number()
    if found != expected:
        raise RegistryError(
            f"version {found or 'none'} of {NAME} is {CHAMPION} by now, expected version {expected or 'none'} as at the beginning"
        )


def _champion_before(number: str) -> str:
    """Return the version that was champion before; raises `ModelError` where there was none, or it was deleted."""
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
