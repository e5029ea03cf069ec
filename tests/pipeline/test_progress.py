"""Progress is for people: it goes to stderr, never to stdout, and changes nothing of what passes through it."""

from __future__ import annotations

import re
import time

import pytest

from claimvet.pipeline import progress


@pytest.fixture(params=[False, True], ids=["in a log", "on a terminal"])
def _stderr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "on_terminal", lambda: request.param)


@pytest.mark.usefixtures("_stderr")
def test_a_step_says_on_stderr_what_was_done_and_how_long_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("Counting claims"):
        pass
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(r"Counting claims: \d+\.\d s\n", shown.err)


@pytest.mark.usefixtures("_stderr")
def test_a_step_that_fails_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), progress.step("Counting claims"):
        raise ValueError("broken")
    assert "Counting claims:" not in capsys.readouterr().err


@pytest.mark.usefixtures("_stderr")
def test_tracked_items_pass_through_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(iter("abc"), "letters", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr().out == ""


def test_a_part_says_how_fast_it_goes_and_how_long_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("Features") as tell:
        time.sleep(0.02)
        tell("orders", 300, 900)
        tell("returns", 0, 900)
    orders, returns, _ = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"Features: orders \(300 of 900, [\d,]+ a second, about 0 s left\)", orders)
    assert returns == "Features: returns"
    assert progress._pace(2_000_000, 8_000_000, 4.0) == " (2,000,000 of 8,000,000, 500,000 a second, about 12 s left)"


def test_a_log_shows_each_part_of_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("Features") as tell:
        tell("histories")
    assert capsys.readouterr().err.startswith("Features: histories\nFeatures: ")


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS_BETWEEN_LINES", -1.0)
    list(progress.track("ab", "letters", total=2))
    assert capsys.readouterr().err.splitlines() == ["letters: 1 of 2", "letters: 2 of 2"]
