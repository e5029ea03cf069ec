"""A load that came twice under other ids is said, and what is alike by chance is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from claimvet.data.contract.tables import TABLES, Kind
from claimvet.pipeline.validate.data_set import judge


def orders(count: int, unit: str = "us", seed: int = 1) -> pd.DataFrame:
    """Orders at random times of a year, floored to `unit`, at one of 50 prices."""
    rng = np.random.default_rng(seed)
    times = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.uniform(0, 365 * 86_400, count), unit="s").round(
        "us"
    )
    return pd.DataFrame(
        {
            "order_id": [f"o{place}" for place in range(count)],
            **{
                name: [f"{name[0]}{place % 40}" for place in rng.integers(0, 400, count)]
                for name in ("customer_id", "seller_id")
            },
            "product_id": "p1",
            "amount": rng.integers(1, 51, count) * 9.99,
            "ordered_at": times.floor(unit).as_unit("us"),
        }
    )


def renamed(frame: pd.DataFrame, all_ids: bool) -> pd.DataFrame:
    ids = [column.name for column in TABLES["orders"].columns if column.kind is Kind.IDENTIFIER]
    return frame.assign(**{name: frame[name] + "-b" for name in (ids if all_ids else ["order_id"])})


def notes(frame: pd.DataFrame, folder: Path) -> list[str]:
    frame.to_parquet(folder / "orders.parquet")
    return [note for note in judge(folder).notes if "repeated" in note]


TWICE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "all of it, with another order_id": lambda frame: pd.concat([frame, renamed(frame, all_ids=False)]),
    "all of it, with other ids throughout": lambda frame: pd.concat([frame, renamed(frame, all_ids=True)]).sample(
        frac=1, random_state=1
    ),
    "a tenth of it": lambda frame: pd.concat([frame, renamed(frame[: len(frame) // 10], all_ids=True)]),
}


# of whole days and 50 prices a tenth more is not told from chance
@pytest.mark.parametrize(
    ("copied", "unit"),
    [(name, unit) for name in TWICE for unit in ("us", "D") if (name, unit) != ("a tenth of it", "D")],
)
def test_a_load_that_came_twice_is_said(copied: str, unit: str, tmp_path: Path) -> None:
    (note,) = notes(TWICE[copied](orders(2_000, unit)), tmp_path)
    assert note.startswith("orders looks like the same load repeated under other ids: ")


@pytest.mark.parametrize("unit", ["us", "h", "D"])
def test_what_is_alike_by_chance_is_not_said(unit: str, tmp_path: Path) -> None:
    assert notes(orders(5_000, unit), tmp_path) == []


def test_a_few_twins_are_no_load(tmp_path: Path) -> None:
    frame = orders(2_000)
    assert notes(pd.concat([frame, renamed(frame[:40], all_ids=False)]), tmp_path) == []


def test_a_copy_is_seen_in_the_part_of_a_large_table_that_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimvet.pipeline.validate.repeats.ROWS_LOOKED_AT", 500)
    frame = orders(4_000)
    assert notes(pd.concat([frame, renamed(frame, all_ids=True)]), tmp_path)
    assert notes(frame, tmp_path) == []
