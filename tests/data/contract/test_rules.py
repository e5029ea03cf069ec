"""The rules name only what the tables declare."""

from __future__ import annotations

import pytest

from claimvet.data.contract.rules import (
    RELATIONS,
    Reference,
    Relation,
    Rule,
    TimeOrderAcross,
    expected_by,
    expected_value,
    relations_of,
    value_rules,
)
from claimvet.data.contract.tables import TABLES, Kind


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.rule)
def test_a_relation_ties_columns_that_are_declared(relation: Relation) -> None:
    own = TABLES[relation.table].column_names
    named = {name for name in (getattr(relation, each, None) for each in ("culprit", "needs", "via", "later")) if name}
    assert named <= set(own)
    if isinstance(relation, Reference):
        assert TABLES[relation.other].key == (relation.culprit,)
    if isinstance(relation, TimeOrderAcross):
        assert relation.earlier in TABLES[relation.other].column_names


def test_a_rule_is_declared_once() -> None:
    rules = [relation.rule for relation in RELATIONS]
    assert len(set(rules)) == len(rules)
    assert [relation for table in TABLES.values() for relation in relations_of(table)] != []
    assert {relation.rule for table in TABLES.values() for relation in relations_of(table)} == set(rules)


def test_every_column_says_what_it_expects() -> None:
    for table in TABLES.values():
        for column in table.columns:
            assert expected_value(column)
            assert all(expected_by(rule, column) for rule in value_rules(column))


def test_every_value_is_bounded_but_a_narrative_and_only_policies_lie_ahead() -> None:
    columns = [(table.name, column) for table in TABLES.values() for column in table.columns]
    assert [column.name for _, column in columns if column.unbounded] == ["narrative"]
    assert [column.name for _, column in columns if column.may_lie_ahead] == ["valid_from", "valid_to"]
    ahead = {
        name for name, column in columns if column.kind is Kind.TIME and Rule.TIME_AFTER_NOW not in value_rules(column)
    }
    assert ahead == {"insurance_policies"}


def test_only_choices_have_values() -> None:
    columns = [column for table in TABLES.values() for column in table.columns]
    assert all(bool(column.values) == (column.kind is Kind.CHOICE) for column in columns)


@pytest.mark.parametrize(
    "words",
    [
        "missing column",
        "wrong type",
        "duplicate key",
        "null where none may be",
        "unknown value",
        "negative or infinite money",
        "a time without a zone",
        "a condition without inspected_at",
        "an incident after its filing",
        "a policy that ends before it starts",
        "an outcome before its claim",
        "an outcome without its claim",
        "a claim on an order that the orders table lacks",
        "a file that is no table",
        "a time after now",
    ],
)
def test_what_the_contract_calls_invalid_is_a_rule_in_its_words(words: str) -> None:
    assert words in set(Rule)
