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
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from claimvet.data.contract.errors import StoreError
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.erased import incomparable_features

if TYPE_CHECKING:
    import pyarrow as pa

TOLERANCE = 1e-9
"""Relative; running totals are exact integers, so quotients differ by rounding alone."""
MEMORY = "512MB"
"""What DuckDB may take beside the server; above half of it, which is the share of a build, it spills to temporary files. The whole process
takes 345 MB over the history of 20,000 claims (660,000 orders), and 610 MB over one of 200,000 (6.6 million orders)."""
RESCORES = 1
"""Decisions made again that a check compares, at most: each takes a build of its own, over a history without its claim."""
_NOBODY = "\x00"
"""Makes a claim's id one that no claim has."""
STORE_VARIABLE = "CLAIMVET_STORE"

Features = dict[str, Any]
"""The features of one claim by name."""


@dataclass(frozen=True)
class Comparison:
    """What came of one check: decisions and values compared, values that differ by feature, and values that late events changed.

    `decisions` are first decisions, `rescores` those that were made again; `values` and `differences` are of both.
    """

    decisions: int
    values: int
    differences: Mapping[str, int]
    changed_since: int
    rescores: int = 0


def compare(store: EventStore, decisions: int) -> Comparison:
    """Compare a share of the last day's first decisions, `decisions` at most, and `RESCORES` of those made again; of none, where there
    was none.

    The store is written to temporary files piece by piece, and DuckDB spills there above `MEMORY`.

    Raises:
        StoreError: where the store fails.
        SupersededError: where its derived tables are those of another version of the features.
    """
    before = _rescored(store)
    with _snapshot(store) as connection, tempfile.TemporaryDirectory(prefix="claimvet-check-") as scratch:
        store.require_fingerprint(connection)
        entries = ledger.day_of(ledger.SCORE, decisions, connection)
        if not entries and not before:
            return Comparison(0, 0, {}, 0)
        store.export(Path(scratch), connection)
        claims = _claims(Path(scratch), {entry.claim_id for entry in entries})
        batch = _batch_features(Path(scratch), claims, "features.parquet")
        skipped = incomparable_features(connection)
        values = [(entry, *_first(entry, batch, store, connection)) for entry in entries if entry.claim_id in batch]
        after = {entry.decision_id: features for entry, features in _rescored(store)}
        again = [
            (entry, features, _rescored_batch(Path(scratch), entry))
            for entry, features in before
            if after.get(entry.decision_id) == features  # else something that it depends on came meanwhile
        ]
    return _counted(values, again, skipped)


def _snapshot(store: EventStore) -> sa.Connection:
    """Return a connection that sees one state of the store; on SQLite every transaction does."""
    connection = store.engine.connect()
    if store.engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    connection.begin()
    return connection


def _rescored(store: EventStore) -> list[tuple[Decision, Features]]:
    """Return some of the last day's decisions that were made again, and the features that the endpoint gives each of them now.

    To leave a claim out of its own history is to write, and to undo it, so it is done in a transaction of its own, of milliseconds.
    """
    with store.begin() as connection:
        store.require_fingerprint(connection)
        entries = ledger.day_of(ledger.RESCORE, RESCORES, connection)
        claims = [(entry, store.claim(entry.claim_id, connection)) for entry in entries]
        return [
            (entry, store.claim_features(claim, entry.as_of, connection))
            for entry, claim in claims
            if claim is not None
        ]


def _first(
    entry: Decision, batch: Mapping[str, Features], store: EventStore, connection: sa.Connection
) -> tuple[Features, Features]:
    """Return the features of a claim as it was filed: those that the endpoint gives now, of what is known of it now, and the batch's."""
    claim = store.claim(entry.claim_id, connection) or entry.claim_row
    return store.claim_features(claim, None, connection), batch[entry.claim_id]


def _claims(data: Path, claim_ids: set[str]) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(data / "claims.parquet", filters=[("claim_id", "in", sorted(claim_ids))])


def _rescored_batch(data: Path, entry: Decision) -> Features:
    """Make as `features build` makes the features of a claim as of another instant: filed then, over a history
    without it and its outcomes.
    """
    import pyarrow as pa

    claims = _claims(data, {entry.claim_id})
    as_of = pa.array([entry.as_of] * len(claims), pa.timestamp("us", tz="UTC"))
    asked = claims.set_column(claims.column_names.index("filed_at"), "filed_at", as_of)
    with tempfile.TemporaryDirectory(dir=data) as folder:
        for table in data.glob("*.parquet"):
            if table.stem in ("claims", "outcomes"):
                _write_as_nobodys(entry.claim_id, table, Path(folder) / table.name)
            else:
                os.link(table, Path(folder) / table.name)
        return _batch_features(Path(folder), asked, "again.parquet")[entry.claim_id]


def _write_as_nobodys(claim_id: str, table: Path, out: Path) -> None:
    """Copy claims without one of them, piece by piece; outcomes as they are, but for those of that claim, which become nobody's: a table
    that is left without a row would be one that is missing.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(table) as file, pq.ParquetWriter(out, file.schema_arrow) as writer:
        for batch in file.iter_batches():
            ours = pc.equal(batch["claim_id"], claim_id)
            if table.stem == "claims":
                writer.write_batch(batch.filter(pc.invert(ours)))
            else:
                names = pc.if_else(ours, f"{claim_id}{_NOBODY}", batch["claim_id"])
                writer.write_batch(batch.set_column(batch.schema.get_field_index("claim_id"), "claim_id", names))


def _batch_features(data: Path, asked: pa.Table, name: str) -> dict[str, Features]:
    """Feature rows by claim, as `claimvet features build` makes them; of nothing where nothing is asked."""
    import pyarrow.parquet as pq

    from claimvet.data.contract.dataset import DataSet
    from claimvet.features.batch.build import build_features

    if not len(asked):
        return {}
    with tempfile.TemporaryDirectory(dir=data) as folder:
        claims, out = Path(folder) / "claims.parquet", Path(folder) / name
        pq.write_table(asked, claims)
        build_features(DataSet.open(data), out, claims=claims, memory_limit=MEMORY)
        return {row["claim_id"]: row for row in pq.read_table(out).to_pylist()}


def _counted(
    first: list[tuple[Decision, Features, Features]],
    again: list[tuple[Decision, Features, Features]],
    skipped: frozenset[str],
) -> Comparison:
    differences: Counter[str] = Counter()
    values = changed = 0
    for entry, found, batch in [*first, *again]:
        now = {name: value for name, value in found.items() if name not in skipped}
        seen = json.loads(str(entry.features))
        values += len(now)
        differences.update(name for name, value in now.items() if not _alike(name, value, batch.get(name)))
        changed += sum(not same(value, seen.get(name)) for name, value in now.items())
    return Comparison(len(first), values, dict(differences), changed, len(again))


def _alike(name: str, value: Any, batch: Any) -> bool:
    """Do as `same`; a column of the user's own that holds values of several kinds is text in a file."""
    own = name.startswith(FEATURE_COLUMN_PREFIX) and isinstance(batch, str) and value is not None
    return batch == str(value) if own else same(value, batch)


def same(one: Any, other: Any) -> bool:
    """Return whether two values of a feature are equal; numbers within `TOLERANCE`, NaN is null.

    >>> same(1, 1.0), same(None, float("nan")), same(0.1, 0.2), same("a", None)
    (True, True, False, False)
    """
    one, other = (None if isinstance(value, float) and math.isnan(value) else value for value in (one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)


async def compare_apart(store_url: str, decisions: int) -> Comparison:
    """Do as `compare`, in a process of its own; raises `StoreError` where that fails.

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
    """Compare, and print what came of it."""
    os.nice(10)  # claims come first
    store = EventStore.open(os.environ[STORE_VARIABLE], derive=False)
    try:
        sys.stdout.write(json.dumps(vars(compare(store, int(sys.argv[1])))))
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
