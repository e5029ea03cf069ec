"""Does a data set keep the contract, and what breaks it where?

Convention: the embedded engine judges, in bounded memory; Great Expectations holds the suites and writes the Data Docs. All
broken rules are reported, never only the first, and nothing here repairs data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from claimvet.data.contract.dataset import DataSet
from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.reading.options import AS_IT_LIES, ReadOptions
from claimvet.data.contract.writing.output_directory import require_own_directory
from claimvet.pipeline.validate.data_set import judge
from claimvet.pipeline.validate.report import ValidationReport, Violation

__all__ = ["DOCS_DIRECTORY", "ValidationReport", "Violation", "require_valid", "validate_data_set"]

DOCS_DIRECTORY = Path("claimvet-reports") / "validation"
"""Where the command line writes Data Docs unless told otherwise, below the working directory."""

_NAMED_IN_ERROR = 20
"""Most violations that one error message lists."""


def validate_data_set(
    data_set: DataSet | Path,
    docs_dir: Path | None = None,
    *,
    claims: Path | None = None,
    read: ReadOptions = AS_IT_LIES,
    on_table: Callable[[str], None] | None = None,
    judged_at: datetime | None = None,
) -> ValidationReport:
    """Judge a data set, or the directory of one, and a file of new `claims` beside it; write Data Docs to `docs_dir` if given.

    `read` says what is known of the user's own columns, and which moment no event may come after. `on_table` is told the name of each
    table when its turn comes; `judged_at` is the time that the Data Docs show, a moment with its zone. The report lists every
    violation; nothing is raised for data that is wrong.

    Raises:
        UsageError: where the directory or the file of claims does not exist, `docs_dir` holds something else, or `judged_at` is missing.
    """
    folder = data_set if isinstance(data_set, Path) else data_set.folder
    if docs_dir is not None:
        require_own_directory(docs_dir, "data validate", (folder, claims))
    report = judge(folder, claims, read=read, on_table=on_table)
    if docs_dir is not None:
        from claimvet.pipeline.validate.docs import write_docs  # Great Expectations takes seconds to import

        if judged_at is None:
            raise UsageError("Data Docs show when the data were judged, expected judged_at")
        first = write_docs(report, docs_dir, judged_at)
        report = replace(report, docs=first)
    return report


def require_valid(
    data_set: DataSet | Path, claims: Path | None = None, *, read: ReadOptions = AS_IT_LIES
) -> tuple[str, ...]:
    """Return the notes about a data set that keeps the contract; used before features are built, a model trained, claims scored.

    The same checks as `validate_data_set`, without the Data Docs.

    Raises:
        InvalidDataError: where it does not; the message lists the violations.
        UsageError: where the directory or the file of claims does not exist.
    """
    report = validate_data_set(data_set, claims=claims, read=read)
    if not report.ok:
        listed = [str(violation) for violation in report.violations[:_NAMED_IN_ERROR]]
        more = len(report.violations) - len(listed)
        raise InvalidDataError(
            "\n".join(["the data break the contract:", *listed, *([f"and {more} more"] if more else [])])
        )
    return report.notes
