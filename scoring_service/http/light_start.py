"""What the server does without: imports that cost a second of its start and a hundred megabytes, for things that it never does."""

from __future__ import annotations

import sys


def import_lightgbm_alone() -> None:
    """Import LightGBM without scikit-learn, which it imports where it finds it, with all of SciPy, for estimators that nobody uses here.

    Whoever imports scikit-learn afterwards gets it. Call it before anything imports LightGBM; after that it changes nothing.
    """
    if "lightgbm" in sys.modules or "sklearn" in sys.modules:
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # what the import system takes for "there is none"
    try:
        import lightgbm  # noqa: F401
    finally:
        del sys.modules["sklearn"]
