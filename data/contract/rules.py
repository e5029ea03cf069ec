"""What is wrong with a data set: the rules of the contract by name, and the relations between columns, declared once.

The rules of a single column (null, length, value, money) follow from `data.contract.tables`; only what ties two columns or
two tables together needs a declaration of its own, and that is `RELATIONS`. Nothing else is a rule: an event may name a
customer whom `customers` lacks, and evidence may precede its claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from claimvet.data.contract.tables import Column, Kind, Table

IDENTIFIER_LENGTH = (1, 64)
"""Fewest and most characters of an identifier."""

TEXT_LENGTH = 512
"""Most characters of a category, a token, a hash, and of any other text but a narrative."""

MONEY_BOUND_USD = 1_000_000_000.0
"""Every amount is less: in cents, as features are summed, it takes 90 million such rows to pass an int64."""

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Years that a time may lie in; earlier and later ones are what programs write for “none” and “for ever”."""


class Rule(StrEnum):
    """Every way of being wrong, in the contract's own words."""

    MISSING_TABLE = "missing table"
    EMPTY_TABLE = "empty table"
    TABLE_TWICE = "table found twice"
    NO_TABLE = "a file that is no table"
    MISSING_COLUMN = "missing column"
    WRONG_TYPE = "wrong type"
    NO_ZONE = "a time without a zone"
    DUPLICATE_KEY = "duplicate key"
    NULL = "null where none may be"
    IDENTIFIER_LENGTH = "identifier empty or longer than 64 characters"
    EMPTY_STRING = "empty string"
    UNKNOWN_VALUE = "unknown value"
    BAD_MONEY = "negative or infinite money"
    MONEY_TOO_GREAT = "money of 1,000,000,000 US dollars or more"
    TEXT_LENGTH = "text longer than 512 characters"
    NUL_CHARACTER = "text with a NUL character"
    TIME_OUT_OF_RANGE = "a time before 1900 or after 2199"
    TIME_AFTER_NOW = "a time after now"
    INCIDENT_AFTER_FILING = "an incident after its filing"
    CONDITION_UNINSPECTED = "a condition without inspected_at"
    POLICY_ENDS_BEFORE_START = "a policy that ends before it starts"
    OUTCOME_BEFORE_CLAIM = "an outcome before its claim"
    OUTCOME_WITHOUT_CLAIM = "an outcome without its claim"
    CLAIM_WITHOUT_ORDER = "a claim on an order that the orders table lacks"


@dataclass(frozen=True)
class TimeOrder:
    """`later` is never before `earlier`, both of the same row; a null on either side breaks nothing.

    `culprit` is the column that a violation names.
    """

    rule: Rule
    table: str
    earlier: str
    later: str
    culprit: str

    @property
    def expected(self) -> str:
        """What should have held, as a phrase."""
        return f"{self.earlier} at or before {self.later}"


@dataclass(frozen=True)
class Companion:
    """Where `culprit` is not null, `needs` is not null either."""

    rule: Rule
    table: str
    culprit: str
    needs: str

    @property
    def expected(self) -> str:
        """What should have held, as a phrase."""
        return f"{self.needs} wherever {self.culprit} is given"


@dataclass(frozen=True)
class Reference:
    """Every value of `culprit` is a value of the same column of table `other`; holds by itself where `other` has no rows."""

    rule: Rule
    table: str
    culprit: str
    other: str

    @property
    def expected(self) -> str:
        """What should have held, as a phrase."""
        return f"a value of {self.other}.{self.culprit}"


@dataclass(frozen=True)
class TimeOrderAcross:
    """`culprit` is never before `earlier` of the row of table `other` that has the same `via`."""

    rule: Rule
    table: str
    culprit: str
    other: str
    via: str
    earlier: str

    @property
    def expected(self) -> str:
        """What should have held, as a phrase."""
        return f"a time at or after {self.other}.{self.earlier}"


Relation = TimeOrder | Companion | Reference | TimeOrderAcross

RELATIONS: tuple[Relation, ...] = (
    TimeOrder(Rule.INCIDENT_AFTER_FILING, "claims", "incident_at", "filed_at", culprit="incident_at"),
    Reference(Rule.CLAIM_WITHOUT_ORDER, "claims", "order_id", "orders"),
    Companion(Rule.CONDITION_UNINSPECTED, "returns", "condition", "inspected_at"),
    Reference(Rule.OUTCOME_WITHOUT_CLAIM, "outcomes", "claim_id", "claims"),
    TimeOrderAcross(Rule.OUTCOME_BEFORE_CLAIM, "outcomes", "decided_at", "claims", "claim_id", "filed_at"),
    TimeOrder(Rule.POLICY_ENDS_BEFORE_START, "insurance_policies", "valid_from", "valid_to", culprit="valid_to"),
)
"""All rules that tie columns or tables together."""


def relations_of(table: Table) -> tuple[Relation, ...]:
    """Return the relations whose culprit is a column of this table, in declared order."""
    return tuple(relation for relation in RELATIONS if relation.table == table.name)


def value_rules(column: Column) -> tuple[Rule, ...]:
    """Return the rules that a value of this column can break although its type is right.

    >>> from claimvet.data.contract.tables import TABLES
    >>> [rule.value for rule in value_rules(TABLES["claims"].column("claim_type"))]
    ['unknown value']
    """
    text = (Rule.NUL_CHARACTER,) if column.unbounded else (Rule.TEXT_LENGTH, Rule.NUL_CHARACTER)
    return {
        Kind.IDENTIFIER: (Rule.IDENTIFIER_LENGTH, Rule.NUL_CHARACTER),
        Kind.CATEGORY: (Rule.EMPTY_STRING, *text),
        Kind.TEXT: text,
        Kind.CHOICE: (Rule.UNKNOWN_VALUE,),
        Kind.MONEY: (Rule.BAD_MONEY, Rule.MONEY_TOO_GREAT),
        Kind.TIME: (Rule.TIME_OUT_OF_RANGE, *(() if column.may_lie_ahead else (Rule.TIME_AFTER_NOW,))),
    }[column.kind]


def expected_by(rule: Rule, column: Column) -> str:
    """Return what a value of this column has to be for this rule, as a phrase.

    >>> from claimvet.data.contract.tables import TABLES
    >>> expected_by(Rule.MONEY_TOO_GREAT, TABLES["orders"].column("amount"))
    'less than 1,000,000,000 US dollars'
    """
    return {
        Rule.MONEY_TOO_GREAT: f"less than {MONEY_BOUND_USD:,.0f} US dollars",
        Rule.TEXT_LENGTH: f"at most {TEXT_LENGTH} characters",
        Rule.NUL_CHARACTER: "text without NUL characters",
        Rule.TIME_OUT_OF_RANGE: f"a year from {FIRST_YEAR} to {LAST_YEAR}",
        Rule.TIME_AFTER_NOW: "a time that has come",
    }.get(rule, expected_value(column))


def expected_value(column: Column) -> str:
    """Return what a value of this column has to be, as a phrase.

    >>> from claimvet.data.contract.tables import TABLES
    >>> expected_value(TABLES["orders"].column("amount"))
    'a finite number of US dollars, not negative'
    """
    shortest, longest = IDENTIFIER_LENGTH
    return {
        Kind.IDENTIFIER: f"a string of {shortest} to {longest} characters",
        Kind.CATEGORY: "a string that is not empty",
        Kind.CHOICE: f"one of {', '.join(column.values)}",
        Kind.TEXT: "a string",
        Kind.TIME: "an instant with its zone",
        Kind.MONEY: "a finite number of US dollars, not negative",
    }[column.kind]
