"""When things happen: the period, and how orders spread over it."""

from __future__ import annotations

from functools import cache

import numpy as np

from claimvet.data.contract.arrays import Floats
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace.randomness import Ints, sorted_uniforms


def start_of_period() -> int:
    """First instant of the period, microseconds since 1970."""
    return int(np.datetime64(c.START_DAY, "us").astype(np.int64))


def end_of_period() -> int:
    """First instant after the period: nothing later is known."""
    return start_of_period() + c.PERIOD_DAYS * c.MICROSECOND_DAY


def month_edges() -> Ints:
    """First instants of the calendar months that the period touches, and of the month after; int64 microseconds."""
    first = np.datetime64(c.START_DAY, "M")
    last = np.datetime64(end_of_period() - 1, "us").astype("datetime64[M]")
    return np.arange(first, last + 2).astype("datetime64[us]").astype(np.int64)


def days(count: Floats) -> Ints:
    """Return days as int64 microseconds."""
    return (count * c.MICROSECOND_DAY).astype(np.int64)


def _hour_factor() -> Floats:
    share = np.array(c.HOUR_SHARE)
    return np.asarray((1 - c.ANY_HOUR_SHARE) * share / share.sum() + c.ANY_HOUR_SHARE / 24, dtype=np.float64)


@cache
def _hourly_intensity() -> tuple[Ints, Floats]:
    """Edges of the period's hours, and the cumulative share of orders up to each edge."""
    hours = start_of_period() + np.arange(c.PERIOD_DAYS * 24 + 1, dtype=np.int64) * (c.MICROSECOND_DAY // 24)
    month = (hours.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)) % 12
    elapsed_years = (hours - hours[0]) / (365 * c.MICROSECOND_DAY)
    rate = np.array(c.MONTH_FACTOR)[month] * np.tile(_hour_factor(), c.PERIOD_DAYS + 1)[: len(hours)]
    rate = rate * (1 + c.YEARLY_GROWTH) ** elapsed_years
    cumulative = np.concatenate([[0.0], np.cumsum(rate[:-1])])
    return hours, cumulative / cumulative[-1]


def order_times(rng: np.random.Generator, size: int) -> Ints:
    """Sorted instants of orders: yearly growth, season by month and hour of the day; int64 microseconds, shape (size,)."""
    hours, cumulative = _hourly_intensity()
    since_start: Ints = np.interp(sorted_uniforms(rng, size), cumulative, hours - hours[0]).astype(np.int64)
    return since_start + start_of_period()
