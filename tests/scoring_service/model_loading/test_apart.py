"""What may never answer is waited for by a thread that keeps nothing from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from claimvet.scoring_service.model_loading.apart import in_daemon_thread


def failing() -> None:
    raise OSError("no such thing")


def test_what_it_returns_and_raises_comes_back() -> None:
    assert asyncio.run(in_daemon_thread(lambda: 7)) == 7
    with pytest.raises(OSError, match="no such thing"):
        asyncio.run(in_daemon_thread(failing))


def test_a_process_ends_without_waiting_for_it() -> None:
    program = (
        "import asyncio, time\n"
        "from claimvet.scoring_service.model_loading.apart import in_daemon_thread\n"
        "async def main():\n"
        "    waiting = asyncio.create_task(in_daemon_thread(lambda: time.sleep(60)))\n"
        "    await asyncio.sleep(0.1)\n"
        "    waiting.cancel()\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
