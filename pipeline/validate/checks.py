"""The rules of the contract as SQL conditions over a table as it lies on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from claimvet.data.contract.dataset import identifier, quoted
from claimvet.data.contract.reading.csv_files import plain_name
from claimvet.data.contract.reading.feature_types import (
    NO_TYPE,
    is_number_text,
    is_number_type,
    is_text_type,
    misfits,
    wrong_type,
)
from claimvet.data.contract.rules import (
    FIRST_YEAR,
    IDENTIFIER_LENGTH,
    LAST_YEAR,
    MONEY_BOUND_USD,
    RELATIONS,
    TEXT_LENGTH,
    Companion,
    Reference,
    Relation,
    Rule,
    TimeOrder,
    TimeOrderAcross,
    expected_by,
    expected_value,
    relations_of,
    value_rules,
)
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, GROUP_COLUMN_PREFIX, Column, Kind
from claimvet.pipeline.validate.report import Check
from claimvet.pipeline.validate.sources import (
    ZONED_TIME,
    FileSchema,
    Source,
    fits,
    is_local_time,
)

_WRITTEN = {Kind.TIME: "2026-01-31T09:00:00Z", Kind.MONEY: "1234.50"}
"""How CSV files write them."""

_SPREADSHEETS = r"^(#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)|[0-9](\.[0-9]+)?E\+[0-9]{2,3})$"
"""What spreadsheets leave of an identifier: their error values, and long numbers as `1.2E+15`."""

FILES_SHOWN = 3
"""Most files of a directory that a detail names."""


def known_view(table: str) -> str:
    """Name of the view of the rows of a table that other tables may refer to, in the contract's types."""
    return identifier(f"known {table}")


def shape_checks(source: Source) -> Iterator[Check]:
    """Is every column of the contract there, in every file? The check's source is the files that lack it."""
    for column in source.table.columns:
        lacking = source.lacking(column.name)
        yield Check(
            source.table,
            (column.name,),
            Rule.MISSING_COLUMN,
            f"a column with {expected_value(column)}",
            violated="true" if lacking else "",
            shown=quoted(_found_instead(source, column.name, lacking)),
            source=source.relation_of(lacking) if lacking else "",
            basis=column,
        )


def _found_instead(source: Source, name: str, lacking: tuple[FileSchema, ...]) -> str:
    """Return what is there in place of a missing column: the same name spelt otherwise, or other files that have it."""
    meant = [found for schema in lacking for found in schema.columns if plain_name(found) == name]
    if meant:
        return f"column {meant[0]!r}"
    return f"none in {_names(lacking)}" if lacking and len(lacking) < len(source.schemas) else ""


def _names(schemas: tuple[FileSchema, ...]) -> str:
    shown = ", ".join(schema.path.name for schema in schemas[:FILES_SHOWN])
    return shown + (f" and {len(schemas) - FILES_SHOWN} more files" if len(schemas) > FILES_SHOWN else "")


def type_checks(source: Source) -> Iterator[Check]:
    """Has every column the contract's type? One check per column and way of being wrong; a null has every type."""
    for column in source.table.columns:
        if column.name in source.names:
            yield from _csv_type_checks(source, column) if source.file.is_csv else _parquet_type_checks(source, column)
    if source.table.name == "claims":
        yield from _feature_column_checks(source)


def _csv_type_checks(source: Source, column: Column) -> Iterator[Check]:
    text, value = f"t.{identifier(column.name)}", source.value(column.name)
    if column.kind in (Kind.TIME, Kind.MONEY):
        unread = f"{value} IS NULL" if column.kind is Kind.TIME else f"NOT {is_number_text(text)}"
        expected = f"{expected_value(column)}, written {_WRITTEN[column.kind]}"
        violated = f"{text} IS NOT NULL AND {unread}"
        yield Check(source.table, (column.name,), Rule.WRONG_TYPE, expected, violated, text, basis=column)
    if column.kind in (Kind.IDENTIFIER, Kind.CATEGORY):
        violated = f"regexp_matches({text}, {quoted(_SPREADSHEETS)})"
        expected = f"{expected_value(column)}, as it was before a spreadsheet rounded or lost it"
        yield Check(source.table, (column.name,), Rule.WRONG_TYPE, expected, violated, text, basis=column)
    if column.kind is Kind.TIME:
        zoned = f"regexp_matches({text}, {quoted(ZONED_TIME)})"
        yield _check(source, column, Rule.NO_ZONE, f"{value} IS NOT NULL AND NOT {zoned}", text)


def _parquet_type_checks(source: Source, column: Column) -> Iterator[Check]:
    typed = [(schema, schema.columns[column.name]) for schema in source.schemas]
    wrong = [(schema, kind) for schema, kind in typed if not fits(column.kind, kind)]
    zoneless = [(schema, kind) for schema, kind in wrong if column.kind is Kind.TIME and is_local_time(kind)]
    other = [pair for pair in wrong if pair not in zoneless]
    yield _typed_check(source, column, Rule.WRONG_TYPE, other)
    if column.kind is Kind.TIME:
        yield _typed_check(source, column, Rule.NO_ZONE, zoneless)


def _typed_check(source: Source, column: Column, rule: Rule, wrong: list[tuple[FileSchema, str]]) -> Check:
    if not wrong:
        return _check(source, column, rule, "", "")
    relation = source.relation_of(tuple(schema for schema, _ in wrong))
    types = "/".join(sorted({kind for _, kind in wrong}))
    if len(wrong) < len(source.schemas):
        types += f" in {_names(tuple(schema for schema, _ in wrong))}"
    violated = f"t.{identifier(column.name)} IS NOT NULL"
    return _check(source, column, rule, violated, quoted(types), relation)


def _feature_column_checks(source: Source) -> Iterator[Check]:
    for name in sorted(name for name in source.names if name.startswith(FEATURE_COLUMN_PREFIX)):
        types = {schema.columns[name] for schema in source.schemas} - {NO_TYPE}
        good = all(map(is_number_type, types)) or all(map(is_text_type, types)) or types <= {"BOOLEAN"}
        known, column = source.file.types, f"t.{identifier(name)}"
        wanted = known.types.get(name)
        violated, shown = (f"{column} IS NOT NULL", quoted("/".join(sorted(types)))) if not good else ("", "")
        if good and wanted and any(wrong_type(sql_type, wanted) for sql_type in types):
            violated, shown = f"{column} IS NOT NULL", quoted("/".join(sorted(types)))
        elif good and wanted and all(map(is_text_type, types)) and wanted != "text":
            violated, shown = f"{column} IS NOT NULL AND {misfits(column, wanted)}", column
        yield Check(source.table, (name,), Rule.WRONG_TYPE, known.expected(name), violated, shown)


def _check(source: Source, column: Column, rule: Rule, violated: str, shown: str, relation: str = "") -> Check:
    expected = expected_value(column)
    return Check(source.table, (column.name,), rule, expected, violated, shown, source=relation, basis=column)


def column_checks(source: Source, sound: frozenset[str], latest: datetime | None) -> Iterator[Check]:
    """Nulls, and values that the column may not have; values are looked at only in columns whose type is `sound`.

    No event may be later than `latest`, a moment with its zone; None: then any time will do.
    """
    for column in source.table.columns:
        if column.name in source.names and not column.nullable:
            violated = f"t.{identifier(column.name)} IS NULL"
            yield Check(source.table, (column.name,), Rule.NULL, "a value in every row", violated, basis=column)
        for rule in value_rules(column) if column.name in sound else ():
            if rule is not Rule.TIME_AFTER_NOW or latest is not None:
                value = source.value(column.name)
                violated, expected = _bad_value(rule, column, value, latest), expected_by(rule, column)
                bound = latest if rule is Rule.TIME_AFTER_NOW else None
                if bound is not None:
                    expected += f", {bound.astimezone(UTC):%Y-%m-%d %H:%M} UTC at the latest"
                yield Check(source.table, (column.name,), rule, expected, violated, value, basis=column, bound=bound)
    yield from _extra_text_checks(source)


def _extra_text_checks(source: Source) -> Iterator[Check]:
    """Check that the user's own strings of claims, of which features and groups are made, keep to the bounds of all text."""
    prefixes = (FEATURE_COLUMN_PREFIX, GROUP_COLUMN_PREFIX) if source.table.name == "claims" else ()
    for name in sorted(name for name in source.names if name.startswith(prefixes or ("\0",))):
        if all(is_text_type(schema.columns[name]) for schema in source.schemas):
            column = Column(name, Kind.TEXT, "the user's own", nullable=True)
            for rule in value_rules(column):
                value = f"t.{identifier(name)}"
                violated = _bad_value(rule, column, value, None)
                yield Check(source.table, (name,), rule, expected_by(rule, column), violated, value, basis=column)


def _bad_value(rule: Rule, column: Column, value: str, latest: datetime | None) -> str:
    shortest, longest = IDENTIFIER_LENGTH
    match rule:
        case Rule.IDENTIFIER_LENGTH:
            return f"length({value}) NOT BETWEEN {shortest} AND {longest}"
        case Rule.EMPTY_STRING:
            return f"{value} = ''"
        case Rule.TEXT_LENGTH:
            # A text has no more characters than bytes, and those are counted already.
            return f"strlen({value}) > {TEXT_LENGTH} AND length({value}) > {TEXT_LENGTH}"
        case Rule.NUL_CHARACTER:
            return f"contains({value}, chr(0))"
        case Rule.UNKNOWN_VALUE:
            return f"{value} NOT IN ({', '.join(map(quoted, column.values))})"
        case Rule.BAD_MONEY:
            return f"({value} < 0 OR NOT isfinite({value}))"
        case Rule.MONEY_TOO_GREAT:
            return f"({value} >= {MONEY_BOUND_USD:.0f} AND isfinite({value}))"
        case Rule.TIME_OUT_OF_RANGE:
            return f"({value} < {_instant(f'{FIRST_YEAR}-01-01')} OR {value} >= {_instant(f'{LAST_YEAR + 1}-01-01')})"
        case Rule.TIME_AFTER_NOW if latest is not None:
            bound = _instant(latest.astimezone(UTC).isoformat())
            return f"({value} > {bound} AND {value} < {_instant(f'{LAST_YEAR + 1}-01-01')})"
    raise AssertionError(f"{rule} is no rule of a value")


def _instant(text: str) -> str:
    return f"TIMESTAMPTZ {quoted(text)}"


def key_check(source: Source) -> Check | None:
    """Check that a key occurs once; None where a column of it is missing."""
    key = source.table.key
    if not source.names.issuperset(key):
        return None
    columns = ", ".join(identifier(name) for name in key)
    repeated = f"SELECT {columns} FROM {source.view} GROUP BY ALL HAVING count(*) > 1"
    violated = f"({', '.join(f't.{identifier(name)}' for name in key)}) IN ({repeated})"
    # Distinct 64-bit hashes prove the keys distinct, and cost far less than distinct keys.
    hashed = f"hash({columns})"
    return Check(source.table, key, Rule.DUPLICATE_KEY, "one row a key", violated, hashed=hashed, alone=True)


def relation_checks(source: Source, sound: frozenset[str], known: Mapping[str, frozenset[str]]) -> Iterator[Check]:
    """Yield the relations of this table that can be judged: all columns there and of the right type, the other table not empty.

    `sound` are this table's columns of the right type, `known` those that can be looked up in tables that have rows.
    """
    for relation in relations_of(source.table):
        other = relation.other if isinstance(relation, Reference | TimeOrderAcross) else ""
        if not _judgeable(relation, sound, known.get(other, frozenset())):
            continue
        violated = _violated(relation, source)
        columns, shown = (relation.culprit,), source.value(relation.culprit)
        across = isinstance(relation, Reference | TimeOrderAcross)
        yield Check(
            source.table, columns, relation.rule, relation.expected, violated, shown, alone=across, basis=relation
        )


def _judgeable(relation: Relation, own: frozenset[str], others: frozenset[str]) -> bool:
    match relation:
        case TimeOrder():
            return {relation.earlier, relation.later} <= own
        case Companion():
            return {relation.culprit, relation.needs} <= own
        case Reference():
            return relation.culprit in own and relation.culprit in others
        case TimeOrderAcross():
            return {relation.culprit, relation.via} <= own and {relation.via, relation.earlier} <= others


def _violated(relation: Relation, source: Source) -> str:
    match relation:
        case TimeOrder():
            return f"{source.value(relation.later)} < {source.value(relation.earlier)}"
        case Companion():
            return f"t.{identifier(relation.culprit)} IS NOT NULL AND t.{identifier(relation.needs)} IS NULL"
        case Reference():
            return _not_among(relation, source)
        case TimeOrderAcross():
            return _before_other(relation, source)


def _not_among(relation: Reference, source: Source) -> str:
    value, column = source.value(relation.culprit), identifier(relation.culprit)
    # The inner semi-join leaves the hash table with the smaller side: 300,000 claims, not 10 million orders.
    asked = f"SELECT {value} FROM {source.view} AS t"
    known = f"SELECT o.{column} FROM {known_view(relation.other)} AS o WHERE o.{column} IN ({asked})"
    return f"{value} IS NOT NULL AND {value} NOT IN ({known})"


def _before_other(relation: TimeOrderAcross, source: Source) -> str:
    via, earlier = identifier(relation.via), identifier(relation.earlier)
    earliest = f"SELECT o.{via}, min(o.{earlier}) AS earlier FROM {known_view(relation.other)} AS o GROUP BY 1"
    return f"{source.value(relation.culprit)} < (SELECT e.earlier FROM ({earliest}) AS e WHERE e.{via} = {source.value(relation.via)})"


def known_columns(table: str) -> tuple[str, ...]:
    """Return columns of a table that relations of other tables look up."""
    names: list[str] = []
    for relation in RELATIONS:
        match relation:
            case Reference() if relation.other == table:
                names.append(relation.culprit)
            case TimeOrderAcross() if relation.other == table:
                names += [relation.via, relation.earlier]
    return tuple(dict.fromkeys(names))
