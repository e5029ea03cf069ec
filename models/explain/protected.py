"""Which fields are never given as a reason: who somebody is, and what stands in for it.

The contract makes every `x_` column a feature, so a model may read such a field where its owner names it `x_`; training says so, and
advises `group_`, which only splits the fairness report. No sentence to a claimant ever rests on one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PROTECTED = re.compile(
    "age|birth|birthday|born|citizenship|disability|disabled|ethnic|ethnicity|gender|language|marital|married|maternity|nationality|"
    "parental|pregnancy|pregnant|race|religion|religious|sex|sexual"
)
"""Words that name who somebody is: grounds of the EU Charter (article 21) and of the US Equal Credit Opportunity Act."""
PROXIES = re.compile(
    "borough|census|county|district|firstname|forename|lastname|latitude|longitude|narrative|neighborhood|neighbourhood|postal|"
    "postcode|surname|writing|zip|zipcode"
)
"""Words that name what stands in for it: where somebody lives, what they are called and how they write."""
_NOT_THEIRS = re.compile(
    r"(account|vehicle|policy|product|listing|seller|order|claim|days|item|car)s?_?(age)|age_?of_?(vehicle|policy|product)(?!_?holder)"
)
"""An age that is not a person's."""


def is_protected(name: str) -> bool:
    """Whether a field of this name is protected or a proxy, by the words that it is made of.

    >>> is_protected("x_Sex"), is_protected("x_policyHolderAge"), is_protected("x_zip_code")
    (True, True, True)
    >>> is_protected("customer_account_age_days"), is_protected("x_AgeOfVehicle"), is_protected("x_message")
    (False, False, False)
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    words = re.split(r"[^a-z]+", _NOT_THEIRS.sub("", spaced))
    return any(PROTECTED.fullmatch(word) or PROXIES.fullmatch(word) for word in words)


def protected_names(names: Iterable[str]) -> list[str]:
    """Those of `names` that are protected or proxies, in their order."""
    return [name for name in names if is_protected(name)]
