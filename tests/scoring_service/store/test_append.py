"""What the store takes, what it refuses, and what it then knows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import EventConflictError
from claimvet.data.contract.tables import TABLES, Kind
from claimvet.features.catalogue.features import FEATURES
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.store.events import export
from tests.features.worlds import DAY, Row, build, build_from, instant, small_world
from tests.scoring_service.store.histories import by_claim, contents, differences, events_of, features_of, send

NOW = instant("2026-01-01T00:00:00")
PARTIES = {"customer_id": "c", "seller_id": "s", "product_id": "p"}
RETURN: Row = {
    **PARTIES,
    "return_id": "r",
    "order_id": "o",
    "reason": "other",
    "requested_at": NOW - 9 * DAY,
    "inspected_at": None,
    "condition": None,
    "refund_amount": 12.34,
}
INSPECTED = {**RETURN, "inspected_at": NOW - 5 * DAY, "condition": "empty_box"}
CLAIM: Row = {
    **PARTIES,
    "claim_id": "k",
    "order_id": None,
    "incident_at": None,
    "filed_at": NOW,
    "claim_type": "property_damage",
    "amount_claimed": 100.0,
    "narrative": None,
}
OUTCOME: Row = {
    "outcome_id": "u",
    "claim_id": "k",
    "label": "abusive",
    "decided_by": "expert",
    "decided_at": NOW + DAY,
    "amount_paid": None,
}


def one(store: EventStore, claim: Row, as_of: int | None = None) -> dict[str, Any]:
    return features_of(store, [claim], as_of)[claim["claim_id"]]


def later(number: int, **changed: Any) -> Row:
    return {**CLAIM, "claim_id": f"later{number}", "filed_at": NOW + 30 * DAY, **changed}


def test_an_event_seen_before_changes_nothing(store: EventStore) -> None:
    tables = ("returns", "deltas", "checkpoints", "repeats")
    send(store, [StoredEvent("returns", INSPECTED)])
    before = contents(store, tables)
    send(store, [StoredEvent("returns", INSPECTED), StoredEvent("returns", INSPECTED)])
    assert contents(store, tables) == before


def test_another_row_with_the_same_key_is_refused_and_nothing_of_its_batch_stays(store: EventStore) -> None:
    send(store, [StoredEvent("returns", RETURN)])
    batch = [StoredEvent("claims", CLAIM), StoredEvent("returns", {**RETURN, "reason": "defective"})]
    with pytest.raises(EventConflictError, match="returns r: reason was 'other' and is now 'defective'") as error:
        send(store, batch)
    assert (error.value.table, error.value.key) == ("returns", ("r",))
    assert contents(store, ("claims",)) == {"claims": []}
    with pytest.raises(EventConflictError, match="claims k: narrative was 'a' and is now 'b'"):
        send(store, [StoredEvent("claims", {**CLAIM, "narrative": text}) for text in "ab"])


@pytest.mark.parametrize(
    ("column", "value", "was", "now"),
    [
        ("amount_claimed", 1.5, "100.00", "1.50"),
        ("filed_at", NOW + 1, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000001Z"),
        ("seller_id", "t", "'s'", "'t'"),
        ("narrative", "no", f"'{'y' * 79}", "'no'"),
    ],
)
def test_a_conflict_speaks_as_whoever_sent_the_row(
    store: EventStore, column: str, value: Any, was: str, now: str
) -> None:
    send(store, [StoredEvent("claims", {**CLAIM, "narrative": "y" * 100})])
    with pytest.raises(EventConflictError, match=f"claims k: {column} was {was} and is now {now}, expected"):
        send(store, [StoredEvent("claims", {**CLAIM, "narrative": "y" * 100, column: value})])


def test_an_inspection_fills_what_was_null_and_counts_from_when_it_happened(store: EventStore) -> None:
    name = "customer_returns_bad_condition_count_365d"
    send(store, [StoredEvent("returns", RETURN)])
    assert one(store, CLAIM)[name] == 0
    send(store, [StoredEvent("returns", INSPECTED)])
    assert one(store, CLAIM)[name] == 1
    assert one(store, {**CLAIM, "filed_at": INSPECTED["inspected_at"]})[name] == 0


def test_the_first_message_of_a_return_sent_again_after_its_inspection_changes_nothing(store: EventStore) -> None:
    tables = ("returns", "deltas", "checkpoints", "repeats")
    send(store, [StoredEvent("returns", RETURN), StoredEvent("returns", INSPECTED)])
    before = contents(store, tables)
    send(store, [StoredEvent("returns", RETURN)])
    send(store, [StoredEvent("returns", INSPECTED), StoredEvent("returns", RETURN)], 2)
    assert contents(store, tables) == before
    with pytest.raises(EventConflictError, match="condition was 'empty_box' and is now 'used'"):
        send(store, [StoredEvent("returns", {**INSPECTED, "inspected_at": None, "condition": "used"})])


NULLABLE = [(name, column.name) for name, table in TABLES.items() for column in table.columns if column.nullable]


@pytest.mark.parametrize(("table", "column"), NULLABLE)
def test_any_value_that_may_be_null_is_filled_once_and_never_taken_back(
    sqlite: EventStore, table: str, column: str
) -> None:
    row = {c.name: 1_000 if c.kind in {Kind.TIME, Kind.MONEY} else f"some {c.name}" for c in TABLES[table].columns}
    less = {**row, column: None}
    for rows in ([less, row, less], [row, less]):
        send(sqlite, [StoredEvent(table, one) for one in rows], 1)
    send(sqlite, [StoredEvent(table, one) for one in (less, row, less)])
    assert len(contents(sqlite, (table,))[table]) == 1
    with sqlite.begin() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE {column} IS NULL").scalar() == 0


def test_a_claims_own_columns_are_filled_one_by_one(store: EventStore) -> None:
    for own in ({"x_a": 1, "x_b": None}, {"x_b": "two"}, {"x_a": None, "x_c": None}, {}):
        send(store, [StoredEvent("claims", CLAIM, own)])
    with store.begin() as connection:
        claim = store.claim("k", connection)
    assert claim == {**CLAIM, "x_a": 1, "x_b": "two", "x_c": None}
    with pytest.raises(EventConflictError, match="claims k: extra was"):
        send(store, [StoredEvent("claims", CLAIM, {"x_a": 2})])


def test_an_amount_stated_later_takes_the_place_of_none_everywhere(store: EventStore) -> None:
    send(store, [StoredEvent("claims", {**CLAIM, "amount_claimed": None})])
    before = one(store, later(1))
    assert (before["customer_claims_amount_sum_365d"], before["customer_claims_amount_max_365d"]) == (0.0, None)
    send(store, [StoredEvent("claims", CLAIM)])
    after = one(store, later(1))
    assert (after["customer_claims_amount_sum_365d"], after["customer_claims_amount_max_365d"]) == (100.0, 100.0)
    assert after["customer_claims_count_365d"] == 1


def test_an_outcome_waits_for_its_claim_and_is_refused_before_it(store: EventStore) -> None:
    send(store, [StoredEvent("outcomes", OUTCOME)])
    assert one(store, later(1))["customer_abusive_outcomes_count_365d"] == 0
    send(store, [StoredEvent("claims", CLAIM)])
    assert one(store, later(1))["customer_abusive_outcomes_count_365d"] == 1
    early = {**OUTCOME, "outcome_id": "early", "decided_at": NOW - 1}
    with pytest.raises(EventConflictError, match="outcome early: decided_at is before its claim k was filed") as error:
        send(store, [StoredEvent("outcomes", early)])
    assert (error.value.table, error.value.key) == ("outcomes", ("early",))


def test_a_claim_filed_after_its_outcome_is_refused_in_whatever_order_they_come(store: EventStore) -> None:
    early = StoredEvent("outcomes", {**OUTCOME, "decided_at": NOW - 1})
    send(store, [early])
    with pytest.raises(EventConflictError, match="outcome u: decided_at is before its claim k was filed"):
        send(store, [StoredEvent("claims", CLAIM)])
    with pytest.raises(EventConflictError, match="outcome u: decided_at is before its claim k was filed"):
        send(store, [StoredEvent("claims", CLAIM), early])
    assert contents(store, ("claims",)) == {"claims": []}
    send(store, [StoredEvent("claims", {**CLAIM, "filed_at": NOW - 1})])


def test_an_appeal_takes_the_place_of_the_first_decision_whenever_it_comes(store: EventStore) -> None:
    appeal = {**OUTCOME, "outcome_id": "appeal", "label": "valid", "decided_at": NOW + 2 * DAY}
    send(store, [StoredEvent(*event) for event in (("outcomes", appeal), ("claims", CLAIM), ("outcomes", OUTCOME))])
    values = one(store, later(1))
    assert (values["customer_abusive_outcomes_count_365d"], values["customer_valid_outcomes_count_365d"]) == (0, 1)


def test_a_claim_seen_again_later_does_not_count_itself_and_leaves_the_store_as_it_was(store: EventStore) -> None:
    tables = ("claims", "outcomes", "deltas", "checkpoints", "repeats")
    send(store, [StoredEvent("claims", CLAIM), StoredEvent("outcomes", OUTCOME), StoredEvent("returns", INSPECTED)])
    before = contents(store, tables)
    values = one(store, CLAIM, as_of=NOW + 30 * DAY)
    assert contents(store, tables) == before
    for name in ("customer_claims_count_365d", "customer_abusive_outcomes_count_365d", "product_claims_count_365d"):
        assert values[name] == 0
    assert values["customer_claims_amount_max_365d"] is None
    assert values["customer_returns_count_365d"] == 1


@pytest.mark.slow
def test_as_of_takes_the_place_of_filed_at(store: EventStore, tmp_path: Path) -> None:
    world = small_world(random.Random(5))
    claim = world["claims"][0]
    as_of = claim["filed_at"] + 3 * DAY
    world["outcomes"] = [row for row in world["outcomes"] if row["claim_id"] != claim["claim_id"]]
    send(store, events_of(world))
    found = features_of(store, [claim], as_of)
    with store.begin() as connection:
        store.export(tmp_path / "data", connection)
    moved = {**world, "claims": [{**claim, "filed_at": as_of}, *world["claims"][1:]]}
    expected = by_claim(build(moved, tmp_path / "moved"))
    assert differences(found, {claim["claim_id"]: expected[claim["claim_id"]]}) == []


def test_a_claims_own_columns_come_back_and_the_export_builds_the_same(store: EventStore, tmp_path: Path) -> None:
    own = {"group_age": "30s", "x_lane": "fast", "x_score": 0.25}
    send(store, [StoredEvent("claims", CLAIM, own), StoredEvent("returns", INSPECTED)])
    found = one(store, {**CLAIM, **own})
    assert (found["x_score"], found["x_lane"], "group_age" in found) == (0.25, "fast", False)
    with store.begin() as connection:
        store.export(tmp_path / "data", connection)
        assert store.staleness(connection)["returns"] == RETURN["requested_at"]
        assert store.staleness(connection)["orders"] is None
    assert DataSet.open(tmp_path / "data").missing() == [name for name in TABLES if name not in {"claims", "returns"}]
    expected = by_claim(build_from(tmp_path / "data", tmp_path / "features.parquet"))
    assert differences({"k": found}, expected) == []


def test_an_export_in_small_pieces_is_the_same_file(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [
        {"x_a": 1, "x_b": True},
        {"x_a": 2.5, "x_b": "b"},
        {"x_c": None, "x_d": 2**70},
        {},
        {"x_a": None, "x_e": False},
    ]
    for number, extra in enumerate(own):
        send(
            store,
            [
                StoredEvent("claims", later(number), extra),
                StoredEvent("returns", {**RETURN, "return_id": f"r{number}"}),
            ],
        )
    for name, at_once in (("whole", 20_000), ("pieces", 2)):
        monkeypatch.setattr(export, "ROWS_AT_ONCE", at_once)
        with store.begin() as connection:
            store.export(tmp_path / name, connection)
    for table in ("claims", "returns"):
        whole, pieces = (pd.read_parquet(tmp_path / name / f"{table}.parquet") for name in ("whole", "pieces"))
        pd.testing.assert_frame_equal(whole, pieces)
    claims = pd.read_parquet(tmp_path / "pieces" / "claims.parquet").replace({float("nan"): None})
    assert list(claims["x_a"]) == [1.0, 2.5, None, None, None]
    assert list(claims["x_b"]) == ["True", "b", None, None, None]
    assert list(claims["x_d"]) == [None, None, str(2**70), None, None]


def test_own_names_that_differ_in_case_alone_are_one_column_and_stop_no_other_version(
    store: EventStore, tmp_path: Path
) -> None:
    owns: list[dict[str, Any]] = [{"x_a": 1}, {"x_A": 2}, {"x_A": None, "x_a": 3}, {"x_A": 4, "x_a": None}, {"x_a": 5}]
    send(store, [StoredEvent("claims", {**CLAIM, "claim_id": f"c{n}"}, own) for n, own in enumerate(owns)])
    EventStore.open(store.engine.url.render_as_string(hide_password=False), FEATURES[:20]).close()
    with store.engine.connect() as connection:
        store.export(tmp_path / "out", connection)
    claims = pd.read_parquet(tmp_path / "out" / "claims.parquet").set_index("claim_id").sort_index()
    assert [name for name in claims if name.startswith("x_")] == ["x_a"]
    assert claims["x_a"].tolist() == [1, 2, 3, 4, 5]
