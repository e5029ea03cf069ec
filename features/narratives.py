"""Which narratives read nearly the same, as buckets of a MinHash (datasketch).

What the buckets tell is for an expert's eyes: rewriting a text moves it to other buckets, so no model may lean on them.
"""

from __future__ import annotations

import re

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from datasketch import MinHash

BANDS = 8
ROWS_PER_BAND = 4
"""Texts with a Jaccard similarity s of their word triples share a bucket with probability 1 - (1 - s^4)^8: 0.99 at s = 0.8, 0.06 at
0.3 (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4)."""

WORDS_PER_SHINGLE = 3
SEED = 1

BUCKETS = pa.schema([("text", pa.string()), ("bucket", pa.string())])
"""Columns of `bucket_table`."""

_WORD = re.compile(r"\w+")


def shingles(narrative: str) -> list[bytes]:
    """Word triples of the text in lower case, or the text's few words where it has fewer.

    >>> shingles("The lamp, it caught FIRE")
    [b'the lamp it', b'lamp it caught', b'it caught fire']
    """
    words = _WORD.findall(narrative.lower())
    count = max(len(words) - WORDS_PER_SHINGLE + 1, 1)
    return [" ".join(words[i : i + WORDS_PER_SHINGLE]).encode() for i in range(count)] if words else []


def bucket_table(texts: pd.Series) -> pd.DataFrame:
    """`text` and `bucket` (both strings), `BANDS` rows for each distinct text that has a word."""
    distinct = texts.drop_duplicates()
    sets = [shingles(text) for text in distinct]
    filled = [(text, members) for text, members in zip(distinct, sets, strict=True) if members]
    sketches = MinHash.generator([members for _, members in filled], num_perm=BANDS * ROWS_PER_BAND, seed=SEED)
    rows = [(text, bucket) for (text, _), sketch in zip(filled, sketches, strict=True) for bucket in _buckets(sketch)]
    return pd.DataFrame(rows, columns=["text", "bucket"], dtype="str")


def narrative_buckets(claims: ir.Table) -> ir.Table:
    """`claim_id` and `bucket`, `BANDS` rows for every claim whose narrative has a word."""
    written = claims.filter(claims.narrative.notnull())
    texts = written.select("narrative").distinct().order_by("narrative").to_pyarrow()["narrative"].to_pandas()
    buckets = ibis.memtable(pa.Table.from_pandas(bucket_table(texts), schema=BUCKETS, preserve_index=False))
    return written.inner_join(buckets, written.narrative == buckets.text).select("claim_id", "bucket")


def _buckets(sketch: MinHash) -> list[str]:
    values = sketch.hashvalues.reshape(BANDS, ROWS_PER_BAND)
    return [f"{band}:{row.tobytes().hex()}" for band, row in enumerate(values)]
