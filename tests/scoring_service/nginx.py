"""An nginx in front of several instances, with the very configuration that docs/serving.md shows."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.scoring_service.endpoint.process import free_port
from tests.scoring_service.endpoint.running import until

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
AROUND = """daemon off;
master_process off;
pid {folder}/pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""


def site(port: int, instances: Sequence[int]) -> str:
    """The page's example without TLS, on loopback: its machines are the instances."""
    shown = re.search(r"^ {4}upstream claimvet \{\n(?: {4}.*\n)+", PAGE, re.MULTILINE)
    assert shown is not None
    text = textwrap.dedent(shown.group()).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    for number, instance in enumerate(instances, start=1):
        text = text.replace(f"10.0.0.{number}:8081", f"127.0.0.1:{instance}")
    assert "10.0.0." not in text
    return text


@contextmanager
def in_front(instances: Sequence[int], folder: Path) -> Iterator[str]:
    """The address of a proxy of its own before the instances on these ports."""
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(AROUND.format(folder=folder, site=site(port, instances)))
    command = [str(PROGRAM), "-p", str(folder), "-c", str(settings), "-e", str(folder / "nginx.log")]
    process = subprocess.Popen(command)
    try:
        until(lambda: _listens(port), 20)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
