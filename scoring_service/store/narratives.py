"""The buckets of a claim's narrative (`features.narratives`), worked out once for its row and for its features."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from features.narratives import bucket_table


@lru_cache(maxsize=1_024)
def buckets_of(narrative: str) -> tuple[int, ...]:
    """The distinct buckets of a text; none where it has no word."""
    told = pa.table({"claim": [0], "narrative": [narrative]})
    return tuple(dict.fromkeys(bucket_table(told)["bucket"].to_pylist()))
