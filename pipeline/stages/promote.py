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
from claimvet.models.registry.lifecycle import Entry, Event, make_champion, put_on_record, roll_back, tag_version
from claimvet.models.registry.registry import CHALLENGER, CHAMPION, NAME, stored_model


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
    """Asks the gate about the challenger, makes it champion where every check holds, and puts on record what was said (`by` whom, `now`).

    Raises `ModelError` where there is no challenger.
    """
    challenger = stored_model(CHALLENGER)
    if challenger is None:
        raise ModelError(f"there is no {CHALLENGER} of {NAME}, expected one from `claimvet train`")
    report = PromotionReport(challenger.version, tuple(gate_checks(challenger, stored_model(CHAMPION), params)))
    said = "\n".join(map(str, report.checks))
    if report.passed:
        make_champion(report.number)
    event = Event.PROMOTED if report.passed else Event.REFUSED
    put_on_record(Entry(event, report.number, by, now, said), _figures(report.checks))
    tag_version(report.number, {"gate": "passed" if report.passed else "refused", "gate_checks": said[:5000]})
    return report


def roll_back_champion(*, by: str = "unknown", now: datetime, why: str = "") -> str:
    """Makes the version champion again that was before the present one; answers a sentence about it.

    Raises `ModelError` where there is none.
    """
    lost, number = roll_back()
    said = f"version {number} of {NAME} is {CHAMPION} again instead of version {lost}"
    put_on_record(Entry(Event.ROLLED_BACK, lost, by, now, why or said))
    return said


def _figures(checks: Iterable[Check]) -> dict[str, float]:
    """The figures under names that MLflow takes."""
    return {re.sub(r"[^a-z0-9]+", "_", check.name.split("(")[0].lower()).strip("_"): check.figure for check in checks}


def require_passed(report: PromotionReport) -> None:
    """Raises `GateError`, naming the checks that failed, where the report did not pass."""
    failed = [check.name for check in report.checks if not check.passed]
    if failed:
        raise GateError(f"version {report.number} of {NAME} does not become {CHAMPION}: {', '.join(failed)}")
