"""Values that a JSON Schema allows, of as much of JSON Schema as the endpoint's document uses; shares no code with it."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
_OTHERS = st.dictionaries(
    st.sampled_from(["x_score", "x_site", "group_age"]), st.none() | st.booleans() | st.integers(0, 9)
)


def as_ecma(schema: Any) -> Any:
    """The schema with patterns as ECMA-262 means them, whose `$` is the very end: Python's also stands before a last line feed."""
    if isinstance(schema, dict):
        return {
            key: value.removesuffix("$") + r"\Z" if key == "pattern" and isinstance(value, str) else as_ecma(value)
            for key, value in schema.items()
        }
    return [as_ecma(value) for value in schema] if isinstance(schema, list) else schema


def values_of(schema: Schema, schemas: Schema) -> st.SearchStrategy[Any]:
    """Values of a schema; `schemas` are those that it may refer to. Where `if` and `then` forbid one, it is drawn again."""
    if "$ref" in schema:
        return values_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of([values_of(one, schemas) for one in schema["oneOf"]])
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return st.one_of([_KINDS[kind](schema, schemas) for kind in types])


def _object(schema: Schema, schemas: Schema) -> st.SearchStrategy[Any]:
    fields = {name: values_of(one, schemas) for name, one in schema["properties"].items()}
    needed = {name: fields.pop(name) for name in schema.get("required", [])}
    others = _OTHERS if "patternProperties" in schema.get("then", {}) else st.just({})
    drawn = st.builds(lambda one, other: {**other, **one}, st.fixed_dictionaries(needed, optional=fields), others)
    return drawn.map(lambda value: _with_companion(value, schema))


def _with_companion(value: Any, schema: Schema) -> Any:
    """Where `if` holds and `then` asks for more than there is, without what asks for it."""
    asked = schema.get("if", {}).get("required", [])
    missing = [name for name in schema.get("then", {}).get("required", []) if value.get(name) is None]
    return {key: None if missing and key in asked else one for key, one in value.items()}


def _string(schema: Schema, schemas: Schema) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 600)
    if (
        "pattern" in schema
        and "maxLength" not in schema
        and "minLength" not in schema
        and "x00" not in schema["pattern"]
    ):
        return st.from_regex(schema["pattern"])
    characters = st.characters(codec="utf-8", exclude_characters="\0" if "pattern" in schema else "")
    edges = [st.text(characters, min_size=least, max_size=min(most, 20)), st.just("x" * most)]
    return st.one_of(edges)


def _number(schema: Schema, schemas: Schema) -> st.SearchStrategy[float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1e300))
    high = math.nextafter(schema.get("exclusiveMaximum", 1e300), 0)
    return st.floats(low, high) | st.integers(int(low), min(int(high), 10**12))


_KINDS: dict[str, Any] = {
    "object": _object,
    "array": lambda schema, schemas: st.lists(values_of(schema["items"], schemas), max_size=3),
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": lambda schema, schemas: st.booleans(),
    "null": lambda schema, schemas: st.none(),
}
