"""Protected fields and proxies are recognised in the forms in which people write them, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimvet.features.catalogue.features import FEATURES
from claimvet.models.explain.protected import is_protected, protected_names

FIELDS = (
    ("first", "name"),
    ("last", "name"),
    ("post", "code"),
    ("zip", "code"),
    ("date", "of", "birth"),
    ("customer", "dob"),
    ("gender",),
    ("sex",),
    ("nationality",),
    ("customer", "age"),
    ("policy", "holder", "age"),
    ("marital", "status"),
    ("mother", "tongue"),
    ("vorname",),
    ("geschlecht",),
    ("geburtsdatum",),
    ("postleitzahl",),
    ("prénom",),
    ("code", "postal"),
    ("date", "de", "naissance"),
)
FORMS = {
    "snake": "_".join,
    "kebab": "-".join,
    "spaced": " ".join,
    "dotted": ".".join,
    "upper": lambda words: "_".join(words).upper(),
    "camel": lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "glued": "".join,
}


def plural(words: tuple[str, ...]) -> tuple[str, ...]:
    last = words[-1]
    return (*words[:-1], f"{last[:-1]}ies" if last.endswith("ity") else last if last.endswith("s") else f"{last}s")


@given(
    st.sampled_from(FIELDS),
    st.sampled_from(sorted(FORMS)),
    st.booleans(),
    st.sampled_from(["", "claimant_", "hashed_"]),
    st.sampled_from(["", "_hash", "_2", "_code"]),
)
def test_a_protected_field_is_known_in_every_form_that_people_write(
    words: tuple[str, ...], form: str, several: bool, before: str, after: str
) -> None:
    assert is_protected(f"x_{before}{FORMS[form](plural(words) if several else words)}{after}")


@pytest.mark.parametrize(
    "name",
    [
        "customer_account_age_days", "x_AgeOfVehicle", "x_vehicle_age", "x_ageofvehicle", "x_message", "x_page_views", "x_storage",
        "x_image_count", "x_package_weight", "x_mileage", "x_sextant", "x_category_name", "x_product_name", "x_brand_names",
        "x_name_of_product", "x_discount_code", "x_zipper", "x_latency_ms", "x_days_late", "x_original_price",
        "x_payment_status", "x_tracing", "x_damage", "x_usage", "x_average", "x_class", "x_holder", "x_place_of_purchase",
    ],
)  # fmt: skip
def test_other_fields_are_not_protected(name: str) -> None:
    assert not is_protected(name)


def test_of_the_catalogue_only_what_reads_how_somebody_writes_is_a_proxy() -> None:
    proxies = protected_names(feature.name for feature in FEATURES)
    assert proxies == [feature.name for feature in FEATURES if "narrative" in feature.name]
