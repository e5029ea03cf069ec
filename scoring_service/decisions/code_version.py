"""Which code decided? The installed version, and the hash of the sources that can change an answer."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("data", "features", "models", "scoring_service")


@cache
def code_version() -> str:
    """Such as `0.1.0+5f2c8a0e91d4`: equal sources, equal version."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(_ROOT).as_posix()}\n".encode() + path.read_bytes())
    return f"{version('claimvet')}+{digest.hexdigest()[:12]}"
