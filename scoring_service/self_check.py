"""A sample of decisions, computed again by the batch path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoring_service.service import Service


async def check_now(service: Service) -> None:
    """Compares."""
