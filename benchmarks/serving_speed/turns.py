"""Servers are asked in turns, so that a machine that is slower for a minute is slower for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.serving_speed.client import Timings, joined, timed
from benchmarks.serving_speed.report import PARTS, Measured
from benchmarks.serving_speed.servers import Running

TURNS = 4
"""Of each server at each number of connections."""
WARM_UP = 50
"""Requests before those of a turn that are timed."""


@dataclass
class Asked:
    """A server, the requests that it has still to get, and what it did so far, by number of connections."""

    name: str
    running: Running
    waiting: list[bytes]
    timings: dict[int, list[Timings]] = field(default_factory=lambda: defaultdict(list))
    spent: dict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: dict.fromkeys(PARTS, 0.0)))

    def turn(self, connections: int, seconds: float) -> None:
        """Asks for so long, after a few requests that warm up."""
        timed(self.running.port, self._next(WARM_UP), 1, 60.0)
        before = self.running.metrics()
        found = timed(self.running.port, self.waiting, connections, seconds)
        after = self.running.metrics()
        self._next(len(found.each) + found.failed)
        self.timings[connections].append(found)
        for name in after:
            self.spent[connections][name] += after[name] - before[name]

    def measured(self) -> Measured:
        """All turns together."""
        timings = {connections: joined(found) for connections, found in self.timings.items()}
        return Measured(self.name, timings, self.running.seconds, self.running.memory())

    def parts(self) -> dict[int, dict[str, float]]:
        """Milliseconds of each part of a claim, by number of connections."""
        return {
            connections: {name: spent[name] * 1000 / len(joined(self.timings[connections]).each) for name in PARTS}
            for connections, spent in self.spent.items()
        }

    def _next(self, count: int) -> list[bytes]:
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken


def take_turns(servers: Sequence[Asked], connections: Sequence[int], seconds: float) -> None:
    """Each server has `TURNS` turns at each number of connections, of `seconds` in all."""
    for _ in range(TURNS):
        for count in connections:
            for server in servers:
                server.turn(count, seconds / TURNS)
