"""Log lines are JSON, all of them are written, and those of one turn of the loop together."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest

from claimvet.scoring_service.observability.logs import JsonLines, Lines, log


class Counted(io.StringIO):
    """A stream that counts how often it was written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def stream() -> Counted:
    return Counted()


@pytest.fixture
def logger(stream: Counted) -> logging.Logger:
    made = logging.Logger("test", logging.INFO)
    handler = Lines(stream)
    handler.setFormatter(JsonLines())
    made.addHandler(handler)
    return made


def lines(stream: Counted) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_without_a_loop_a_line_is_written_at_once(logger: logging.Logger, stream: Counted) -> None:
    log(logger, "request", status=200)
    assert lines(stream)[0] | {"time": ""} == {"time": "", "level": "info", "event": "request", "status": 200}


def test_the_lines_of_one_turn_are_written_together(logger: logging.Logger, stream: Counted) -> None:
    async def turns() -> None:
        for number in range(5):
            log(logger, "request", number=number)
        assert stream.writes == 0
        await asyncio.sleep(0)
        assert stream.writes == 1
        log(logger, "request", number=5)
        await asyncio.sleep(0)

    asyncio.run(turns())
    assert [line["number"] for line in lines(stream)] == [0, 1, 2, 3, 4, 5]
    assert stream.writes == 2


def test_an_error_is_written_at_once_with_all_that_waits(logger: logging.Logger, stream: Counted) -> None:
    async def turn() -> None:
        log(logger, "request", number=1)
        log(logger, "request", logging.ERROR, number=2)
        assert [line["number"] for line in lines(stream)] == [1, 2]

    asyncio.run(turn())
    assert len(lines(stream)) == 2


def test_what_is_below_the_level_is_not_written(logger: logging.Logger, stream: Counted) -> None:
    log(logger, "request", logging.DEBUG)
    assert stream.getvalue() == ""


def test_a_stream_that_is_gone_ends_nothing(logger: logging.Logger, stream: Counted) -> None:
    stream.close()
    log(logger, "request")


def test_a_trace_has_no_message_of_the_error(logger: logging.Logger, stream: Counted) -> None:
    secret = "".join(["CL-", "SECRET"])  # the trace shows the line that raises
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("unexpected error")
    assert "CL-SECRET" not in stream.getvalue()
    assert "test_logs.py" in str(lines(stream)[0]["trace"])


def test_a_trace_has_no_message_of_many_lines_nor_of_a_cause(logger: logging.Logger, stream: Counted) -> None:
    secret = "".join(["CL-", "SECRET"])
    try:
        try:
            raise ValueError(secret)
        except ValueError as cause:
            raise LookupError(f"it failed\n[parameters: {secret}]\nsee the manual") from cause
    except LookupError:
        logger.exception("unexpected error")
    assert "CL-SECRET" not in stream.getvalue()
    assert "raise LookupError" in str(lines(stream)[0]["trace"])
