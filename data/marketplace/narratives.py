"""What claimants write. How well they write is the account's own and says nothing about merit; rings copy from each other."""

from __future__ import annotations

import numpy as np

from claimvet.data.marketplace import phrases
from claimvet.data.marketplace.catalogue import Products
from claimvet.data.marketplace.claims import Claims
from claimvet.data.marketplace.population import Customers
from claimvet.data.marketplace.randomness import Ints, stream
from claimvet.data.marketplace.schemes import RING_SCHEME
from claimvet.data.marketplace.shopping import Orders
from claimvet.data.reference import load_categories

MISSING_SHARE = 0.03
"""Claims without a narrative (assumption)."""
COPIED_SHARE = 0.7
"""Claims of a ring whose text is taken from the ring's own template (assumption)."""
FORWARDED_SHARE = 0.004
"""Other claims whose text is taken from a help page that many read (assumption)."""
HELP_PAGES = 40
"""Help pages that people copy from (assumption)."""
EDITED_SHARE = 0.6
"""Copies in which one sentence is replaced (assumption)."""
KEPT_WORDING = 0.85
"""Copies that keep the wording of their template, polished or clumsy (assumption)."""


def _choices(rng: np.random.Generator, size: int) -> Ints:
    """Return one row of phrase numbers for each text; int64, shape (size, slots)."""
    columns = [rng.integers(0, len(slot[0]), size) for slot in phrases.SLOTS]
    return np.column_stack([*columns, rng.integers(2, 60, size), rng.integers(2, 12, size)])


def _copied(rng: np.random.Generator, choices: Ints, template: Ints) -> Ints:
    """Give rows with a template its phrases, but for one slot that some writers change."""
    pool = _choices(rng, int(template.max(initial=0)) + 1)
    copies = np.flatnonzero(template >= 0)
    choices = choices.copy()
    own = choices[copies]
    choices[copies] = pool[template[copies]]
    slot = rng.integers(0, len(phrases.SLOTS), len(copies))
    edited = np.flatnonzero(rng.random(len(copies)) < EDITED_SHARE)
    choices[copies[edited], slot[edited]] = own[edited, slot[edited]]
    return choices


def _templates(rng: np.random.Generator, claims: Claims, ring: Ints) -> Ints:
    luck = rng.random(len(claims))
    copied = (claims.scheme == RING_SCHEME) & (luck < COPIED_SHARE)
    forwarded = ~copied & (luck < FORWARDED_SHARE)
    template = np.where(forwarded, rng.integers(0, HELP_PAGES, len(claims)), -1)
    return np.where(copied, HELP_PAGES + ring, template)


def _write(row: list[int], polished: bool, thing: str, injury: bool) -> str:
    """Return one text: a phrase of each slot, in the polished or the clumsy wording."""
    manner = 0 if polished else 1
    harms = phrases.HARMS[injury]
    words = {"thing": thing, "harm": harms[row[-2] % len(harms)], "n": row[-2], "m": row[-1]}
    text = " ".join(slot[manner][pick] for slot, pick in zip(phrases.SLOTS, row, strict=False))
    return text.format_map(words)


def make_narratives(
    seed: int, customers: Customers, products: Products, orders: Orders, claims: Claims
) -> list[str | None]:
    """Return the text of each claim, None where there is none."""
    rng = stream(seed, "narratives")
    names = [name.lower() for name in load_categories()["category_name"]]
    buyer = orders.customer[claims.order]
    template = _templates(rng, claims, customers.ring[buyer])
    rows = _copied(rng, _choices(rng, len(claims)), template).tolist()
    polish = np.where(
        template >= 0, np.where(template % 2 == 0, KEPT_WORDING, 1 - KEPT_WORDING), customers.polish[buyer]
    )
    polished = rng.random(len(claims)) < polish
    missing = rng.random(len(claims)) < MISSING_SHARE
    things = products.category[orders.product[claims.order]]
    return [
        None if gone else _write(row, bool(well), names[thing], bool(hurt))
        for row, well, thing, hurt, gone in zip(rows, polished, things, claims.injury, missing, strict=True)
    ]
