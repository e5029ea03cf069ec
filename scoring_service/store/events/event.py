"""One row of a table of the contract, as it goes into the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StoredEvent:
    """A validated row: every column of its table, times in int microseconds since 1970 UTC, money in float US dollars.

    `extra` holds a claim's own `x_` and `group_` columns as they were given.
    """

    table: str
    row: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)
