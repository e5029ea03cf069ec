"""What can be watched, for Prometheus: latency by part, outcomes, dispositions, degraded claims, events, staleness, skew.

One `Metrics` a process, with a registry of its own; nothing in it names a customer, a claim or a key.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PARTS = ("parse", "wait", "features", "predict", "explain", "write", "commit")
"""Where the time of a claim goes, in order; all but `parse` are of the write queue: how long it waited, and its share of the batch it
was decided in. `commit` is the wait for the disk."""


class Metrics:
    """All metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter(
            "claimvet_requests", "Answers by route, method and status", ["route", "method", "status"], registry=r
        )
        self.seconds = Histogram("claimvet_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=r)
        self.part_seconds = Histogram(
            "claimvet_part_seconds", "Time of each part of a claim", ["part"], buckets=_SECONDS, registry=r
        )
        self.decisions = Counter(
            "claimvet_decisions", "Decisions by kind and disposition", ["kind", "disposition"], registry=r
        )
        self.degraded = Counter(
            "claimvet_degraded", "Claims referred because they could not be scored", ["cause"], registry=r
        )
        self.events = Counter("claimvet_events", "Events taken in, by table", ["table"], registry=r)
        self.batch = Histogram(
            "claimvet_batch_size", "Requests written in one transaction", buckets=(1, 2, 4, 8, 16, 32), registry=r
        )
        self.waiting = Gauge("claimvet_waiting", "Requests that wait for the write queue", registry=r)
        self.outage_queue = Gauge(
            "claimvet_outage_queue", "Claims that wait in the outage queue for the store", registry=r
        )
        self.refused = Gauge(
            "claimvet_outage_queue_refused", "Claims in the outage queue that the store refuses", registry=r
        )
        self.ready = Gauge("claimvet_ready", "1 where claims can be scored, by what is needed", ["needs"], registry=r)
        self.model = Gauge(
            "claimvet_model", "1 for the model that scores, by role", ["role", "version", "uri"], registry=r
        )
        self.model_swaps = Counter("claimvet_model_swaps", "Models taken over, by role", ["role"], registry=r)
        self.staleness = Gauge(
            "claimvet_staleness_seconds", "Seconds since the latest event was known, by table", ["table"], registry=r
        )
        self.connections = Gauge("claimvet_connections", "Open connections", registry=r)
        self.connections_closed = Counter(
            "claimvet_connections_closed", "Connections closed at the limit: idle ones, or refused", ["why"], registry=r
        )
        self.checked = Counter("claimvet_skew_checked", "Feature values compared with the batch path", registry=r)
        self.skew = Counter(
            "claimvet_skew_differences", "Feature values that differ from the batch path", ["feature"], registry=r
        )
        self.checked_decisions = Gauge(
            "claimvet_skew_checked_decisions", "Decisions that the last check compared; 0: it says nothing", registry=r
        )
        self.checked_at = Gauge("claimvet_skew_checked_timestamp_seconds", "When the last check ended", registry=r)

    @contextmanager
    def part(self, name: str, shares: int = 1) -> Iterator[None]:
        """Time a part of `shares` claims that go through it together."""
        start = time.perf_counter()
        yield
        each = (time.perf_counter() - start) / max(shares, 1)
        self.observe(name, *[each] * shares)

    def observe(self, name: str, *seconds: float) -> None:
        """Observe times of a part, one a claim."""
        histogram = self.part_seconds.labels(name)
        for one in seconds:
            histogram.observe(one)

    def show_model(self, role: str, version: str, uri: str) -> None:
        """Show which model has that role now."""
        self.model_swaps.labels(role).inc()
        for labels in [labels for labels in self.model._metrics if labels[0] == role]:
            self.model.remove(*labels)
        self.model.labels(role, version, uri).set(1)

    def show_staleness(self, latest: Mapping[str, int | None], now: int) -> None:
        """Show the age of each table's latest event; `latest` as `EventStore.staleness` gives it; no events, no figure."""
        for table, instant in latest.items():
            if instant is not None:
                self.staleness.labels(table).set((now - instant) / 1e6)

    def text(self) -> bytes:
        """Return the exposition, in Prometheus' text format."""
        return generate_latest(self.registry)
