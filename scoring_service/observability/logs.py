"""Structured logs: one JSON object a line on stderr; decision ids, never a customer, a claim's content or a key."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from claimvet.scoring_service.json_text import text

_MAX_PLACES = 4
"""Of an error, how many of the innermost calls are told."""


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, event, and the fields given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = _places(record.exc_info[2])
        return text(line)


def _places(trace: TracebackType | None) -> list[str]:
    """Return where an error came from: lines of code only, since messages, of causes too, may hold data."""
    return [line for place in traceback.format_tb(trace)[-_MAX_PLACES:] for line in place.splitlines()]


class Lines(logging.StreamHandler[TextIO]):
    """Handler that writes lines to a stream; in an event loop those of one turn at once, because each write lets other threads in first."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line at the end of this turn of the loop; at once where there is no loop, or something is wrong."""
        self._waiting.append(self.format(record))
        loop = _running_loop()
        if loop is None or record.levelno >= logging.ERROR:
            self.flush()
        elif len(self._waiting) == 1:
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits; a stream that is gone must not end what goes on."""
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            waiting, self._waiting = self._waiting, []
            if waiting:
                self.stream.write("".join(f"{line}\n" for line in waiting))
            self.stream.flush()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def log(logger: logging.Logger, event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event with its fields; who wrote it is not looked up, which takes longer than to write it."""
    if logger.isEnabledFor(level):
        logger.handle(logger.makeRecord(logger.name, level, "", 0, event, (), None, extra={"fields": fields}))


def start_logging() -> None:
    """Send the service's and the server's logs to stderr, as JSON lines."""
    handler = Lines(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("claimvet", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
