"""How many distinct other customers hold one of a claim's keys (tokens, content hashes), however many hold them.

Up to `HUB_HOLDERS` holders a key is paired with the claims that ask for it. A key with more is a *hub*, and pairs would
explode: of a token shared by 100,000 customers, 2,000 claims make 200 million. The holders of hubs are counted by
running totals instead: by inclusion and exclusion over the sets of a claim's hubs where it has few, |A or B| = |A| +
|B| - |A and B|; as the union of each distinct set where it has more than `MAX_HUBS`. Holders of the claim's other keys
are added where no hub of the claim has them yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind
from claimvet.features.engines.protocol import Engine
from claimvet.features.links.event_counts import event_counts

HUB_HOLDERS = 200
"""A key with more holders is a hub; pairing is cheaper below: it costs claims times holders, a hub some fifteen passes
over both."""

MAX_HUBS = 4
"""Sets of up to so many hubs are counted by inclusion and exclusion, of 15 subsets at most; there are four kinds of
token."""

ANY = "any"
_HOLDERS = Aggregate(AggregateKind.COUNT, None, None, None)


def other_holders(engine: Engine, asked: ir.Table, holders: ir.Table, kinds: Sequence[str] = ()) -> ir.Table:
    """Return distinct customers other than the claim's own who held one of its keys strictly before it was filed.

    Parameters:
        asked: `row`, `customer_id`, `filed_at`, `kind`, `key`: the keys of every claim, each once.
        holders: `key`, `customer_id`, `known`: who holds a key, each once, and since when.
        kinds: kinds of key to count apart, too.

    Returns:
        `row`, `any` and a column per kind (int64); a claim that shares nothing may be left out.
    """
    asked, holders = engine.keep(asked), engine.keep(holders)
    hubs = engine.keep(_hubs(asked, holders))
    if _is_empty(engine, hubs):
        return _by_pairs(asked, holders, kinds)
    rows = asked.semi_join(hubs, "key").select("row").distinct()
    paired = _by_pairs(asked.anti_join(rows, "row"), holders, kinds)
    return paired.union(_by_hubs(engine, asked.semi_join(rows, "row"), holders, hubs, kinds))


def _hubs(asked: ir.Table, holders: ir.Table) -> ir.Table:
    """Return `key` and a number, `hub`, for every key that a claim asks for and more than `HUB_HOLDERS` customers
    hold."""
    degrees = holders.semi_join(asked, "key").group_by("key").aggregate(holders=ibis._.count())
    hubs = degrees.filter(degrees.holders > HUB_HOLDERS)
    return hubs.select("key", hub=ibis.row_number().over(order_by=hubs.key))


def _by_pairs(asked: ir.Table, holders: ir.Table, kinds: Sequence[str]) -> ir.Table:
    pairs = _pairs(asked, holders)
    by_kind = {kind: pairs.other.nunique(where=pairs.kind == kind) for kind in kinds}
    return pairs.group_by("row").aggregate(any=pairs.other.nunique(), **by_kind)


def _pairs(asked: ir.Table, holders: ir.Table) -> ir.Table:
    """Return the rows of `asked` with `other`: each other customer who held the key before the claim was filed."""
    holding = holders.rename(other="customer_id")
    before = [asked.key == holding.key, holding.known < asked.filed_at, holding.other != asked.customer_id]
    return asked.inner_join(holding, before).select(*asked.columns, "other")


def _by_hubs(engine: Engine, asked: ir.Table, holders: ir.Table, hubs: ir.Table, kinds: Sequence[str]) -> ir.Table:
    """Return the counts of claims that have a hub among their keys."""
    grouped = [
        asked.mutate(among=ibis.literal(ANY)),
        *(asked.filter(asked.kind == k).mutate(among="kind") for k in kinds),
    ]
    asked = engine.keep(reduce(lambda left, right: left.union(right), grouped))
    asked_hubs = engine.keep(asked.inner_join(hubs, "key").select("row", "among", "customer_id", "filed_at", "hub"))
    held = engine.keep(holders.inner_join(hubs, "key").select("hub", "customer_id", "known"))
    counted = [
        _holders_of_hubs(engine, asked_hubs, held),
        _own(asked_hubs, held),
        _beside_hubs(engine, asked.anti_join(hubs, "key"), holders, asked_hubs, held),
    ]
    counts = engine.keep(reduce(lambda left, right: left.union(right), counted))
    columns = {name: counts.others.sum(where=counts.among == name) for name in (ANY, *kinds)}
    wide = counts.group_by("row").aggregate(**columns)
    return wide.select("row", **{name: wide[name].fill_null(0).cast("int64") for name in columns})


def _own(asked_hubs: ir.Table, held: ir.Table) -> ir.Table:
    """Return -1 for a claim whose own customer is among the holders of its hubs."""
    own = _held_before(asked_hubs.rename(other="customer_id"), held)
    return own.select("row", "among").distinct().mutate(others=ibis.literal(-1, "int64"))


def _beside_hubs(engine: Engine, asked: ir.Table, holders: ir.Table, asked_hubs: ir.Table, held: ir.Table) -> ir.Table:
    """Return holders of the claim's other keys who do not hold one of its hubs yet."""
    pairs = engine.keep(_pairs(asked, holders).select("row", "among", "other").distinct())
    hubs = asked_hubs.select("row", "among", "filed_at", "hub")
    with_hubs = pairs.inner_join(hubs, ["row", "among"]).select("row", "among", "other", "filed_at", "hub")
    beside = pairs.anti_join(_held_before(with_hubs, held), ["row", "among", "other"])
    return beside.group_by("row", "among").aggregate(others=beside.count())


def _held_before(asked: ir.Table, held: ir.Table) -> ir.Table:
    """Return the rows of `asked` (`row`, `among`, `other`, `filed_at`, `hub`) whose `other` held the hub before the
    claim was filed.
    """
    holding = held.rename(held_hub="hub", holder="customer_id")
    before = [asked.hub == holding.held_hub, asked.other == holding.holder, holding.known < asked.filed_at]
    return asked.inner_join(holding, before).select("row", "among", "other")


def _holders_of_hubs(engine: Engine, asked: ir.Table, held: ir.Table) -> ir.Table:
    """Return `row`, `among`, `others`: distinct holders of the claim's hubs, its own customer included."""
    hubs = asked.group_by("row", "among").aggregate(hubs=asked.count())
    few = hubs.filter(hubs.hubs <= MAX_HUBS)
    sets, members = _subsets(engine, asked.semi_join(few, ["row", "among"]), held)
    whole, joined = _unions(engine, asked.anti_join(few, ["row", "among"]), held)
    sets, members = engine.keep(sets.union(whole)), engine.keep(members.union(joined))
    instants = engine.keep(sets.select("key", "filed_at").distinct())
    counted = sets.left_join(event_counts(engine.fetch, instants, members, [_HOLDERS]), ["key", "filed_at"])
    signed = counted.select("row", "among", others=counted.sign * counted[_HOLDERS.name].fill_null(0))
    return signed.group_by("row", "among").aggregate(others=signed.others.sum().cast("int64"))


def _subsets(engine: Engine, asked: ir.Table, held: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Return every set of a claim's hubs with its sign, by inclusion and exclusion, and since when a customer holds all
    of such a set.

    Returns:
        `row`, `among`, `filed_at`, `key` (the set), `sign`; and `key`, `known`, and a 1 by the name of the aggregate.
    """
    sets = engine.keep(asked.select("row", "among", "filed_at", key=_text(asked.hub), last="hub"))
    members = engine.keep(held.select("customer_id", "known", key=_text(held.hub), last="hub"))
    asked_sets, all_members = [_signed(sets, 1)], [members]
    for size in range(2, MAX_HUBS + 1):
        sets = engine.keep(_with_one_more(sets, asked.select("row", "among", "hub"), ["row", "among"]))
        if _is_empty(engine, sets):
            break
        longer = _with_one_more(members, held.rename(also="known"), ["customer_id"])
        members = engine.keep(longer.filter(longer.key.isin(sets.key)))
        asked_sets.append(_signed(sets, size))
        all_members.append(members)
    since = [table.select("key", "known", **{_HOLDERS.name: ibis.literal(1, "int64")}) for table in all_members]
    return reduce(lambda left, right: left.union(right), asked_sets), reduce(
        lambda left, right: left.union(right), since
    )


def _with_one_more(sets: ir.Table, hubs: ir.Table, by: Sequence[str]) -> ir.Table:
    """Return every set with each larger hub of the same claim or customer; a customer holds it since the last of its
    hubs.
    """
    longer = sets.inner_join(hubs, [*by, sets.last < hubs.hub])
    known = {"known": ibis.greatest(longer.known, longer.also)} if "also" in hubs.columns else {}
    kept = {name: name for name in sets.columns if name not in {"key", "last", *known}}
    return longer.select(**kept, **known, key=longer.key + "," + _text(longer.hub), last="hub")


def _unions(engine: Engine, asked: ir.Table, held: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Return the whole set of each claim's hubs, and since when a customer holds the first of it; form as that of
    `_subsets`.
    """
    collected = asked.group_by("row", "among", "filed_at").aggregate(hubs=_text(asked.hub).collect())
    sets = engine.keep(
        collected.select("row", "among", "filed_at", key=ibis.literal(" or ").join(collected.hubs.sort()))
    )
    hubs = sets.inner_join(asked, ["row", "among"]).select("key", "hub").distinct()
    holding = hubs.inner_join(held, "hub")
    first = holding.group_by("key", "customer_id").aggregate(known=holding.known.min())
    return _signed(sets, 1), first.select("key", "known", **{_HOLDERS.name: ibis.literal(1, "int64")})


def _signed(sets: ir.Table, size: int) -> ir.Table:
    return sets.select("row", "among", "filed_at", "key", sign=ibis.literal(1 if size % 2 else -1, "int64"))


def _text(hub: ir.Value) -> ir.Value:
    return hub.cast("string")


def _is_empty(engine: Engine, table: ir.Table) -> bool:
    return bool(engine.fetch(table.limit(1)).num_rows == 0)
