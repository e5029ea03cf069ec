"""Promotion: the challenger becomes champion if it passes the gate; every check is said, and stays on record with the version.

Convention: the gate reads the registry only. What it asks about was stored when the model was trained.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.contract.errors import GateError, ModelError
from models.gate import Check, gate_checks
from models.parameters import GateParams
from models.registry import CHALLENGER, CHAMPION, NAME, make_champion, stored_model, tag_version


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


def promote(params: GateParams) -> PromotionReport:
    """Asks the gate about the challenger, records what it says, and makes it champion where every check holds.

    Raises `ModelError` where there is no challenger.
    """
    challenger = stored_model(CHALLENGER)
    if challenger is None:
        raise ModelError(f"there is no {CHALLENGER} of {NAME}, expected one from `claimvet train`")
    report = PromotionReport(challenger.version, tuple(gate_checks(challenger, stored_model(CHAMPION), params)))
    tag_version(
        report.number,
        {"gate": "passed" if report.passed else "refused", "gate_checks": "\n".join(map(str, report.checks))},
    )
    if report.passed:
        make_champion(report.number)
    return report


def require_passed(report: PromotionReport) -> None:
    """Raises `GateError`, naming the checks that failed, where the report did not pass."""
    failed = [check.name for check in report.checks if not check.passed]
    if failed:
        raise GateError(f"version {report.number} of {NAME} does not become {CHAMPION}: {', '.join(failed)}")
