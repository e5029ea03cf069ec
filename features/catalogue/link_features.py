"""The features that tie the claim to other customers: shared evidence, identity tokens, wording."""

from __future__ import annotations

from claimvet.features.catalogue.declaration import LinkFeature, Suspicion

LINK_FEATURES: tuple[LinkFeature, ...] = (
    LinkFeature(
        label="evidence_hash_other_customers_count",
        meaning="number of other customers who handed in a piece of this claim's evidence before",
        source="evidence",
        column="content_hash",
        family="evidence reuse",
        suspicion=Suspicion.RAISES,
        dtype="int64",
    ),
    LinkFeature(
        label="evidence_hash_own_claims_count",
        meaning="number of the customer's other claims that carried a piece of this claim's evidence before",
        source="evidence",
        column="content_hash",
        family="evidence reuse",
        dtype="int64",
    ),
    LinkFeature(
        label="identity_shared_customers_count",
        meaning="number of other customers who share a device, payment, address or phone with the customer",
        source="identity_links",
        column="token",
        family="identity links",
        dtype="int64",
    ),
    *(
        LinkFeature(
            label=f"identity_{kind}_shared_customers_count",
            meaning=f"number of other customers who share {phrase} with the customer",
            source="identity_links",
            column="token",
            family="identity links",
            dtype="int64",
        )
        for kind, phrase in (("device", "a device"), ("payment", "a means of payment"), ("address", "an address"))
    ),
    LinkFeature(
        label="identity_ring_customers_count",
        meaning="number of other customers tied to the customer by a chain of shared devices, payments, addresses or phones",
        source="identity_links",
        column="token",
        family="identity links",
        dtype="int64",
    ),
    LinkFeature(
        label="identity_token_claims_count_365d",
        meaning="most claims, in the 365 days before, by other customers who share one token with the customer",
        source="identity_links, claims",
        column="token",
        family="identity links",
        dtype="int64",
    ),
    LinkFeature(
        label="identity_token_abusive_outcomes_count",
        meaning="most claims found abusive before, by other customers who share one token with the customer",
        source="identity_links, outcomes",
        column="token",
        family="identity links",
        suspicion=Suspicion.RAISES,
        dtype="int64",
    ),
    LinkFeature(
        label="narrative_similar_customers_count",
        meaning="number of other customers whose earlier narrative reads nearly the same",
        source="claims",
        column="narrative",
        family="narrative",
        model_input=False,
        dtype="int64",
    ),
)
