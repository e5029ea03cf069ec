"""The mapping of the agency's claims onto the contract: nothing invented, every fault counted, nothing from after the filing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.tsa import DECISION_DELAY, Mended, claims_table, mend, outcomes_table, products_table, read_raw
from claimvet.data.contract.errors import UsageError
from claimvet.pipeline.validate import validate_data_set

ROW = {
    "claim_number": "2010010100001",
    "date_received": "2010-03-05",
    "incident_date": "2010-03-01 11:30:00",
    "airport_code": "ORD",
    "airport_name": "O'Hare",
    "airline_name": "Jet Blue",
    "claim_type": "Property Damage",
    "claim_site": "Checkpoint",
    "item": "Jewelry & Watches; Clothing",
    "claim_amount": 120.0,
    "status": None,
    "close_amount": "80.0",
    "disposition": "Settle",
    "source_file": "claims-2010-2013.xls",
}


def _raw(*changes: dict[str, object]) -> pd.DataFrame:
    """One row a change of `ROW`, with a claim number of its own unless the change names one."""
    rows = [{**ROW, "claim_number": f"20100101{number:05}", **change} for number, change in enumerate(changes)]
    return pd.DataFrame(rows).astype({"claim_amount": "float64", "status": "str", "close_amount": "str"})


def _claim(**change: object) -> pd.Series:
    return claims_table(mend(_raw(change))[0]).iloc[0]


def test_approved_and_settled_claims_are_valid_and_denied_ones_frivolous() -> None:
    raw = _raw(*({"disposition": word} for word in ("Approve in Full", "Settle", "Deny", "In Review", None)))
    outcomes = outcomes_table(mend(raw)[0])
    assert list(outcomes["label"]) == ["valid", "valid", "frivolous"]
    assert set(outcomes["decided_by"]) == {"expert"}


def test_an_outcome_is_known_only_after_the_agencys_longest_time() -> None:
    claims, _ = mend(_raw({}))
    assert (outcomes_table(claims)["decided_at"] - claims["filed_at"]).tolist() == [DECISION_DELAY]


def test_an_injury_is_told_from_damage_and_the_agencys_own_word_is_kept() -> None:
    words = ["Personal Injury", "Wrongful Death", "Passenger Property Loss", "Motor Vehicle", None]
    claims = claims_table(mend(_raw(*({"claim_type": word} for word in words)))[0])
    assert list(claims["claim_type"]) == ["personal_injury"] * 2 + ["property_damage"] * 3
    assert list(claims["x_claim_type"].astype("object").where(claims["x_claim_type"].notna(), None)) == words


def test_every_claimant_is_a_customer_of_its_own() -> None:
    claims = claims_table(mend(_raw({}, {}, {}))[0])
    assert claims["customer_id"].is_unique


def test_item_lists_become_the_first_item_its_group_and_a_number() -> None:
    claim = _claim()
    assert (claim["x_item"], claim["x_item_group"], claim["x_items_count"]) == ("Jewelry & Watches", "jewelry", 2)
    assert _claim(item=None)["x_items_count"] == 0


@pytest.mark.parametrize("received", ["2010-01-01", "2010-02-28"])
def test_an_incident_after_its_filing_counts_as_not_stated(received: str) -> None:
    claims, mended = mend(_raw({"date_received": received}))
    assert claims["incident_at"].isna().all()
    assert mended.incident_impossible == 1


def test_an_incident_on_the_day_of_filing_is_kept() -> None:
    claims, mended = mend(_raw({"date_received": "2010-03-01"}))
    assert claims["incident_at"].notna().all()
    assert mended.incident_impossible == 0


def test_an_absurd_amount_counts_as_not_stated() -> None:
    claims, mended = mend(_raw({"claim_amount": 3e12}, {"claim_amount": 900.0}))
    assert claims["amount"].fillna(-1).tolist() == [-1, 900]
    assert mended.amount_absurd == 1


def test_a_claim_that_appears_again_is_taken_once_with_its_latest_answer() -> None:
    again = {"claim_number": "2010010100001"}
    claims, mended = mend(_raw({**again, "disposition": None}, {**again, "disposition": "Deny"}))
    assert list(claims["disposition"]) == ["Deny"]
    assert mended.repeated == 1


def test_different_claims_under_one_damaged_number_get_ids_of_their_own() -> None:
    shared = {"claim_number": "2.01707E+12"}
    claims, mended = mend(_raw({**shared, "airport_code": "JFK"}, {**shared, "airport_code": "LAX"}))
    assert list(claims["claim_id"]) == ["2.01707E+12", "2.01707E+12-2"]
    assert mended.number_shared == 1


def test_a_claim_without_a_date_is_left_out_and_counted() -> None:
    claims, mended = mend(_raw({}, {"date_received": None}))
    assert len(claims) == 1
    assert mended == Mended(without_date=1, repeated=0, number_shared=0, incident_impossible=0, amount_absurd=0)


def test_nothing_but_the_label_and_the_payment_follows_from_the_decision() -> None:
    one, other = (
        _claim(disposition="Deny", close_amount="0.0", status="Denied"),
        _claim(disposition=None, close_amount=None),
    )
    pd.testing.assert_series_equal(one, other)


def test_the_mapped_tables_keep_the_contract(tmp_path: Path) -> None:
    mended, _ = mend(_raw({}, {"item": None}, {"airport_code": None, "airline_name": None}, {"claim_type": None}))
    claims = claims_table(mended)
    for name, table in {
        "claims": claims,
        "products": products_table(claims),
        "outcomes": outcomes_table(mended),
    }.items():
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    assert validate_data_set(tmp_path).violations == ()


def test_missing_data_are_wrong_usage_and_say_where_they_should_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tsa_claims_2007_2017\.csv\.gz does not exist.*CLAIMVET_BENCH_DATA"):
        read_raw(tmp_path)
