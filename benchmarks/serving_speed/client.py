"""Many requests over a few kept connections, timed one by one: plain asyncio, so that the client is not what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timings:
    """Requests answered with 200, all in `seconds`; `each` are their own times in milliseconds, float64."""

    seconds: float
    each: np.ndarray
    failed: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.each) / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds that `share` of the requests did not exceed."""
        return float(np.quantile(self.each, share))


def joined(turns: Sequence[Timings]) -> Timings:
    """Several turns as one.

    >>> both = joined([Timings(2.0, np.array([1.0, 3.0]), 0), Timings(1.0, np.array([2.0]), 1)])
    >>> both.rate, both.quantile(0.5), both.failed
    (1.0, 2.0, 1)
    """
    each = np.concatenate([turn.each for turn in turns])
    return Timings(sum(turn.seconds for turn in turns), each, sum(turn.failed for turn in turns))


def request(path: str, body: bytes, key: str | None = None) -> bytes:
    """The bytes of one POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def timed(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Timings:
    """Sends the requests, each once, over so many connections; stops when all are sent or `seconds` are over."""
    return asyncio.run(_timed(port, requests, connections, seconds))


async def _timed(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Timings:
    waiting = list(reversed(requests))
    each: list[float] = []
    failed = 0
    start = time.perf_counter()

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting and time.perf_counter() - start < seconds:
            sent = time.perf_counter()
            writer.write(waiting.pop())
            status = await _status(reader)
            if status == 200:
                each.append((time.perf_counter() - sent) * 1000.0)
            else:
                failed += 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return Timings(time.perf_counter() - start, np.array(each), failed)


async def _status(reader: asyncio.StreamReader) -> int:
    """Reads one answer to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])
