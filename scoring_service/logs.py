"""Structured logs: one JSON object a line on stderr; decision ids, never a customer, a claim's content or a key."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

from scoring_service.json_text import text


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, event, and the fields given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = self.formatException(record.exc_info).splitlines()[
                -9:-1
            ]  # without the message, which may hold data
        return text(line)


def log(logger: logging.Logger, event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Writes one event with its fields; who wrote it is not looked up, which takes longer than to write it."""
    if logger.isEnabledFor(level):
        logger.handle(logger.makeRecord(logger.name, level, "", 0, event, (), None, extra={"fields": fields}))


def start_logging() -> None:
    """Sends the service's and the server's logs to stderr, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("claimvet", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
