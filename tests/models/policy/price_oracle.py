"""The prices and the fence of docs/policy.md, one claim at a time and by hand: no code is shared with the policy, only its figures."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isnan

from claimvet.models.policy.policy import Policy

Claim = Mapping[str, float | str | bool]
"""`valid`, `frivolous`, `abusive` (what is believed), `kind`, `amount`, `evidence`, `policies`, `orders`, `month`, `year`, `cluster`;
nan is not known."""


def prices(claim: Claim, policy: Policy) -> dict[str, float]:
    """Expected cost of each disposition, `inf` where it is not allowed."""
    v, a = float(claim["valid"]), float(claim["abusive"])
    stated = not isnan(float(claim["amount"]))
    dollars = float(claim["amount"]) if stated else policy.unstated_amount_usd
    small = dollars < policy.concession_limit_usd
    owes = owes_insurance(claim, policy)
    paid = (1 - v + a * policy.abuse_repeat_multiple) * dollars * borne(claim, policy, small, owes)
    harm = policy.wrong_denial_usd + policy.wrong_denial_multiple * dollars
    settle = settling(claim, policy, small, owes)
    after = v * settle + (1 - v) * policy.denial_usd
    unknown = min(paid, v * harm)
    hurt = claim["kind"] == "personal_injury"
    goodwill = policy.evidence_injured_usd if hurt else policy.evidence_honest_usd
    resolved = policy.more_evidence_resolves_share if float(claim["evidence"]) > 0 else policy.evidence_resolves_share
    told_valid = v >= float(claim["frivolous"]) and v >= a
    deniable = claim["kind"] == "property_damage" or (hurt and policy.deny_personal_injury)
    below = policy.deny_threshold is not None and v <= policy.deny_threshold
    return {
        "pay_concession": settle + paid if told_valid and stated and small else inf,
        "present_to_seller": settle + paid if told_valid and stated and not small else inf,
        "request_evidence": policy.evidence_usd
        + v * (goodwill + policy.honest_gives_up_share * harm)
        + after
        + (1 - resolved) * unknown,
        "refer_to_expert": policy.expert_usd + after + policy.expert_error_share * unknown if stated else inf,
        "deny": policy.denial_usd + v * harm if deniable and below and not told_valid and not claim["cluster"] else inf,
    }


def owes_insurance(claim: Claim, policy: Policy) -> bool:
    """No policy in force, and so much sold in the last month, or so much in a year that some month of 13 must have had it."""
    if isnan(float(claim["policies"])) or float(claim["policies"]) > 0:
        return False
    return float(claim["month"]) >= policy.insured_from_usd or float(claim["year"]) / 13 >= policy.insured_from_usd


def borne(claim: Claim, policy: Policy, small: bool, owes: bool) -> float:
    """The share of a wrong payment that is lost."""
    if small:
        return 1 - policy.recovered_share if owes else 1.0
    if float(claim["policies"]) > 0:
        return policy.insurer_pays_invalid_share
    if float(claim["orders"]) < policy.small_seller_orders:
        return policy.small_seller_pays_invalid_share
    return policy.seller_pays_invalid_share


def settling(claim: Claim, policy: Policy, small: bool, owes: bool) -> float:
    """The work of settling a claim."""
    if small:
        return policy.payment_usd + (policy.recovery_usd if owes else 0.0)
    return policy.insurer_handling_usd if float(claim["policies"]) > 0 else policy.seller_handling_usd
