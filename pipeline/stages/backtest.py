"""The backtest: history replayed in time order, with labels arriving late, models retrained on a schedule, and experts scarce.

At each cut a model is trained on the outcomes that were decided before it, and decides all claims filed until the next cut, with each
day's reviews allocated. The claims of the period are then evaluated by the findings known at the end of the data. Older models score the
same claims: that is staleness. A challenger runs in the shadow of the champion on the same claims: by default the newly trained model
is the challenger of the one before it.

Convention: features are built once, since each sees only what was known before its claim was filed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import InvalidDataError, ModelError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.tables import FINDINGS
from claimvet.data.contract.writing.output_directory import output_directory, require_own_directory
from claimvet.features.batch.build import build_features
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.assessment.backtest import (
    Replayed,
    evaluated_period,
    period_of,
    period_row,
    shadow_row,
    stale_rows,
)
from claimvet.models.learning.training import train_model
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.parameters import BacktestParams
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.pipeline.params import Params
from claimvet.pipeline.report.backtest import write_backtest_page
from claimvet.pipeline.stages.train import read_claims, read_training_data
from claimvet.pipeline.validate import require_valid

COMMAND, PAGE = "backtest", "report.html"
FILES = ("periods.csv", "staleness.csv", "shadow.csv")


@dataclass(frozen=True)
class BacktestReport:
    """Where the report lies and its tables: `periods`, `staleness` and `shadow`, as `models.assessment.backtest` gives them; and notes."""

    page: Path
    periods: pd.DataFrame
    staleness: pd.DataFrame
    shadow: pd.DataFrame
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"note: {note}" for note in self.notes]
        for row in self.periods.to_dict("records"):
            kept = guarantee_text(row["guarantee_kept"])
            lines.append(
                f"{row['from']:%Y-%m-%d} to {row['until']:%Y-%m-%d}: {row['claims']:,} claims, {row['findings']:,} findings, "
                f"log loss {row['log_loss']:.3f}, calibration error {row['calibration_error']:.3f}, "
                f"${row['usd_per_1000']:,.0f} per 1,000 claims (presenting everything ${row['usd_per_1000_presenting']:,.0f}), "
                f"{kept}, most reviews of a day {row['max_reviews_of_a_day']}"
            )
        return "\n".join([*lines, f"report: {self.page}"])


def guarantee_text(kept: bool | None) -> str:
    """Return what became of a period's guarantee; None is none.

    >>> guarantee_text(None)
    'no guarantee'
    """
    return "no guarantee" if kept is None else "guarantee kept" if kept else "guarantee VIOLATED"


def backtest(
    data: Path,
    out: Path,
    params: Params,
    *,
    challenger_params: Params | None = None,
    now: datetime,
    read: ReadOptions = AS_IT_LIES,
    progress: Progress = silent,
) -> BacktestReport:
    """Replay the data set `data` and write `report.html`, `periods.csv`, `staleness.csv`, `shadow.csv` and `summary.json` into `out`.

    `challenger_params`, if named, are the parameters of a challenger that is trained beside the champion at every cut and runs in its
    shadow. Raises `InvalidDataError` where the data break the contract or no cut leaves findings on both sides, `UsageError`
    where `out` holds anything but the report of an earlier run.
    """
    require_own_directory(out, COMMAND, (data,))
    notes = require_valid(data, read=read)
    data_set = DataSet.open(data, read.types)
    with TemporaryDirectory() as scratch:
        built = Path(scratch) / "features.parquet"
        build_features(data_set, built, progress=progress)
        known = read_training_data(data_set, built)
        claims = read_claims(data_set, built)
        features = pd.read_parquet(built).set_index("claim_id")
    replayed = _replay(known, claims, features, params, challenger_params, progress)
    if not replayed:
        raise InvalidDataError(f"{data} has no period with findings before and in it, expected some to replay")
    return _report(replayed, out, params, notes, now)


def cuts(filed_at: pd.Series, params: BacktestParams) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return when each period begins and ends: equal lengths of at least `retrain_days`, `max_periods` at most, until the last claim.

    >>> days = pd.Series(pd.date_range("2026-01-01", periods=200, tz="UTC"))
    >>> [f"{start:%m-%d}" for start, _ in cuts(days, BacktestParams(retrain_days=30))]
    ['04-10', '05-14', '06-17']
    """
    start = filed_at.sort_values().iloc[int(params.first_share * (len(filed_at) - 1))].ceil("D")
    end = filed_at.max().floor("D") + pd.Timedelta(days=1)
    periods = max(1, min(params.max_periods, (end - start).days // params.retrain_days))
    length = max((end - start) / periods, pd.Timedelta(days=1)).ceil("D")
    starts = [start + number * length for number in range(periods)]
    return [(begin, min(begin + length, end)) for begin in starts if begin < end]


def as_known(data: TrainingData, moment: pd.Timestamp) -> TrainingData:
    """Return what training would have read just before `moment`: claims filed and outcomes decided before it.

    A claim that was paid unseen by then and looked at only later is one that nobody checked, like all others that were paid unseen.
    """
    known = data.outcomes[data.outcomes["decided_at"] < moment]
    outcomes = known[known["claim_id"].isin(known.loc[known["decided_by"].isin(FINDINGS), "claim_id"])]
    claims = data.claims[data.claims["filed_at"] < moment]
    kept = claims.index.intersection(data.features.index)
    return replace(data, features=data.features.loc[kept], claims=claims, outcomes=outcomes)


def _replay(
    known: TrainingData,
    claims: pd.DataFrame,
    features: pd.DataFrame,
    params: Params,
    challenger_params: Params | None,
    progress: Progress,
) -> list[Replayed]:
    replayed: list[Replayed] = []
    schedule = cuts(claims["filed_at"], params.backtest)
    for number, (start, end) in enumerate(schedule):
        progress(f"training on what was known by {start:%Y-%m-%d}", number, len(schedule))
        model = _trained(known, start, params)
        if model is None:
            continue
        period = period_of(start, end, claims, features, known.outcomes)
        before = [past.model for past in replayed]
        challenger = model if challenger_params is None else _trained(known, start, challenger_params)
        champion = (before[-1] if before else None) if challenger_params is None else model
        evaluated = evaluated_period(period, model)
        if len(evaluated.evaluated):
            replayed.append(Replayed(period, model, evaluated, champion, challenger, tuple(before)))
    return replayed


def _trained(known: TrainingData, moment: pd.Timestamp, params: Params) -> ClaimModel | None:
    """Return the model of what was known at `moment`; None where nothing could be learned."""
    try:
        return train_model(as_known(known, moment), params.split, params.train, params.policy).model
    except ModelError:
        return None


def _report(
    replayed: Sequence[Replayed], out: Path, params: Params, notes: tuple[str, ...], now: datetime
) -> BacktestReport:
    seed = params.backtest.seed
    periods = pd.DataFrame([period_row(one, seed) for one in replayed])
    staleness = pd.DataFrame([row for one in replayed for row in stale_rows(one, seed)])
    shadow = pd.DataFrame([row for one in replayed if (row := shadow_row(one, seed)) is not None])
    summary = {
        "periods": len(periods),
        "guarantee_kept": bool(periods["guarantee_kept"].dropna().all()),
        "params": asdict(params.backtest),
    }
    with output_directory(out, COMMAND) as filled:
        for name, table in zip(FILES, (periods, staleness, shadow), strict=True):
            table.to_csv(filled / name, index=False)
        (filled / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        write_backtest_page(filled / PAGE, replayed, periods, staleness, shadow, seed=seed, written_at=now)
    return BacktestReport(out / PAGE, periods, staleness, shadow, notes)
