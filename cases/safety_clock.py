"""The clock of a product that may hurt people: so many working days to assess it, then so many hours to report it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from claimvet.cases.case import Instant
from claimvet.cases.settings import DAY, CaseSettings


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

    >>> from datetime import UTC, datetime, timedelta
    >>> friday = 1_796_378_400_000_000  # 2026-12-04, 10:00
    >>> str(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=assess_by(friday, CaseSettings(assessment_days=1))))
    '2026-12-07 10:00:00+00:00'
    """
    day, time_of_day = divmod(noticed_at, DAY)
    due = np.busday_offset(
        np.datetime64(day, "D"), settings.assessment_days, roll="backward", holidays=list(settings.holidays)
    )
    return int(due.astype("int64")) * DAY + time_of_day
