"""Who else is tied to this claim: customers who share its evidence, an identity token, a chain of shared tokens, or its
wording.

Each link is counted as it was known when the claim was filed. Where one token is held by very many customers nothing is
paired with
everything: distinct customers are counted by `features.links.shared_keys`, `token_links` reads running totals per token
and takes away the customer's own, and components are kept by a union-find (`features.links.connected_components`). What
nobody shares, which is most of it, is left out first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from claimvet.data.contract.tables import IDENTITY_KINDS
from claimvet.features.catalogue.aggregates import Aggregate, AggregateKind
from claimvet.features.catalogue.declaration import Filter
from claimvet.features.catalogue.sources import SOURCES
from claimvet.features.engines.protocol import Engine
from claimvet.features.links.connected_components import others_in_components
from claimvet.features.links.event_counts import event_counts
from claimvet.features.links.minhash import BUCKETS, bucket_table
from claimvet.features.links.shared_keys import ANY, other_holders

IDENTITY_FEATURES_BY_KIND = tuple(kind for kind in IDENTITY_KINDS if kind != "phone")
"""Kinds with a count of their own; a phone is rarely shared and only counts with the others."""

TOKEN_EVENTS = {
    "identity_token_claims_count_365d": ("claims", Aggregate(AggregateKind.COUNT, None, None, 365)),
    "identity_token_abusive_outcomes_count": (
        "outcomes",
        Aggregate(AggregateKind.COUNT, None, Filter("label", ("abusive",)), None),
    ),
}
"""Per feature of `token_links`: the source and what is counted of it."""


def link_tables(engine: Engine, context: ir.Table) -> list[ir.Table]:
    """Return tables of `row` and columns of link features (int64), which leave out claims that nothing is tied to:
    these count 0.

    Features whose source is missing have no column.
    """
    counts = [narrative_links(engine, context)]
    if engine.has("evidence"):
        counts += evidence_links(engine, context)
    if engine.has("identity_links"):
        tokens = shared_tokens(engine)
        asked = engine.keep(tokens_of_claims(context, tokens))
        counts += [
            identity_links(engine, tokens, asked),
            token_links(engine, tokens, asked),
            component_links(engine, context, tokens),
        ]
    return counts


def evidence_links(engine: Engine, context: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Return other customers, and other claims of the customer, that handed in a piece of the claim's evidence before.

    Returns two tables of `row` and a count.
    """
    own = engine.keep(_seen_elsewhere(engine, context))
    evidence = engine.table("evidence")
    seen = evidence.select(
        "submitted_at", key="content_hash", other_claim="claim_id", submitter="customer_id"
    ).semi_join(own, "key")
    seen = engine.keep(seen)
    holders = seen.group_by("key", customer_id=seen.submitter).aggregate(known=seen.submitted_at.min())
    others = other_holders(engine, own.drop("claim_id"), holders)
    other = others.select("row", evidence_hash_other_customers_count=ANY)
    again = own.inner_join(
        seen,
        [
            own.key == seen.key,
            own.customer_id == seen.submitter,
            own.claim_id != seen.other_claim,
            seen.submitted_at < own.filed_at,
        ],
    )
    same = again.group_by("row").aggregate(evidence_hash_own_claims_count=again.other_claim.nunique())
    return other, same


def _seen_elsewhere(engine: Engine, context: ir.Table) -> ir.Table:
    """Return the claims' pieces of evidence that were handed in more than once, or not by the claim's customer.

    Returns:
        `row`, `claim_id`, `customer_id` and `filed_at` of the claim, `key` (the content), `kind` ("hash"), each once.
    """
    evidence = engine.table("evidence")
    contents = evidence.group_by(content="content_hash").aggregate(
        times=evidence.count(), submitter=evidence.customer_id.min()
    )
    pieces = evidence.select("submitted_at", of_claim="claim_id", key="content_hash")
    handed_in = context.inner_join(
        pieces, [context.claim_id == pieces.of_claim, pieces.submitted_at <= context.filed_at]
    )
    known = handed_in.inner_join(contents, handed_in.key == contents.content)
    elsewhere = known.filter((known.times > 1) | (known.submitter != known.customer_id))
    return elsewhere.select("row", "claim_id", "customer_id", "filed_at", "key", kind=ibis.literal("hash")).distinct()


def shared_tokens(engine: Engine) -> ir.Table:
    """Return who holds a token that somebody else holds too, and since when; kept, since every identity feature reads
    it.

    Returns:
        `kind` (string), `customer_id`, `seen_at` (int64), `key` and `holding` (integers, the token's and the row's).
    """
    links = engine.table("identity_links")
    repeated = links.semi_join(_repeated(links, "kind", "token"), ["kind", "token"])
    holdings = repeated.group_by("kind", "token", "customer_id").aggregate(seen_at=repeated.seen_at.min())
    numbered = engine.number(holdings, "holding")
    of_token = ibis.window(group_by=[numbered.kind, numbered.token])
    counted = numbered.mutate(key=numbered.holding.min().over(of_token), holders=numbered.count().over(of_token))
    return engine.keep(counted.filter(counted.holders > 1).select("kind", "customer_id", "seen_at", "key", "holding"))


def tokens_of_claims(context: ir.Table, tokens: ir.Table) -> ir.Table:
    """Return the shared tokens of every claim's customer: `row`, `customer_id`, `filed_at`, `kind`, `key`,
    `holding`."""
    joined = context.inner_join(tokens, [context.customer_id == tokens.customer_id, tokens.seen_at < context.filed_at])
    return joined.select("row", "customer_id", "filed_at", "kind", "key", "holding")


def identity_links(engine: Engine, tokens: ir.Table, asked: ir.Table) -> ir.Table:
    """Return distinct other customers who share a token with the customer, of any kind and of one kind.

    Parameters:
        tokens: as of `shared_tokens`.
        asked: as of `tokens_of_claims`.
    """
    holders = tokens.select("key", "customer_id", known="seen_at")
    counts = other_holders(engine, asked.drop("holding"), holders, IDENTITY_FEATURES_BY_KIND)
    names = {f"identity_{kind}_shared_customers_count": kind for kind in IDENTITY_FEATURES_BY_KIND}
    return counts.rename(identity_shared_customers_count=ANY, **names)


def token_links(engine: Engine, tokens: ir.Table, asked: ir.Table) -> ir.Table:
    """Return the most claims, and the most abusive outcomes, that other holders of one of the customer's tokens have.

    Parameters are those of `identity_links`. All holders of a token have one total and the customer another; what is
    between them is the others'. An event counts for a token once its customer holds it.
    """
    counted = {name: event for name, event in TOKEN_EVENTS.items() if engine.has(event[0])}
    aggregates = [aggregate for _, aggregate in counted.values()]
    events = reduce(
        ir.Table.union, (_events(engine, source, aggregate, aggregates) for source, aggregate in counted.values())
    )
    held = tokens.inner_join(events, "customer_id").rename(appears="seen_at")
    moments = engine.keep(
        _all_and_own(held, "known", "appears", "ends", *(aggregate.total.name for aggregate in aggregates))
    )
    signed = engine.keep(_all_and_own(asked.mutate(token="key"), "row", "token", "filed_at"))
    instants = signed.select("key", "filed_at").distinct()
    found = signed.left_join(event_counts(engine.fetch, instants, moments, aggregates), ["key", "filed_at"])
    totals = {name: (found.sign * found[aggregate.name].fill_null(0)).sum() for name, (_, aggregate) in counted.items()}
    others = found.group_by("row", "token").aggregate(**totals)
    return others.group_by("row").aggregate(**{name: others[name].max() for name in counted})


def _events(engine: Engine, source: str, aggregate: Aggregate, aggregates: Sequence[Aggregate]) -> ir.Table:
    """Return the events of one source: `customer_id`, `known`, `ends`, and a column for all of `aggregates`, 0 but for
    its own.
    """
    events = SOURCES[source].read(engine.table)
    ends = events.ends if SOURCES[source].has_end else ibis.null("int64")
    nothing = {other.total.name: ibis.literal(0, "int64") for other in aggregates}
    columns = nothing | {aggregate.total.name: aggregate.contribution(events)}
    return events.select("customer_id", "known", ends=ends, **columns)


def _all_and_own(table: ir.Table, *columns: str) -> ir.Table:
    """Return every row twice, for the token's total and for that of the customer's holding: `columns`, `key` and `sign`
    (1 and -1).
    """
    everyone = table.select(*columns, key=table.key.cast("int64"), sign=ibis.literal(1, "int64"))
    own = table.select(*columns, key=-1 - table.holding.cast("int64"), sign=ibis.literal(-1, "int64"))
    return everyone.union(own)


def component_links(engine: Engine, context: ir.Table, tokens: ir.Table) -> ir.Table:
    """Return other customers whom a chain of shared tokens ties to the customer.

    A chain has no end that a query could know beforehand, so this is computed in one process: it collects the shared
    links (not the others, which are most) and the claims of their customers, some 200 bytes each while it runs.
    """
    links = engine.fetch(tokens.select("seen_at", customer="customer_id", token="key"))
    asked = engine.fetch(context.semi_join(tokens, "customer_id").select("row", "filed_at", customer="customer_id"))
    return engine.hold(others_in_components(links, asked)).rename(identity_ring_customers_count="others")


def narrative_links(engine: Engine, context: ir.Table) -> ir.Table:
    """Return other customers with an earlier narrative that reads nearly the same; the same bucket of a MinHash is
    nearly the same.

    The most of any of the narrative's buckets: in each, the customers whose first narrative of the bucket came before.
    """
    claims = engine.table("claims")
    told = claims.filter(claims.narrative.notnull()).select("claim_id", "customer_id", "filed_at", "narrative")
    told = engine.number(told, "claim")
    buckets = engine.apply(told.select("claim", "narrative"), bucket_table, BUCKETS)
    alike = buckets.semi_join(_repeated(buckets, "bucket"), "bucket").inner_join(told.drop("narrative"), "claim")
    others = _others_before(alike)
    most = others.group_by("claim_id").aggregate(narrative_similar_customers_count=others.others.max())
    return context.inner_join(most, "claim_id").select("row", "narrative_similar_customers_count")


def _others_before(alike: ir.Table) -> ir.Table:
    """Return `claim_id` and `others` for every row: customers of the same `bucket` with an earlier `filed_at`, without
    its own.
    """
    own = {"group_by": ["bucket", "customer_id"], "order_by": ["filed_at", "claim"]}
    since = alike.filed_at.min().over(ibis.cumulative_window(**own))
    rows = alike.mutate(place=ibis.row_number().over(**own), since=since)
    before = ibis.range_window(preceding=(None, 1), group_by=rows.bucket, order_by=rows.filed_at)
    customers = (rows.place == 0).cast("int64").sum().over(before).fill_null(0)
    return rows.select("claim_id", others=customers - (rows.since < rows.filed_at).cast("int64"))


def _repeated(table: ir.Table, *columns: str) -> ir.Table:
    """Return the values of `columns` that more than one row has."""
    counted = table.group_by(columns).aggregate(rows=table.count())
    return counted.filter(counted.rows > 1)
