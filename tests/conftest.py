"""What all tests share: how hypothesis draws."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "claimvet",
    deadline=None,  # a busy machine is slow, not wrong
    database=None,  # nothing is left in the tree
    derandomize=True,  # the same draws on every run and in every worker
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("claimvet")
