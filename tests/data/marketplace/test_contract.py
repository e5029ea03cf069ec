"""The generated tables keep the contract."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.tables import TABLES, Kind
from claimvet.data.marketplace import GenerationReport
from claimvet.pipeline.validate import validate_data_set

ARROW_TYPES = {Kind.TIME: pa.timestamp("us", tz="UTC"), Kind.MONEY: pa.float64()}

IMPOSSIBLE = {
    "a product listed before its seller joined": "FROM products JOIN sellers USING (seller_id) WHERE listed_at < created_at",
    "an order before its product was listed": "FROM orders JOIN products USING (product_id) WHERE ordered_at < listed_at",
    "an order before its customer joined": "FROM orders JOIN customers USING (customer_id) WHERE ordered_at < created_at",
    "an order from somebody who does not sell the product": """FROM orders o JOIN products p USING (product_id)
        WHERE o.seller_id <> p.seller_id""",
    "a return before its order": "FROM returns JOIN orders USING (order_id) WHERE requested_at < ordered_at",
    "a return by another customer": "FROM returns r JOIN orders o USING (order_id) WHERE r.customer_id <> o.customer_id",
    "a return that is refunded more than was paid": "FROM returns JOIN orders USING (order_id) WHERE refund_amount > amount",
    "a condition without inspection, or the other way": "FROM returns WHERE (condition IS NULL) <> (inspected_at IS NULL)",
    "a parcel opened before it was asked for": "FROM returns WHERE inspected_at < requested_at",
    "a claim before its order": "FROM claims JOIN orders USING (order_id) WHERE filed_at < ordered_at",
    "an incident before the order": "FROM claims JOIN orders USING (order_id) WHERE incident_at < ordered_at",
    "an incident after its filing": "FROM claims WHERE incident_at > filed_at",
    "a claim on an order that is somebody else's": """FROM claims k JOIN orders o USING (order_id)
        WHERE k.customer_id <> o.customer_id OR k.product_id <> o.product_id OR k.seller_id <> o.seller_id""",
    "a claim on an order that is not there": "FROM claims ANTI JOIN orders USING (order_id) WHERE order_id IS NOT NULL",
    "evidence for no claim": "FROM evidence ANTI JOIN claims USING (claim_id)",
    "evidence before the incident": "FROM evidence JOIN claims USING (claim_id) WHERE submitted_at < incident_at",
    "an outcome for no claim": "FROM outcomes ANTI JOIN claims USING (claim_id)",
    "an outcome before its claim": "FROM outcomes JOIN claims USING (claim_id) WHERE decided_at < filed_at",
    "more paid than claimed": "FROM outcomes JOIN claims USING (claim_id) WHERE amount_paid > amount_claimed",
    "a token before the account": "FROM identity_links JOIN customers USING (customer_id) WHERE seen_at < created_at",
    "a report of an order that is not there": """FROM seller_reports ANTI JOIN orders USING (order_id)
        WHERE order_id IS NOT NULL""",
    "a policy that ends before it starts": "FROM insurance_policies WHERE valid_to <= valid_from",
}


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_exactly_the_columns_and_types_of_the_contract(made: GenerationReport, name: str) -> None:
    schema = pq.read_schema(made.out / f"{name}.parquet")
    assert schema.names == list(TABLES[name].column_names)
    types = {column.name: ARROW_TYPES.get(column.kind, pa.string()) for column in TABLES[name].columns}
    assert {field.name: field.type for field in schema} == types


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_rows_and_the_report_counts_them(made: GenerationReport, name: str) -> None:
    assert made.rows[name] == pq.read_metadata(made.out / f"{name}.parquet").num_rows > 0


def test_the_data_set_validates(made: GenerationReport) -> None:
    report = validate_data_set(made.out)
    assert report.violations == ()


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_what_cannot_happen_does_not(sql: duckdb.DuckDBPyConnection, impossible: str) -> None:
    assert sql.execute(f"SELECT count(*) {IMPOSSIBLE[impossible]}").fetchone() == (0,), impossible


@pytest.mark.parametrize("name", TABLES)
def test_nothing_becomes_known_after_the_period(sql: duckdb.DuckDBPyConnection, name: str) -> None:
    latest = sql.execute(f"SELECT max({TABLES[name].known_at}) < TIMESTAMPTZ '2026-01-01 00:00:00+00' FROM {name}")
    assert latest.fetchone() == (True,)


def test_the_truth_lies_apart_and_no_contract_table_holds_it(made: GenerationReport) -> None:
    assert sorted(path.name for path in made.out.glob("*.parquet")) == sorted(f"{name}.parquet" for name in TABLES)
    assert pq.read_schema(made.out / "truth" / "claims.parquet").names == ["claim_id", "true_label"]
    assert pq.read_schema(made.out / "truth" / "customers.parquet").names == ["customer_id", "kind"]


def test_the_truth_covers_every_claim_and_customer(sql: duckdb.DuckDBPyConnection) -> None:
    for table, key in (("claims", "claim_id"), ("customers", "customer_id")):
        left = sql.execute(f"SELECT count(*) FROM {table} FULL JOIN true_{table} t USING ({key}) WHERE t.{key} IS NULL")
        assert left.fetchone() == (0,)
