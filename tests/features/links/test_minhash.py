"""Which narratives read nearly the same."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.features.links.minhash import BANDS, BUCKETS, ROWS_PER_BAND, bucket_table, text_buckets
from tests.examples import examples
from tests.features.oracle import jaccard, triples
from tests.features.worlds import NARRATIVES

STORY = "I plugged in the new toaster at breakfast and after two minutes smoke came out of its left side and the curtain caught fire"
WORDS = st.lists(st.sampled_from(["the", "lamp", "fell", "on", "my", "foot"]), max_size=12).map(" ".join)
TEXTS = st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=8)


def told(texts: Sequence[str]) -> pa.Table:
    numbers = pa.array(range(len(texts)), pa.int32())
    return pa.table({"claim": numbers, "narrative": pa.array(texts, pa.string())})


def buckets(texts: Sequence[str]) -> list[set[int]]:
    """The buckets of each text."""
    table = bucket_table(told(texts))
    assert table.schema == BUCKETS
    found: list[set[int]] = [set() for _ in texts]
    for claim, bucket in zip(*table.to_pydict().values(), strict=True):
        found[claim].add(bucket)
    return found


def shared(one: str, other: str) -> int:
    """Number of buckets that two texts share."""
    in_one, in_other = buckets([one, other])
    return len(in_one & in_other)


def test_a_word_changed_leaves_most_of_a_story_alike() -> None:
    assert shared(STORY, STORY.replace("breakfast", "noon")) > 0


def test_another_story_shares_nothing() -> None:
    other = "My daughter cut her hand on the lid of the box when she opened the parcel in the kitchen"
    assert shared(STORY, other) == 0


def test_words_in_another_order_are_another_story() -> None:
    assert shared("the lamp fell on my foot", "my foot fell on the lamp") < BANDS
    assert shared("one two three", "three two one") == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (STORY, STORY.upper().replace(" ", ", ")),
        ("It broke", "it -- BROKE!"),
        ("Die Lampe fiel, „plötzlich“, um", "die lampe fiel plötzlich um"),
        ("ΗΛΕΚΤΡΙΚΌ ΚΑΛΏΔΙΟ ΚΑΜΈΝΟ", "ηλεκτρικό — καλώδιο … καμένο"),
        ("टोस्टर में आग लगी", "टोस्टर, में आग लगी।"),
    ],
)
def test_case_and_punctuation_do_not_count(one: str, other: str) -> None:
    assert shared(one, other) == BANDS


@pytest.mark.parametrize(("one", "other"), [("It broke", "It burnt"), ("It broke", "It broke down"), ("ab c", "a bc")])
def test_a_text_of_few_words_is_like_no_other(one: str, other: str) -> None:
    assert shared(one, other) == 0


def test_texts_without_a_word_have_no_bucket() -> None:
    assert buckets(["", "!?", "…"]) == [set()] * 3
    assert bucket_table(told([])).equals(BUCKETS.empty_table())


def test_the_texts_of_the_worlds_are_alike_as_the_oracle_takes_them_to_be() -> None:
    texts = [text or "" for text in NARRATIVES]
    found = buckets(texts)
    for i, one in enumerate(texts):
        for j, other in enumerate(texts):
            assert bool(found[i] & found[j]) == (jaccard(triples(one), triples(other)) >= 0.5)


@pytest.mark.parametrize("changed", [1, 2, 4, 8])
def test_two_texts_share_a_bucket_as_often_as_the_theory_of_minhash_says(changed: int) -> None:
    rng, pairs = random.Random(changed), 2_000
    texts = [text for _ in range(pairs) for text in _pair(rng, changed)]
    same = np.diff(np.array(bucket_table(told(texts))["bucket"]).reshape(pairs, 2, BANDS), axis=1) == 0
    similar = np.array([jaccard(triples(one), triples(two)) for one, two in zip(texts[::2], texts[1::2], strict=True)])
    chance = similar**ROWS_PER_BAND
    assert same.mean() == pytest.approx(chance.mean(), abs=0.02)
    assert same.any(axis=(1, 2)).mean() == pytest.approx((1 - (1 - chance) ** BANDS).mean(), abs=0.04)


def _pair(rng: random.Random, changed: int) -> tuple[str, str]:
    """A text of forty words, and the same with a few words changed."""
    words = [f"word{rng.randrange(10**9)}" for _ in range(40)]
    other = list(words)
    for place in rng.sample(range(40), changed):
        other[place] = f"word{rng.randrange(10**9)}"
    return " ".join(words), " ".join(other)


@pytest.mark.slow
@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(texts=TEXTS)
def test_a_text_has_the_same_buckets_alone_and_among_others(texts: list[str]) -> None:
    alone = [bucket for text in texts for bucket in buckets([text])]
    assert buckets(texts) == alone
    assert all(len(found) in (0, BANDS) for found in alone)


@given(st.lists(st.one_of(st.text(st.characters(max_codepoint=127)), st.text(), WORDS), max_size=5))
def test_texts_have_the_buckets_of_their_table_whatever_their_letters(texts: list[str]) -> None:
    assert [set(found) for found in text_buckets(texts)] == buckets(texts)


def test_a_part_of_a_long_table_has_the_same_buckets() -> None:
    rng = random.Random(1)
    texts = [
        "" if rng.random() < 0.1 else " ".join(rng.choices(STORY.split(), k=rng.randint(1, 30))) for _ in range(5_000)
    ]
    whole, part = bucket_table(told(texts)), bucket_table(told(texts).slice(2_000, 2_500))
    rows = [2_000 <= claim < 4_500 for claim in whole["claim"].to_pylist()]
    assert whole.filter(rows).equals(part)


def plain_buckets(text: str) -> list[int]:
    """The buckets as `features.links.minhash` defines them, in Python's integers."""
    golden, whole = 0x9E3779B97F4A7C15, 2**64

    def mixed(number: int) -> int:
        number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % whole
        number = (number ^ number >> 27) * 0x94D049BB133111EB % whole
        return number ^ number >> 31

    def word_hash(word: str) -> int:
        return mixed(sum(letter * pow(golden, i, whole) for i, letter in enumerate(word.encode())) % whole)

    shingles = []
    for triple in triples(text):
        hashed = 0
        for place in range(3):
            hashed = mixed((hashed + (word_hash(triple[place]) if place < len(triple) else 0)) % whole)
        shingles.append(hashed)
    steps = [mixed(i * golden % whole) for i in range(1, 65)]
    found = []
    for band in range(8):
        bucket = band
        for row in range(4):
            factor, offset = steps[2 * (4 * band + row) :][:2]
            bucket = mixed((bucket + min((s * (factor | 1) + offset) % whole for s in shingles)) % whole)
        found.append(bucket - whole if bucket >= whole // 2 else bucket)
    return found


@pytest.mark.parametrize("text", [STORY, "It broke", "Die Lampe fiel um, Scheiße!"])
def test_buckets_are_the_numbers_of_their_definition(text: str) -> None:
    function = pickle.loads(pickle.dumps(bucket_table))  # as an engine sends it to where the rows lie
    assert function(told([text]))["bucket"].to_pylist() == plain_buckets(text)
