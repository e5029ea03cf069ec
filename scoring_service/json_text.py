"""JSON as the service reads and writes it: UTF-8, no NaN, keys in order where the bytes matter."""

from __future__ import annotations

from typing import Any

import orjson


def canonical(value: Any) -> str:
    """Return the one text of a value: keys sorted, no spaces, shortest floats; equal values give equal text.

    >>> canonical({"b": 1.5, "a": None})
    '{"a":null,"b":1.5}'
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def text(value: Any) -> str:
    """Return a value as JSON with its keys in the order they were put in."""
    return orjson.dumps(value).decode()


def parsed(document: str | bytes) -> Any:
    """Parse a text; raise `ValueError` where it is no JSON (NaN and Infinity are none)."""
    return orjson.loads(document)
