"""Runs every property test on more examples from a new seed: `python tools/random_properties.py [SEED]`.

The seed is printed first, so that a failure can be repeated: `make test-random SEED=...`.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

PROFILE = "random"
"""The profile of `tests/conftest.py` with more examples and no fixed draws."""


def main(arguments: list[str]) -> int:
    """Return pytest's exit status for all tests that hypothesis draws examples for."""
    seed = arguments[0] if arguments else str(secrets.randbelow(2**32))
    print(f"seed {seed}; again: make test-random SEED={seed}", flush=True)
    pytest = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile"]
    command = [*pytest, "-m", "property and not spark", f"--hypothesis-seed={seed}"]
    return subprocess.run(command, env=os.environ | {"CLAIMVET_HYPOTHESIS": PROFILE}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
