"""The benchmark of features: its world is what it says, contenders agree where events tie, and the page says what was measured."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks.feature_speed import ours, plain_sql, with_pandas
from benchmarks.feature_speed.contenders import BY_HAND, CONTENDERS, OURS, PEERS, Contender, chosen_contenders
from benchmarks.feature_speed.measure import Figures, differing_values, measure_size, repeats, run_contender
from benchmarks.feature_speed.report import draw, section
from benchmarks.feature_speed.work import ENTITIES, SOURCES, WINDOWS, feature_name, feature_names
from benchmarks.feature_speed.world import write_world
from claimvet.data.contract.errors import UsageError
from claimvet.pipeline.validate import validate_data_set

CLAIMS, DAY = 200, 86_400


@pytest.fixture(scope="module", params=["even", "hot"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Times are whole days, so that events tie with claims and with the edges of windows."""
    return write_world(tmp_path_factory.mktemp(request.param) / "data", CLAIMS, request.param, tick=DAY)


@pytest.fixture(scope="module")
def answer(world: Path) -> Path:
    out = world.parent / "ours.parquet"
    ours.run(world, out)
    return out


def table(world: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(world / f"{name}.parquet")


def test_the_world_has_the_rows_that_the_benchmark_is_about(world: Path) -> None:
    rows = {source.table: pq.read_metadata(world / f"{source.table}.parquet").num_rows for source in SOURCES}
    assert rows == {"orders": 33 * CLAIMS, "returns": 4 * CLAIMS, "claims": CLAIMS}


def test_the_world_keeps_the_contract(world: Path) -> None:
    assert validate_data_set(world, None).violations == ()


def test_customers_and_sellers_are_heavy_tailed(world: Path) -> None:
    orders = table(world, "orders")
    for entity in ENTITIES:
        sizes = orders[f"{entity}_id"].value_counts()
        assert sizes.iloc[0] > 1.5 * sizes.mean()


def test_hot_is_one_seller_with_a_third_of_all_orders_and_ten_years(tmp_path: Path) -> None:
    shares, years = {}, {}
    for shape in ("even", "hot"):
        orders = table(write_world(tmp_path / shape, 2_000, shape), "orders")
        shares[shape] = orders["seller_id"].value_counts(normalize=True).iloc[0]
        years[shape] = (orders["ordered_at"].max() - orders["ordered_at"].min()) / timedelta(days=365)
    assert shares["hot"] == pytest.approx(1 / 3, abs=0.01)
    assert shares["even"] < 0.25
    assert years == pytest.approx({"even": 2, "hot": 10}, abs=0.01)


def test_the_same_seed_makes_the_same_rows_and_another_seed_others(tmp_path: Path) -> None:
    folders = [write_world(tmp_path / str(place), 50, seed=seed) for place, seed in enumerate((1, 1, 2))]
    for source in SOURCES:
        first, second, third = (table(folder, source.table) for folder in folders)
        pd.testing.assert_frame_equal(first, second)
        assert not first.equals(third)


def test_names_are_those_of_the_declarations() -> None:
    assert tuple(feature.name for feature in ours.SEVENTY_TWO) == feature_names()


def test_events_tie_with_claims_and_with_edges_of_windows(world: Path) -> None:
    pairs = table(world, "claims").merge(table(world, "orders"), on="seller_id")
    before = (pairs["filed_at"] - pairs["ordered_at"]).dt.days
    assert all((before == days).any() for days in (0, *WINDOWS))


@pytest.mark.parametrize("contender", [plain_sql, with_pandas])
def test_contenders_agree_with_ours(contender: object, world: Path, answer: Path) -> None:
    theirs = world.parent / "theirs.parquet"
    contender.run(world, theirs)  # type: ignore[attr-defined]
    assert differing_values(answer, theirs) == 0


def test_the_values_are_those_that_the_work_describes(world: Path, answer: Path) -> None:
    claims, found = table(world, "claims"), pd.read_parquet(answer).set_index("claim_id")
    for source in SOURCES:
        events = table(world, source.table)
        for claim in claims[:: CLAIMS // 20].itertuples():
            for entity in ENTITIES:
                own = events[events[f"{entity}_id"] == getattr(claim, f"{entity}_id")]
                known = own[source.known_at]
                for days in WINDOWS:
                    seen = own[(known >= claim.filed_at - timedelta(days=days)) & (known < claim.filed_at)]
                    values = [len(seen), seen[source.money].sum(), seen[source.money].mean()]
                    names = [feature_name(entity, source, each, days) for each in ("count", "sum", "mean")]
                    assert list(found.loc[claim.claim_id, names]) == pytest.approx(values, nan_ok=True)


def test_a_changed_value_a_null_and_another_claim_are_seen(answer: Path, tmp_path: Path) -> None:
    frame, changed = pd.read_parquet(answer), tmp_path / "changed.parquet"
    name = "seller_orders_amount_mean_365d"
    known = frame[name].notna().idxmax()
    frame.loc[known, "seller_orders_count_7d"] += 1
    frame.loc[known, name] = None
    frame.sample(frac=1, random_state=1).to_parquet(changed)
    assert differing_values(answer, changed) == 2
    frame.assign(claim_id="x" + frame["claim_id"]).to_parquet(changed)
    with pytest.raises(ValueError, match=r"changed\.parquet has other claims than ours\.parquet"):
        differing_values(answer, changed)


def test_contenders_take_turns_in_processes_of_their_own(world: Path, tmp_path: Path) -> None:
    said: list[str] = []
    contenders = [each for each in CONTENDERS if each.name in (BY_HAND, "pandas")]
    results = measure_size(world, CLAIMS, contenders, tmp_path, said.append)
    assert [each.contender for each in results] == [BY_HAND, "pandas"]
    assert [line.split(": ")[1].rsplit(" ", 2)[0] for line in said] == [BY_HAND, "pandas"] * repeats(CLAIMS)
    for each in results:
        assert all(0 < seconds < whole for seconds, whole in zip(each.seconds, each.process, strict=True))
        assert all(20 < peak < 2_000 for peak in each.peaks)
        assert each.differing is None


def test_nobody_gets_more_claims_than_he_can_take(world: Path, tmp_path: Path) -> None:
    small = Contender("small", "plain_sql", largest=CLAIMS - 1)
    assert measure_size(world, CLAIMS, [small], tmp_path, lambda message: None) == []


def test_a_contender_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"pandas failed to run; it said: FileNotFoundError.*claims\.parquet"):
        run_contender(Contender("pandas", "with_pandas", 1), "run", tmp_path, tmp_path / "out")


def test_contenders_are_chosen_by_name_beside_the_hand_written_query() -> None:
    assert [each.name for each in chosen_contenders(["pandas"])] == [BY_HAND, "pandas"]
    with pytest.raises(UsageError, match="the contender is 'panda', expected one of duckdb by hand, claimvet, polars"):
        chosen_contenders(["panda"])


def test_a_missing_environment_of_the_peers_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.feature_speed.contenders.PEERS", tmp_path / PEERS.name)
    with pytest.raises(UsageError, match=r"polars: \.venv-bench is missing, expected make bench-features to build it"):
        chosen_contenders(["polars"])


def figures(contender: str, claims: int, seconds: list[float], peak: int, differing: int | None = 0) -> Figures:
    return Figures(contender, claims, seconds, [each + 1 for each in seconds], [peak] * len(seconds), differing)


RESULTS = [
    figures(BY_HAND, 100_000, [2.0, 2.5, 4.0], 500),
    figures(OURS, 100_000, [3.0, 3.1, 9.0], 600),
    figures("polars", 100_000, [2.5], 800, 7),
    figures(BY_HAND, 1_000_000, [20.0], 4_000),
    figures(OURS, 1_000_000, [33.0], 3_000, None),
]


def test_the_page_shows_times_ratios_differences_and_growth() -> None:
    text = section(RESULTS, "even", "features-speed.svg", "2 processors")
    assert "| 100,000 | **claimvet** | 3.00 | 3.10 | 4.00 | 600 | 1.50 | 1.20 | 0 |" in text
    assert "| 100,000 | polars | 2.50 | 2.50 | 3.50 | 800 | 1.25 | 1.60 | 7 |" in text
    assert "| 1,000,000 | **claimvet** | 33.00 | 33.00 | 34.00 | 3,000 | 1.65 | 0.75 | not compared |" in text
    assert "claimvet takes 11.0 times the time and 5.0 times the memory for 10 times the claims" in text
    assert "polars takes" not in text
    assert "(features-speed.svg)" in text
    assert "`make bench-features`. Customer" in text


def test_the_page_of_another_shape_says_how_to_run_it_and_that_growth_was_not_measured() -> None:
    text = section(RESULTS[:3], "hot", "features-hot-speed.svg", "2 processors")
    assert '`make bench-features FEATURES="--shape hot"`. Customer' in text
    assert "one seller has a third of all orders" in text
    assert "Growth beyond 100,000 claims was not measured." in text


def test_the_page_says_who_did_not_take_part() -> None:
    missing = "Left out of this run: pandas, featuretools, feast (join only).\nRun on"
    assert missing in section(RESULTS, "even", "features-speed.svg", "2 processors")
    everyone = [figures(each.name, 1_000, [1.0], 100) for each in CONTENDERS]
    assert "Left out" not in section(everyone, "even", "features-speed.svg", "2 processors")


def test_the_plot_names_every_contender_and_is_the_same_again(tmp_path: Path) -> None:
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        draw(RESULTS, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert all(f"<!-- {name} -->" in paths[0].read_text() for name in (BY_HAND, OURS, "polars"))
