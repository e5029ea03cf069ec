"""Which type a column `x_…` of claims has: the one that a model learned or a person says; without either, by one rule for CSV.

The rule, over all values of the column that are not empty:

1. all are `true` or `false`, in any case: booleans;
2. all are written as numbers are: digits without leading zeros, with a minus sign and a decimal point where needed (`-12.50`), integers
   of at most 15 digits, an exponent only in lower case and with a sign, as programs write very small and very large numbers (`1e-05`):
   numbers. `inf` and `nan` may be among them, and are missing;
3. else text: `02139`, `+49301234`, `1E5`, `1234567890123456` are codes and no quantities.

Parquet says its types itself. A number that is not finite counts as missing, whatever the format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX

FeatureType = Literal["text", "number", "boolean"]
"""What a column `x_…` may hold."""

NUMBER_PATTERN = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
"""Every way to write a finite number: what is read as one where a number is wanted."""

NOT_FINITE_PATTERN = r"^\s*[+-]?(inf|infinity|nan)\s*$"
"""How programs write a number that is not finite, in lower case."""

NO_TYPE = '"NULL"'
"""DuckDB's type of a column that holds nothing but nulls and was written without a type."""

_DUCKDB_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "boolean": "BOOLEAN"}

_PLAIN_PATTERN = r"^-?(0|[1-9][0-9]{0,14})$|^-?(0|[1-9][0-9]*)\.[0-9]+$|^-?[0-9](\.[0-9]+)?e[+-][0-9]+$"
_LIKE_NUMBERS = r"^[\s$€£]*[+-]?[0-9][0-9., ]*([eE][+-]?[0-9]+)?[\s%€£$]*$"
"""What a person takes for a number: `1.234,56`, `$1,200`, `02139`."""

_INTEGER_PATTERN = r"^\s*[+-]?[0-9]{1,18}\s*$"


@dataclass(frozen=True)
class FeatureTypes:
    """The types that are known of columns `x_…` by name, and `source`, who says so: `the model` or `types in params.yaml`."""

    types: Mapping[str, FeatureType] = field(default_factory=dict)
    source: str = "params.yaml"

    def expected(self, name: str) -> str:
        """Return what a value of the column has to be, as a phrase.

        >>> FeatureTypes({"x_size": "number"}, "the model").expected("x_size")
        'numbers, as the model has them'
        """
        kinds = {"text": "text", "number": "numbers", "boolean": "true or false"}
        return f"{kinds[self.types[name]]}, as {self.source} has them" if name in self.types else _ANY


_ANY = "numbers, booleans or strings"


@dataclass(frozen=True)
class CsvFeature:
    """A column `x_…` of a CSV file: its SQL type, and why it is text though most of it looks like numbers, empty where it does not.

    `misfit` is a value that is not of the type that is known of the column, None where all are.
    """

    name: str
    sql_type: str
    why_text: str = ""
    misfit: str | None = None


def is_feature(name: str) -> bool:
    """Return whether a column of claims is one of the user's own that become features."""
    return name.startswith(FEATURE_COLUMN_PREFIX)


def is_number_text(text: str) -> str:
    """Return SQL that says whether a text is a number, finite or not."""
    return f"(regexp_matches({text}, '{NUMBER_PATTERN}') OR regexp_matches(lower({text}), '{NOT_FINITE_PATTERN}'))"


def is_boolean_text(text: str) -> str:
    """Return SQL that says whether a text is a boolean."""
    return f"lower(trim({text})) IN ('true', 'false')"


def is_text_type(sql_type: str) -> bool:
    """Return whether DuckDB's type holds strings (plain, or dictionary-encoded in the file)."""
    return re.fullmatch(r"VARCHAR|ENUM\(.*|JSON", sql_type) is not None


def is_number_type(sql_type: str) -> bool:
    """Return whether DuckDB's type holds numbers, of any width."""
    return re.fullmatch(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM|FLOAT|DOUBLE|DECIMAL\(.*", sql_type) is not None


def wrong_type(sql_type: str, wanted: FeatureType) -> bool:
    """Return whether no value of a column of DuckDB's type is of the type that is known of it; a column of text may hold numbers.

    >>> wrong_type("BIGINT", "text"), wrong_type("BOOLEAN", "number"), wrong_type("VARCHAR", "number")
    (True, False, False)
    """
    if sql_type == NO_TYPE or is_text_type(sql_type):
        return False
    return wanted == "text" or not (sql_type == "BOOLEAN" or (wanted == "number" and is_number_type(sql_type)))


def feature_value(column: str, sql_type: str, wanted: FeatureType | None) -> str:
    """Return SQL of a feature as it is used: int64, float64 that is finite or null, boolean, or string; other types as they are.

    `column` is the SQL of the value in the file, `sql_type` its type there, `wanted` the type that is known of it.
    """
    if is_text_type(sql_type):
        text = f"CAST({column} AS VARCHAR)"
        if wanted == "boolean":
            return f"CAST(trim({text}) AS BOOLEAN)"
        return _finite(_number_of_text(text)) if wanted == "number" else text
    if sql_type == NO_TYPE:
        return f"CAST({column} AS {_DUCKDB_TYPES.get(wanted or 'text')})"
    if re.fullmatch(r"(TINY|SMALL|BIG)?INT(EGER)?|U(TINY|SMALL)INT|UINTEGER", sql_type):
        return f"CAST({column} AS BIGINT)"
    return _finite(f"CAST({column} AS DOUBLE)") if is_number_type(sql_type) else column


def not_finite(column: str, sql_type: str) -> str:
    """Return SQL that is true for a number which is not finite, and so counts as missing; empty where the type has none."""
    return f"NOT isfinite({column})" if sql_type in ("FLOAT", "DOUBLE") else ""


def _number_of_text(text: str) -> str:
    truth = f"CASE WHEN {is_boolean_text(text)} THEN CAST(CAST(trim({text}) AS BOOLEAN) AS DOUBLE)"
    return f"{truth} ELSE TRY_CAST({text} AS DOUBLE) END"


def _finite(number: str) -> str:
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def misfits(text: str, wanted: FeatureType, sql_type: str = "VARCHAR") -> str:
    """Return SQL that is true for a text that is not of the type which is known of its column, `false` where there can be none."""
    if wanted == "text" or not is_text_type(sql_type):
        return "false"
    boolean = is_boolean_text(text)
    return f"NOT ({boolean})" if wanted == "boolean" else f"NOT ({is_number_text(text)} OR {boolean})"


def csv_features(relation: str, names: Sequence[str], known: FeatureTypes) -> list[CsvFeature]:
    """Return the type of each column, from all values of a CSV file whose columns `relation` reads as strings.

    Raises:
        duckdb.Error: where the file cannot be read to its end.
    """
    asked = [question for name in names for question in _questions(name, known.types.get(name))]
    connection = duckdb.connect()
    try:
        answered = connection.execute(f"SELECT {', '.join(asked)} FROM {relation}").fetchone() or ()
    finally:
        connection.close()
    each = len(asked) // len(names)
    return [_decided(name, known, _Answers(*answered[each * at : each * at + each])) for at, name in enumerate(names)]


@dataclass(frozen=True)
class _Answers:
    """How many values a column has, and of what kinds; one of those that are not written as plain numbers, one that misfits."""

    filled: int
    like_numbers: int
    booleans: int
    integers: int
    plain: int
    numbers: int
    not_finite: int
    odd: str | None
    misfit: str | None


def _questions(name: str, wanted: FeatureType | None) -> list[str]:
    value = '"' + name.replace('"', '""') + '"'
    plain = f"regexp_matches({value}, '{_PLAIN_PATTERN}')"
    not_finite = f"regexp_matches(lower({value}), '{NOT_FINITE_PATTERN}')"
    misfit = misfits(value, wanted) if wanted else "false"
    return [
        f"count({value})",
        f"count(*) FILTER (WHERE regexp_matches({value}, '{_LIKE_NUMBERS}'))",
        f"count(*) FILTER (WHERE {is_boolean_text(value)})",
        f"count(*) FILTER (WHERE regexp_matches({value}, '{_INTEGER_PATTERN}'))",
        f"count(*) FILTER (WHERE {plain})",
        f"count(*) FILTER (WHERE regexp_matches({value}, '{NUMBER_PATTERN}'))",
        f"count(*) FILTER (WHERE {not_finite})",
        f"min({value}) FILTER (WHERE NOT {plain} AND NOT {not_finite})",
        f"min({value}) FILTER (WHERE {misfit})",
    ]


def _decided(name: str, known: FeatureTypes, seen: _Answers) -> CsvFeature:
    wanted = known.types.get(name)
    if wanted == "text" or not seen.filled or seen.misfit is not None:
        return CsvFeature(name, "VARCHAR", misfit=seen.misfit)
    if seen.booleans == seen.filled:
        return CsvFeature(name, "BOOLEAN")
    numbers = seen.numbers if wanted else seen.plain
    if numbers + seen.not_finite == seen.filled and numbers:
        return CsvFeature(name, "BIGINT" if seen.integers == seen.filled else "DOUBLE")
    if wanted:  # booleans and numbers, or nothing that is finite
        return CsvFeature(name, "DOUBLE") if not seen.booleans else CsvFeature(name, "VARCHAR", misfit="true")
    mostly_numbers = 2 * seen.like_numbers >= seen.filled
    return CsvFeature(name, "VARCHAR", _why_text(name, seen.odd) if mostly_numbers else "")


def _why_text(name: str, odd: str | None) -> str:
    return (
        f"{name} is read as text, since {odd!r} is not how a quantity is written; `types: {{{name}: number}}` in the section "
        "`read:` of params.yaml says otherwise"
    )
