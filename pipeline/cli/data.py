"""Commands about data sets: make one, check one against the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from claimvet.pipeline.cli.options import Claims, ParamsFile, Seed, read_options, read_params, size_and_seed
from claimvet.pipeline.progress import step

data_app = typer.Typer(no_args_is_help=True, help="Make a data set, or check one against the contract.")


@data_app.command("generate")
def data_generate(
    out: Annotated[Path, typer.Option("--out", help="Directory to write the tables to.", metavar="DIR")],
    claims: Claims = None,
    seed: Seed = None,
    params: ParamsFile = None,
) -> None:
    """Write a generated marketplace in the contract's tables, and the truth about it beside them in truth/."""
    from claimvet.data.marketplace import generate

    with step("Generating the marketplace"):
        report = generate(out, *size_and_seed(read_params(params), claims, seed))
    typer.echo(f"{out}: {_row_counts(report.rows)}")


def _row_counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in rows.items())


@data_app.command("validate")
def data_validate(
    data: Annotated[Path, typer.Argument(help="Data set: a directory with one file a table.", metavar="DIR")],
    docs: Annotated[
        Path | None,
        typer.Option(
            "--docs", help="Where to write HTML Data Docs; default claimvet-reports/validation.", metavar="DIR"
        ),
    ] = None,
    params: ParamsFile = None,
) -> None:
    """Check a data set against the contract; name table, column, rule, rows and keys of all that breaks it."""
    from claimvet.pipeline.validate import DOCS_DIRECTORY, validate_data_set

    with step("Validating") as tell:
        report = validate_data_set(
            data,
            docs or DOCS_DIRECTORY,
            read=read_options(read_params(params)),
            on_table=tell,
            judged_at=datetime.now(UTC),
        )
    typer.echo(str(report), err=not report.ok)
    if not report.ok:
        raise typer.Exit(1)
