"""Which narratives read nearly the same."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.narratives import BANDS, bucket_table, shingles
from tests.features.oracle import buckets

STORY = "I plugged in the new toaster at breakfast and after two minutes smoke came out of its left side and the curtain caught fire"
WORDS = st.lists(st.sampled_from(["the", "lamp", "fell", "on", "my", "foot"]), max_size=12).map(" ".join)


def shared(one: str, other: str) -> int:
    """Number of buckets that two texts share."""
    table = bucket_table(pd.Series([one, other]))
    in_one, in_other = (set(table["bucket"][table["text"] == text]) for text in (one, other))
    return len(in_one & in_other)


def test_a_word_changed_leaves_most_of_a_story_alike() -> None:
    assert shared(STORY, STORY.replace("breakfast", "noon")) > 0


def test_another_story_shares_nothing() -> None:
    assert (
        shared(STORY, "My daughter cut her hand on the lid of the box when she opened the parcel in the kitchen") == 0
    )


def test_case_and_punctuation_do_not_count() -> None:
    assert shared(STORY, STORY.upper().replace(" ", ", ")) == BANDS


def test_a_text_of_few_words_is_one_shingle() -> None:
    assert shingles("It broke") == [b"it broke"]
    assert shingles("...") == []


def test_texts_without_a_word_have_no_bucket() -> None:
    assert bucket_table(pd.Series(["", "!?"], dtype="str")).empty


@settings(max_examples=50, deadline=None, derandomize=True)
@given(texts=st.lists(WORDS, max_size=5))
def test_texts_share_buckets_as_plain_minhash_says(texts: list[str]) -> None:
    table = bucket_table(pd.Series(texts, dtype="str"))
    ours = {text: set(table["bucket"][table["text"] == text]) for text in texts}
    for one in texts:
        for other in texts:
            assert len(ours[one] & ours[other]) == len(buckets(one) & buckets(other))
