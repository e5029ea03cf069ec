"""The pages of Data Docs as they are shown without a network: one style sheet inside each page, no scripts, and an index of our own.

Great Expectations' own page takes its styles, icons and scripts from five content delivery networks. A page about someone's claims has
no business there, so the site is built with a view of ours (`TablePage`), which Great Expectations takes by name; what stands on the page
it renders itself.
"""

from __future__ import annotations

import html
import shutil
from pathlib import Path

from claimvet.pipeline.validate.library import DefaultJinjaPageView
from claimvet.pipeline.validate.report import TableResult, ValidationReport, Violation

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2733; margin: 0 auto; max-width: 1100px; padding: 1.5rem; }
h1 { font-size: 1.5rem; } h5 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; } a { color: #0b5cad; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #dde3ea; }
th { color: #5a6876; font-weight: 600; } td.number { width: 7rem; font-variant-numeric: tabular-nums; }
.fa-check-circle::before, .good::before { content: "\\2714"; color: #1a7f4b; }
.fa-times::before, .bad::before { content: "\\2718"; color: #c02f2f; }
.fa-exclamation-triangle::before { content: "\\26A0"; color: #b26a00; }
.text-danger, .bad { color: #c02f2f; } table table { width: auto; background: #fbf3f2; }
.breadcrumb { list-style: none; display: flex; gap: .6rem; padding: 0; }
.card.mb-3, a[data-toggle="collapse"] { display: none; } h6 { font-size: 1rem; margin: 1rem 0 .2rem; }
code { background: #f1f4f7; padding: 0 .2rem; }
"""
"""The style sheet of every page."""


class TablePage(DefaultJinjaPageView):
    """A page of Great Expectations' content blocks that loads nothing."""

    _template = "claimvet_page.j2"

    def __init__(self, custom_styles_directory: str | None = None, custom_views_directory: str | None = None) -> None:
        super().__init__(custom_styles_directory, custom_views_directory or str(Path(__file__).parent / "templates"))
        self.env.globals["style"] = STYLE


def view_settings() -> dict[str, str]:
    """Return how the configuration of a site names the view."""
    return {"module_name": TablePage.__module__, "class_name": TablePage.__name__}


def write_index(folder: Path, report: ValidationReport) -> None:
    """Write the first page beside those that Great Expectations wrote below `folder`, and drop the assets of its own pages."""
    pages = {page.stem: page.relative_to(folder).as_posix() for page in sorted(folder.glob("validations/**/*.html"))}
    shutil.rmtree(
        folder / "static", ignore_errors=True
    )  # fonts and pictures, four megabytes, of pages that are not ours
    (folder / "index.html").write_text(index(report, pages), encoding="utf-8")


def index(report: ValidationReport, pages: dict[str, str]) -> str:
    """Return the first page: does the data set keep the contract, what breaks it, and where each table's page is."""
    state = '<span class="good"></span> keeps' if report.ok else '<span class="bad"></span> breaks'
    parts = [f"<h1>This data set {state} the contract</h1>", _table_of_tables(report, pages)]
    if report.violations:
        parts += ["<h5>What breaks it</h5>", _table_of_violations(report)]
    if report.notes:
        parts += ["<h5>Notes</h5>", "<ul>", *(f"<li>{html.escape(note)}</li>" for note in report.notes), "</ul>"]
    head = f'<meta charset="utf-8"><title>Data Docs: claimvet</title><style>{STYLE}</style>'
    return f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _table_of_tables(report: ValidationReport, pages: dict[str, str]) -> str:
    unread = [
        violation.table for violation in report.violations if violation.table not in {t.name for t in report.tables}
    ]
    rows = [_row(table, pages) for table in report.tables]
    rows += [
        f'<tr><td>{_link(name, pages)}</td><td></td><td></td><td class="bad"> not judged</td></tr>' for name in unread
    ]
    return _table(("table", "rows", "checks", "broken"), rows)


def _row(table: TableResult, pages: dict[str, str]) -> str:
    broken = sum(result.failed for result in table.results)
    state = f'<td class="bad"> {broken}</td>' if broken else '<td class="good"> 0</td>'
    numbers = "".join(f'<td class="number">{number:,}</td>' for number in (table.rows, len(table.results)))
    return f"<tr><td>{_link(table.name, pages)}</td>{numbers}{state}</tr>"


def _table_of_violations(report: ValidationReport) -> str:
    return _table(
        ("table", "column", "rule", "rows", "detail", "keys"), [_violation(each) for each in report.violations]
    )


def _violation(violation: Violation) -> str:
    texts = (
        violation.table,
        violation.column,
        violation.rule,
        f"{violation.rows:,}",
        violation.detail,
        ", ".join(violation.keys),
    )
    return f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in texts)}</tr>"


def _table(names: tuple[str, ...], rows: list[str]) -> str:
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>{''.join(rows)}</table>"


def _link(name: str, pages: dict[str, str]) -> str:
    text = html.escape(name)
    return f'<a href="{html.escape(pages[name])}">{text}</a>' if name in pages else text
