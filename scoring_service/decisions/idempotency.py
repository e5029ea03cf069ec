"""Was this POST done before? A client's `Idempotency-Key`, kept with what it acknowledged in one transaction.

The same key and body are answered with the same bytes, by any instance and after a restart; the same key with another body is an error.
Neither the key nor the body is kept, only their hashes. Keys are forgotten after `KEPT_SECONDS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from claimvet.scoring_service.errors import ConflictError, FieldError
from claimvet.scoring_service.store.db.statements import run_many, where_in

HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 255
"""Characters of a key; that of the draft's implementations (draft-ietf-httpapi-idempotency-key-header-07, and Stripe's)."""
KEPT_SECONDS = 24 * 3600
"""How long a key is remembered; no proxy or client repeats a request for longer."""


@dataclass(frozen=True)
class Idempotency:
    """A client's key and what it was sent with, both SHA-256 in hexadecimal."""

    name: str
    digest: str

    @classmethod
    def of(cls, caller: str, route: str, key: str, body: bytes) -> Idempotency:
        """Return that of one request: `caller` is the API key's id, `route` the method and the path.

        >>> one = Idempotency.of("ab12", "POST /v1/events", "4711", b"{}")
        >>> one == Idempotency.of("ab12", "POST /v1/events", "4711", b"{}"), len(one.name)
        (True, 64)
        """
        name = "\n".join((caller, route, key))
        return cls(hashlib.sha256(name.encode()).hexdigest(), hashlib.sha256(body).hexdigest())


@dataclass(frozen=True)
class Answered:
    """What was answered under a key: `status` of HTTP, the text of the body, and the decision that it was, where it was one."""

    name: str
    digest: str
    status: int
    answer: str
    decision_id: str | None
    expires_at: int


_COLUMNS = ("name", "digest", "status", "answer", "decision_id", "expires_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM idempotency_keys"
_INSERT = f"INSERT INTO idempotency_keys ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM idempotency_keys WHERE name = ? AND expires_at <= ?"


def answered(asked: Iterable[Idempotency], now: int, connection: sa.Connection) -> dict[str, Answered]:
    """Return what was answered under each key, by name; a key that is too old is forgotten. No statement where nothing is asked."""
    names = [one.name for one in asked]
    found = [Answered(*row) for row in where_in(connection, _SELECT, "name", names)] if names else []
    run_many(connection, _DELETE, [(one.name, now) for one in found if one.expires_at <= now])
    return {one.name: one for one in found if one.expires_at > now}


def keep(made: Sequence[Answered], connection: sa.Connection) -> None:
    """Write down what is acknowledged in this transaction; `sqlalchemy.exc.IntegrityError` where another one was faster."""
    run_many(connection, _INSERT, [tuple(vars(one).values()) for one in made])


def prune(now: int, connection: sa.Connection) -> int:
    """Forget the keys that are too old at `now` (microseconds since 1970); how many."""
    return connection.execute(sa.text("DELETE FROM idempotency_keys WHERE expires_at <= :now"), {"now": now}).rowcount


def other_body() -> ConflictError:
    """Return what is answered where a key comes with another body than the one that it came with first."""
    message = f"this {HEADER} came before with another body, expected the same body or a new key"
    return ConflictError(message, [FieldError(HEADER, message)])
