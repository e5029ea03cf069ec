"""How many examples a property test draws: its own number, ten times as many for `make test-random`, a fifth for `make test-fast`."""

from __future__ import annotations

import os

FACTOR = {"random": 10.0, "fast": 0.2}.get(os.environ.get("CLAIMVET_HYPOTHESIS", ""), 1.0)


def examples(count: int) -> int:
    """Return `count`, ten times as many under the random profile, or a fifth, at least one, under the fast one."""
    return max(1, round(count * FACTOR))
