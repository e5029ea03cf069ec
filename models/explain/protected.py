"""Which fields are never given as a reason: who somebody is, and what stands in for it.

The contract makes every `x_` column a feature, so a model may read such a field where its owner names it `x_`; training says so, and
advises `group_`, which only splits the fairness report. No sentence to a claimant ever rests on one.

A name is recognised however it is written: `x_first_name`, `x_firstName`, `x_FIRSTNAME`, `x_first_names`, `x_vorname`, `x_prénom`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def _listed(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


PROTECTED = _listed(
    "age birth birthdate birthday birthplace born citizen citizenship creed disability disabled dob ethnic ethnicity familial female",
    "gender genetic language maiden male marital married maternity nationality parental pregnancy pregnant pronoun race racial religion",
    "religious salutation sex sexual sexuality veteran yob",
    # German and French
    "alter anrede behindert behinderung ethnie familienstand geburt geburtsdatum geburtsjahr geburtsort geburtstag geschlecht hautfarbe",
    "konfession muttersprache nationalitat religionszugehorigkeit schwanger schwangerschaft sprache staatsangehorigkeit",
    "civilite enceinte grossesse handicap langue naissance nationalite origine sexe",
)
"""Words that name who somebody is: grounds of the EU Charter (article 21) and of the US Equal Credit Opportunity Act."""
PROXIES = _listed(
    "borough census city county district familyname firstname forename fullname givenname lastname lat latitude lon longitude middlename",
    "narrative neighborhood neighbourhood parish postal postalcode postcode surname town writing zip zipcode",
    "bezirk breitengrad familienname gemeinde langengrad nachname plz postleitzahl stadtteil vorname",
    "arrondissement commune prenom quartier ville",
)
"""Words that name what stands in for it: where somebody lives, what they are called and how they write."""
PHRASES = _listed(
    "country.of.origin country.of.birth family.name family.status first.name full.name given.name last.name middle.name mother.tongue",
    "national.origin nom.de.famille post.code code.postal date.of.birth date.de.naissance zip.code",
)
"""The same in several words, none of which says it alone; a dot stands where a new word begins."""

_NOT_THEIRS = re.compile(
    r"(account|vehicle|policy|product|listing|seller|order|claim|day|item|car)\.?age(?![a-z])"
    r"|age\.of\.(vehicle|policy|product)(?!\.?holder)"
)
"""An age that is not a person's."""
_THEIRS = re.compile(
    r"(applicant|buyer|claimant|customer|driver|holder|insured|member|patient|person|user)(age|dob|sex|zip)s?"
)
"""A person and a short word for who they are, written without a break."""
_GLUED = tuple(sorted(phrase.replace(".", "") for phrase in PHRASES | PROXIES | PROTECTED if len(phrase) >= 7))
"""Names that are long enough to be found within a word that was written without a break."""


def is_protected(name: str) -> bool:
    """Return whether a field of this name is protected or a proxy, by the words that it is made of.

    >>> is_protected("x_Sex"), is_protected("x_policyHolderAge"), is_protected("x_POST_CODES"), is_protected("x_vorname")
    (True, True, True, True)
    >>> is_protected("customer_account_age_days"), is_protected("x_AgeOfVehicle"), is_protected("x_message")
    (False, False, False)
    """
    words = _NOT_THEIRS.sub("", ".".join(_words(name)))
    told = words.split(".")
    return (
        any(word in PROTECTED or word in PROXIES for word in told)
        or any(re.search(rf"(?<![a-z]){re.escape(phrase)}(?![a-z])", words) for phrase in PHRASES)
        or any(_THEIRS.search(word) or any(glued in word for glued in _GLUED) for word in told)
    )


def protected_names(names: Iterable[str]) -> list[str]:
    """Return those of `names` that are protected or proxies, in their order."""
    return [name for name in names if is_protected(name)]


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case, in the singular and without accents."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).lower()
    return [_singular(word) for word in re.split(r"[^a-z]+", spaced) if word]


def _singular(word: str) -> str:
    """Return a word without the s of its plural, unless it is known as it stands; `ies` becomes `y`."""
    if word in PROTECTED or word in PROXIES or len(word) < 4 or word.endswith("ss"):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
