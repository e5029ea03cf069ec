"""The whole path on a marketplace made up for it: generate, validate, train, promote, score what came later, evaluate by the truth.

Convention: everything that the demo makes, its MLflow store too, lies in its own directory; nothing outside it is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from claimvet.data.contract.dataset import DataSet, connect
from claimvet.data.contract.tables import LABELS, TABLES
from claimvet.data.contract.writing.output_directory import working_directory
from claimvet.data.marketplace import generate
from claimvet.features.batch.build import build_features
from claimvet.models.policy.policy import Policy
from claimvet.models.registry.own_store import own_store
from claimvet.models.registry.registry import CHALLENGER, NAME, load_model
from claimvet.pipeline.params import Params
from claimvet.pipeline.progress import step
from claimvet.pipeline.report.evaluated import evaluated_by_truth
from claimvet.pipeline.report.page import DataFacts, scoreboard, write_report
from claimvet.pipeline.report.tiles import Tile
from claimvet.pipeline.stages.history import claims_from, known_by
from claimvet.pipeline.stages.promote import PromotionReport, promote
from claimvet.pipeline.stages.score import score_features
from claimvet.pipeline.stages.train import train
from claimvet.pipeline.validate import ValidationReport, validate_data_set

KNOWN_SHARE = 0.75
"""Share of the claims, the earliest filed, that the model may know; the rest it scores."""


@dataclass(frozen=True)
class DemoReport:
    """The scoreboard, what the gate said, and where the report and everything else lie."""

    tiles: tuple[Tile, ...]
    claims: int
    promotion: PromotionReport
    page: Path

    def __str__(self) -> str:
        return "\n".join([f"{tile.name}: {tile.value} ({tile.note})" for tile in self.tiles] + [f"report: {self.page}"])


@dataclass(frozen=True)
class Places:
    """Where the demo puts what it makes, below one directory."""

    root: Path

    @property
    def marketplace(self) -> Path:
        """The data set as it is at the end, with the truth about it."""
        return self.root / "marketplace"

    @property
    def known(self) -> Path:
        """The data set as it was known when the model was trained."""
        return self.root / "known"

    @property
    def later_claims(self) -> Path:
        """Claims filed after that."""
        return self.root / "later_claims.parquet"

    @property
    def features(self) -> Path:
        """Their features."""
        return self.root / "features.parquet"

    @property
    def scores(self) -> Path:
        """Their scores."""
        return self.root / "scores.parquet"

    @property
    def validation(self) -> Path:
        """Great Expectations' Data Docs."""
        return self.root / "validation"

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.root / "report.html"


def run_demo(out: Path, params: Params, *, claims: int, seed: int, now: datetime) -> DemoReport:
    """Run the whole path into the directory `out`, offline, and report its progress on stderr.

    The model knows what the marketplace knew when three quarters of the claims were filed; it scores the others, and the truth
    that the generator kept apart evaluates it. `now` stands in scores and report.
    """
    with working_directory(out, "demo") as root:
        return _run(Places(root), params, claims, seed, now)


def _run(places: Places, params: Params, claims: int, seed: int, now: datetime) -> DemoReport:
    with step(f"Generating a marketplace with {claims:,} claims"):
        generate(places.marketplace, claims, seed)
    with step("Validating it against the contract"):
        validation = validate_data_set(places.marketplace, places.validation, judged_at=now)
    with step("Setting the last quarter aside"):
        known, later = _cut(places)
    with own_store(places.root):
        with step(f"Training on what was known by {later:%Y-%m-%d}") as tell:
            train(known.folder, params.split, params.train, params.policy, progress=tell)
        with step("Asking the gate"):
            promotion = promote(params.gate, by="claimvet demo", now=now)
            model = load_model(None if promotion.passed else f"models:/{NAME}@{CHALLENGER}")
    with step("Building features of the later claims") as tell:
        build_features(DataSet.open(places.marketplace), places.features, claims=places.later_claims, progress=tell)
    score_features(places.features, places.scores, model, now=now, claims=places.later_claims)
    with step("Evaluating by the truth and writing the report"):
        evaluated = _evaluated(places, model.policy)
        facts = data_facts(DataSet.open(places.marketplace), validation)
        write_report(
            places.report, evaluated, model, facts, basis="the truth that its generator kept apart", written_at=now
        )
    return DemoReport(tuple(scoreboard(evaluated, model)), len(evaluated), promotion, places.report)


def _cut(places: Places) -> tuple[DataSet, datetime]:
    whole = DataSet.open(places.marketplace)
    filed = pd.read_parquet(whole.tables["claims"].path, columns=["filed_at"])["filed_at"]
    moment = filed.sort_values().iloc[int(KNOWN_SHARE * len(filed))].floor("s").to_pydatetime()
    claims_from(whole, moment, places.later_claims)
    return known_by(whole, moment, places.known), moment


def _evaluated(places: Places, policy: Policy) -> pd.DataFrame:
    truth = pd.read_parquet(places.marketplace / "truth" / "claims.parquet").set_index("claim_id")["true_label"]
    claims, features = pd.read_parquet(places.later_claims), pd.read_parquet(places.features)
    seen = set(pd.read_parquet(places.known / "claims.parquet", columns=["customer_id"])["customer_id"])
    return evaluated_by_truth(pd.read_parquet(places.scores), truth, claims, features, policy, seen)


def data_facts(data_set: DataSet, validation: ValidationReport) -> DataFacts:
    """Return what the report says about a data set that was validated."""
    connection = connect()
    try:
        data_set.register(connection)
        tables = [(name, *_extent(connection, name, TABLES[name].known_at)) for name in data_set.tables]
        counts = connection.execute("SELECT decided_by, label, count(*) AS n FROM outcomes GROUP BY ALL").df()
    finally:
        connection.close()
    outcomes = counts.pivot(index="decided_by", columns="label", values="n").reindex(columns=list(LABELS)).fillna(0)
    ordered = outcomes.loc[outcomes.sum(axis=1).sort_values(ascending=False).index]
    verdict = str(validation).splitlines()[-1 if validation.docs is None else -2]
    return DataFacts("A made-up marketplace", tables, f"{verdict[:1].upper()}{verdict[1:]}.", ordered, validation.notes)


def _extent(connection: duckdb.DuckDBPyConnection, table: str, known_at: str) -> tuple[int, str]:
    """Return rows of a table, and from when to when."""
    day = "strftime({}, '%Y-%m-%d')"
    first, last = (day.format(f"{of}({known_at})") for of in ("min", "max"))
    row = connection.execute(f"SELECT count(*), concat({first}, ' to ', {last}) FROM {table}").fetchone()
    return (int(row[0]), str(row[1])) if row and row[0] else (0, "")


def show(report: DemoReport) -> None:
    """Print the scoreboard, coloured on a terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{report.claims:,} claims that the model had not seen", title_justify="left", header_style="dim"
    )
    table.add_column("figure")
    table.add_column("value", justify="right", style="bold")
    table.add_column("to hold it against", style="dim")
    for tile in report.tiles:
        colour = "" if tile.good is None else "green" if tile.good else "red"
        table.add_row(tile.name, f"[{colour}]{tile.value}[/]" if colour else tile.value, tile.note)
    console = Console()
    console.print(table)
    refused = [f"gate: {check}" for check in report.promotion.checks if not check.passed]
    for line in refused or ["gate: passed, the model is champion"]:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    console.print(f"report: {report.page}", soft_wrap=True, highlight=False)
