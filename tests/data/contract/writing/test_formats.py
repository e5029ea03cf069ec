"""What is written is what the name says, whatever its case; read back by libraries that did not write it."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimvet.data.contract.writing.formats import TABLE_FORMATS, table_output

TABLE = pa.table(
    {
        "claim_id": ["a", 'b,\t"c"', "é\nf"],
        "p_valid": [0.1, None, 1e-300],
        "audited": [True, False, None],
        "scored_at": pa.array([datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)] * 3, pa.timestamp("us", tz="UTC")),
        "reasons": [[{"feature": "x", "value": None}], [], None],
    }
)


def written(out: Path) -> Path:
    with table_output(out) as parquet:
        pq.write_table(TABLE, parquet)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    return out


@pytest.mark.parametrize("ending", [each for each in TABLE_FORMATS if each != ".parquet"])
@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_text_formats_hold_the_same_rows_in_their_order(ending: str, spelt: type[str], tmp_path: Path) -> None:
    out = written(tmp_path / f"scores{spelt(ending)}")
    raw = out.read_bytes()
    text = (gzip.decompress(raw) if ending.endswith(".gz") else raw).decode("utf-8")
    if ".json" in ending:
        rows = json.loads(text) if ".jsonl" not in ending else [json.loads(line) for line in text.splitlines()]
        assert [row["reasons"] for row in rows] == TABLE["reasons"].to_pylist()
        assert [row["p_valid"] for row in rows] == TABLE["p_valid"].to_pylist()
    else:
        rows = list(csv.DictReader(text.splitlines(keepends=True), delimiter="\t" if ".tsv" in ending else ","))
        assert [json.loads(row["reasons"] or "null") for row in rows] == TABLE["reasons"].to_pylist()
        assert [float(row["p_valid"] or "nan") for row in rows][::2] == [0.1, 1e-300]
        assert [row["audited"] for row in rows] == ["true", "false", ""]
    assert [row["claim_id"] for row in rows] == TABLE["claim_id"].to_pylist()
    assert {row["scored_at"] for row in rows} == {"2026-02-03T04:05:06.000007Z"}


def test_parquet_is_what_was_written(tmp_path: Path) -> None:
    assert pq.read_table(written(tmp_path / "scores.Parquet")).equals(TABLE)
