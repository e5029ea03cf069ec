"""Write a made-up marketplace as a data set in the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.writing.output_directory import output_directory
from claimvet.data.marketplace.contract_tables import CONTRACT_TABLES, TRUTH_TABLES
from claimvet.data.marketplace.tables import write_table
from claimvet.data.marketplace.world import make_world

TRUTH_FOLDER = "truth"
LEAST_CLAIMS = 100


@dataclass(frozen=True)
class GenerationReport:
    """Where the data set lies, and how many rows each of its tables has."""

    out: Path
    rows: Mapping[str, int]


def generate(out: Path, claims: int, seed: int) -> GenerationReport:
    """Write all twelve tables to `out` as Parquet, and the truth to `out/truth`; equal arguments give equal bytes.

    `truth/claims.parquet` has claim_id and true_label, `truth/customers.parquet` customer_id and kind. The directory is
    replaced as a whole. Raises `UsageError` for fewer than 100 claims, a negative seed, or a directory that holds other files.
    """
    if claims < LEAST_CLAIMS:
        raise UsageError(f"claims is {claims}, expected at least {LEAST_CLAIMS}")
    if seed < 0:
        raise UsageError(f"seed is {seed}, expected 0 or more")
    with output_directory(out, "data generate") as filled:
        (filled / TRUTH_FOLDER).mkdir()
        world = make_world(claims, seed)
        tables = CONTRACT_TABLES.items()
        rows = {name: write_table(filled / f"{name}.parquet", batches(world)) for name, batches in tables}
        for name, batches in TRUTH_TABLES.items():
            write_table(filled / TRUTH_FOLDER / f"{name}.parquet", batches(world))
    return GenerationReport(out, rows)
