"""Is this one row of a table of the contract? Parsed from JSON, by the rules of `data validate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring_service.store.event import StoredEvent


def parse_row(table: str, row: Mapping[str, Any]) -> StoredEvent:
    """The row with normalised values.

    Raises:
        RowError: names the field, its value and what was expected.
    """
    raise NotImplementedError
