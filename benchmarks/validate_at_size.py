"""How long does validation take at size, and how much memory? 10,000,000 orders with the tables beside them.

    python -m benchmarks.validate_at_size [--orders N] [--layout parquet|directories|csv] [--docs] [--spoiled]

The data set is made by the embedded engine in a temporary directory: one claim to 33 orders, one return to 8. Validation then runs
in a process of its own, whose peak resident memory is what the table shows. Bound: 60 s and 4 GiB on two cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from claimvet.data.contract.dataset import connect, quoted
from claimvet.data.contract.tables import TABLES

_EPOCH = "TIMESTAMPTZ '2022-01-01 00:00:00+00'"
_PARTIES = (
    "'c' || hash(i * 7) % {customers} AS customer_id, 's' || hash(i) % {sellers} AS seller_id, "
    "'p' || hash(i) % {products} AS product_id"
)


def _time(seconds: str) -> str:
    return f"{_EPOCH} + to_seconds({seconds})"


def _selects(orders: int) -> dict[str, str]:
    """SQL of every table; order `i` is placed at second `i * 6`, and later events of it follow days after."""
    sizes = {"customers": orders // 10 + 1, "sellers": orders // 500 + 1, "products": orders // 40 + 1}
    parties = _PARTIES.format(**sizes)
    reason, condition = "'defective' AS reason", "CASE WHEN i % 3 > 0 THEN 'used' END AS condition"
    return {
        "customers": f"'c' || i AS customer_id, {_EPOCH} AS created_at FROM range({sizes['customers']}) AS t(i)",
        "sellers": f"'s' || i AS seller_id, {_EPOCH} AS created_at FROM range({sizes['sellers']}) AS t(i)",
        "products": f"'p' || i AS product_id, 's' || i % {sizes['sellers']} AS seller_id, 'category ' || i % 40 AS category_id, "
        f"i % 900 / 10.0 AS price, {_EPOCH} AS listed_at FROM range({sizes['products']}) AS t(i)",
        "orders": f"'order-' || i AS order_id, {parties}, (hash(i) % 20000) / 100.0 AS amount, "
        f"{_time('i * 6')} AS ordered_at FROM range({orders}) AS t(i)",
        "returns": f"'r' || i AS return_id, 'order-' || i AS order_id, {parties}, {reason}, {_time('i * 6 + 600000')} AS requested_at, "
        f"CASE WHEN i % 3 > 0 THEN {_time('i * 6 + 900000')} END AS inspected_at, {condition}, 9.5 AS refund_amount "
        f"FROM range(0, {orders}, 8) AS t(i)",
        "claims": f"'k' || i AS claim_id, 'order-' || i AS order_id, {parties}, {_time('i * 6 + 600000')} AS incident_at, "
        f"{_time('i * 6 + 700000')} AS filed_at, 'property_damage' AS claim_type, i % 2000 AS amount_claimed, "
        f"repeat('It broke while I used it as told. ', 8) || i AS narrative FROM range(0, {orders}, 33) AS t(i)",
        "evidence": f"'e' || i AS evidence_id, 'k' || i AS claim_id, 'c' || i AS customer_id, 'photo' AS kind, "
        f"md5(i::VARCHAR) AS content_hash, {_time('i * 6 + 700000')} AS submitted_at FROM range(0, {orders}, 33) AS t(i)",
        "outcomes": f"'d' || i AS outcome_id, 'k' || i AS claim_id, 'valid' AS label, 'expert' AS decided_by, "
        f"{_time('i * 6 + 900000')} AS decided_at, 9.5 AS amount_paid FROM range(0, {orders}, 33) AS t(i)",
        "identity_links": f"'c' || i AS customer_id, 'device' AS kind, md5(i::VARCHAR) AS token, {_EPOCH} AS seen_at "
        f"FROM range({sizes['customers']}) AS t(i)",
        "seller_reports": f"'q' || i AS report_id, 's' || i AS seller_id, 'c' || i AS customer_id, 'order-' || i AS order_id, "
        f"'returned used goods' AS reason, {_EPOCH} AS reported_at FROM range({sizes['sellers']}) AS t(i)",
        "insurance_policies": f"'i' || i AS policy_id, 's' || i AS seller_id, {_EPOCH} AS valid_from, "
        f"{_EPOCH} + INTERVAL 9 YEAR AS valid_to, 1e6 AS coverage_amount FROM range({sizes['sellers']}) AS t(i)",
    }


def _spoiled(select: str, orders: int) -> str:
    """The orders with a repeated key, and money, identifiers and times that are wrong in a thousandth of the rows each."""
    return (
        f"if(i = {orders - 1}, 'order-0', order_id) AS order_id, if(i % 1000 = 1, '', customer_id) AS customer_id, "
        f"if(i % 1000 = 2, NULL, seller_id) AS seller_id, product_id, if(i % 1000 = 3, -amount - 1, amount) AS amount, "
        f"if(i % 1000 = 4, NULL, ordered_at) AS ordered_at FROM (SELECT i, {select})"
    )


def make_data_set(folder: Path, orders: int, layout: str, spoiled: bool) -> None:
    """Write every table of the contract below `folder`, `orders` rows of orders and in proportion of the others."""
    connection = connect("3GB")
    connection.execute("SET enable_progress_bar = false")
    selects = _selects(orders)
    if spoiled:
        selects["orders"] = _spoiled(selects["orders"], orders)
    for name, select in selects.items():
        path, options = {
            "parquet": (folder / f"{name}.parquet", "FORMAT parquet"),
            "directories": (folder / f"{name}.parquet", "FORMAT parquet, FILE_SIZE_BYTES '64MB'"),
            "csv": (folder / f"{name}.csv", "FORMAT csv, HEADER"),
        }[layout]
        connection.execute(f"COPY (SELECT {select}) TO {quoted(str(path))} ({options})")
    connection.close()


def _measured(folder: str, docs: str | None, answer: str) -> None:
    start = time.perf_counter()
    from claimvet.pipeline.validate import validate_data_set

    report = validate_data_set(Path(folder), Path(docs) if docs else None, judged_at=datetime.now(UTC))
    figures = {
        "rows": {table.name: table.rows for table in report.tables},
        "violations": [str(violation) for violation in report.violations],
        "seconds": round(time.perf_counter() - start, 1),
        "peak_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    Path(answer).write_text(json.dumps(figures, indent=2))


def main() -> None:
    """Make the data set, validate it in a process of its own, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--layout", choices=["parquet", "directories", "csv"], default="parquet")
    parser.add_argument("--docs", action="store_true", help="write the Data Docs too")
    parser.add_argument("--spoiled", action="store_true", help="break five rules of orders")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="claimvet-bench-") as scratch:
        folder, answer = Path(scratch) / "data", Path(scratch) / "answer.json"
        folder.mkdir()
        make_data_set(folder, chosen.orders, chosen.layout, chosen.spoiled)
        docs = str(Path(scratch) / "docs") if chosen.docs else None
        process = multiprocessing.get_context("spawn").Process(target=_measured, args=(str(folder), docs, str(answer)))
        process.start()
        process.join()
        print(answer.read_text())


if __name__ == "__main__":
    assert set(_selects(1)) == set(TABLES)
    main()
