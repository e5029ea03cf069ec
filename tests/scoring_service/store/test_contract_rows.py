"""A row is put in once and only ever completed, whatever the order in which its versions come."""

from __future__ import annotations

import itertools
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import EventConflictError
from claimvet.data.contract.money import cents
from claimvet.data.contract.tables import TABLES
from claimvet.scoring_service.store import EventStore, StoredEvent
from claimvet.scoring_service.store.db.statements import AT_ONCE, where_in
from claimvet.scoring_service.store.events.contract_rows import fetch, fetch_by_keys, key_of, normalised, put
from tests.examples import examples
from tests.scoring_service.store.histories import contents
from tests.scoring_service.store.test_append import CLAIM, INSPECTED, RETURN

CLAIMS = TABLES["claims"]
MAY_BE_NULL = ["order_id", "incident_at", "amount_claimed", "narrative"]
WHOLE = {**CLAIM, "order_id": "o", "incident_at": 5, "amount_claimed": 12.34, "narrative": "it broke"}
DOLLARS = st.integers(0, 10**12).map(lambda number: number / 100) | st.integers(0, 10**13).map(
    lambda number: number / 1000
)


def claims(nulls: tuple[str, ...], **own: Any) -> StoredEvent:
    return StoredEvent("claims", {**WHOLE, **dict.fromkeys(nulls)}, own)


@given(DOLLARS)
def test_cents_are_what_decimal_arithmetic_makes_of_the_product(dollars: float) -> None:
    assert cents(dollars) == int(Decimal(dollars * 100).to_integral_value(ROUND_HALF_UP))


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(DOLLARS, min_size=1, max_size=20))
def test_cents_are_those_of_duckdb(dollars: list[float]) -> None:
    asked = duckdb.execute("SELECT list_transform(?::DOUBLE[], lambda x: CAST(round(x * 100) AS BIGINT))", [dollars])
    assert [cents(amount) for amount in dollars] == asked.fetchall()[0][0]


@pytest.mark.parametrize("cent", range(100))
def test_every_amount_to_the_cent_comes_back(cent: int) -> None:
    for dollars in (0, 1, 99, 12_345, 10**9):
        assert cents(float(f"{dollars}.{cent:02}")) == dollars * 100 + cent


@pytest.mark.slow
@settings(max_examples=examples(20), deadline=None)
@given(versions=st.lists(st.sets(st.sampled_from(MAY_BE_NULL)), min_size=1, max_size=4), at_once=st.booleans())
def test_versions_that_fill_one_another_end_as_the_fullest(
    tmp_path_factory: pytest.TempPathFactory, versions: list[set[str]], at_once: bool
) -> None:
    rows = [normalised(claims(tuple(nulls))) for nulls in versions]
    fullest = normalised(claims(tuple(set.intersection(*versions))))
    store = EventStore.open(f"sqlite:///{tmp_path_factory.mktemp('rows') / 'store.db'}")
    with store.begin() as connection:
        for some in [rows] if at_once else [[row] for row in rows]:
            put(connection, "claims", some)
        assert fetch(connection, "claims", "claim_id", ["k"]) == [fullest]
        assert put(connection, "claims", rows) == []  # seen before
    store.close()


@pytest.mark.parametrize("nulls", [nulls for size in (1, 2) for nulls in itertools.combinations(MAY_BE_NULL, size)])
def test_null_says_nothing_against_what_is_known(sqlite: EventStore, nulls: tuple[str, ...]) -> None:
    with sqlite.begin() as connection:
        put(connection, "claims", [normalised(claims(()))])
        assert put(connection, "claims", [normalised(claims(nulls))]) == []
        assert fetch(connection, "claims", "claim_id", ["k"]) == [normalised(claims(()))]


def test_what_changed_is_told_with_what_was_before(sqlite: EventStore) -> None:
    bare, full = (normalised(StoredEvent("returns", row)) for row in (RETURN, INSPECTED))
    with sqlite.begin() as connection:
        (come,) = put(connection, "returns", [bare])
        (filled,) = put(connection, "returns", [bare, full, full])
        assert (come.old, come.new, filled.old, filled.new) == (None, bare, bare, full)


def test_a_claims_own_columns_may_be_filled_and_joined_by_others_but_not_changed(sqlite: EventStore) -> None:
    with sqlite.begin() as connection:
        put(connection, "claims", [normalised(claims((), x_a=None, x_b=1))])
        put(connection, "claims", [normalised(claims((), x_a="new", x_b=1, x_c=True))])
        for own in ({"x_a": "new", "x_b": 1}, {"x_b": None}, {}):
            assert put(connection, "claims", [normalised(claims((), **own))]) == []
        with pytest.raises(EventConflictError, match=r"claims k: extra was .* and is now"):
            put(connection, "claims", [normalised(claims((), x_b=2))])


def test_more_keys_than_one_statement_takes_are_found_all_the_same(store: EventStore) -> None:
    count = AT_ONCE * 2 + 1
    sellers = [StoredEvent("sellers", {"seller_id": f"s{n}", "created_at": n}) for n in range(count)]
    links = [
        StoredEvent("identity_links", {"customer_id": f"c{n}", "kind": "phone", "token": f"t{n % 7}", "seen_at": n})
        for n in range(count)
    ]
    with store.begin() as connection:
        for events in (sellers, links):
            table = TABLES[events[0].table]
            rows = [normalised(event) for event in events]
            put(connection, table.name, rows)
            found = fetch_by_keys(connection, table, [key_of(table, row) for row in rows])
            assert list(found.values()) != [], "so that the next line compares something"
            assert found == {key_of(table, row): row for row in rows}
        names = [f"s{n}" for n in range(count)]
        select = "SELECT seller_id FROM sellers"
        assert sorted(row[0] for row in where_in(connection, select, "seller_id", names * 2)) == sorted(names)
        assert where_in(connection, select, "seller_id", []) == []


def test_a_row_that_is_refused_leaves_those_beside_it_out_too(sqlite: EventStore) -> None:
    other = normalised(StoredEvent("claims", {**WHOLE, "claim_id": "other"}))
    changed = normalised(StoredEvent("claims", {**WHOLE, "seller_id": "t"}))

    def both() -> None:
        with sqlite.begin() as connection:
            put(connection, "claims", [normalised(claims(()))])
            put(connection, "claims", [other, changed])

    with pytest.raises(EventConflictError, match="claims k: seller_id was 's' and is now 't'"):
        both()
    assert contents(sqlite, ("claims",)) == {"claims": []}
