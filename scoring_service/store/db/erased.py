"""What stands where a narrative was erased: a placeholder of the same length, which has no word, and the hash of what was there.

The length is an input of models, so a placeholder keeps the features of the claim as they were; a claim that is sent again is held
against the hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from claimvet.scoring_service.store.db.statements import where_in

ERASED_CHARACTER = "\u2588"


def placeholder(characters: int) -> str:
    """What stands in the place of so many characters.

    >>> len(placeholder(13)), is_placeholder(placeholder(13)), is_placeholder("A rung broke.")
    (13, True, False)
    """
    return ERASED_CHARACTER * characters


def is_placeholder(text: str | None) -> bool:
    """Whether a text can be what stands where another was."""
    return bool(text) and not str(text).strip(ERASED_CHARACTER)


def digest(text: str) -> str:
    """The hash by which an erased text is known again, SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def erased_digests(connection: sa.Connection, claim_ids: Iterable[str]) -> dict[str, str]:
    """The hash of the narrative that was erased, by claim; claims of which none was are left out."""
    if not (asked := list(claim_ids)):
        return {}
    found = where_in(connection, "SELECT claim_id, narrative_digest FROM erased_texts", "claim_id", asked)
    return {row[0]: row[1] for row in found}


def erased_buckets(connection: sa.Connection, claim_ids: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The MinHash buckets of the narrative that was erased, by claim; claims of which none was are left out."""
    if not claim_ids:
        return {}
    found = where_in(connection, "SELECT claim_id, buckets FROM erased_texts", "claim_id", claim_ids)
    return {row[0]: tuple(json.loads(row[1])) for row in found}
