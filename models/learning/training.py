"""From findings to a model, and to what can honestly be said about it.

Pairs of boosters are grown, each on more than the one before, and each is calibrated on its own findings, as boosters of the other folds
see them. The pair that was grown on all that was known when the test slice began is evaluated on that slice: these are the figures that
the run reports. The last, on every finding, is the model: its freshest months are those that count most when claims drift. Its bound for
denials is the stricter of two: from all claims that were held out in time, each scored by a pair that was grown on earlier claims only,
and from its own findings as the other folds see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.explain.reference_ranges import reference_ranges
from claimvet.models.learning.held_out import bounded
from claimvet.models.learning.pairs import CalibratedPair, train_pair
from claimvet.models.learning.splits import TimeSplit, time_split
from claimvet.models.learning.training_data import TrainingData, counted_once
from claimvet.models.metrics.baselines import base_rates, logistic, rules
from claimvet.models.metrics.evaluation import FOUND, evaluated_frame
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.claim_model import ClaimModel
from claimvet.models.scoring.schema import InputSchema


@dataclass(frozen=True)
class Pairs:
    """Calibrated pairs, each grown on more than the one before.

    `early` was grown on the early train slice (None where there is none), `first` on the train slice, `before_test` on all that was known
    when the test slice began, `final` on every finding.
    """

    early: CalibratedPair | None
    first: CalibratedPair
    before_test: CalibratedPair
    final: CalibratedPair


@dataclass(frozen=True)
class HeldOut:
    """Findings as pairs that were not grown on them see them (`models.learning.held_out`): filed before the test slice, and in it."""

    before_test: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class Training:
    """What a training run made.

    `evaluated` holds one row a claim of the test slice (`models.metrics.evaluation.evaluated_frame`), scored by the pair that was grown
    before it began; `baselines` the same claims scored by each baseline. All are empty where the data allowed no test slice.
    """

    model: ClaimModel
    split: TimeSplit
    evaluated: pd.DataFrame
    evaluated_features: pd.DataFrame
    baselines: Mapping[str, pd.DataFrame]
    evaluated_policy: Policy
    """The policy with the bound that was known when the test slice began, so that the evaluated claims can test the guarantee."""


def train_model(
    data: TrainingData,
    split_params: SplitParams,
    params: TrainParams,
    policy: Policy,
    progress: Progress = silent,
) -> Training:
    """Split by time, grow and calibrate pairs of boosters, hold findings out, evaluate, and make the model.

    The same data, parameters and seed give the same bytes. Raises `ModelError` where no claim has a finding: assumptions alone teach
    nothing.

    >>> from claimvet.models.learning.example_data import example_data
    >>> training = train_model(example_data(), SplitParams(), TrainParams(num_boost_round=20), Policy())
    >>> len(training.evaluated), sorted(training.baselines)
    (60, ['base_rates', 'logistic', 'rules'])
    >>> training.model.policy.deny_threshold is None  # too few findings to guarantee anything
    True
    """
    known = counted_once(data)
    split = _split(known, split_params)
    pairs = _grown(known, split, params, progress)
    held_out = _held_out(known, split, pairs)
    return Training(
        model=_model(known, split, pairs.final, held_out, params, policy),
        split=split,
        evaluated=_evaluated(known, split, held_out.test, policy),
        evaluated_features=known.features.loc[split.test.index],
        baselines=_baselines(known, split, params, policy),
        evaluated_policy=_bounded(known, pairs.before_test, held_out.before_test, policy),
    )


def _split(data: TrainingData, params: SplitParams) -> TimeSplit:
    split = time_split(data.claims["filed_at"], data.outcomes, params)
    if split.everything.empty:
        raise ModelError(
            "no claim has a finding (a latest outcome decided by anyone but concession), expected some to train on"
        )
    return split


def _grown(data: TrainingData, split: TimeSplit, params: TrainParams, progress: Progress) -> Pairs:
    """Grow all pairs; the first finds the number of trees for the others."""
    progress("growing")
    first = train_pair(data, split.train, params)
    trees = first.pair.boosters.trees(params)
    before_test = train_pair(data, split.before_test, params, trees)
    progress("evaluating")
    early = train_pair(data, split.early_train, params, trees) if len(split.early_bound) else None
    progress("growing on everything")
    return Pairs(early, first, before_test, train_pair(data, split.everything, params, trees))


def _held_out(data: TrainingData, split: TimeSplit, pairs: Pairs) -> HeldOut:
    early = [] if pairs.early is None else [pairs.early.held_out(data.features, split.early_bound)]
    bound = pairs.first.held_out(data.features, split.bound)
    return HeldOut(pd.concat([*early, bound]), pairs.before_test.held_out(data.features, split.test))


def _bounded(data: TrainingData, pair: CalibratedPair, later: pd.DataFrame, policy: Policy) -> Policy:
    """Return the policy with the bound that holds both for later findings and for the pair's own, out of fold."""
    return bounded(policy, data.claims, [later, pair.out_of_fold], pair.calibrated)


def _evaluated(data: TrainingData, split: TimeSplit, answers: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Return the evaluated frame of the test slice; `answers` has its probabilities, and those of what is found (`FOUND`)."""
    known_customers = set(data.claims.loc[split.before_test.index, "customer_id"])
    never_wrong = np.zeros(len(answers))
    probabilities = answers[list(PROBABILITIES)]
    frame = evaluated_frame(data.claims, split.test, probabilities, never_wrong, known_customers, policy)
    return frame.assign(**{name: answers[name] for name in FOUND})


def _baselines(data: TrainingData, split: TimeSplit, params: TrainParams, policy: Policy) -> dict[str, pd.DataFrame]:
    labels, known, test = split.before_test["label"], data.features.loc[split.before_test.index], split.test.index
    answers = {"base_rates": base_rates(labels, test)}
    if len(test):
        schema, later = InputSchema.fit(known, data.suspicions), data.features.loc[test]
        answers["rules"] = rules(known, labels, later, data.suspicions)
        answers["logistic"] = logistic(schema.conform(known), labels, schema.conform(later), params.seed)
    as_found = dict(zip(PROBABILITIES, FOUND, strict=True))
    return {
        name: _evaluated(data, split, given.join(given.rename(columns=as_found)), policy)
        for name, given in answers.items()
    }


def _model(
    data: TrainingData,
    split: TimeSplit,
    final: CalibratedPair,
    held_out: HeldOut,
    params: TrainParams,
    policy: Policy,
) -> ClaimModel:
    pair, calibrated = final.pair, final.calibrated
    kinds = {column.name: column.kind for column in pair.schema.inputs}
    return ClaimModel(
        schema=pair.schema,
        frivolous=pair.boosters.frivolous,
        abusive=pair.boosters.abusive,
        frivolous_calibration=calibrated.frivolous,
        abusive_calibration=calibrated.abusive,
        policy=_bounded(data, final, pd.concat([held_out.before_test, held_out.test]), policy),
        reference_ranges=reference_ranges(data.features.loc[split.everything.index], kinds),
        record={
            "data": dict(data.facts),
            **_split_record(split),
            "params": asdict(params),
            "lightgbm": lgb.__version__,
            "error_rates": dict(calibrated.error_rates),
            "finding_shares": [float(share) for share in calibrated.fitted.shares],
            "calibration_losses": dict(calibrated.losses),
        },
    )


def _split_record(split: TimeSplit) -> dict[str, Any]:
    slices = {name: getattr(split, name) for name in ("early_bound", "train", "bound", "test", "everything")}
    return {
        "findings": {
            name: {label: int((rows["label"] == label).sum()) for label in LABELS} for name, rows in slices.items()
        },
        "bound_from": split.bound_from.isoformat(),
        "test_from": split.test_from.isoformat(),
        "known_until": split.known_until.isoformat(),
        "gap_days": round(split.gap / pd.Timedelta(days=1), 3),
        "note": split.note,
    }
