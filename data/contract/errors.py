"""Every error that Claimvet raises on purpose, in one tree.

    ClaimvetError            exit status 1: the data or the gate said no
    ├── InvalidDataError     the data set breaks the contract
    ├── FeatureError         a feature is declared, asked for or built in a way that cannot work
    ├── ModelError           a model is missing, damaged or does not fit these features
    ├── RegistryError        MLflow cannot be reached, or does not do what it was asked
    ├── GateError            a challenger may not become champion
    ├── OutputError          what a command writes cannot be written where it should: no space, no permission
    ├── StoreError           the event store cannot be reached, or is of another version
    ├── RowError             one row sent to the event store breaks the contract; `field` says where
    │   └── TimeOrderError   two of its times, each good by itself, are in the wrong order
    ├── EventConflictError   a key of the event store was seen with another row
    ├── CaseConflictError    a case stands where what was asked cannot be done
    └── UsageError           exit status 2: the command was called wrongly

A message is one sentence that names the culprit, its value and what was expected.
"""

from __future__ import annotations


class ClaimvetError(Exception):
    """Base of all errors that a user sees as one sentence; `exit_status` is what the command line returns."""

    exit_status = 1


class InvalidDataError(ClaimvetError):
    """The data set breaks the contract (missing column, wrong type, duplicate key, …)."""


class FeatureError(ClaimvetError):
    """A feature is declared, asked for or built in a way that cannot work."""


class ModelError(ClaimvetError):
    """A model is missing, damaged or does not fit the features at hand."""


class RegistryError(ClaimvetError):
    """MLflow cannot be reached, or does not do what it was asked; never raised because there is no such model."""


class GateError(ClaimvetError):
    """A challenger did not pass the gate; the message lists why."""


class OutputError(ClaimvetError):
    """What a command writes cannot be written where it should: no space, no permission, a read-only disk."""


class StoreError(ClaimvetError):
    """The event store cannot be reached, or is of another version."""


class RowError(ClaimvetError):
    """One row breaks the contract; `field` is the column at fault, empty where the whole row is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TimeOrderError(RowError):
    """Two times of one row, each good by itself, are in the wrong order."""


class EventConflictError(ClaimvetError):
    """What is known already speaks against a row: its key was seen with another one, and it does more than fill what was null; or its
    outcome was decided before its claim was filed.
    """

    def __init__(self, table: str, key: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.table = table
        self.key = key


class CaseConflictError(ClaimvetError):
    """A case stands where what was asked of it cannot be done; the message says where it stands and what would be possible."""


class UsageError(ClaimvetError):
    """The command was called wrongly: an option, a path or a value that cannot be."""

    exit_status = 2
