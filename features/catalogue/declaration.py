"""What a feature is: entity, event, aggregation, column and window; everything else follows from them.

A declaration holds no SQL and no data frame: the batch build (`features.batch`) and the endpoint (`features.online`)
compute it, and `docs/features.md` is written from it. There are five forms: `HistoryFeature` (events of an entity
before the claim), `RatioFeature` and `TrendFeature` (of two other features), `ClaimFeature` (of the claim itself) and
`LinkFeature` (other customers that the claim is tied to).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from claimvet.data.contract.errors import FeatureError


class Entity(StrEnum):
    """Whose history is looked at."""

    CUSTOMER = "customer"
    SELLER = "seller"
    PRODUCT = "product"
    CATEGORY = "category"
    ORDER = "order"
    CLAIM = "claim"

    @property
    def key(self) -> str:
        """Column that identifies the entity, such as `customer_id`."""
        return f"{self.value}_id"

    @property
    def possessive(self) -> str:
        """How a sentence speaks of it: `the customer's`."""
        return f"the {self.value}'s"


class Aggregation(StrEnum):
    """How the events of a history become one number."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    STD = "std"
    DISTINCT = "distinct"
    SHARE = "share"
    DAYS_SINCE_FIRST = "days_since_first"
    DAYS_SINCE_LAST = "days_since_last"
    RATIO = "ratio"
    TREND = "trend"
    VALUE = "value"

    @property
    def phrase(self) -> str:
        """How a sentence speaks of it: `number of`."""
        return _PHRASES.get(self, self.value)


_PHRASES = {
    Aggregation.COUNT: "number of",
    Aggregation.SUM: "sum of {column} over",
    Aggregation.MEAN: "mean {column} of",
    Aggregation.MAX: "largest {column} of",
    Aggregation.STD: "standard deviation of {column} over",
    Aggregation.DISTINCT: "number of distinct {column} among",
    Aggregation.SHARE: "share, among all {source}, of",
    Aggregation.DAYS_SINCE_FIRST: "days since the first of",
    Aggregation.DAYS_SINCE_LAST: "days since the latest of",
}

INTEGER_AGGREGATIONS = frozenset({Aggregation.COUNT, Aggregation.DISTINCT})
"""Aggregations that count, into int64."""

MONEY_COLUMNS = frozenset({"amount", "refund", "paid", "coverage"})
"""Columns of histories that hold cents, and dollars in a feature."""


class Suspicion(StrEnum):
    """Which way a feature points, where that is beyond doubt; it becomes a monotone constraint of the boosters."""

    RAISES = "raises"
    LOWERS = "lowers"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Filter:
    """Keep the events whose `column` is one of `values`."""

    column: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.column} in ({', '.join(self.values)})"


@dataclass(frozen=True)
class Event:
    """A kind of event that can be counted: the rows of a source, or those that pass a filter.

    `name` becomes part of the feature's name, so it is a plural such as `orders` or `returns_bad_condition`;
    `meaning` is how a sentence speaks of them: `returns that came back empty, swapped or not at all`.
    """

    name: str
    source: str
    meaning: str
    where: Filter | None = None


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What all features have in common; the five forms say how the value comes about.

    `model_input` is False for what an expert should see but a model must not use: wording is not evidence, size is not
    merit.
    """

    family: str
    suspicion: Suspicion = Suspicion.UNKNOWN
    model_input: bool = True
    unit: str = "1"
    dtype: str = "float64"

    @property
    def name(self) -> str:
        """Column name, derived by one rule: `<entity>_<event>_<aggregation>[_<window>]`."""
        raise NotImplementedError

    @property
    def description(self) -> str:
        """One phrase, without a full stop, that a seller can read."""
        raise NotImplementedError

    def listing(self) -> dict[str, str | int | None]:
        """Return the row of `claimvet features list`."""
        raise NotImplementedError

    def _listing(
        self,
        entity: str,
        source: str,
        aggregation: Aggregation,
        column: str | None = None,
        window_days: int | None = None,
        where: Filter | None = None,
    ) -> dict[str, str | int | None]:
        return {
            "name": self.name,
            "description": self.description,
            "entity": entity,
            "source": source,
            "aggregation": aggregation.value,
            "column": column,
            "window_days": window_days,
            "filter": str(where) if where else None,
            "dtype": self.dtype,
            "unit": self.unit,
            "family": self.family,
            "suspicion": self.suspicion.value,
            "model_input": "yes" if self.model_input else "no",
        }


def column_noun(column: str) -> str:
    """Return how names and sentences speak of a column: `sellers` for `seller_id`, else the column itself.

    >>> column_noun("seller_id"), column_noun("refund")
    ('sellers', 'refund')
    """
    return f"{column.removesuffix('_id')}s" if column.endswith("_id") else column


def window_suffix(window_days: int | None) -> str:
    """Return `_365d`, or nothing where all time counts."""
    return f"_{window_days}d" if window_days is not None else ""


def window_phrase(window_days: int | None) -> str:
    """Return how a sentence speaks of the window."""
    return f"in the {window_days} days before the claim was filed" if window_days else "before the claim was filed"


@dataclass(frozen=True, kw_only=True)
class HistoryFeature(Feature):
    """An aggregation over the events of one entity that were known before the claim was filed.

    `column` is a column of the source, where the aggregation needs one; `unit` and `dtype` follow from the two. A
    `SHARE` is of the events that pass the filter among all of the source.

    >>> from claimvet.features.catalogue.events import RETURNS
    >>> refunds = HistoryFeature(
    ...     entity=Entity.PRODUCT, event=RETURNS, aggregation=Aggregation.MEAN, column="refund", window_days=180, family="new"
    ... )
    >>> refunds.name, refunds.unit, refunds.dtype
    ('product_returns_refund_mean_180d', 'USD', 'float64')
    >>> refunds.description
    "mean refund of the product's returns in the 180 days before the claim was filed"

    Raises:
        FeatureError: where the column, the window or the filter does not fit the aggregation.
    """

    entity: Entity
    event: Event
    aggregation: Aggregation
    column: str | None = None
    window_days: int | None = None
    unit: str = field(init=False)
    dtype: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", self._unit())
        object.__setattr__(self, "dtype", self._dtype())
        needs_column = "{column}" in self.aggregation.phrase
        if needs_column != (self.column is not None):
            expected = "needs a column" if needs_column else "takes no column"
            raise FeatureError(f"feature {self.name}: {self.aggregation} {expected}, got {self.column!r}")
        if self.window_days is not None and self.window_days <= 0:
            raise FeatureError(f"feature {self.name}: window_days is {self.window_days}, expected more than 0")
        if self.aggregation is Aggregation.SHARE and self.event.where is None:
            raise FeatureError(
                f"feature {self.name}: a share needs events that pass a filter, got all {self.event.source}"
            )

    def _unit(self) -> str:
        if self.aggregation in {Aggregation.DAYS_SINCE_FIRST, Aggregation.DAYS_SINCE_LAST}:
            return "days"
        return "USD" if self.column in MONEY_COLUMNS and self.aggregation not in INTEGER_AGGREGATIONS else "1"

    def _dtype(self) -> str:
        return "int64" if self.aggregation in INTEGER_AGGREGATIONS else "float64"

    @property
    def name(self) -> str:
        column = f"{column_noun(self.column)}_" if self.column else ""
        return f"{self.entity}_{self.event.name}_{column}{self.aggregation}{window_suffix(self.window_days)}"

    @property
    def description(self) -> str:
        noun = column_noun(self.column or "") if self.aggregation is Aggregation.DISTINCT else self.column or ""
        source = self.event.source.replace("_", " ")
        phrase = self.aggregation.phrase.format(column=noun.replace("_", " "), source=source)
        return f"{phrase} {self.entity.possessive} {self.event.meaning} {window_phrase(self.window_days)}"

    def listing(self) -> dict[str, str | int | None]:
        event = self.event
        return self._listing(self.entity, event.source, self.aggregation, self.column, self.window_days, event.where)


@dataclass(frozen=True, kw_only=True)
class RatioFeature(Feature):
    """One feature divided by another; null where either is null or the divisor is 0.

    >>> from claimvet.features.catalogue.features import BY_NAME
    >>> ratio = RatioFeature(
    ...     label="claim_share_of_price",
    ...     meaning="amount claimed over the product's listed price",
    ...     numerator=BY_NAME["claim_amount"],
    ...     denominator=BY_NAME["product_price"],
    ...     family="new",
    ... )
    >>> ratio.listing()["column"]
    'claim_amount / product_price'
    """

    label: str
    meaning: str
    numerator: Feature
    denominator: Feature
    window_days: int | None = None

    @property
    def name(self) -> str:
        return f"{self.label}{window_suffix(self.window_days)}"

    @property
    def description(self) -> str:
        return self.meaning

    def listing(self) -> dict[str, str | int | None]:
        of = f"{self.numerator.name} / {self.denominator.name}"
        entity = self.label.split("_")[0]
        return self._listing(entity, "features", Aggregation.RATIO, of, self.window_days)


@dataclass(frozen=True, kw_only=True)
class TrendFeature(Feature):
    """The daily rate in a short window over that in a long one: 1 means no change; null where the long one is empty.

    >>> from claimvet.features.catalogue.features import BY_NAME
    >>> trend = TrendFeature(
    ...     short=BY_NAME["customer_returns_count_30d"], long=BY_NAME["customer_returns_count_90d"], family="new"
    ... )
    >>> trend.name, trend.scale
    ('customer_returns_trend_30d', 3.0)
    """

    short: HistoryFeature
    long: HistoryFeature

    @property
    def name(self) -> str:
        return f"{self.short.entity}_{self.short.event.name}_trend{window_suffix(self.short.window_days)}"

    @property
    def scale(self) -> float:
        """Length of the long window over that of the short one."""
        if self.short.window_days is None or self.long.window_days is None:
            raise FeatureError(f"feature {self.name}: a trend needs two windows")
        return self.long.window_days / self.short.window_days

    @property
    def description(self) -> str:
        return (
            f"daily rate of {self.short.entity.possessive} {self.short.event.meaning} in the last {self.short.window_days} days, "
            f"as a multiple of the rate in the last {self.long.window_days}"
        )

    def listing(self) -> dict[str, str | int | None]:
        of = f"{self.short.name} / {self.long.name}"
        return self._listing(
            self.short.entity,
            self.short.event.source,
            Aggregation.TREND,
            of,
            self.short.window_days,
            self.short.event.where,
        )


class Form(StrEnum):
    """How a `ClaimFeature` is made of one column of the claim's context (`features.batch.claim_context`)."""

    VALUE = "value"
    DAYS_UNTIL_FILING = "days_until_filing"
    HOUR_OF_DAY = "hour_of_day"
    DAY_OF_WEEK = "day_of_week"
    WITHIN = "within"
    LENGTH = "length"


@dataclass(frozen=True, kw_only=True)
class ClaimFeature(Feature):
    """A fact of the claim itself, its order, product or parties, as known when it was filed.

    `bounds` are the half-open limits of the form `WITHIN`, in the column's unit.

    >>> night = ClaimFeature(
    ...     label="claim_hour", meaning="hour of the day", source="claims", column="filed_at", form=Form.HOUR_OF_DAY, family="new"
    ... )
    >>> night.name, night.dtype
    ('claim_hour', 'float64')
    """

    label: str
    meaning: str
    source: str
    column: str
    form: Form = Form.VALUE
    bounds: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        return self.label

    @property
    def description(self) -> str:
        return self.meaning

    def listing(self) -> dict[str, str | int | None]:
        return self._listing(self.label.split("_")[0], self.source, Aggregation.VALUE, self.column)


@dataclass(frozen=True, kw_only=True)
class LinkFeature(Feature):
    """Distinct other customers whom something ties to this claim; `label` names it, `features.links.link_tables`
    computes it."""

    label: str
    meaning: str
    source: str
    column: str

    @property
    def name(self) -> str:
        return self.label

    @property
    def description(self) -> str:
        return self.meaning

    def listing(self) -> dict[str, str | int | None]:
        return self._listing(self.label.split("_")[0], self.source, Aggregation.DISTINCT, self.column)
