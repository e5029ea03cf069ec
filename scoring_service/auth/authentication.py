"""Who asks, and may they? The API key of a request, looked up and checked against what its role allows.

A key that was found good is remembered for a moment, so that a thousand requests a second need no thousand look-ups; a key that is
revoked is refused within that moment. Where the store cannot be asked, keys seen good in the last minutes stay good.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import DBAPIError

from claimvet.data.contract.errors import StoreError
from claimvet.scoring_service.auth.keys import ApiKey, good_key
from claimvet.scoring_service.auth.roles import Action
from claimvet.scoring_service.errors import ForbiddenError, UnauthorizedError, UnavailableError
from claimvet.scoring_service.store import EventStore

REMEMBERED_SECONDS = 0.2
"""How long a good key is not looked up again: so long may a revoked key still work."""
TRUSTED_SECONDS = 300.0
"""The same, while the store cannot be asked."""
_ANSWER_SECONDS = 2.0
"""A store that answers no sooner is as good as gone."""
_ASK_AGAIN_SECONDS = 0.5
"""How long a store that was asked in vain is left alone."""
_MAX_REMEMBERED = 10_000


class Authenticator:
    """API keys checked against the store; `clock` counts seconds."""

    def __init__(self, store: EventStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._in_vain = -math.inf
        self._seen: dict[bytes, tuple[float, ApiKey]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="authentication")

    async def require(self, authorization: str | None, action: Action) -> ApiKey:
        """Return the key; raise `UnauthorizedError` without a valid one, `ForbiddenError` where its role may not do `action`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthorizedError("there is no API key, expected the header Authorization: Bearer KEY")
        key = await self._key(token.strip())
        if key is None:
            raise UnauthorizedError("the API key is unknown or revoked, expected one of `claimvet keys create`")
        if not key.may(action):
            raise ForbiddenError(f"a key with the role {key.role} may not {action}")
        return key

    async def _key(self, token: str) -> ApiKey | None:
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()  # no secret is kept in memory
        checked_at, seen = self._seen.get(name, (0.0, None))
        if seen is not None and self._clock() - checked_at < REMEMBERED_SECONDS:
            return seen
        try:
            key = await self._asked(token)
        except (StoreError, DBAPIError, TimeoutError) as error:
            if seen is not None and self._clock() - checked_at < TRUSTED_SECONDS:
                return seen
            raise UnavailableError("the event store cannot be asked for API keys") from error
        self._remember(name, key)
        return key

    async def _asked(self, token: str) -> ApiKey | None:
        """Return the key that the store knows; raise at once where it could not be asked a moment ago."""
        if self._clock() - self._in_vain < _ASK_AGAIN_SECONDS:
            raise TimeoutError
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._look_up, token)
        except (StoreError, DBAPIError, TimeoutError):
            self._in_vain = self._clock()
            raise

    def _look_up(self, token: str) -> ApiKey | None:
        with self._store.engine.connect() as connection:
            return good_key(token, connection)

    def _remember(self, name: bytes, key: ApiKey | None) -> None:
        if key is None:
            self._seen.pop(name, None)
            return
        if len(self._seen) >= _MAX_REMEMBERED:
            self._seen.clear()
        self._seen[name] = (self._clock(), key)

    def close(self) -> None:
        """End its thread."""
        self._thread.shutdown()
