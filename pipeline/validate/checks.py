"""The rules of the contract as SQL conditions over a table as it lies on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from claimvet.data.contract.dataset import identifier, quoted
from claimvet.data.contract.rules import (
    IDENTIFIER_LENGTH,
    RELATIONS,
    Companion,
    Reference,
    Relation,
    Rule,
    TimeOrder,
    TimeOrderAcross,
    expected_value,
    relations_of,
    value_rule,
)
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, Column, Kind
from claimvet.pipeline.validate.report import Check
from claimvet.pipeline.validate.sources import (
    NO_TYPE,
    ZONED_TIME,
    FileSchema,
    Source,
    fits,
    is_local_time,
    is_number,
    is_string,
)

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
            shown=quoted(f"none in {_names(lacking)}") if len(lacking) < len(source.schemas) else "",
            source=source.relation_of(lacking) if lacking else "",
            basis=column,
        )


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
        yield _check(source, column, Rule.WRONG_TYPE, f"{text} IS NOT NULL AND {value} IS NULL", text)
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
        good = all(map(is_number, types)) or all(map(is_string, types)) or types <= {"BOOLEAN"}
        violated = "" if good else f"t.{identifier(name)} IS NOT NULL"
        shown = "" if good else quoted("/".join(sorted(types)))
        yield Check(source.table, (name,), Rule.WRONG_TYPE, "numbers, booleans or strings", violated, shown)


def _check(source: Source, column: Column, rule: Rule, violated: str, shown: str, relation: str = "") -> Check:
    expected = expected_value(column)
    return Check(source.table, (column.name,), rule, expected, violated, shown, source=relation, basis=column)


def column_checks(source: Source, sound: frozenset[str]) -> Iterator[Check]:
    """Nulls, and values that the column may not have; values are looked at only in columns whose type is `sound`."""
    for column in source.table.columns:
        if column.name in source.names and not column.nullable:
            violated = f"t.{identifier(column.name)} IS NULL"
            yield Check(source.table, (column.name,), Rule.NULL, "a value in every row", violated, basis=column)
        rule = value_rule(column)
        if column.name in sound and rule is not None:
            value = source.value(column.name)
            yield _check(source, column, rule, _bad_value(column, value), value)


def _bad_value(column: Column, value: str) -> str:
    if column.kind is Kind.IDENTIFIER:
        shortest, longest = IDENTIFIER_LENGTH
        return f"length({value}) NOT BETWEEN {shortest} AND {longest}"
    if column.kind is Kind.CATEGORY:
        return f"{value} = ''"
    if column.kind is Kind.CHOICE:
        return f"{value} NOT IN ({', '.join(map(quoted, column.values))})"
    return f"({value} < 0 OR NOT isfinite({value}))"


def key_check(source: Source) -> Check | None:
    """Does the key occur once? None where a column of it is missing."""
    key = source.table.key
    if not source.names.issuperset(key):
        return None
    columns = ", ".join(identifier(name) for name in key)
    repeated = f"SELECT {columns} FROM {source.view} GROUP BY ALL HAVING count(*) > 1"
    violated = f"({', '.join(f't.{identifier(name)}' for name in key)}) IN ({repeated})"
    # Distinct 64-bit hashes cost a third of the memory of distinct keys, and as many of them as rows prove the keys distinct.
    suspected = f"count(*) - count(DISTINCT hash({columns}))"
    return Check(source.table, key, Rule.DUPLICATE_KEY, "one row a key", violated, suspected=suspected, alone=True)


def relation_checks(source: Source, sound: frozenset[str], known: Mapping[str, frozenset[str]]) -> Iterator[Check]:
    """The relations of this table that can be judged: all columns there and of the right type, the other table not empty.

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
    """Columns of a table that relations of other tables look up."""
    names: list[str] = []
    for relation in RELATIONS:
        match relation:
            case Reference() if relation.other == table:
                names.append(relation.culprit)
            case TimeOrderAcross() if relation.other == table:
                names += [relation.via, relation.earlier]
    return tuple(dict.fromkeys(names))
