"""Promotion: the challenger becomes champion if it passes the gate; every check is said, and stays on record with the version.

Convention: the gate reads the registry only. What it asks about was stored when the model was trained.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from claimvet.data.contract.errors import GateError, ModelError
from claimvet.models.assessment.gate import Check, gate_checks
from claimvet.models.parameters import GateParams
from claimvet.models.registry.addresses import registry_uri, shown
from claimvet.models.registry.lifecycle import (
    MAX_TAG,
    Entry,
    Event,
    promote_version,
    put_on_record,
    roll_back,
    settle_record,
)
from claimvet.models.registry.registry import CHALLENGER, CHAMPION, NAME, stored_model
from claimvet.pipeline.progress import say


@dataclass(frozen=True)
class PromotionReport:
    """The challenger's version and what the gate said about it."""

    number: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(check.passed for check in self.checks)

    def __str__(self) -> str:
        verdict = (
            f"version {self.number} of {NAME} is {CHAMPION}"
            if self.passed
            else f"version {self.number} of {NAME} stays {CHALLENGER}"
        )
        return "\n".join([*map(str, self.checks), verdict])


def promote(params: GateParams, *, by: str = "unknown", now: datetime) -> PromotionReport:
    """Ask the gate about the challenger, make it champion if every check holds, and put on record what was said (`by` whom, `now`).

    Raise `ModelError` where there is no challenger; `RegistryError` where MLflow does not say who is challenger or champion, or does not
    do all of what it is asked: then nothing has changed.
    """
    challenger = stored_model(CHALLENGER)
    if challenger is None:
        raise ModelError(
            f"there is no {CHALLENGER} of {NAME} in {shown(registry_uri())}, expected one from `claimvet train`"
        )
    champion = stored_model(CHAMPION)
    report = PromotionReport(challenger.version, tuple(gate_checks(challenger, champion, params)))
    said = "\n".join(map(str, report.checks))
    _settle_first()
    entry = Entry(Event.PROMOTED if report.passed else Event.REFUSED, report.number, by, now, said)
    figures, tags = (
        _figures(report.checks),
        {"gate": "passed" if report.passed else "refused", "gate_checks": said[:MAX_TAG]},
    )
    if report.passed:
        promote_version(entry, figures, tags, before=None if champion is None else champion.version)
    else:
        put_on_record(entry, figures, tags)
    return report


def roll_back_champion(*, by: str = "unknown", now: datetime, why: str = "") -> str:
    """Make the version champion again that was before the present one; return a sentence about it. Errors as `roll_back`."""
    _settle_first()
    lost, number = roll_back(by=by, now=now, why=why)
    return f"version {number} of {NAME} is {CHAMPION} again instead of version {lost}"


def _settle_first() -> None:
    """Tell and clear what a killed command left before anything else goes on record."""
    for note in settle_record():
        say(f"note: {note}")


def _figures(checks: Iterable[Check]) -> dict[str, float]:
    """Return the figures under names that MLflow takes."""
    return {re.sub(r"[^a-z0-9]+", "_", check.name.split("(")[0].lower()).strip("_"): check.figure for check in checks}


def require_passed(report: PromotionReport) -> None:
    """Raise `GateError`, naming the checks that failed, where the report did not pass."""
    failed = [check.name for check in report.checks if not check.passed]
    if failed:
        raise GateError(f"version {report.number} of {NAME} does not become {CHAMPION}: {', '.join(failed)}")
