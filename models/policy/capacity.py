"""Which claims get an expert when there are too few of them, in a batch and one by one.

A review is worth what it saves against the next best (`Policy.options`). With a capacity the best use of a day is to review the claims
that save most: those above a price, the shadow price of one review, which is the dual of the constraint (Boyd and Vandenberghe, *Convex
Optimization*, section 5.4). A batch knows the day, so it takes the capacity's largest savings. One by one the day is not known yet, so
the price is that of earlier days, and a count keeps the capacity.

A slice of all claims is audited: reviewed whatever the score. A keyed hash of `claim_id` draws it, so that no order of claims and no
score moves it. Audits come first and count towards the capacity; on a day with more audits than capacity the draw says which are made,
and the probability on record is smaller. No claim is denied because experts are scarce: without one it gets what `Policy.options`
calls `otherwise`.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.models.policy.policy import Disposition, Policy

Flags = npt.NDArray[np.bool_]

REFER = Disposition.REFER_TO_EXPERT.value
_SMOOTHING = 0.3
"""Weight of the latest day in the price that is carried over (assumption: about the last three days)."""
_KEPT_FOR_AUDITS = 1.5
"""How many times the audits that a day usually has are kept free for them (assumption: days differ)."""
_HASH_RANGE = 2.0**64
_MAX_EXACT = 64
"""Reviews a day up to which every saving of today is kept as it is. Beyond, savings are rounded to a grid, so that few differ and
the state stays small: 2,000 of them were 26 kB, read and written with every claim."""
_STEPS_AN_OCTAVE = 8
"""Of that grid: neighbours differ by 9 %, so a saving, and with it the price, is off by 4.4 % at most."""


def audit_draws(claim_ids: Iterable[str], seed: int) -> Floats:
    """Return a number in [0, 1) for each claim, float64, from its identifier and the key alone; audited is who lies below the audit share.

    >>> audit_draws(["c1", "c2"], 7).round(3).tolist() == audit_draws(["c2", "c1"], 7).round(3).tolist()[::-1]
    True
    """
    key = struct.pack(">q", seed)
    digests = [hashlib.blake2b(str(name).encode(), digest_size=8, key=key).digest() for name in claim_ids]
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.float64) / _HASH_RANGE


def allocate_reviews(options: pd.DataFrame, claim_ids: pd.Series[str], days: pd.Series, policy: Policy) -> pd.DataFrame:
    """Return final dispositions of a batch: no day has more reviews than `policy.expert_reviews_per_day`, audits included.

    `options` is what `Policy.options` answers, one row a claim; `claim_ids` and `days` (any value that tells the day of filing) are in
    its order. Answers, with its index: `disposition`, `audited` (bool), `audit_probability` (float64) and `expert_price_usd` (float64,
    the shadow price of that day: what the first claim that got no expert would have saved; 0 where all did).
    """
    draws = audit_draws(claim_ids, policy.audit_seed)
    drawn = draws < policy.audit_share
    if policy.expert_reviews_per_day is None:
        return _frame(options, drawn, np.zeros(len(options), dtype=np.bool_), policy.audit_share, 0.0)
    most = policy.expert_reviews_per_day
    day = pd.Series(pd.factorize(days)[0], index=options.index)
    audited = drawn & (_rank(day, np.where(drawn, draws, 2.0), draws) < most)
    left = most - pd.Series(audited, index=options.index).groupby(day).transform("sum").to_numpy()
    saving = np.where(audited, 0.0, options["expert_saving_usd"].to_numpy(dtype=np.float64))
    wanted = (saving > 0.0) & (options["disposition"].to_numpy() == REFER)
    rank = _rank(day, np.where(wanted, -saving, np.inf), draws)
    refused = (options["disposition"].to_numpy() == REFER) & ~audited & ~(wanted & (rank < left))
    price = pd.Series(np.where(refused, saving, 0.0), index=options.index).groupby(day).transform("max").to_numpy()
    count = pd.Series(drawn, index=options.index).groupby(day).transform("sum").to_numpy()
    return _frame(options, audited, refused, policy.audit_share * np.minimum(1.0, most / np.maximum(count, 1)), price)


def _rank(day: pd.Series[int], first: Floats, ties: Floats) -> npt.NDArray[np.int64]:
    """Place of each claim within its day, 0 is the smallest `first`; equal ones in the order of `ties`."""
    order = np.lexsort((ties, first, day.to_numpy()))
    sorted_days = day.to_numpy()[order]
    starts = np.r_[0, np.flatnonzero(np.diff(sorted_days)) + 1] if len(day) else np.empty(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(day)])
    rank = np.empty(len(day), dtype=np.int64)
    rank[order] = np.arange(len(day)) - np.repeat(starts, lengths)
    return rank


def _frame(
    options: pd.DataFrame, audited: Flags, refused: Flags, probability: Floats | float, price: Floats | float
) -> pd.DataFrame:
    chosen = options["disposition"].where(~refused, options["otherwise"])
    return pd.DataFrame(
        {
            "disposition": chosen.where(~audited, REFER).astype("str"),
            "audited": audited,
            "audit_probability": probability,
            "expert_price_usd": price,
        },
        index=options.index,
    ).astype({"audit_probability": "float64", "expert_price_usd": "float64"})


@dataclass(frozen=True)
class Verdict:
    """Whether a claim gets an expert, whether that is an audit, how likely it was to be audited, and the price it was held against."""

    referred: bool
    audited: bool
    audit_probability: float
    expert_price_usd: float


@dataclass(frozen=True)
class ShadowPrice:
    """The price of a review as claims come one by one; small enough to be kept in a row of a table.

    `day` is the day of filing that it is in, `price_usd` what a review costs beyond its own price, from earlier days; `reviews` and
    `audits` made today, `claims` seen today, `usual_claims` a day, and today's largest savings, most first (one more than the capacity;
    on a grid of some hundred amounts where the capacity is large).
    """

    day: str = ""
    price_usd: float = 0.0
    reviews: int = 0
    audits: int = 0
    claims: int = 0
    usual_claims: float = 0.0
    savings: tuple[float, ...] = ()

    def decide(self, claim_id: str, day: str, saving_usd: float, policy: Policy) -> tuple[Verdict, ShadowPrice]:
        """Return the verdict on a claim filed on `day` (ISO date) whose review would save `saving_usd`, and the state after it.

        Days have to come in order: a claim of an earlier day counts as one of today.
        """
        now = self._on(day, policy)
        most = policy.expert_reviews_per_day
        left = 1 if most is None else most - now.reviews
        audited = left > 0 and bool(audit_draws([claim_id], policy.audit_seed)[0] < policy.audit_share)
        kept = now._kept_for_audits(policy) if most is not None else 0
        worth = saving_usd > now.price_usd and left > kept
        verdict = Verdict(audited or worth, audited, policy.audit_share if left > 0 else 0.0, now.price_usd)
        savings = now.savings if most is None or audited else _with_saving(now.savings, saving_usd, most)
        after = ShadowPrice(
            now.day,
            now.price_usd,
            now.reviews + verdict.referred,
            now.audits + audited,
            now.claims + 1,
            now.usual_claims,
            savings,
        )
        return verdict, after

    def taken(self, day: str, policy: Policy) -> ShadowPrice:
        """Return the state after a claim that went to an expert unweighed, since nothing could score it: it leaves one review less
        for the day.
        """
        now = self._on(day, policy)
        return replace(now, reviews=now.reviews + 1, claims=now.claims + 1)

    def _on(self, day: str, policy: Policy) -> ShadowPrice:
        """Return the state as the day begins; the price moves towards the one that would have been right on the day before."""
        if day <= self.day:
            return self
        most = policy.expert_reviews_per_day
        if not self.day or most is None:
            return ShadowPrice(day, self.price_usd, usual_claims=float(self.claims))
        free = most - self.audits
        right = self.savings[free] if 0 <= free < len(self.savings) else 0.0
        price = right if not self.usual_claims else (1 - _SMOOTHING) * self.price_usd + _SMOOTHING * right
        usual = (1 - _SMOOTHING) * (self.usual_claims or self.claims) + _SMOOTHING * self.claims
        return ShadowPrice(day, price, usual_claims=usual)

    def _kept_for_audits(self, policy: Policy) -> int:
        """Reviews of today that are left free for the audits still to come."""
        expected = int(np.ceil(_KEPT_FOR_AUDITS * policy.audit_share * max(self.usual_claims, float(self.claims))))
        return max(expected - self.audits, 0)


def _with_saving(savings: tuple[float, ...], saving_usd: float, most: int) -> tuple[float, ...]:
    """Today's largest savings with one more; one more than the capacity of them."""
    return _largest((*savings, saving_usd if most <= _MAX_EXACT else _on_grid(saving_usd)), most + 1)


def _on_grid(saving_usd: float) -> float:
    """Return the nearest of the amounts that are kept where there are many, US dollars."""
    if saving_usd < 0.01:
        return max(saving_usd, 0.0) and 0.01
    return round(math.exp2(round(math.log2(saving_usd) * _STEPS_AN_OCTAVE) / _STEPS_AN_OCTAVE), 2)


def _largest(savings: Iterable[float], most: int) -> tuple[float, ...]:
    return tuple(sorted((saving for saving in savings if saving > 0.0), reverse=True)[:most])
