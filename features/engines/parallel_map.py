"""Run work that lets other threads run (numpy on columns, LightGBM on trees) on several processors at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

PROCESSORS = os.cpu_count() or 1


def parallel_map(make: Callable[[Item], Made], items: Iterable[Item], threads: int = PROCESSORS) -> list[Made]:
    """Return `make` of every item, in their order, up to `threads` at a time; what it raises is raised here.

    >>> parallel_map(len, ["a", "bc"])
    [1, 2]
    """
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(make, items))
