"""Do the endpoint and the batch agree? A sample of decisions, computed again by the batch path over the same rows.

Both sides look at one snapshot of the store, so an event that came late is no difference; how many recorded values such events have
changed since is counted apart. The work is a process of its own: it needs a core for seconds and the memory of a database.

    python -m claimvet.scoring_service.decisions.self_check DECISIONS      with the store's URL in CLAIMVET_STORE; one JSON object on stdout
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.erased import incomparable_features

TOLERANCE = 1e-9
"""Relative; running totals are exact integers, so quotients differ by rounding alone."""
MEMORY = "1GB"
"""What DuckDB may take beside the server; above it spills to temporary files."""
STORE_VARIABLE = "CLAIMVET_STORE"


@dataclass(frozen=True)
class Comparison:
    """What came of one check: decisions and values compared, values that differ by feature, and values that late events changed."""

    decisions: int
    values: int
    differences: Mapping[str, int]
    changed_since: int


def compare(store: EventStore, decisions: int) -> Comparison:
    """Compare a share of the last day's first decisions, `decisions` at most; of none, where there was none.

    The store is written to temporary files piece by piece, and DuckDB spills there above `MEMORY`.

    Raises:
        StoreError: where the store fails.
        SupersededError: where its derived tables are those of another version of the features.
    """
    with _snapshot(store) as connection, tempfile.TemporaryDirectory(prefix="claimvet-check-") as scratch:
        store.require_fingerprint(connection)
        entries = ledger.day_of_scores(decisions, connection)
        if not entries:
            return Comparison(0, 0, {}, 0)
        store.export(Path(scratch) / "data", connection)
        batch = _batch_features(Path(scratch), {entry.claim_id for entry in entries})
        return _compared(entries, batch, store, connection)


def _snapshot(store: EventStore) -> sa.Connection:
    """A connection that sees one state of the store; on SQLite every transaction does."""
    connection = store.engine.connect()
    if store.engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    connection.begin()
    return connection


def _batch_features(scratch: Path, claim_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Feature rows by claim, as `claimvet features build` makes them."""
    import pyarrow.parquet as pq

    from claimvet.data.contract.dataset import DataSet
    from claimvet.features.batch.build import build_features

    claims, out = scratch / "claims.parquet", scratch / "features.parquet"
    asked = pq.read_table(scratch / "data" / "claims.parquet", filters=[("claim_id", "in", sorted(claim_ids))])
    pq.write_table(asked, claims)
    build_features(DataSet.open(scratch / "data"), out, claims=claims, memory_limit=MEMORY)
    return {row["claim_id"]: row for row in pq.read_table(out).to_pylist()}


def _compared(
    entries: list[Decision], batch: Mapping[str, Mapping[str, Any]], store: EventStore, connection: sa.Connection
) -> Comparison:
    differences: Counter[str] = Counter()
    values = changed = 0
    skipped = incomparable_features(connection)
    for entry in entries:
        found = store.claim_features(entry.claim_row, None, connection)
        now = {name: value for name, value in found.items() if name not in skipped}
        seen = json.loads(str(entry.features))
        values += len(now)
        differences.update(name for name, value in now.items() if not same(value, batch[entry.claim_id].get(name)))
        changed += sum(not same(value, seen.get(name)) for name, value in now.items())
    return Comparison(len(entries), values, dict(differences), changed)


def same(one: Any, other: Any) -> bool:
    """Whether two values of a feature are equal; numbers within `TOLERANCE`, NaN is null.

    >>> same(1, 1.0), same(None, float("nan")), same(0.1, 0.2), same("a", None)
    (True, True, False, False)
    """
    one, other = (None if isinstance(value, float) and math.isnan(value) else value for value in (one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)


async def compare_apart(store_url: str, decisions: int) -> Comparison:
    """As `compare`, in a process of its own; raises `StoreError` where that fails.

    The environment tells it the URL, which may hold a password.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        str(decisions),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, STORE_VARIABLE: store_url},
    )
    try:
        out, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise StoreError(f"the self-check failed: {(errors.decode().splitlines() or ['no reason given'])[-1]}")
    return Comparison(**json.loads(out))


def main() -> int:
    """Compares, and prints what came of it."""
    os.nice(10)  # claims come first
    store = EventStore.open(os.environ[STORE_VARIABLE], derive=False)
    try:
        sys.stdout.write(json.dumps(vars(compare(store, int(sys.argv[1])))))
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
