"""Who takes part, up to which size, and in which environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from claimvet.data.contract.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
OURS, BY_HAND = "claimvet", "duckdb by hand"
PEERS = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True)
class Contender:
    """A module of this package with `run(data, out)`; `largest` is the most claims that it is given.

    `peer` runs in the environment of requirements-bench.lock. `slow` is run once at every size. `prepared` has a function `prepare(data,
    answer)`, which is not timed and gets the features that another one wrote.
    """

    name: str
    module: str
    largest: int
    peer: bool = False
    slow: bool = False
    prepared: bool = False

    @property
    def interpreter(self) -> str:
        """The Python that has what it needs."""
        return str(PEERS) if self.peer else sys.executable


CONTENDERS = (
    Contender(BY_HAND, "plain_sql", 1_000_000),
    Contender(OURS, "ours", 1_000_000),
    Contender("polars", "with_polars", 300_000, peer=True),
    Contender("pandas", "with_pandas", 300_000),
    Contender("featuretools", "with_featuretools", 1_000, peer=True, slow=True),
    Contender("feast (join only)", "with_feast", 10_000, peer=True, slow=True, prepared=True),
)


def chosen_contenders(names: list[str] | None) -> list[Contender]:
    """Those of these names, or all; the hand-written query is always among them, since all are compared with it.

    Raises:
        UsageError: for a name that nobody has, or where the environment of the peers is missing.
    """
    known = [each.name for each in CONTENDERS]
    for name in names or []:
        if name not in known:
            raise UsageError(f"the contender is {name!r}, expected one of {', '.join(known)}")
    chosen = [each for each in CONTENDERS if not names or each.name in (*names, BY_HAND)]
    missing = [each.name for each in chosen if not Path(each.interpreter).exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: .venv-bench is missing, expected make bench-features to build it")
    return chosen
