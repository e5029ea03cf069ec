"""The kinds of event that features count, each named once."""

from __future__ import annotations

from claimvet.data.contract.tables import BAD_RETURN_CONDITIONS, LABELS
from claimvet.features.catalogue.declaration import Event, Filter

ORDERS = Event("orders", "orders", "orders")
RETURNS = Event("returns", "returns", "returns")
RETURNS_FAULT = Event(
    "returns_fault",
    "returns",
    "returns for a fault of the product or the parcel",
    Filter("reason", ("defective", "damaged", "not_as_described", "missing_parts", "wrong_item")),
)
RETURNS_REGRET = Event(
    "returns_regret", "returns", "returns of what was no longer needed", Filter("reason", ("no_longer_needed",))
)
RETURNS_REFUSED = Event("returns_refused", "returns", "returns that were refunded nothing", Filter("refused", ("yes",)))
INSPECTIONS = Event("returns_inspected", "inspections", "returns whose parcel was opened")
RETURNS_BAD_CONDITION = Event(
    "returns_bad_condition",
    "inspections",
    "returns that came back empty, swapped or not at all",
    Filter("condition", BAD_RETURN_CONDITIONS),
)
RETURNS_USED = Event(
    "returns_used", "inspections", "returns that came back used or damaged", Filter("condition", ("used", "damaged"))
)
CLAIMS = Event("claims", "claims", "earlier claims")
CLAIMS_INJURY = Event(
    "claims_injury", "claims", "earlier claims for an injury", Filter("claim_type", ("personal_injury",))
)
CLAIMS_UNDER_LIMIT = Event(
    "claims_just_under_limit", "claims", "earlier claims of $900 up to $1,000", Filter("band", ("just_under_limit",))
)
OUTCOMES = Event("outcomes", "outcomes", "decided claims")
OUTCOMES_BY_LABEL = {
    label: Event(f"{label}_outcomes", "outcomes", f"claims whose latest decision is {label}", Filter("label", (label,)))
    for label in LABELS
}
FINDINGS_BY_LABEL = {
    label: Event(
        f"{label}_findings",
        "outcomes",
        f"claims that somebody looked at and found {label}",
        Filter("finding", (label,)),
    )
    for label in LABELS
}
CONCESSIONS = Event(
    "concessions", "outcomes", "claims that were paid without anyone looking", Filter("decided_by", ("concession",))
)
SELLER_REPORTS = Event("seller_reports", "seller_reports", "reports by sellers for abuse")
REPORTS_FILED = Event("reports_filed", "seller_reports", "reports of customers for abuse")
LISTINGS = Event("listings", "listings", "products on sale")
POLICIES = Event("policies", "insurance_policies", "insurance policies in force")
VIOLATIONS = Event("violations", "seller_violations", "violations of the marketplace's rules in force")
EVIDENCE = Event("evidence", "claim_evidence", "pieces of evidence")
EVIDENCE_BY_KIND = {
    kind: Event(
        f"evidence_{kind}",
        "claim_evidence",
        f"pieces of evidence that are a {kind.replace('_', ' ')}",
        Filter("kind", (kind,)),
    )
    for kind in ("photo", "receipt", "medical_report", "police_report", "repair_estimate")
}
IDENTITY_LINKS = Event("identity_links", "identity_links", "devices, payments, addresses and phones")
IDENTITY_BY_KIND = {
    kind: Event(f"identity_{kind}", "identity_links", f"{kind} tokens", Filter("kind", (kind,)))
    for kind in ("device", "payment")
}
