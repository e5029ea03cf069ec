"""What every engine refuses, in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from claimvet.data.contract.errors import InvalidDataError


def no_claims(folder: Path) -> InvalidDataError:
    """Return the error for a data set without claims, where no file of claims is given."""
    return InvalidDataError(f"the data set {folder} has no claims, expected claims.parquet or a file of claims")


def claims_differ(claim_ids: Sequence[str]) -> InvalidDataError:
    """Return the error for claims that are in the data set and in the file of claims, with different rows."""
    return InvalidDataError(
        f"claims {', '.join(claim_ids)}: the file of claims holds another row than the data set, expected the same"
    )
