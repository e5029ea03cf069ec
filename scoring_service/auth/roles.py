"""Who may do what at the endpoint."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an API key is for."""

    INTAKE = "intake"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class Action(StrEnum):
    """What can be done."""

    SCORE = "score"
    SEND_EVENTS = "send events"
    READ = "read"


ALLOWED = {
    Role.INTAKE: frozenset(Action),
    Role.REVIEWER: frozenset({Action.READ}),
    Role.ADMIN: frozenset(Action),
}
"""What each role may do."""
