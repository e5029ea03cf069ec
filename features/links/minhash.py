"""Which narratives read nearly the same: buckets of a MinHash.

What the buckets tell is for an expert's eyes: rewriting a text moves it to other buckets, so no model may lean on them.

The libraries for it hash a word triple at a time or change their signatures between versions. Here it is arithmetic on
whole arrays of 64-bit numbers, with every constant written down, so that a text has the same buckets in each process,
on each engine, in each version.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claimvet.features.engines.arrow_numpy import from_arrow, tables_as_one, text_scalar, to_arrow

BANDS = 8
ROWS_PER_BAND = 4
"""Texts with a Jaccard similarity s of their word triples share a bucket with probability 1 - (1 - s^4)^8: 0.99 at s =
0.8, 0.06 at 0.3 (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4)."""

WORDS_PER_SHINGLE = 3

BUCKETS = pa.schema([("claim", pa.int64()), ("bucket", pa.int64())])
"""Columns of `bucket_table`."""

Numbers = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_TEXTS_AT_ONCE = 2_048
"""Some 500 kB of text: what is made of it stays in the processor's cache."""

_FEW_SHINGLES = 4_000
"""Up to so many, all bands are made at once, which is fewer steps; of more, one after the other stays in the
processor's cache."""

_MIN_DOUBLINGS = 12
"""Powers for 4,096 bytes at least, so that single texts, each of another length, all find the same ones made."""

_BETWEEN_WORDS = r"[^\p{L}\p{M}\p{N}_]+"
_LETTER = np.array([byte if byte >= 128 or chr(byte).isalnum() or byte == ord("_") else 0 for byte in range(256)], "u1")
"""Bytes of lower-case UTF-8 as they are, 0 for those that part words; a letter beyond ASCII has only bytes from 128."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio, the odd step of splitmix64 (Steele, Lea and Flood, 2014); `_mixed` is its finaliser."""


def bucket_table(narratives: pa.Table) -> pa.Table:
    """Return `claim` and `bucket` (int64), `BANDS` rows for every narrative that has a word; a bucket is a hash of its
    band's values.

    Parameters:
        narratives: `claim` (integer) and `narrative` (string, not null).
    """
    chunks = [narratives.slice(start, _TEXTS_AT_ONCE) for start in range(0, narratives.num_rows, _TEXTS_AT_ONCE)]
    return tables_as_one(BUCKETS, map(_bucket_chunk, chunks))


def text_buckets(texts: Sequence[str]) -> list[list[int]]:
    """Return the buckets of each text, as `bucket_table` has them; none where it has no word. For a few texts, quicker
    than a table.

    >>> [len(buckets) for buckets in text_buckets(["A rung broke.", "..."])]
    [8, 0]
    """
    told, buckets = _of_bytes(*(_ascii_bytes(texts) if all(map(str.isascii, texts)) else _bytes(pa.array(texts))))
    found = iter(buckets.tolist())
    return [next(found) if has_words else [] for has_words in told.tolist()]


def _bucket_chunk(narratives: pa.Table) -> pa.Table:
    told, buckets = _of_bytes(*_bytes(narratives["narrative"].combine_chunks()))
    claims = np.repeat(from_arrow(narratives["claim"])[told].astype(np.int64), BANDS)
    return pa.Table.from_arrays([to_arrow(claims), to_arrow(buckets.ravel())], schema=BUCKETS)


def _of_bytes(letters: Bytes, ends: Places) -> tuple[npt.NDArray[np.bool_], Places]:
    """Return whether each text has a word, and the buckets of those that have, int64, shape (texts, `BANDS`)."""
    words, counts = _words(letters, ends)
    told = counts > 0
    if not told.any():
        return told, np.zeros((0, BANDS), np.int64)
    return told, _buckets(*_shingles(words, counts[told])).view(np.int64)


def _ascii_bytes(texts: Sequence[str]) -> tuple[Bytes, Places]:
    """Return the same as `_bytes`, for texts that are ASCII."""
    lower = [f"{text} ".lower().encode() for text in texts]
    return np.frombuffer(b"".join(lower), np.uint8), np.cumsum([0, *map(len, lower)])


def _bytes(texts: pa.StringArray) -> tuple[Bytes, Places]:
    """Return UTF-8 in lower case of all texts, one after the other, each with a space behind it, and where each ends,
    after a first 0.
    """
    prepared = _prepared(texts.cast(pa.large_string()))
    _, offsets, data = prepared.buffers()
    ends = np.frombuffer(offsets, np.int64)[: len(prepared) + 1]
    return np.frombuffer(data, np.uint8)[: ends[-1]], ends


def _prepared(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return the texts in lower case, with a space at the end; what separates words is ASCII."""
    lower = pc.utf8_lower(texts)
    foreign = pc.invert(pc.string_is_ascii(lower))
    if pc.any(foreign).as_py():
        parted = pc.replace_substring_regex(lower.filter(foreign), _BETWEEN_WORDS, " ")
        lower = pc.replace_with_mask(lower, foreign, parted)
    return pc.binary_join_element_wise(lower, text_scalar(" "), text_scalar(""))


def _words(data: Bytes, ends: Places) -> tuple[Numbers, Places]:
    """Return a hash of every word of every text, in order, and the number of words of each text.

    The hash is the polynomial of the word's bytes c: the sum of c[i] * g^i modulo 2^64, mixed.
    """
    letters = _LETTER[data]
    within = letters > 0
    starts = np.flatnonzero(within & ~np.concatenate([[False], within[:-1]]))
    if not len(starts):
        return np.zeros(0, np.uint64), np.zeros(len(ends) - 1, np.int64)
    doublings = max(len(letters).bit_length(), _MIN_DOUBLINGS)
    sums = np.add.reduceat(letters * _powers(_GOLDEN, doublings)[: len(letters)], starts)
    hashes = sums * _powers(pow(_GOLDEN, -1, 2**64), doublings)[starts]
    return _mixed(hashes), np.diff(np.searchsorted(starts, ends))


@lru_cache(maxsize=2)
def _powers(base: int, doublings: int) -> Numbers:
    """Return the first 2^doublings powers of the base, modulo 2^64; chunks of like size share them."""
    powers = np.ones(1, np.uint64)
    for doubling in range(doublings):
        powers = np.concatenate([powers, powers * np.uint64(pow(base, 2**doubling, 2**64))])
    return powers


def _shingles(words: Numbers, counts: Places) -> tuple[Numbers, Places]:
    """Return a hash of every run of three words, or of a text's few words where it has fewer, and where each text's
    begin.
    """
    ends = np.cumsum(counts)
    shingles = np.maximum(counts - WORDS_PER_SHINGLE + 1, 1)
    firsts = np.cumsum(shingles) - shingles
    starts = np.arange(shingles.sum()) - np.repeat(firsts - (ends - counts), shingles)
    end = np.repeat(ends, shingles)
    hashes = np.zeros(len(starts), np.uint64)
    for place in range(WORDS_PER_SHINGLE):
        here = np.minimum(starts + place, len(words) - 1)
        hashes = _mixed(hashes + np.where(starts + place < end, words[here], 0).astype(np.uint64))
    return hashes, firsts


def _buckets(shingles: Numbers, firsts: Places) -> Numbers:
    """Return a hash of every band of the smallest values of each text, shape (texts, `BANDS`)."""
    bands = _factors_and_offsets()
    at_once = BANDS if len(shingles) <= _FEW_SHINGLES else 1
    buckets = [_bands(shingles, firsts, bands[start : start + at_once], start) for start in range(0, BANDS, at_once)]
    return np.ascontiguousarray(np.concatenate(buckets).T)


@lru_cache(maxsize=1)
def _factors_and_offsets() -> Numbers:
    """Return what makes the values of each row of each band, shape (`BANDS`, `ROWS_PER_BAND`, 2)."""
    steps = _mixed(np.arange(1, 2 * BANDS * ROWS_PER_BAND + 1, dtype=np.uint64) * np.uint64(_GOLDEN))
    return steps.reshape(BANDS, ROWS_PER_BAND, 2)


def _bands(shingles: Numbers, firsts: Places, bands: Numbers, first_band: int) -> Numbers:
    """Return the same for some of the bands, shape (bands, texts)."""
    buckets = np.repeat(np.arange(first_band, first_band + len(bands), dtype=np.uint64)[:, None], len(firsts), axis=1)
    for row in range(ROWS_PER_BAND):
        factor, offset = bands[:, row, :1] | np.uint64(1), bands[:, row, 1:]
        buckets = _mixed(buckets + np.minimum.reduceat(shingles * factor + offset, firsts, axis=1))
    return buckets


def _mixed(numbers: Numbers) -> Numbers:
    """Return one number for each, all bits of one depending on all of the other."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
