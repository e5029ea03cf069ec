"""Foreign data become the contract's tables, and the handbook's protocol is followed to the letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import handbook, vehicle
from benchmarks.handbook_quality import OURS as OURS_THERE
from benchmarks.quality import _gains, _vehicle_table
from benchmarks.quality_peers import Task, linear, plain
from benchmarks.soft_labels import OURS, section
from claimvet.data.contract.errors import UsageError
from claimvet.features.catalogue.features import MODEL_FEATURES
from claimvet.pipeline.validate import require_valid


def transactions(days: int = 160, cards: int = 12, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = days * 20
    seconds = np.sort(random.integers(0, days * 86_400, rows))
    return pd.DataFrame(
        {
            "TRANSACTION_ID": np.arange(rows),
            "TX_DATETIME": handbook.FIRST_DAY + pd.to_timedelta(seconds, unit="s"),
            "CUSTOMER_ID": random.integers(0, cards, rows),
            "TERMINAL_ID": random.integers(0, 5, rows),
            "TX_AMOUNT": random.lognormal(3, 1, rows).round(2),
            "TX_TIME_DAYS": seconds // 86_400,
            "TX_FRAUD": (random.random(rows) < 0.02).astype(int),
        }
    )


def written(tables: dict[str, pd.DataFrame], folder: Path) -> Path:
    for name, rows in tables.items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def test_transactions_keep_the_contract_and_are_known_after_seven_days(tmp_path: Path) -> None:
    (tmp_path / "handbook").mkdir()
    transactions().to_parquet(tmp_path / "handbook" / handbook.FILE)
    read = handbook.read_transactions(tmp_path)
    tables = handbook.contract_tables(read)
    require_valid(written(tables, tmp_path))
    filed = tables["claims"].set_index("claim_id")["filed_at"]
    known = tables["outcomes"].set_index("claim_id")
    assert ((known["decided_at"] - filed) == pd.Timedelta(days=7)).all()
    assert ((known["label"] == "abusive") == (read["TX_FRAUD"] == 1)).all()
    with pytest.raises(UsageError, match="does not exist; put the transactions there"):
        handbook.read_transactions(tmp_path / "elsewhere")


def test_a_week_is_evaluated_fourteen_days_later_without_cards_known_by_then() -> None:
    rows = transactions(cards=400)
    for week, fold in enumerate(handbook.folds(rows, range(2))):
        first = 115 + 7 * week
        assert fold.train["TX_TIME_DAYS"].between(first, first + 6).all()
        assert fold.test["TX_TIME_DAYS"].between(first + 14, first + 20).all()
        assert not set(fold.train.loc[fold.train["TX_FRAUD"] == 1, "CUSTOMER_ID"]) & set(fold.test["CUSTOMER_ID"])
        frauds = rows[rows["TX_FRAUD"] == 1]
        for day, part in fold.test.groupby("TX_TIME_DAYS"):
            known = frauds[frauds["TX_TIME_DAYS"].between(first + 6, day - 8)]
            assert not set(known["CUSTOMER_ID"]) & set(part["CUSTOMER_ID"])


def test_a_card_that_was_found_is_not_counted_again() -> None:
    test = pd.DataFrame({"TX_TIME_DAYS": [1, 1, 1, 2, 2], "CUSTOMER_ID": [1, 1, 2, 1, 2], "TX_FRAUD": [0, 1, 0, 1, 0]})
    score = pd.Series([0.9, 0.1, 0.2, 0.9, 0.3])
    assert handbook.card_precision(test, score, cards=1) == pytest.approx(0.5)


def test_vehicle_claims_keep_the_contract_without_row_number_and_year(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "Month": ["Dec", "Jan"],
            "WeekOfMonth": [5, 1],
            "Year": [1994, 1996],
            "PolicyNumber": [1, 2],
            "Age": [0, 34],
            "Make": ["Honda", "Ford"],
            "FraudFound_P": [1, 0],
        }
    )
    tables = vehicle.contract_tables(rows)
    require_valid(written(tables, tmp_path))
    own = [name for name in tables["claims"] if name.startswith("x_")]
    assert own == ["x_Month", "x_WeekOfMonth", "x_Age", "x_Make"]
    assert tables["claims"]["x_Age"].isna().tolist() == [True, False]
    assert tables["outcomes"]["label"].tolist() == ["abusive", "valid"]
    with pytest.raises(UsageError, match="put the claims there"):
        vehicle.read_rows(tmp_path)


def test_peers_learn_what_is_there_with_levels_unseen_before() -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"n": random.normal(size=400), "c": random.choice(["a", "b"], 400)})
    target = pd.Series(((rows["n"] > 0) & (rows["c"] == "a")).astype(int))
    test = pd.DataFrame({"n": [2.0, -2.0, 1.0], "c": ["a", "a", "never seen"]})
    for peer in (plain, linear):
        scores = peer(Task(rows, target, test))
        assert scores.iloc[0] > scores.iloc[1]
        assert scores.between(0, 1).all()


def test_a_figure_stands_with_its_spread() -> None:
    fraud = pd.Series([0, 1, 0, 1, 0, 0, 1, 0] * 10)
    assert "1.0000 ± 0.000" in _vehicle_table({"sure": fraud * 0.8 + 0.1}, fraud)


def test_gains_are_paired_by_resample() -> None:
    fraud = pd.Series([0, 1, 0, 1, 0, 0, 1, 0] * 10)
    sure, coin = fraud * 0.8 + 0.1, pd.Series(0.5, index=fraud.index)
    text = _gains({OURS_THERE: sure, "the same": sure, "a coin": coin}, fraud)
    assert "+0.000 (+0.000 to +0.000) over the same" in text
    low = float(text.split("(+")[2].split(" to")[0])
    assert 0.4 < low < 0.625


def test_labels_are_compared_in_pairs() -> None:
    ways = {name: [[0.9, 0.9, 0.30 - 0.01 * n, 0.3]] * 2 for n, name in enumerate(["plain", OURS, "part", "all"])}
    text = section(ways, 2)
    assert "-0.0300 ± 0.0000" in text
    assert "gives back 33%" in text


def test_every_input_belongs_to_one_family() -> None:
    from benchmarks.ablation import families

    assert sorted(name for names in families().values() for name in names) == sorted(f.name for f in MODEL_FEATURES)
