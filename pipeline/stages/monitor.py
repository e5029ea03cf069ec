"""The monitor: are features, scores and labels still what they were? A report with a plain verdict a column.

Convention: it tells and does not decide, so drift is no error; the exit status is 0. What became of claims, their labels, is told from
outcomes decided by the end of each side, and the scores are those of one model on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from claimvet.data.contract.dataset import DataSet, connect
from claimvet.data.contract.errors import ModelError, UsageError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.data.contract.writing.output_directory import output_directory, require_own_directory
from claimvet.features.batch.build import build_features
from claimvet.features.catalogue.features import BY_NAME
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.assessment.drift import LEVELS, Drift, drifts
from claimvet.models.charts.charts import Bar, bar_chart
from claimvet.models.learning.labels import latest_outcomes
from claimvet.models.metrics.copies import copies
from claimvet.models.parameters import MonitorParams
from claimvet.models.policy.policy import most_likely
from claimvet.models.registry.registry import load_model
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.own_values import learned_types
from claimvet.pipeline.report.parts import Card, Section, Table, shortened
from claimvet.pipeline.report.plain import write_page
from claimvet.pipeline.report.tiles import Tile
from claimvet.pipeline.stages.reach import local_directory
from claimvet.pipeline.validate import require_valid

COMMAND, PAGE = "monitor", "report.html"
LABEL_COLUMNS = ("label", "decided_by")
NO_OUTCOMES = pd.DataFrame({"claim_id": pd.Series(dtype="str"), "decided_at": pd.Series(dtype="datetime64[us, UTC]")})
SHOWN = 25
"""Columns of a section that the page lists; the CSV file has all."""
SMALLEST_P = 1e-9
"""Smaller ones say no more."""


@dataclass(frozen=True)
class Side:
    """One side of the comparison: features by claim, `filed_at` of each, and all outcomes that were decided by its end."""

    name: str
    features: pd.DataFrame
    filed_at: pd.Series
    outcomes: pd.DataFrame

    @property
    def labels(self) -> pd.DataFrame:
        """The outcome that counts for each of its claims at its end: columns `LABEL_COLUMNS`."""
        mine = self.outcomes[self.outcomes["claim_id"].isin(self.filed_at.index)]
        if mine.empty:
            return pd.DataFrame({name: pd.Series(dtype="str") for name in LABEL_COLUMNS})
        return latest_outcomes(mine, mine["decided_at"].max())[list(LABEL_COLUMNS)]


@dataclass(frozen=True)
class MonitorReport:
    """Where the report lies, the drifts by section, and notes."""

    page: Path
    drifts: dict[str, list[Drift]]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"note: {note}" for note in self.notes]
        for section, found in self.drifts.items():
            moved = [one for one in found if one.level != LEVELS[0]]
            named = ", ".join(f"{one.name} ({one.level}, PSI {one.psi:.2f})" for one in moved[:5])
            more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
            lines.append(f"{section}: {len(moved)} of {len(found)} moved{': ' if named else ''}{named}{more}")
        return "\n".join([*lines, f"report: {self.page}"])


def monitor(
    data: Path,
    out: Path,
    params: MonitorParams,
    *,
    reference: Path | None = None,
    model: str | None = None,
    now: datetime,
    read: ReadOptions = AS_IT_LIES,
    progress: Progress = silent,
) -> MonitorReport:
    """Compare the data set `data` with `reference`, or its latest claims with its earlier ones; write `report.html` and `drift.csv`.

    Scores are those of `model` (an MLflow URI or a directory), by default the champion; without one they are left out, with a note.
    Raises `InvalidDataError` where the data break the contract, `UsageError` where there is nothing to compare, or `out` holds
    anything but the report of an earlier run.
    """
    require_own_directory(out, COMMAND, (data, reference, local_directory(model)))
    scorer = _model(model)
    if scorer is not None:
        read = replace(read, types=learned_types(scorer.schema))
    notes = list(require_valid(data, read=read))
    old, new = _sides(data, reference, params, read, progress)
    if min(len(old.features), len(new.features)) < 2:
        raise UsageError(
            f"{old.name} has {len(old.features)} claims and {new.name} {len(new.features)}, expected some on both sides to compare"
        )
    moved = drifts(old.features, new.features, params)
    found = {
        "features": [one for one in moved if _is_input(one.name)],
        "other features": [one for one in moved if not _is_input(one.name)],
    }
    if scorer is None:
        notes.append("there is no champion to score with, so the drift of scores is left out")
    else:
        progress("scoring")
        found["scores"] = drifts(_scores(old, scorer), _scores(new, scorer), params)
    found["labels"] = drifts(old.labels, new.labels, params)
    with output_directory(out, COMMAND) as filled:
        _write(MonitorReport(filled / PAGE, found, tuple(notes)), old, new, now)
    return MonitorReport(out / PAGE, found, tuple(notes))


def _sides(
    data: Path, reference: Path | None, params: MonitorParams, read: ReadOptions, progress: Progress
) -> tuple[Side, Side]:
    whole = _side(data, read, progress)
    if reference is not None:
        require_valid(reference, read=read)
        return _side(reference, read, progress), whole
    cut = whole.filed_at.sort_values().iloc[int((1 - params.recent_share) * (len(whole.filed_at) - 1))]
    recent = whole.filed_at > cut
    earlier, later = (
        _part(whole, ~recent, f"claims until {cut:%Y-%m-%d}"),
        _part(whole, recent, f"claims after {cut:%Y-%m-%d}"),
    )
    known_then = earlier.outcomes[earlier.outcomes["decided_at"] <= cut]
    return replace(earlier, outcomes=known_then), later


def _side(folder: Path, read: ReadOptions, progress: Progress) -> Side:
    data_set = DataSet.open(folder, read.types)
    with TemporaryDirectory() as scratch:
        built = Path(scratch) / "features.parquet"
        build_features(data_set, built, progress=progress)
        features = pd.read_parquet(built).set_index("claim_id")
    connection = connect()
    try:
        data_set.register(connection)
        filed = connection.execute("SELECT claim_id, filed_at FROM claims").df().set_index("claim_id")["filed_at"]
        outcomes = connection.execute("SELECT * FROM outcomes").df() if data_set.has("outcomes") else NO_OUTCOMES
    finally:
        connection.close()
    return _counted_once(Side(str(folder), features, filed.loc[features.index], outcomes))


def _counted_once(side: Side) -> Side:
    """Return the side with each claim once: a load that was repeated under other ids would make chance look like drift."""
    labels = side.labels.reindex(side.features.index)
    again = copies(side.filed_at.to_frame(), side.features, labels)
    return replace(side, features=side.features.drop(index=again), filed_at=side.filed_at.drop(index=again))


def _part(side: Side, rows: pd.Series, name: str) -> Side:
    kept = side.filed_at.index[rows]
    return Side(name, side.features.loc[kept], side.filed_at.loc[kept], side.outcomes)


def _model(named: str | None) -> ClaimModel | None:
    try:
        return load_model(named)
    except ModelError:
        if named is not None:
            raise
        return None


def _scores(side: Side, model: ClaimModel) -> pd.DataFrame:
    probabilities = model.probabilities(side.features)
    return probabilities.assign(label=most_likely(probabilities))


def _write(report: MonitorReport, old: Side, new: Side, now: datetime) -> None:
    rows = [{"section": section, **asdict(one)} for section, found in report.drifts.items() for one in found]
    pd.DataFrame(rows).to_csv(report.page.with_name("drift.csv"), index=False)
    opening = f"Do claims still look as they did? {len(new.features):,} of them ({new.name}) against {len(old.features):,} ({old.name})."
    write_page(
        report.page,
        "Claimvet: has the world moved?",
        opening,
        [_tile(section, found) for section, found in report.drifts.items()],
        [_section(section, found) for section, found in report.drifts.items()],
        footer="Claimvet. PSI is the population stability index: 0.1 is a moderate shift, 0.25 a major one, chance taken off. "
        + " ".join(f"{note[:1].upper()}{note[1:]}." for note in report.notes),
        written_at=now,
    )


def _tile(section: str, found: Sequence[Drift]) -> Tile:
    alarms, watched = (sum(one.level == level for one in found) for level in ("alarm", "watch"))
    return Tile(
        f"{section} that moved", f"{alarms + watched} of {len(found)}", f"{alarms} alarm, {watched} watch", alarms == 0
    )


def _section(section: str, found: Sequence[Drift]) -> Section:
    shown = found[:SHOWN]
    bars = [
        Bar(
            shortened(_meaning(one.name) or one.name),
            [("c-abusive" if one.level == "alarm" else "c-frivolous" if one.level == "watch" else "c-other", one.psi)],
            f"{one.psi:.2f}",
        )
        for one in shown[:12]
    ]
    rows = [
        [
            one.name,
            one.level,
            f"{one.psi:.3f}",
            f"{one.by_chance:.3f}",
            f"{one.statistic:.3f}",
            f"{one.p_value:.1g}" if one.p_value >= SMALLEST_P else f"< {SMALLEST_P:g}",
            _meaning(one.name),
        ]
        for one in shown
    ]
    header = ["column", "verdict", "PSI", "by chance", "KS or chi-squared", "p", "meaning"]
    note = f"The {len(shown)} that moved most, of {len(found)}; drift.csv has all. " if len(found) > len(shown) else ""
    cards = [
        Card("How far columns moved", bar_chart(f"PSI of {section}", bars), note=_BARS),
        Card("Columns", table=Table(header, rows, frozenset({6})), note=note + _TESTS, wide=True),
    ]
    return Section(section.replace(" ", "-"), section.capitalize(), _LEADS[section], cards if shown else [])


_BARS = "Population stability index: 0 is no change. Red raises an alarm, amber is watched, grey is steady."
_TESTS = (
    "By chance: what the index would be if nothing had moved. KS or chi-squared: the greatest distance of numbers, or of shares, between "
    "both sides; p: how likely that is by chance."
)

_LEADS = {
    "features": "What claims look like, as far as models may read it.",
    "other features": "What experts see and models do not read: volumes and ages grow with the marketplace, so most of them move.",
    "scores": "What one model answers on both sides. Where features are steady and scores are not, or the other way round, look closer.",
    "labels": "What became of claims that were decided, and who decided. The latest claims have the quickly decided outcomes only.",
}


def _is_input(name: str) -> bool:
    return name.startswith(FEATURE_COLUMN_PREFIX) or BY_NAME[name].model_input


def _meaning(name: str) -> str:
    feature = BY_NAME.get(name)
    return str(feature.listing()["description"]) if feature is not None else ""
