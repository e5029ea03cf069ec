"""Customers whom a chain of shared tokens ties together, against a breadth-first search."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.features.catalogue.features import BY_NAME
from claimvet.features.links.connected_components import OTHERS, ConnectedComponents, others_in_components
from tests.examples import examples
from tests.features.oracle import Row, World, component
from tests.features.worlds import DAY, build, instant

RING = "identity_ring_customers_count"
NOON = instant("2024-02-29T12:00:00")
LINKS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12), st.integers(0, 5)), max_size=30)
ASKED = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 6)), max_size=10)


def holders(links: list[tuple[int, int, int]], before: int) -> list[set[int]]:
    """Who holds each token, by the links (customer, token, seen_at) before an instant."""
    tokens = {token for _, token, _ in links}
    return [{c for c, held, seen_at in links if held == token and seen_at < before} for token in tokens]


def sizes(links: list[tuple[int, int, int]], asked: list[tuple[int, int]]) -> list[int]:
    """The other customers in the component of each (customer, filed_at), as `others_in_components` says."""
    customers, tokens, seen = ([link[i] for link in links] for i in range(3))
    table = pa.table({"customer": customers, "token": tokens, "seen_at": seen}, schema=_integers(*LINK_COLUMNS))
    claims = pa.table(
        {"row": range(len(asked)), "customer": [c for c, _ in asked], "filed_at": [at for _, at in asked]},
        schema=_integers("row", "customer", "filed_at"),
    )
    found = others_in_components(table, claims)
    assert found.schema == OTHERS
    return [others for _, others in sorted(zip(*found.to_pydict().values(), strict=True))]


LINK_COLUMNS = ("customer", "token", "seen_at")


def _integers(*names: str) -> pa.Schema:
    return pa.schema([(name, pa.int64()) for name in names])


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(links=LINKS, asked=ASKED)
def test_components_are_what_a_search_finds_at_each_instant(
    links: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    assert sizes(links, asked) == [len(component(customer, holders(links, at))) - 1 for customer, at in asked]


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(links=LINKS, asked=ASKED, shuffled=st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_later_links_change_a_component(
    links: list[tuple[int, int, int]], asked: list[tuple[int, int]], shuffled: random.Random
) -> None:
    expected = sizes(links, asked)
    later = [(customer, 0, 6) for customer in range(10)]
    assert sizes(shuffled.sample(links + later, len(links) + 10), asked) == expected


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(links=LINKS)
def test_asking_between_links_changes_no_answer(links: list[tuple[int, int, int]]) -> None:
    asked_always, asked_once = ConnectedComponents(), ConnectedComponents()
    for customer, token, _ in links:
        asked_always.link(customer, token)
        asked_once.link(customer, token)
        assert asked_always.size(customer) >= 1
    assert [asked_always.size(c) for c in range(10)] == [asked_once.size(c) for c in range(10)]


def test_a_customer_without_a_link_is_a_component_of_one() -> None:
    assert ConnectedComponents().size("nobody") == 1


def test_a_token_seen_twice_on_a_customer_counts_once() -> None:
    components = ConnectedComponents()
    for customer in ("a", "b", "a", "b"):
        components.link(customer, "the same phone")
    assert components.size("a") == components.size("b") == 2


def test_a_chain_of_a_hundred_thousand_customers_takes_a_second() -> None:
    components, began = ConnectedComponents(), time.process_time()
    for customer in range(100_000):
        components.link(customer, f"shared with {customer - 1}")
        components.link(customer, f"shared with {customer}")
        assert components.size(0) == customer + 1
    assert time.process_time() - began < 5


def chain(*seen_at: int) -> list[Row]:
    """Customers c0, c1, … of whom each shares a token with the next one, since the instants given; kinds take turns."""
    links = []
    for i, at in enumerate(seen_at):
        kind = ("device", "payment", "address", "phone")[i % 4]
        links += [
            {"customer_id": f"c{j}", "kind": kind, "token": f"t{i}", "seen_at": at if j == i else 0} for j in (i, i + 1)
        ]
    return links


def claim(number: int, customer: str, filed_at: int) -> Row:
    return {
        "claim_id": f"k{number}",
        "customer_id": customer,
        "seller_id": "s",
        "product_id": "p",
        "claim_type": "other",
        "filed_at": filed_at,
    }


def built(world: World, folder: Path) -> list[int]:
    return list(build(world, folder, features=[BY_NAME[RING]])[RING])


def test_a_component_reaches_beyond_those_who_share_a_token_and_ends_at_the_claim(tmp_path: Path) -> None:
    links = chain(NOON - DAY, NOON - 1, NOON, NOON - DAY)
    claims = [claim(0, "c0", NOON), claim(1, "c0", NOON + 1), claim(2, "c4", NOON), claim(3, "stranger", NOON)]
    assert built({"claims": claims, "identity_links": links}, tmp_path) == [2, 4, 1, 0]


def test_tokens_of_two_kinds_that_read_the_same_tie_nobody(tmp_path: Path) -> None:
    links = [
        {"customer_id": "c0", "kind": "device", "token": "7", "seen_at": 0},
        {"customer_id": "c1", "kind": "phone", "token": "7", "seen_at": 0},
    ]
    assert built({"claims": [claim(0, "c0", NOON)], "identity_links": links}, tmp_path) == [0]


@pytest.mark.parametrize("holders", [20_000])
def test_everybody_behind_one_token_is_one_component(holders: int, tmp_path: Path) -> None:
    links = [
        {"customer_id": f"c{i}", "kind": "address", "token": "the depot", "seen_at": NOON + i} for i in range(holders)
    ]
    claims = [claim(i, f"c{i}", NOON + 2 * i) for i in range(0, holders // 2, 1_000)]
    assert built({"claims": claims, "identity_links": links}, tmp_path) == [
        max(2 * i - 1, 0) for i in range(0, holders // 2, 1_000)
    ]
