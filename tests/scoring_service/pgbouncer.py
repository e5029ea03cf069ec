"""A pgbouncer in front of a PostgreSQL server, in transaction mode: each transaction may be run by another session."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.scoring_service.endpoint.process import free_port
from tests.scoring_service.postgres import Server, ordinary_user

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
SETTINGS = """[databases]
* = host=127.0.0.1 port={server} user=claimvet
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_prepared_statements = 0
"""
_SECONDS_TO_START = 20


@contextmanager
def pooled(server: Server, url: str) -> Iterator[str]:
    """The URL of the same database through a pooler of its own."""
    folder = Path(tempfile.mkdtemp(prefix="claimvet-pgbouncer-"))
    port = free_port()
    settings = folder / "pgbouncer.ini"
    lines = [line for line in SETTINGS.splitlines() if _is_known(line)]
    settings.write_text("\n".join(lines).format(server=server.port, port=port))
    folder.chmod(0o755)
    process = subprocess.Popen(
        [str(PROGRAM), "-q", str(settings)], cwd="/", stderr=subprocess.DEVNULL, **ordinary_user()
    )
    pooled_url = url.replace(f":{server.port}/", f":{port}/")
    try:
        _wait(pooled_url)
        yield pooled_url
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def _is_known(line: str) -> bool:
    """Versions before 1.21 prepare nothing, and do not know the setting for it."""
    if not line.startswith("max_prepared_statements"):
        return True
    said = subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[1].split(".")[:2]) >= (1, 21)


def _wait(url: str) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            psycopg.connect(url.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < end, "pgbouncer did not start"
            time.sleep(0.05)
        else:
            return
