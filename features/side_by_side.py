"""Work on columns, which numpy does without holding up others, on all processors at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

PROCESSORS = os.cpu_count() or 1


def side_by_side(make: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """`make` of every item, in their order; what it raises is raised here."""
    with ThreadPoolExecutor(PROCESSORS) as pool:
        return list(pool.map(make, items))
