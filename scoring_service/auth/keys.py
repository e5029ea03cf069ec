"""API keys: who may do what. A key is shown once, when it is made; the store keeps its SHA-256.

A plain fast hash is right here: a key's secret is 256 random bits, so there is nothing to guess and nothing a slow hash or a
salt would add. A key is found by its public id; the hashes are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

import sqlalchemy as sa

from claimvet.data.contract.errors import UsageError
from claimvet.scoring_service.auth.roles import ALLOWED, Action, Role
from claimvet.scoring_service.store.db.records import api_keys

ID_DIGITS, SECRET_DIGITS = 12, 64
"""Hexadecimal digits of a key's id and of its secret: 48 and 256 bits."""
_FORM = re.compile(rf"cv_([0-9a-f]{{{ID_DIGITS}}})_([0-9a-f]{{{SECRET_DIGITS}}})")


@dataclass(frozen=True)
class ApiKey:
    """What the store knows of a key; instants in microseconds since 1970."""

    key_id: str
    role: Role
    secret_hash: str
    created_at: int
    revoked_at: int | None

    def may(self, action: Action) -> bool:
        """Return whether the key's role allows it."""
        return action in ALLOWED[self.role]


def create_key(role: Role, key_id: str, secret: str, now: int, connection: sa.Connection) -> str:
    """Keep a new key and return its text; `key_id` and `secret` are random hexadecimal digits."""
    values = {"key_id": key_id, "role": role.value, "secret_hash": _hash(secret), "created_at": now}
    connection.execute(sa.insert(api_keys).values(values))
    return f"cv_{key_id}_{secret}"


def list_keys(connection: sa.Connection) -> list[ApiKey]:
    """Return all keys, oldest first."""
    return [_key(row) for row in connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at))]


def revoke_key(key_id: str, now: int, connection: sa.Connection) -> None:
    """Revoke a key; raise `UsageError` where there is none of that id. Revoking twice changes nothing."""
    if _find(key_id, connection) is None:
        raise UsageError(f"there is no API key {key_id}; `claimvet keys list` shows them")
    mine = (api_keys.c.key_id == key_id) & api_keys.c.revoked_at.is_(None)
    connection.execute(sa.update(api_keys).where(mine).values(revoked_at=now))


def good_key(text: str, connection: sa.Connection) -> ApiKey | None:
    """Return the key of that text; None where it is malformed, unknown, has another secret, or is revoked."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    key = _find(form[1], connection)
    matches = hmac.compare_digest(_hash(form[2]), key.secret_hash if key else _hash(""))
    return key if key is not None and matches and key.revoked_at is None else None


def _find(key_id: str, connection: sa.Connection) -> ApiKey | None:
    row = connection.execute(sa.select(api_keys).where(api_keys.c.key_id == key_id)).first()
    return None if row is None else _key(row)


def _key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    values = row._mapping
    return ApiKey(
        values["key_id"], Role(values["role"]), values["secret_hash"], values["created_at"], values["revoked_at"]
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
