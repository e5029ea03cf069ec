"""What is known before a data set is read: the types of the user's own columns, and which moment no event may come after."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from claimvet.data.contract.reading.feature_types import FeatureTypes


@dataclass(frozen=True)
class ReadOptions:
    """How a data set is read and judged.

    `types` are those of columns `x_…` of claims. `latest` is a moment with its zone: an event that is later is named by validation;
    None judges no time, for whoever reads data of the past alone.
    """

    types: FeatureTypes = field(default_factory=FeatureTypes)
    latest: datetime | None = None


AS_IT_LIES = ReadOptions()
"""Nothing is known: CSV by the rule of `data.contract.reading.feature_types`, and times are judged by nobody's clock."""
