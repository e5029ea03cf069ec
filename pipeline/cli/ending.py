"""How a command ends: its exit status, and one sentence where something went wrong; whatever stops it, it tidies up first."""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from typer.exceptions import Abort, TyperException

from claimvet.data.contract.errors import ClaimvetError, UsageError

TRACEBACK_VARIABLE = "CLAIMVET_TRACEBACK"
"""Set it to see where an unexpected error came from."""
_OUT_OF_MEMORY = frozenset({"MemoryError", "OutOfMemoryException"})
"""Names of the errors that say so, Python's and DuckDB's."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(command: Callable[[], object]) -> int:
    """Run a command and return its exit status; an error becomes one sentence on stderr, a signal unwinds what was begun.

    Exit status: what the command returns where that is a number, else 0; 1 and 2 as the errors say; 128 and the number of the signal.
    """
    _write_any_character()
    with _signals_unwind() as received:
        try:
            status = command()
            if received:  # typer makes an exit status of its own of it
                return 128 + received[0]
            if sys.stdout is not None:
                sys.stdout.flush()
        except (Abort, KeyboardInterrupt):
            return 128 + received[0] if received else INTERRUPTED
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 1
        except Exception as error:
            if received:  # DuckDB, say, makes an error of its own of it
                return 128 + received[0]
            if os.environ.get(TRACEBACK_VARIABLE):
                raise
            return _told(error)
    return status if isinstance(status, int) else 0


def require_text(arguments: Iterable[str]) -> None:
    """Check that no argument holds bytes that are no UTF-8: DuckDB and Arrow know no file of such a name.

    Raises:
        UsageError: naming the argument.
    """
    for argument in arguments:
        if any("\udc80" <= letter <= "\udcff" for letter in argument):
            shown = argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            raise UsageError(f"the argument {shown} is no UTF-8, expected names of files and values in it")


@contextmanager
def _signals_unwind() -> Iterator[list[int]]:
    """While it lasts, signals that stop a process raise `KeyboardInterrupt`, so that what is half-written is removed; yields their numbers.

    What the parent has ignored, as `nohup` does, stays ignored. After the first one only Ctrl-C is heard.
    """
    received: list[int] = []

    def unwind(number: int, _: FrameType | None) -> None:
        received.append(number)
        for each in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {each: signal.getsignal(each) for each in _STOPPING}
    for each in _STOPPING:
        if before[each] is not signal.SIG_IGN:
            signal.signal(each, unwind)
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _write_any_character() -> None:
    """Let a terminal or a file that cannot hold a character get its number, instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _told(error: Exception) -> int:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{sentence(error)}\n")
    if isinstance(error, OSError) and error.filename is None:
        _discard_stdout()
    return _exit_status(error)


def _discard_stdout() -> None:
    """Keep Python from trying again, when it ends, to write what nobody takes."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _exit_status(error: Exception) -> int:
    if isinstance(error, ClaimvetError):
        return error.exit_status
    return error.exit_code if isinstance(error, TyperException) else 1


def sentence(error: Exception) -> str:
    """Return what a person is told about an error, beginning with `claimvet:`.

    >>> sentence(FileNotFoundError(2, "No such file or directory", "claims.parquet"))
    'claimvet: claims.parquet: no such file or directory'
    """
    if isinstance(error, TyperException):
        message = error.format_message()
        if message.startswith("Usage:"):
            return message
        return f"claimvet: {message[:1].lower()}{message[1:].removesuffix('.')}; see --help"
    if isinstance(error, ClaimvetError):
        return f"claimvet: {error}"
    text = " ".join(str(error).split())
    if type(error).__name__ in _OUT_OF_MEMORY:
        text = text.partition(" Possible solutions")[0]
        return f"claimvet: out of memory, expected more of it or another --memory-limit ({text or 'no more was given'})"
    if isinstance(error, OSError) or type(error).__name__ == "IOException":  # DuckDB's, which takes time to import
        return _of_the_system(error, text)
    return f"claimvet: unexpected {type(error).__name__}: {text} (set {TRACEBACK_VARIABLE}=1 to see where it came from)"


def _of_the_system(error: Exception, text: str) -> str:
    if isinstance(error, BrokenPipeError):
        return "claimvet: stdout was closed before all was written to it"
    if isinstance(error, OSError) and error.filename is not None:
        return f"claimvet: {error.filename}: {(error.strerror or type(error).__name__).lower()}"
    from claimvet.data.contract.writing.failures import write_failure

    reason = write_failure(error)
    if reason is not None:
        return f"claimvet: {reason}, in the output or in the directory for temporary files ({_temporary()}): {text}"
    return f"claimvet: the system refused what was asked of it: {text}"


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "there is none"
