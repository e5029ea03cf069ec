"""Who else is tied to this claim: customers who share its evidence, an identity token, or its wording.

Each link is counted as it was known when the claim was filed. Where one token is held by very many customers nothing is paired with
everything: distinct customers are counted by `features.holders`, and `most_by_others` reads running totals per token and takes away the
customer's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from data.contract.tables import IDENTITY_KINDS
from features.declaration import Filter
from features.engine import Engine
from features.holders import ANY, other_holders
from features.narratives import narrative_buckets
from features.parts import Part, PartKind, contributions
from features.plan import choose_plan
from features.sources import SOURCES

IDENTITY_FEATURES_BY_KIND = tuple(kind for kind in IDENTITY_KINDS if kind != "phone")
"""Kinds with a count of their own; a phone is rarely shared and only counts with the others."""

_CLAIMS_OF_A_YEAR = Part(PartKind.COUNT, None, None, 365)
_ABUSIVE_OUTCOMES = Part(PartKind.COUNT, None, Filter("label", ("abusive",)), None)


def link_tables(engine: Engine, context: ir.Table) -> list[ir.Table]:
    """Kept tables with `row` and a column per link feature; those whose source is missing are left out."""
    tables = [narrative_links(engine, context)]
    if engine.has("evidence"):
        tables += [evidence_links(engine, context)]
    if engine.has("identity_links"):
        tables += [identity_links(engine, context), token_links(engine, context, "claims", _CLAIMS_OF_A_YEAR)]
        if engine.has("outcomes"):
            tables += [token_links(engine, context, "outcomes", _ABUSIVE_OUTCOMES)]
    return tables


def evidence_links(engine: Engine, context: ir.Table) -> ir.Table:
    """Other customers, and other claims of the customer, that handed in a piece of the claim's evidence before."""
    evidence = engine.table("evidence")
    joined = context.inner_join(
        evidence, [context.claim_id == evidence.claim_id, evidence.submitted_at <= context.filed_at]
    )
    columns = {"customer_id": context.customer_id, "key": "content_hash", "kind": ibis.literal("hash")}
    own = engine.keep(joined.select("row", "claim_id", "filed_at", **columns).distinct())
    holders = evidence.group_by(["content_hash", "customer_id"]).aggregate(known=evidence.submitted_at.min())
    others = other_holders(engine, own.drop("claim_id"), holders.rename(key="content_hash"))
    other = others.select("row", evidence_hash_other_customers_count="any")
    seen = evidence.select("content_hash", "submitted_at", other_claim="claim_id", submitter="customer_id")
    again = own.inner_join(
        seen,
        [
            own.key == seen.content_hash,
            own.customer_id == seen.submitter,
            own.claim_id != seen.other_claim,
            seen.submitted_at < own.filed_at,
        ],
    )
    same = again.group_by("row").aggregate(evidence_hash_own_claims_count=again.other_claim.nunique())
    return engine.keep(_for_every_claim(context, other, same))


def identity_links(engine: Engine, context: ir.Table) -> ir.Table:
    """Distinct other customers who share a token with the customer, of any kind and of one kind."""
    tokens = shared_tokens(engine)
    joined = context.inner_join(tokens, [context.customer_id == tokens.customer_id, tokens.seen_at < context.filed_at])
    own = joined.select("row", "customer_id", "filed_at", "kind", key="key")
    holders = tokens.select("key", "customer_id", known="seen_at")
    counts = other_holders(engine, own, holders, IDENTITY_FEATURES_BY_KIND)
    names = {f"identity_{kind}_shared_customers_count": kind for kind in IDENTITY_FEATURES_BY_KIND}
    return engine.keep(_for_every_claim(context, counts.rename(identity_shared_customers_count=ANY, **names)))


def token_links(engine: Engine, context: ir.Table, source: str, part: Part) -> ir.Table:
    """The most claims, or abusive outcomes, that other holders of one of the customer's tokens have."""
    tokens = shared_tokens(engine)
    events = SOURCES[source].read(engine.table)
    held = events.inner_join(tokens, "customer_id")
    bounds = {"ends": held.ends} if SOURCES[source].has_end else {}
    moments = held.select(
        "customer_id", key="key", known="known", appears="seen_at", **bounds, **contributions(held, [part])
    )
    joined = context.inner_join(tokens, [context.customer_id == tokens.customer_id, tokens.seen_at < context.filed_at])
    asked = joined.select("row", "customer_id", "filed_at", key="key")
    name = f"identity_token_{'abusive_outcomes_count' if part.where else 'claims_count_365d'}"
    return engine.keep(_for_every_claim(context, most_by_others(engine, asked, moments, part, name)))


def narrative_links(engine: Engine, context: ir.Table) -> ir.Table:
    """Other customers with an earlier narrative that reads nearly the same; the same bucket of a MinHash is nearly the same."""
    claims = engine.table("claims")
    buckets = engine.keep(narrative_buckets(claims))
    written = buckets.inner_join(claims.select("claim_id", "customer_id", "filed_at"), "claim_id")
    first = written.group_by(["bucket", "customer_id"]).aggregate(known=written.filed_at.min())
    part = Part(PartKind.COUNT, None, None, None)
    moments = first.select("customer_id", key="bucket", known="known", **{part.name: ibis.literal(1, "int64")})
    asked = context.inner_join(buckets, "claim_id").select("row", "customer_id", "filed_at", key="bucket")
    return engine.keep(
        _for_every_claim(context, most_by_others(engine, asked, moments, part, "narrative_similar_customers_count"))
    )


def shared_tokens(engine: Engine) -> ir.Table:
    """Identity links whose token more than one customer holds: `key`, `kind`, `customer_id`, `seen_at`."""
    links = engine.table("identity_links")
    holders = links.group_by(["kind", "token"]).aggregate(holders=links.customer_id.nunique())
    shared = links.semi_join(holders.filter(holders.holders > 1), ["kind", "token"])
    return shared.select("kind", "customer_id", "seen_at", key=shared.kind + ":" + shared.token)


def most_by_others(engine: Engine, asked: ir.Table, moments: ir.Table, part: Part, name: str) -> ir.Table:
    """Per claim, the largest total over its keys of what others than its customer contributed.

    Parameters:
        asked: `row`, `key`, `customer_id`, `filed_at`: the keys (tokens, buckets) of every claim.
        moments: events with `key`, `customer_id`, `known`, optional `appears` and `ends`, and the part's column.
    """
    asked, moments = engine.keep(asked), engine.keep(moments)
    everyone = _totals(engine, asked, moments, part, ["key"])
    own = _totals(engine, asked, moments, part, ["key", "customer_id"])
    difference = everyone.inner_join(own, ["row", "key"], lname="all_{name}", rname="own_{name}")
    most = difference.select(row="row", others=difference.all_total - difference.own_total)
    return most.group_by("row").aggregate(**{name: most.others.max()})


def _totals(engine: Engine, asked: ir.Table, moments: ir.Table, part: Part, by: Sequence[str]) -> ir.Table:
    """`row`, `key` and `total`: the part over all events of the claim's key, or of its key and customer."""

    def keyed(table: ir.Table) -> ir.Table:
        parts = [table[column] for column in by]
        return table.mutate(group=parts[0] if len(parts) == 1 else parts[0] + "\x1f" + parts[1])

    asked, events = keyed(asked), keyed(moments)
    instants = engine.keep(asked.select(key="group", filed_at="filed_at").distinct())
    bounds = [name for name in ("appears", "ends") if name in events.columns]
    plan, events = choose_plan(instants, engine.keep(events.select("known", *bounds, part.total.name, key="group")), [part])
    totals = plan(instants, events, [part]).rename(group="key")
    joined = asked.left_join(totals, ["group", "filed_at"])
    return engine.keep(joined.select("row", "key", total=joined[part.name].fill_null(0)))


def _for_every_claim(context: ir.Table, *counts: ir.Table) -> ir.Table:
    """A claim that nothing is tied to counts 0."""
    joined = reduce(lambda left, right: left.left_join(right, "row").drop("row_right"), counts, context.select("row"))
    return joined.select(
        "row", **{name: joined[name].fill_null(0).cast("int64") for name in joined.columns if name != "row"}
    )
