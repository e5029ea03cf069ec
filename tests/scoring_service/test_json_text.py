"""JSON as the service writes it can be read back by anybody, and one value has one text."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.scoring_service.json_text import canonical, parsed, text

TEXT = st.text(st.characters(codec="utf-8"))
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=15
)


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_keys(inner) for name, inner in reversed(value.items())}
    return [reversed_keys(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES)
def test_a_value_comes_back_with_every_bit_of_its_floats(value: Any) -> None:
    for written in (canonical(value), text(value)):
        assert parsed(written) == value
        assert json.loads(written) == value  # as another library reads it
        assert parsed(written.encode()) == value


@given(VALUES)
def test_the_order_of_keys_changes_nothing_of_the_one_text(value: Any) -> None:
    assert canonical(reversed_keys(value)) == canonical(value)
    assert canonical(parsed(canonical(value))) == canonical(value)


@given(st.dictionaries(TEXT, PLAIN, max_size=6))
def test_keys_are_sorted_in_the_one_text_and_as_they_were_put_in_the_other(value: dict[str, Any]) -> None:
    assert list(parsed(canonical(value))) == sorted(value)
    assert list(parsed(text(value))) == list(value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_of_json_is_written_as_null(number: float) -> None:
    assert canonical({"a": number}) == text({"a": number}) == '{"a":null}'


@pytest.mark.parametrize(
    "document", ["", "NaN", "[1,]", "{'a': 1}", "\ufeff1", "1e400", "[" * 5_000, '"\\ud800"', b"\xff"]
)
def test_what_is_no_json_is_refused(document: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1 column \d+"):
        parsed(document)
