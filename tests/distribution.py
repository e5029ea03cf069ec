"""Which tests stay together on a worker: those of a file, and all that need Spark, so that a run starts one session of it."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

SPARK = "spark"


def group(nodeid: str) -> str:
    """Return what a test shares a worker with: its file, or everything with Spark in its name."""
    return SPARK if SPARK in nodeid.lower() else nodeid.split("::", 1)[0]


class Grouped(LoadFileScheduling):
    """`--dist loadfile`, by `group`; its own `loadgroup` writes into the tests' ids, which pytest 9.2 does not read back."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
