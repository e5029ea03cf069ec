"""What an error of MLflow means and says. Types and codes decide; texts are only told.

MLflow wraps errors of `requests` into an exception of its own that names them in its text only, so the chain of causes is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from claimvet.models.registry.addresses import without_secrets

MISSING, EXISTS = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"
MAX_CHARACTERS = 300


def is_missing(error: BaseException) -> bool:
    """Return whether MLflow itself says that what was asked for does not exist; a page with status 404 does not."""
    return getattr(error, "error_code", None) == MISSING


def is_taken(error: BaseException) -> bool:
    """Return whether MLflow itself says that what was to be made exists already."""
    return getattr(error, "error_code", None) == EXISTS


def is_unreachable(error: BaseException) -> bool:
    """Return whether nobody answered: no connection, a broken one, or silence."""
    import requests
    from sqlalchemy import exc

    broken = (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        exc.OperationalError,
        exc.InterfaceError,
    )
    return any(isinstance(one, broken) for one in _chain(error))


def reason(error: BaseException) -> str:
    """Return why, as the end of a sentence, in one line and without passwords.

    Of a connection or a database that failed it is what the innermost error says, of anything else what MLflow says.
    """
    import requests
    from sqlalchemy import exc

    chain = list(_chain(error))
    told = [text for one in chain if (text := _first_line(one))] or [type(error).__name__]
    wrapped = (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.RetryError,
        exc.DBAPIError,
    )
    return _shortened(told[-1] if any(isinstance(one, wrapped) for one in chain) else told[0])


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, what it came from, and what `urllib3` keeps in `reason` and `args`."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), getattr(one, "orig", None), *one.args)
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror.lower()}"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""


def _shortened(text: str) -> str:
    text = without_secrets(text.partition(" Response body:")[0]).removesuffix(".")
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
