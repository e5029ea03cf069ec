"""Laws that every feature obeys, found by walking the declarations: what may change in the data without changing a feature."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from claimvet.data.contract.tables import TABLES
from claimvet.features.catalogue.declaration import ClaimFeature, Entity, Feature, HistoryFeature, LinkFeature
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.selection import dependencies
from tests.features.oracle import TABLES_OF, TABLES_OF_LINKS
from tests.features.worlds import DAY, Row, World, build, build_from, frame, instant, many_worlds

pytestmark = pytest.mark.slow

LEAP_DAY = instant("2024-02-29T12:00:00")
CUT = LEAP_DAY - 30 * DAY
NAMES = [feature.name for feature in FEATURES]
SEED, WORLDS = 7, 40


@pytest.fixture(scope="module")
def world() -> World:
    return many_worlds(SEED, WORLDS, anchors=[LEAP_DAY])


@pytest.fixture(scope="module")
def built(world: World, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return build(world, tmp_path_factory.mktemp("whole"))


def changed(before: pd.DataFrame, after: pd.DataFrame, names: Sequence[str] = NAMES) -> dict[str, list[str]]:
    """Features that differ, to the last bit, each with the claims of `after` where they do."""
    assert len(after), "no claim is left to compare"
    found = {}
    for name in names:
        old, new = before.loc[after.index, name], after[name]
        different = ~((old == new) | (old.isna() & new.isna())).fillna(False)
        if different.any():
            found[name] = list(after.index[different])
    return found


def known_by(world: World, cut: int) -> World:
    """The world as the platform knew it just after `cut`: no later row, no later inspection."""
    kept: World = {name: [row for row in rows if row[TABLES[name].known_at] <= cut] for name, rows in world.items()}
    unopened = {"inspected_at": None, "condition": None}
    kept["returns"] = [row | unopened if (row["inspected_at"] or 0) > cut else row for row in kept["returns"]]
    return kept


def made_of(feature: Feature) -> set[Feature]:
    needed = dependencies(feature)
    return set(needed) if needed else {feature}


def about(entity: Entity) -> list[Feature]:
    """Features over the histories of one entity, and quotients of them alone."""
    return [f for f in FEATURES if all(isinstance(p, HistoryFeature) and p.entity is entity for p in made_of(f))]


def needs(feature: Feature) -> set[str]:
    """The tables without which a feature cannot be known."""
    tables: set[str] = set()
    for needed in made_of(feature):
        if isinstance(needed, HistoryFeature):
            tables |= {*TABLES_OF[needed.event.source], *(["products"] if needed.entity is Entity.CATEGORY else [])}
        elif isinstance(needed, LinkFeature):
            tables |= set(TABLES_OF_LINKS.get(needed.name, ("identity_links",)))
        elif isinstance(needed, ClaimFeature):
            tables.add("products" if needed.source == "category reference" else needed.source)
    return tables


def test_what_is_known_later_changes_nothing(world: World, built: pd.DataFrame, tmp_path: Path) -> None:
    at_cut = build(known_by(world, CUT), tmp_path)
    assert 50 < len(at_cut) < len(built)
    assert changed(built, at_cut) == {}


def last_claims(world: World) -> list[Row]:
    """Of each small world the claim that is filed last."""
    ordered = sorted(world["claims"], key=lambda row: row["filed_at"])
    return list({row["claim_id"].rpartition("-")[0]: row for row in ordered}.values())


def test_a_claim_counts_neither_itself_nor_one_filed_at_the_same_instant(
    world: World, built: pd.DataFrame, tmp_path: Path
) -> None:
    last = last_claims(world)
    twins = [row | {"claim_id": f"{row['claim_id']}-twin"} for row in last]
    again = build(world | {"claims": world["claims"] + twins}, tmp_path)
    names = [name for name in NAMES if name != "narrative_similar_customers_count"]  # other worlds' later claims see it
    assert changed(built, again.loc[built.index], names) == {}
    histories = [f.name for f in FEATURES if not needs(f) & {"evidence"}]
    both = again.loc[[row["claim_id"] for row in last]], again.loc[[row["claim_id"] for row in twins]]
    assert changed(both[0], both[1].set_axis(both[0].index), histories) == {}


def test_the_order_of_rows_changes_nothing(world: World, built: pd.DataFrame, tmp_path: Path) -> None:
    rng = random.Random(1)
    shuffled = {name: rng.sample(rows, len(rows)) for name, rows in world.items()}
    again = build(shuffled, tmp_path)
    assert list(again.index) == [row["claim_id"] for row in shuffled["claims"]]
    assert changed(built, again) == {}


def test_a_world_next_door_changes_nothing(built: pd.DataFrame, tmp_path: Path) -> None:
    alone = many_worlds(SEED, WORLDS // 2, anchors=[LEAP_DAY])
    names = [name for name in NAMES if name != "narrative_similar_customers_count"]  # they tell the same stories there
    assert changed(built, build(alone, tmp_path), names) == {}


@pytest.mark.parametrize("entity", [Entity.CUSTOMER, Entity.SELLER, Entity.PRODUCT])
def test_what_others_do_changes_nothing_about_an_entity(
    entity: Entity, world: World, built: pd.DataFrame, tmp_path: Path
) -> None:
    kept_keys = set(sorted({row[entity.key] for row in world["claims"]})[::2])
    kept = {name: [row for row in rows if row.get(entity.key) in (None, *kept_keys)] for name, rows in world.items()}
    claims = {row["claim_id"] for row in kept["claims"]}
    kept["outcomes"] = [row for row in kept["outcomes"] if row["claim_id"] in claims]
    features = about(entity)
    assert len(features) > 10
    assert changed(built, build(kept, tmp_path, features=features), [f.name for f in features]) == {}


@pytest.mark.parametrize("batch", [0, 1])
def test_building_claims_in_batches_changes_nothing(
    batch: int, world: World, built: pd.DataFrame, tmp_path: Path
) -> None:
    claims, others = world["claims"][batch::2], world["claims"][1 - batch :: 2]
    again = build(world | {"claims": others + claims[:5]}, tmp_path, claims=claims)
    assert list(again.index) == [row["claim_id"] for row in claims]
    assert changed(built, again) == {}


def as_csv(world: World, data: Path) -> None:
    data.mkdir()
    for name, rows in world.items():
        frame(name, rows).to_csv(data / f"{name}.csv", index=False)


def as_directories(world: World, data: Path) -> None:
    for name, rows in world.items():
        for half in (0, 1):
            folder = data / name / f"part={half}"
            folder.mkdir(parents=True)
            middle = len(rows) // 2
            frame(name, rows[middle:] if half else rows[:middle]).to_parquet(folder / "data.parquet")


@pytest.mark.parametrize("form", [as_csv, as_directories])
def test_csv_and_directories_give_the_same_as_parquet_files(
    form: Callable[[World, Path], None], world: World, built: pd.DataFrame, tmp_path: Path
) -> None:
    form(world, tmp_path / "data")
    again = build_from(tmp_path / "data", tmp_path / "features.parquet")
    empty = [row["claim_id"] for row in world["claims"] if row["narrative"] == ""]  # in CSV an empty text is none
    assert again.loc[empty, "claim_narrative_length"].isna().all() or form is as_directories
    assert changed(built.drop(empty), again.drop(empty)) == {}


def test_rewriting_the_narratives_changes_no_model_input(world: World, built: pd.DataFrame, tmp_path: Path) -> None:
    claims = [row | {"narrative": f"In other words: {row['claim_id']}"} for row in world["claims"]]
    again = build(world | {"claims": claims}, tmp_path)
    assert set(changed(built, again)) == {f.name for f in FEATURES if f.family == "narrative"}
    assert not any(f.model_input for f in FEATURES if f.family == "narrative")


MISSING = (
    ("orders", "evidence", "sellers", "outcomes"),
    ("returns", "identity_links", "customers", "seller_reports", "insurance_policies", "seller_violations"),
    ("products",),
)


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_table_makes_its_features_null_and_changes_no_other(
    missing: tuple[str, ...], world: World, built: pd.DataFrame, tmp_path: Path
) -> None:
    left = {name: rows for name, rows in world.items() if name not in missing}
    # one of them is there and has no row, which comes to the same
    again = build(left | {missing[0]: []}, tmp_path)
    unknown = [feature.name for feature in FEATURES if needs(feature) & set(missing)]
    assert again[unknown].isna().all(axis=None)
    assert changed(built, again, [name for name in NAMES if name not in unknown]) == {}
    assert set(again.attrs["unavailable"]) <= set(unknown)


def test_claims_alone_are_enough(world: World, tmp_path: Path) -> None:
    again = build({"claims": world["claims"]}, tmp_path)
    known = [feature.name for feature in FEATURES if needs(feature) <= {"claims"}]
    assert list(again.columns) == NAMES
    assert set(again.columns[again.notna().any()]) == set(known)
