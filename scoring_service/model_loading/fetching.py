"""A model on its way from MLflow to this machine, fetched by a process of its own beside the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from claimvet.data.contract.errors import ModelError, RegistryError
from claimvet.models.registry.model_store import Fetched, model_directory

MAX_SECONDS = 300.0
"""A model that takes longer is not waited for."""


class Fetching:
    """A fetch that begins at once; `result` waits for it, `close` ends it and takes away what was fetched."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._folder = TemporaryDirectory(prefix="claimvet-model-")
        self._awaited = False
        self._process: subprocess.Popen[str] | None = None
        self._lives: int | None = None
        self._lock = threading.Lock()
        if not Path(uri).is_dir():
            self._process = self._started(uri)

    def _started(self, uri: str) -> subprocess.Popen[str]:
        """Start the process, with the end of this one as the end of its input."""
        command = [sys.executable, "-m", "claimvet.scoring_service.model_loading.fetch_process", uri, self._folder.name]
        stdin, self._lives = os.pipe()
        try:
            pipe = subprocess.PIPE
            return subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True)
        finally:
            os.close(stdin)

    def result(self) -> Fetched:
        """Return where the model is.

        Raises:
            ModelError: where there is none, or what fetches it broke down.
            RegistryError: where nobody says whether there is one.
        """
        if self._process is None:
            return Fetched(self._uri, model_directory(Path(self._uri)), None)
        self._awaited = True
        try:
            out, errors = self._process.communicate(timeout=MAX_SECONDS)
        except subprocess.TimeoutExpired:
            self._awaited = False
            raise RegistryError(f"the model {self._uri} did not come within {MAX_SECONDS:g} seconds") from None
        if self._process.returncode != 0:
            said = (errors.splitlines() or ["no reason given"])[-1]
            raise ModelError(f"the model {self._uri} could not be fetched: {said}")
        found = _said(self._uri, out)
        if "problem" in found:
            raise (RegistryError if found.get("kind") == "registry" else ModelError)(found["problem"])
        return Fetched(found["uri"], Path(found["directory"]), found["expected"])

    def close(self) -> None:
        """End it, whatever it has come to, in whichever thread; more than once does no harm."""
        with self._lock:
            lives, self._lives = self._lives, None
        if lives is not None and self._process is not None:
            if self._process.poll() is None:
                self._process.kill()  # whoever waits for its result sees that it has ended
            if not self._awaited:
                self._process.communicate()  # closes its pipes, also where it has ended by itself
            os.close(lives)
        self._folder.cleanup()


def _said(uri: str, out: str) -> dict[str, Any]:
    """Return what the process said, one JSON object on its last line."""
    try:
        found: dict[str, Any] = json.loads((out.splitlines() or [""])[-1])
    except ValueError:
        raise ModelError(f"the model {uri} could not be fetched: what fetches it said {out[:80]!r}") from None
    return found
