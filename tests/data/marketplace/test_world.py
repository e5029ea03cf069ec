"""What the world must contain: who is in it, what they do, and how much of it can be seen."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from claimvet.data.contract.tables import DECIDERS, LABELS
from claimvet.data.marketplace import constants as c
from claimvet.data.marketplace import outcomes, phrases, schemes
from claimvet.data.marketplace.population import ATTACKER
from claimvet.data.marketplace.world import World
from claimvet.data.reference import load_categories


def value(sql: duckdb.DuckDBPyConnection, query: str) -> float:
    """The single value of a query."""
    row = sql.execute(query).fetchone()
    assert row is not None
    return float(row[0])


def share_by(sql: duckdb.DuckDBPyConnection, what: str, by: str, source: str) -> dict[str, float]:
    """Mean of a condition by a column."""
    rows = sql.execute(f"SELECT {by}, avg(({what})::INT) FROM {source} GROUP BY 1").fetchall()
    return {str(name): float(share) for name, share in rows}


KNOWN = "claims JOIN true_claims USING (claim_id) JOIN true_customers USING (customer_id)"


def test_more_than_four_of_five_claims_are_below_the_concession_limit(sql: duckdb.DuckDBPyConnection) -> None:
    small = value(sql, f"SELECT avg((amount_claimed < {c.CONCESSION_LIMIT})::INT) FROM claims")
    assert c.SMALL_CLAIM_SHARE < small < 0.95


def test_labels_have_their_shares(sql: duckdb.DuckDBPyConnection) -> None:
    for label, share in zip(LABELS, c.LABEL_SHARE, strict=True):
        found = value(sql, f"SELECT avg((true_label = '{label}')::INT) FROM true_claims")
        assert found == pytest.approx(share, abs=0.02)


def test_scheme_shares_of_a_label_sum_to_one() -> None:
    for label in range(len(LABELS)):
        assert sum(one.share for one in schemes.SCHEMES if one.label == label) == pytest.approx(1.0)


def test_every_kind_of_customer_claims(sql: duckdb.DuckDBPyConnection) -> None:
    kinds = sql.execute(f"SELECT DISTINCT kind FROM {KNOWN}").fetchall()
    assert {kind for (kind,) in kinds} == set(c.KINDS)


def test_abuse_comes_from_abusers_and_they_have_true_claims_too(sql: duckdb.DuckDBPyConnection) -> None:
    abusive = share_by(sql, "true_label = 'abusive'", "kind", KNOWN)
    assert abusive["serial_abuser"] > 0.7
    assert abusive["honest"] < 0.02
    assert value(sql, f"SELECT count(*) FROM {KNOWN} WHERE kind = 'opportunist' AND true_label = 'valid'") > 0
    assert value(sql, f"SELECT count(*) FROM {KNOWN} WHERE kind = 'honest' AND true_label = 'frivolous'") > 0


def test_opportunists_send_back_worn_goods_and_claim_after_refusals(sql: duckdb.DuckDBPyConnection) -> None:
    worn = share_by(sql, "condition = 'used'", "kind", "returns JOIN true_customers USING (customer_id)")
    assert worn["opportunist"] > 2 * worn["honest"]
    refused = """claims k JOIN true_claims USING (claim_id) LEFT JOIN (SELECT DISTINCT order_id, inspected_at FROM returns
        WHERE refund_amount = 0 AND condition IS NOT NULL) r ON r.order_id = k.order_id AND r.inspected_at < k.filed_at"""
    after = share_by(sql, "r.order_id IS NOT NULL", "true_label", refused)
    assert after["abusive"] > 0.2
    assert after["abusive"] > 5 * after["valid"]


def test_rings_share_tokens_and_evidence_far_more_than_others(sql: duckdb.DuckDBPyConnection) -> None:
    tokens = """(SELECT customer_id, count(*) OVER (PARTITION BY kind, token) AS users FROM identity_links)
        JOIN true_customers USING (customer_id)"""
    shared = share_by(sql, "users > 1", "kind", tokens)
    pieces = """(SELECT customer_id, count(*) OVER (PARTITION BY content_hash) AS uses FROM evidence)
        JOIN true_customers USING (customer_id)"""
    reused = share_by(sql, "uses > 1", "kind", pieces)
    assert shared["ring_member"] > 0.2 > 3 * shared["honest"] > 0
    assert reused["ring_member"] > 0.3 > 3 * reused["honest"] > 0


def test_dangerous_lots_hurt_many_honest_customers_at_once(world: World) -> None:
    hit = world.orders.of_dangerous_lot(world.products, world.claims.order) & (world.claims.scheme == schemes.DEFECT)
    product = world.orders.product[world.claims.order]
    claimants = world.orders.customer[world.claims.order[hit]]
    assert np.bincount(product[hit]).max() >= 10
    assert hit.mean() > 0.02
    assert len(np.unique(claimants)) > 0.9 * len(claimants)
    assert (world.claims.label[hit] == schemes.VALID).all()


def test_the_attack_appears_only_late(world: World) -> None:
    attack = world.claims.scheme == schemes.LATE_ATTACK
    begin = world.customers.created_at[world.customers.kind == ATTACKER].min()
    length = c.PERIOD_DAYS * c.MICROSECOND_DAY
    start = int(np.datetime64(c.START_DAY, "us").astype(np.int64))
    assert attack.sum() > 20
    assert world.claims.filed_at[attack].min() > begin > start + 0.7 * length


def test_claims_just_below_the_limit_are_mostly_abusive(sql: duckdb.DuckDBPyConnection) -> None:
    near = share_by(sql, "amount_claimed >= 850 AND amount_claimed < 1000", "true_label", KNOWN)
    assert near["abusive"] > 0.25 > 0.1 > near["valid"]


def test_sellers_who_lie_report_more(world: World) -> None:
    seller = world.products.seller[world.orders.product]
    orders = np.bincount(seller, minlength=len(world.sellers))
    reports = np.bincount(seller[world.seller_reports.order], minlength=len(world.sellers))
    lying = world.sellers.dishonest
    assert reports[lying].sum() / orders[lying].sum() > 3 * reports[~lying].sum() / orders[~lying].sum()


def test_sellers_insure_after_the_first_month_of_big_sales_and_some_lapse(sql: duckdb.DuckDBPyConnection) -> None:
    sold = f"""(SELECT seller_id, date_trunc('month', ordered_at) + INTERVAL 1 MONTH AS due FROM orders
        GROUP BY ALL HAVING sum(amount) >= {c.INSURANCE_SALES})"""
    sql.execute("SET TimeZone = 'UTC'")
    big = f"(SELECT seller_id, min(due) AS due FROM {sold} GROUP BY 1)"
    insured = value(sql, f"SELECT avg((seller_id IN (SELECT seller_id FROM insurance_policies))::INT) FROM {big}")
    early = value(sql, f"SELECT count(*) FROM insurance_policies JOIN {big} USING (seller_id) WHERE valid_from < due")
    assert insured > 0.7
    assert early == 0


def test_sellers_who_lie_break_more_rules_and_some_violations_are_lifted(
    world: World, sql: duckdb.DuckDBPyConnection
) -> None:
    broken = np.bincount(world.violations.seller, minlength=len(world.sellers)) > 0
    lying = world.sellers.dishonest
    assert broken[lying].mean() > 2 * broken[~lying].mean() > 0
    lifted = value(sql, "SELECT avg((lifted_at IS NOT NULL)::INT) FROM seller_violations")
    assert 0.6 < lifted < 0.95
    assert value(sql, "SELECT count(*) FROM seller_violations WHERE lifted_at < recorded_at") == 0


def test_small_claims_are_mostly_paid_unchecked(sql: duckdb.DuckDBPyConnection) -> None:
    conceded = share_by(
        sql,
        "decided_by = 'concession'",
        f"amount_claimed < {c.CONCESSION_LIMIT}",
        "outcomes JOIN claims USING (claim_id)",
    )
    assert 0.6 < conceded["True"] < 0.95
    assert conceded["False"] == 0
    assert value(sql, "SELECT count(*) FROM outcomes WHERE decided_by = 'concession' AND label <> 'valid'") == 0


def test_findings_are_mostly_right_and_concessions_often_not(sql: duckdb.DuckDBPyConnection) -> None:
    right = share_by(sql, "label = true_label", "decided_by", "outcomes JOIN true_claims USING (claim_id)")
    assert set(right) == set(DECIDERS)
    assert 0.85 < right["expert"] < 0.99
    assert right["seller_defense"] < right["expert"]
    assert right["concession"] < 0.85


def test_some_findings_are_overturned_and_some_claims_wait(sql: duckdb.DuckDBPyConnection) -> None:
    overturned = """SELECT count(*) FROM outcomes a JOIN outcomes b USING (claim_id)
        WHERE a.decided_by <> 'appeal' AND b.decided_by = 'appeal' AND a.label <> b.label AND a.decided_at < b.decided_at"""
    waiting = """SELECT count(*) FILTER (filed_at >= TIMESTAMPTZ '2025-12-15 00:00:00+00') / count(*)
        FROM claims ANTI JOIN outcomes USING (claim_id)"""
    assert value(sql, overturned) > 5
    assert value(sql, waiting) > 0.3


def test_the_confusion_of_every_decider_sums_to_one() -> None:
    for shares in (*outcomes.CONFUSION.values(), outcomes.DISHONEST_DEFENCE):
        assert np.array(shares).sum(axis=1) == pytest.approx(1.0)


def test_how_well_a_claim_is_written_says_nothing_about_merit(sql: duckdb.DuckDBPyConnection) -> None:
    others = f"{KNOWN} WHERE kind <> 'ring_member' AND narrative IS NOT NULL"
    polished = share_by(sql, "narrative LIKE '%.'", "true_label", others)
    assert len(polished) == len(LABELS)
    assert max(polished.values()) - min(polished.values()) < 0.1


def test_rings_copy_their_stories(world: World) -> None:
    def same_words(rows: np.ndarray) -> float:
        texts = [set((world.narratives[row] or "").split()) for row in rows]
        pairs = [(texts[a], texts[b]) for a in range(len(texts)) for b in range(a)]
        return float(np.mean([len(a & b) / max(1, len(a | b)) > 0.5 for a, b in pairs]))

    ring_of = world.customers.ring[world.orders.customer[world.claims.order]]
    ringed = world.claims.scheme == schemes.RING_SCHEME
    largest = np.bincount(ring_of[ringed]).argmax()
    honest = np.flatnonzero(world.claims.scheme == schemes.DEFECT)[:60]
    assert same_words(np.flatnonzero(ringed & (ring_of == largest))) > 0.1
    assert same_words(honest) < 0.01


def test_both_wordings_of_every_slot_have_the_same_number_of_phrases() -> None:
    assert all(len(polished) == len(clumsy) for polished, clumsy in phrases.SLOTS)


def test_categories_are_those_of_the_reference_table(sql: duckdb.DuckDBPyConnection) -> None:
    used = {name for (name,) in sql.execute("SELECT DISTINCT category_id FROM products").fetchall()}
    assert used <= set(load_categories()["category_id"])
    assert len(used) >= 40


def test_hazardous_categories_have_more_valid_claims_an_order(world: World) -> None:
    hazard = world.products.hazard[world.orders.product]
    defects = world.claims.order[world.claims.scheme == schemes.DEFECT]
    assert hazard[defects].mean() > 2 * hazard.mean()
