"""The clock of a product that may hurt people: so many working days to assess it, then so many hours to report it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from claimvet.cases.case import Instant
from claimvet.cases.settings import CaseSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SATURDAY = 5


class SafetyState(StrEnum):
    """How far a safety file is."""

    TO_ASSESS = "to_assess"
    TO_REPORT = "to_report"
    NOT_REPORTABLE = "not_reportable"


@dataclass(frozen=True)
class SafetyFile:
    """One product with a cluster of independent claims, the first filed `since`; `noticed_at` is the decision that raised it.

    No denial of a claim ends it: only an assessment moves it on.
    """

    product_id: str
    customers: int
    since: Instant
    noticed_at: Instant
    assess_by: Instant
    state: SafetyState = SafetyState.TO_ASSESS
    report_by: Instant | None = None


def opened(product_id: str, customers: int, since: Instant, noticed_at: Instant, settings: CaseSettings) -> SafetyFile:
    """Return a product's safety file as a decision raises it."""
    return SafetyFile(product_id, customers, since, noticed_at, assess_by(noticed_at, settings))


def assessed(file: SafetyFile, *, reportable: bool, at: Instant, settings: CaseSettings) -> SafetyFile:
    """Return the file after its assessment; a reportable one has `report_hours` from then."""
    if not reportable:
        return replace(file, state=SafetyState.NOT_REPORTABLE, report_by=None)
    return replace(file, state=SafetyState.TO_REPORT, report_by=at + settings.period("report_hours"))


def assess_by(noticed_at: Instant, settings: CaseSettings) -> Instant:
    """Return the same time of day, in UTC, so many working days later: Monday to Friday less `holidays`.

    >>> friday = 1_796_378_400_000_000  # 2026-12-04, 10:00
    >>> str(_EPOCH + timedelta(microseconds=assess_by(friday, CaseSettings(assessment_days=1))))
    '2026-12-07 10:00:00+00:00'
    """
    noticed = _EPOCH + timedelta(microseconds=noticed_at)
    day, left = noticed.date(), settings.assessment_days
    while left > 0:
        day += timedelta(days=1)
        left -= _is_working_day(day, settings)
    moment = datetime.combine(day, time(0), UTC) + (noticed - datetime.combine(noticed.date(), time(0), UTC))
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _is_working_day(day: date, settings: CaseSettings) -> bool:
    return day.weekday() < _SATURDAY and day.isoformat() not in settings.holidays
