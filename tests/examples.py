"""How many examples a property test draws: its own number, ten times as many where `make test-random` asks."""

from __future__ import annotations

import os

FACTOR = 10 if os.environ.get("CLAIMVET_HYPOTHESIS") == "random" else 1


def examples(count: int) -> int:
    """Return `count`, or ten times as many under the random profile."""
    return count * FACTOR
