"""Three slices of the findings in time: train, then bound (it sets the bound of denials), then test. Never a random split.

A claim trains with the label that was known when the slice of the bound began, and bounds with the one known when the test
slice began. Each later slice ends one gap before its label date, because of claims filed within the gap only those decided
quickly have a label.

No single row moves a slice by more than a handful of claims: slices begin at ranks of the filing times, which one row moves by one claim,
the gap is a quantile, which it moves by one delay, and the end of the data is the time after which next to nothing was decided
(`robust_end`), not the time of the last outcome, which it moves by one outcome. How far off the row is changes nothing.

Where the data do not allow three slices (too few findings, all filed at one instant, all decided on one day), the plan says so in
`note` and gives less: two slices, or one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from claimvet.models.learning.labels import latest_findings
from claimvet.models.parameters import SplitParams

NO_TIME = pd.Timedelta(0)
END_SHARE = 1000
"""Of so many times one, and at least one, may lie beyond the end of the data."""
_DOES = {"bound": "set the bound of denials", "test": "evaluate the model"}


@dataclass(frozen=True)
class TimeSplit:
    """Findings by slice, in order of filing: index `claim_id`; columns `label`, `decided_by`, `decided_at`, `is_finding`, `filed_at`.

    `train` holds what was known at `bound_from`, `bound` and `before_test` (all that was filed before `test_from`) what was
    known at `test_from`, `test` and `everything` what was known at `known_until`. `early_train` and `early_bound` split the train slice
    once more in the same way, so that more claims set the bound of denials. `early_bound`, `bound` and `test` may be empty.
    """

    early_train: pd.DataFrame
    early_bound: pd.DataFrame
    train: pd.DataFrame
    bound: pd.DataFrame
    before_test: pd.DataFrame
    test: pd.DataFrame
    everything: pd.DataFrame
    bound_from: pd.Timestamp
    test_from: pd.Timestamp
    known_until: pd.Timestamp
    gap: pd.Timedelta
    note: str = ""


def time_split(filed_at: pd.Series, outcomes: pd.DataFrame, params: SplitParams) -> TimeSplit:
    """Split the findings by time. `filed_at` (UTC) has `claim_id` as its index; `outcomes` is the contract's table.

    >>> days = pd.date_range("2026-01-01", periods=100, tz="UTC")
    >>> claims = pd.Series(days, index=pd.Index([f"c{n:02}" for n in range(100)], name="claim_id"))
    >>> found = pd.DataFrame({"claim_id": claims.index, "outcome_id": claims.index, "label": "valid", "decided_by": "expert",
    ...                       "decided_at": days + pd.Timedelta(days=5)})
    >>> split = time_split(claims, found, SplitParams(min_findings=5))
    >>> len(split.train), len(split.bound), len(split.test), split.gap.days
    (61, 11, 19, 5)
    """
    everything = in_order_of_filing(latest_findings(outcomes, outcomes["decided_at"].max()), filed_at)
    known_until = robust_end(everything["decided_at"]) if len(everything) else outcomes["decided_at"].max()
    times = _slice_starts(everything, params)
    if times is None:
        note = f"{len(everything)} findings cannot be split by time: they all train, and none evaluate"
        return _unsplit(everything, known_until, note)
    gap = _gap(everything, *times, known_until, params.delay_quantile)
    at_starts = tuple(in_order_of_filing(latest_findings(outcomes, start), filed_at) for start in times)
    if len(at_starts[0]) >= params.min_findings:
        return _sliced(everything, at_starts, times, known_until, gap, "", params)
    note = "outcomes came too late to split findings by when they were known: they are split by when they were filed"
    filed_before = tuple(everything[everything["filed_at"] < start] for start in times)
    return _sliced(everything, filed_before, times, known_until, NO_TIME, note, params)


def robust_end(times: pd.Series) -> pd.Timestamp:
    """Return the time that all but one in `END_SHARE` of `times`, and never fewer than one of them, come before or at.

    One time that is far off, in the year 2205, says nothing about when the data end.

    >>> days = pd.Series(pd.date_range("2026-01-01", periods=10, tz="UTC"))
    >>> robust_end(days), robust_end(pd.concat([days, pd.Series([pd.Timestamp("2205-01-01", tz="UTC")])]))
    (Timestamp('2026-01-09 00:00:00+0000', tz='UTC'), Timestamp('2026-01-10 00:00:00+0000', tz='UTC'))
    """
    left_out = min(max(1, len(times) // END_SHARE), len(times) - 1)
    end: pd.Timestamp = times.sort_values().iloc[-1 - left_out]
    return end


def _sliced(
    everything: pd.DataFrame,
    at_starts: tuple[pd.DataFrame, ...],
    times: tuple[pd.Timestamp, pd.Timestamp],
    known_until: pd.Timestamp,
    gap: pd.Timedelta,
    note: str,
    params: SplitParams,
) -> TimeSplit:
    bound_from, test_from = times
    train, at_test = at_starts
    earlier = at_test[at_test["filed_at"] < test_from]
    bound = _between(earlier, bound_from, test_from - gap)
    test = _between(everything, test_from, known_until - gap if gap > NO_TIME else None)
    slices = {"bound": bound, "test": test}
    notes = [note] if note else []
    for name, rows in slices.items():
        if len(rows) < params.min_findings:
            notes.append(f"only {len(rows)} findings could {_DOES[name]}, fewer than {params.min_findings}: none do")
            slices[name] = rows.iloc[:0]
    return TimeSplit(
        *_early(train, int(params.early_bound_share * len(everything)), bound_from, gap, params),
        train,
        slices["bound"],
        earlier,
        slices["test"],
        everything,
        bound_from,
        test_from,
        known_until,
        gap,
        "; ".join(notes),
    )


def _early(
    train: pd.DataFrame, claims: int, bound_from: pd.Timestamp, gap: pd.Timedelta, params: SplitParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the latest `claims` of the training slice to set a bound, and what was known before them; both empty where too thin."""
    if claims < params.min_findings or len(train) - claims < params.min_findings:
        return train.iloc[:0], train.iloc[:0]
    early_bound_from = train["filed_at"].iloc[len(train) - claims]
    known = train["decided_at"] <= early_bound_from if gap > NO_TIME else True
    early = train[(train["filed_at"] < early_bound_from) & known]
    early_bound = _between(train, early_bound_from, bound_from - gap)
    thin = min(len(early), len(early_bound)) < params.min_findings
    return (train.iloc[:0], train.iloc[:0]) if thin else (early, early_bound)


def _unsplit(everything: pd.DataFrame, known_until: pd.Timestamp, note: str) -> TimeSplit:
    none = everything.iloc[:0]
    return TimeSplit(
        none, none, everything, none, everything, none, everything, known_until, known_until, known_until, NO_TIME, note
    )


def in_order_of_filing(findings: pd.DataFrame, filed_at: pd.Series) -> pd.DataFrame:
    """Return findings (index `claim_id`) with their filing time in `filed_at`, earliest first."""
    filed = findings.assign(filed_at=filed_at.reindex(findings.index))
    return filed.rename_axis("claim_id").sort_values(["filed_at", "claim_id"], kind="stable")


def _slice_starts(findings: pd.DataFrame, params: SplitParams) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Return when the bound and the test slice begin; None where there are too few findings or filing times for three slices."""
    if len(findings) < 2 * params.min_findings:
        return None
    test_at = int(len(findings) * (1 - params.test_share))
    bound_at = int(len(findings) * (1 - params.test_share - params.bound_share))
    bound_from, test_from = (findings["filed_at"].iloc[position] for position in (bound_at, test_at))
    return (bound_from, test_from) if findings["filed_at"].iloc[0] < bound_from < test_from else None


def _gap(
    findings: pd.DataFrame,
    bound_from: pd.Timestamp,
    test_from: pd.Timestamp,
    known_until: pd.Timestamp,
    quantile: float,
) -> pd.Timedelta:
    """Return the measured delay, at most half of the shorter later slice, so that something is left of it."""
    delays = (findings["decided_at"] - findings["filed_at"]).sort_values()
    measured = pd.Timedelta(delays.iloc[int(quantile * (len(findings) - 1))])
    longest = pd.Timedelta(min(test_from - bound_from, known_until - test_from) / 2)
    return max(min(measured, longest), NO_TIME)


def _between(findings: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp | None) -> pd.DataFrame:
    filed = findings["filed_at"]
    return findings[(filed >= start) if end is None else (filed >= start) & (filed <= end)]
