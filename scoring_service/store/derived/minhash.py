"""The buckets of narratives (`features.links.minhash`), worked out once for a claim's row and for its features, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from claimvet.features.links.minhash import text_buckets

MAX_REMEMBERED = 1_024
"""Texts whose buckets are kept; all are forgotten when they are more."""

_remembered: dict[str, tuple[int, ...]] = {}


def buckets_of_all(narratives: Iterable[str]) -> Mapping[str, tuple[int, ...]]:
    """Return the distinct buckets of each text; most of what it takes is the same for one text as for thirty."""
    asked = list(dict.fromkeys(narratives))
    found = {text: buckets for text in asked if (buckets := _remembered.get(text)) is not None}
    new = [text for text in asked if text not in found]
    if new:
        made = {text: tuple(dict.fromkeys(buckets)) for text, buckets in zip(new, text_buckets(new), strict=True)}
        found |= made
        if len(_remembered) + len(made) > MAX_REMEMBERED:
            _remembered.clear()
        _remembered.update(list(made.items())[:MAX_REMEMBERED])
    return found
