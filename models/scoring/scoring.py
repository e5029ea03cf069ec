"""From feature values to a score: probabilities, label, disposition and reasons; for batches, and for the claims of one moment.

`score_matrix` scores a frame. `RowScorer` gives the same numbers, to the last bit, for rows that are plain mappings: frames of a
hundred columns cost more than the boosters where there is one row. A test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.arrays import Floats
from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.finite import is_missing
from claimvet.data.contract.reading.feature_types import is_feature
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX, LABELS
from claimvet.models.explain.protected import is_protected
from claimvet.models.explain.reasons import Reason, reasons_for
from claimvet.models.explain.reference_ranges import Value, sentence
from claimvet.models.explain.tree_shap import TreeShap, contributions
from claimvet.models.policy.capacity import REFER, audit_draws
from claimvet.models.policy.claim_facts import NUMBERS, ClaimFacts, most_likely, policy_facts
from claimvet.models.policy.policy import DISPOSITIONS, Disposition, Policy
from claimvet.models.policy.safety import CLUSTER_FEATURES, LINK_FEATURES, cluster_facts, is_cluster
from claimvet.models.scoring.claim_model import ClaimModel, class_shares
from claimvet.models.scoring.own_values import learned_types, number_of
from claimvet.models.scoring.schema import Input, category_codes, level_text

FeatureRow = Mapping[str, Value]
"""The features of one claim by name."""

DENY = Disposition.DENY.value

MAX_REASONS = 5
"""Reasons of a claim, at most; as many as `models.explain.reasons` gives."""

Timed = Callable[[str, int], AbstractContextManager[None]]
"""Is entered for a part of the work (`predict` or `explain`) on a number of rows."""


@dataclass(frozen=True)
class Scored:
    """Scores of n rows: `probabilities` (float64, n by 3), `label`, `disposition` and, for each row, its reasons.

    `options` is what `Policy.options` answers, `audited` (bool) whom an expert gets whatever the score.
    """

    probabilities: pd.DataFrame
    label: pd.Series[str]
    options: pd.DataFrame
    audited: npt.NDArray[np.bool_]
    reasons: list[list[Reason]]

    @property
    def disposition(self) -> pd.Series[str]:
        """The cheapest allowed disposition as if experts were free, and an expert where the claim is audited."""
        return self.options["disposition"].where(~self.audited, REFER)


@dataclass(frozen=True)
class RowScore:
    """The score of one claim; `probabilities` in the order of `PROBABILITIES`, the others as in `Scored` and `Policy.options`."""

    probabilities: tuple[float, float, float]
    label: str
    disposition: str
    reasons: tuple[Reason, ...]
    otherwise: str
    expert_saving_usd: float
    audited: bool


def score_matrix(model: ClaimModel, matrix: pd.DataFrame, features: pd.DataFrame) -> Scored:
    """Score the rows of `features`, of which the model has made `matrix` (`ClaimModel.matrix`); `claim_id` draws the audits.

    >>> from claimvet.models.learning.example_data import example_data
    >>> from claimvet.models.learning.training import train_model
    >>> from claimvet.models.parameters import SplitParams, TrainParams
    >>> from claimvet.models.policy.policy import Policy
    >>> model = train_model(example_data(), SplitParams(), TrainParams(num_boost_round=20), Policy()).model
    >>> rows = example_data().features.tail(2).reset_index()
    >>> scored = score_matrix(model, model.matrix(rows), rows)
    >>> scored.label.tolist(), scored.probabilities.columns.tolist()
    (['valid', 'valid'], ['p_valid', 'p_frivolous', 'p_abusive'])
    >>> scored.disposition.isin(["pay_concession", "refer_to_expert"]).all(), len(scored.reasons)
    (np.True_, 2)
    """
    raw = model.raw(matrix)
    probabilities = model.calibrated(raw, matrix.index)
    return Scored(
        probabilities,
        most_likely(probabilities),
        model.policy.options(probabilities, policy_facts(features)),
        audits(model, features["claim_id"]),
        reasons_for(model, matrix, features, probabilities, raw=raw),
    )


def audits(model: ClaimModel, claim_ids: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return whether an expert reviews the claim whatever its score, bool, one a claim."""
    return audit_draws(claim_ids, model.policy.audit_seed) < model.policy.audit_share


def value_text(value: Value) -> str | None:
    """Return a feature's value as text: whole numbers without a decimal point, null as null.

    >>> value_text(3.0), value_text(0.25), value_text(None)
    ('3', '0.25', None)
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _untimed(part: str, rows: int) -> AbstractContextManager[None]:
    return nullcontext()


class RowScorer:
    """`score_matrix` for rows that are mappings; made once a model, and safe to use from several threads."""

    def __init__(self, model: ClaimModel) -> None:
        self.model = model
        self._names = model.schema.names
        self._told = np.array([not is_protected(name) for name in self._names])
        self._known = frozenset(self._names)
        self._encoders = [(column.name, _encoder(column)) for column in model.schema.inputs]
        types = learned_types(model.schema).types
        self._own_numbers = [name for name, kind in types.items() if kind == "number"]
        self._explained = [(booster, TreeShap.of(booster)) for booster in (model.frivolous, model.abusive)]

    def encode(self, rows: Sequence[FeatureRow]) -> Floats:
        """Return the boosters' input, float64 (n, inputs); raises `ModelError` as `InputSchema.conform` does."""
        for row in rows:
            self._require_fit(row)
        values = [[encode(row[name]) for name, encode in self._encoders] for row in rows]
        return np.array(values, dtype=np.float64).reshape(len(rows), len(self._names))

    def raw_scores(self, matrix: Floats) -> tuple[Floats, Floats]:
        """Return what both boosters say to the rows that `encode` made: log-odds of frivolous and of abusive against valid, float64 (n)."""
        frivolous, abusive = (_predict(booster, matrix, raw_score=True) for booster, _ in self._explained)
        return frivolous, abusive

    def probabilities(self, raw: tuple[Floats, Floats]) -> Floats:
        """float64 (n, 3), in the order of `PROBABILITIES`, of `raw_scores`."""
        frivolous, abusive = raw
        return class_shares(
            self.model.frivolous_calibration.apply(frivolous), self.model.abusive_calibration.apply(abusive)
        )

    def options(self, shares: Floats, rows: Sequence[FeatureRow]) -> list[tuple[str, str, float]]:
        """Return each row's disposition, the one where no expert is free, and what a review saves, as `Policy.options`."""
        policy = self.model.policy
        kinds = np.array([row.get("claim_type") for row in rows], dtype=object)
        numbers = {fact: _numbers(rows, name) for fact, name in NUMBERS.items()}
        in_cluster = _in_cluster(policy, rows)
        facts = ClaimFacts.of_columns(
            shares, kinds, numbers, in_cluster, policy.unstated_amount_usd, policy.small_seller_orders
        )
        return [_option(row) for row in policy.prices(facts).tolist()]

    def reasons(
        self, matrix: Floats, raw: tuple[Floats, Floats], shares: Floats, rows: Sequence[FeatureRow]
    ) -> list[tuple[Reason, ...]]:
        """Return each row's reasons towards its likeliest label, strongest first, as `models.explain.reasons.reasons_for` within 1e-9."""
        label = shares.argmax(axis=1)
        by_abusive = np.where(label == 0, shares[:, 2] > shares[:, 1], label == 2)
        towards = np.empty(matrix.shape, dtype=np.float64)
        for (booster, shap), score, asked in zip(self._explained, raw, (~by_abusive, by_abusive), strict=True):
            if asked.any():
                towards[asked] = contributions(booster, matrix[asked], score[asked], shap)
        towards[label == 0] *= -1.0
        return [self._strongest(values, row) for values, row in zip(towards, rows, strict=True)]

    def score(self, rows: Sequence[FeatureRow], claim_ids: Sequence[str], timed: Timed = _untimed) -> list[RowScore]:
        """Return the score of each row; `claim_ids` are those of the rows' claims, `timed` is told of both parts.

        Raises `ModelError` where a row does not fit the model.
        """
        with timed("predict", len(rows)):
            rows = [self._as_read(row) for row in rows]
            matrix = self.encode(rows)
            raw = self.raw_scores(matrix)
            shares = self.probabilities(raw)
            options = self.options(shares, rows)
            drawn = audits(self.model, claim_ids).tolist()
        with timed("explain", len(rows)):
            reasons = self.reasons(matrix, raw, shares, rows)
        return [
            RowScore(
                (p[0], p[1], p[2]),
                LABELS[p.index(max(p))],
                REFER if audited else chosen,
                why,
                otherwise,
                saving,
                audited,
            )
            for p, (chosen, otherwise, saving), audited, why in zip(
                shares.tolist(), options, drawn, reasons, strict=True
            )
        ]

    def _as_read(self, row: FeatureRow) -> FeatureRow:
        """Return the row with numbers where the user's own are written as texts, as the reader of a file makes them."""
        texts = {name: text for name in self._own_numbers if isinstance(text := row.get(name), str)}
        return {**row, **{name: _number(name, text) for name, text in texts.items()}} if texts else row

    def _strongest(self, towards: Floats, row: FeatureRow) -> tuple[Reason, ...]:
        told = np.where(self._told, towards, 0.0)
        strength = told if (told > 0.0).any() else -told
        order = np.argsort(-strength, kind="stable")[:MAX_REASONS]
        return tuple(self._reason(place, towards[place], row) for place in order if strength[place] > 0.0)

    def _reason(self, place: int, contribution: float, row: FeatureRow) -> Reason:
        name = self._names[place]
        value = None if is_missing(row[name]) else row[name]
        return Reason(name, value, float(contribution), sentence(name, value, self.model.reference_ranges.get(name)))

    def _require_fit(self, row: FeatureRow) -> None:
        known = row.keys() & self._known
        strange = [name for name in row.keys() - self._known if name.startswith(FEATURE_COLUMN_PREFIX)]
        if len(known) < len(self._known) or strange:
            self.model.schema.conform(pd.DataFrame([dict(row)], dtype=object))  # says what is wrong


def _option(prices: Sequence[float]) -> tuple[str, str, float]:
    """Do as for a row of `Policy.options`, of the prices of all dispositions, `inf` where one is not allowed."""
    chosen = DISPOSITIONS[prices.index(min(prices))]
    if chosen != REFER:
        return chosen, chosen, 0.0
    gentle = [(price, name) for price, name in zip(prices, DISPOSITIONS, strict=True) if name not in (REFER, DENY)]
    price, otherwise = min(gentle, key=lambda one: one[0])
    return chosen, otherwise, max(price - min(prices), 0.0)


def _numbers(rows: Sequence[FeatureRow], name: str) -> Floats:
    """Return a feature of each row, NaN where it is null or not there."""
    return np.array([row.get(name) for row in rows], dtype=np.float64)


def _in_cluster(policy: Policy, rows: Sequence[FeatureRow]) -> npt.NDArray[np.bool_]:
    """Return whether each claim belongs to a cluster; only those with customers enough are put to the test, which is slow and seldom
    needed.
    """
    found = np.zeros(len(rows), dtype=np.bool_)
    asked = np.flatnonzero(_numbers(rows, CLUSTER_FEATURES[0]) + 1.0 >= policy.cluster_customers)
    if len(asked):
        names = (*CLUSTER_FEATURES, *LINK_FEATURES)
        columns = {name: _numbers([rows[place] for place in asked.tolist()], name) for name in names}
        found[asked] = is_cluster(cluster_facts(columns), policy.cluster_customers, policy.cluster_p_value)
    return found


def _predict(booster: lgb.Booster, matrix: Floats, **what: bool) -> Floats:
    """Return one thread: starting others costs more than a row."""
    return np.asarray(booster.predict(matrix, num_threads=1, **what), dtype=np.float64)


def _encoder(column: Input) -> Callable[[Value], float]:
    return _category_encoder(column) if column.kind == "category" else _number_encoder(column.name)


def _number(name: str, text: str) -> float:
    number = number_of(text)
    if number is None:
        raise ModelError(f"feature {name} holds {text!r:.80}, expected numbers")
    return number


def _number_encoder(name: str) -> Callable[[Value], float]:
    def encode(value: Value) -> float:
        if value is None:
            return math.nan
        number = _number(name, value) if isinstance(value, str) else float(value)
        return number if math.isfinite(number) else math.nan

    return encode


def _category_encoder(column: Input) -> Callable[[Value], float]:
    codes, null, unseen = category_codes(column)
    text_only = is_feature(column.name) and bool(column.levels)

    def encode(value: Value) -> float:
        if text_only and value is not None and not isinstance(value, str):
            raise ModelError(f"feature {column.name} holds {value!r:.80}, expected text")
        return null if value is None else codes.get(level_text(value), unseen)

    return encode
