"""Every figure of a case that a person may turn: section `cases:` of `params.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from claimvet.cases.money import Cents, cents
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.tables import CONCESSION_LIMIT_USD

SECOND = 1_000_000
"""Microseconds."""
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND

_SHARES = ("second_opinion_share", "golden_share", "seen_first_share")


@dataclass(frozen=True)
class Provider:
    """An insurer that the marketplace has vetted, as it is offered to a seller who needs one."""

    name: str
    link: str
    regions: tuple[str, ...]
    vetted_since: str
    """Date, as in 2026-01-31."""


@dataclass(frozen=True)
class CaseSettings:
    """Periods, shares and limits of cases; `params.yaml` gives each its unit and its reason.

    Raises `UsageError` where a figure is outside its range.
    """

    evidence_days: float = 14.0
    """Days that a claimant has to send what was asked for."""
    evidence_reminder_days: float = 3.0
    """Days before that at which the claimant is reminded."""
    seller_days: float = 7.0
    """Days that a seller has to answer before the marketplace steps in."""
    seller_reminder_days: float = 1.0
    """Days before that at which the seller is reminded."""
    appeal_days: float = 183.0
    """Days within which a claimant may appeal, and evidence wakes a lapsed case."""
    review_days: float = 10.0
    """Days in which an expert's decision is promised."""
    proof_days: float = 7.0
    """Days that a seller who owes insurance has to prove it before it is asked for money."""
    recovery_appeal_days: float = 30.0
    """Days that a seller has against being asked for money."""
    insurance_grace_days: float = 30.0
    """Days from the order that crosses `insured_from_usd` until insurance is owed."""
    insured_from_usd: float = 10_000.0
    """US dollars sold in a calendar month from which a seller has to be insured."""
    concession_limit_usd: float = CONCESSION_LIMIT_USD
    """US dollars below which the marketplace pays valid claims itself."""
    revise_minutes: float = 15.0
    """Minutes within which an expert may change a verdict, after seeing the score."""
    lease_minutes: float = 30.0
    """Minutes that a case is an expert's own without a sign of life."""
    max_lease_minutes: float = 240.0
    """Minutes that it can be kept in all."""
    second_opinion_share: float = 0.1
    """Share of first and contest rounds that a second expert decides as well, blind."""
    golden_share: float = 0.02
    """Share of an expert's cases whose verdict is known already."""
    seen_first_share: float = 0.0
    """Share of first rounds that see the score before the verdict, so that anchoring is measured."""
    draw_key: str = "claimvet"
    """Key of the draws of second opinions and golden cases; whoever does not know it cannot tell what is drawn."""
    min_cover_usd: float = 1_000_000.0
    """US dollars of cover that a proof of insurance has to show."""
    link_days: float = 90.0
    """Days that a party's link works."""
    assessment_days: int = 10
    """Working days in which a product with a cluster of claims has to be assessed."""
    report_hours: float = 24.0
    """Hours from a reportable assessment to the report."""
    holidays: tuple[str, ...] = ()
    """Dates, as in 2026-12-25, that are no working days."""
    codes: tuple[str, ...] = (
        "defect_shown",
        "damage_shown",
        "injury_shown",
        "defect_not_shown",
        "damage_not_shown",
        "not_caused_by_product",
        "wear_or_misuse",
        "reused_evidence",
        "altered_evidence",
        "linked_accounts",
        "settled_elsewhere",
        "other",
    )
    """Codes of reasons that a verdict may name; `other` is always among them."""
    providers: tuple[Provider, ...] = field(default_factory=tuple)
    """Vetted insurers, offered to sellers who need one."""

    def __post_init__(self) -> None:
        for declared in fields(self):
            _require_in_range(declared.name, getattr(self, declared.name))
        if "other" not in self.codes:
            raise UsageError("cases.codes lacks other, expected it among them")

    @property
    def limit(self) -> Cents:
        """The concession limit in cents."""
        return cents(self.concession_limit_usd)

    def period(self, name: str) -> int:
        """Return a setting that ends in `_days`, `_hours` or `_minutes` in microseconds.

        >>> CaseSettings().period("seller_days") == 7 * DAY
        True
        """
        unit = {"days": DAY, "hours": HOUR, "minutes": MINUTE}[name.rsplit("_", 1)[1]]
        value: float = getattr(self, name)
        return round(value * unit)


def _require_in_range(name: str, value: object) -> None:
    if not isinstance(value, int | float):
        return
    highest = 1.0 if name in _SHARES else 1e12
    if not 0.0 <= value <= highest:
        expected = "a share between 0 and 1" if name in _SHARES else "a finite figure of 0 or more"
        raise UsageError(f"cases.{name} is {value}; expected {expected}")
