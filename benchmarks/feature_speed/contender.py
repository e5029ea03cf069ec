"""One contender in a process of its own: `python -m benchmarks.feature_speed.contender MODULE DATA OUT`.

Prints the seconds of the work, from tables on disk to features on disk, without imports, and the process's peak memory in MiB.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path


def peak_memory() -> int:
    """Peak resident memory of this process in MiB; on Linux of this program alone, not of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) // 1024
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def main(module: str, function: str, data: str, out: str) -> None:
    """Import the contender, time its function, print the figures as JSON."""
    work = getattr(importlib.import_module(f"benchmarks.feature_speed.{module}"), function)
    start = time.perf_counter()
    work(Path(data), Path(out))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak_memory()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
