"""From findings to a model, and to what can honestly be said about it.

Pairs of boosters are grown, each on more than the one before, and each is calibrated on its own findings, as boosters of the other folds
see them. The pair that was grown on all that was known when the test slice began is evaluated on that slice: these are the figures that
the run reports. The last, on every finding, is the model: its freshest months are those that count most when claims drift. Its bound for
denials is the stricter of two: from all claims that were held out in time, each scored by a pair that was grown on earlier claims only,
and from its own findings as the other folds see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import LABELS
from claimvet.features.engines.parallel_map import parallel_map
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.explain.reference_ranges import reference_ranges
from claimvet.models.learning.boosters import enough_trees, grow, suspicion_signs
from claimvet.models.learning.calibration_fit import Calibrated, fit_calibrations
from claimvet.models.learning.held_out import bounded, held_out
from claimvet.models.learning.soft_labels import OUT_OF_FOLD_STEP, Boosters, TrainingSet, hard_labels, soft_labels
from claimvet.models.learning.splits import TimeSplit, time_split
from claimvet.models.learning.target_encoding import learn_rates
from claimvet.models.metrics.baselines import base_rates, logistic, rules
from claimvet.models.metrics.evaluation import FOUND, evaluated_frame
from claimvet.models.metrics.label_noise import BOOSTER_LABELS
from claimvet.models.parameters import SplitParams, TrainParams
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.claim_model import PROBABILITIES, ClaimModel, raw_scores
from claimvet.models.scoring.schema import InputSchema

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two boosters and the inputs that they were grown on."""

    schema: InputSchema
    frivolous: lgb.Booster
    abusive: lgb.Booster

    def raw(self, features: pd.DataFrame) -> pd.DataFrame:
        """Log odds against valid: columns `frivolous` and `abusive`, float64, index of `features`."""
        matrix = self.schema.conform(features)
        return pd.DataFrame(
            {name: raw_scores(getattr(self, name), matrix) for name in BOOSTER_LABELS}, index=features.index
        )


@dataclass(frozen=True)
class Grown:
    """A pair, its calibration, and what boosters of the other folds say of the findings that it was grown on
    (`models.learning.held_out`).
    """

    pair: Pair
    calibrated: Calibrated
    unseen: pd.DataFrame


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
    """The policy with the bound that was known when the test slice began, so that the evaluated claims can try the guarantee."""


@dataclass(frozen=True)
class TrainingData:
    """What training reads; `features` and `claims` are indexed by `claim_id`.

    `features` holds the model's inputs in order, `suspicions` their declared direction (`raises`, `lowers`, `unknown`), `claims` the
    columns `filed_at`, `customer_id`, `claim_type`, `amount_claimed`, `category_id`, `outcomes` the contract's table, and `facts`
    what the record should say about the data (JSON values); its `claims` is how many there are, looked at or not. Claims without any
    outcome in `outcomes` are unchecked: what is believed of them teaches beside the findings.
    """

    features: pd.DataFrame
    suspicions: Mapping[str, str]
    claims: pd.DataFrame
    outcomes: pd.DataFrame
    facts: Mapping[str, Any]


def train_model(
    data: TrainingData,
    split_params: SplitParams,
    params: TrainParams,
    policy: Policy,
    progress: Progress = silent,
) -> Training:
    """Split by time, grow, calibrate, evaluate, and grow again on everything.

    Raises `ModelError` where no claim has a finding: assumptions alone teach nothing.
    """
    split = time_split(data.claims["filed_at"], data.outcomes, split_params)
    if split.everything.empty:
        raise ModelError(
            "no claim has a finding (a latest outcome decided by anyone but concession), expected some to train on"
        )
    progress("growing")
    first = _grow_pair(data, split.train, None, params)
    counts = {name: getattr(first.pair, name).num_trees() for name in BOOSTER_LABELS}
    trees = {name: count // params.averaged for name, count in counts.items() if count > 1}
    second = _grow_pair(data, split.before_test, trees, params)
    progress("evaluating")
    before = pd.concat([*_early(data, split, trees, params), _held_out(data, first, split.bound)])
    evaluated = _held_out(data, second, split.test)
    progress("growing on everything")
    last = _grow_pair(data, split.everything, trees, params)
    return Training(
        model=_model(data, split, last, pd.concat([before, evaluated]), params, policy),
        split=split,
        evaluated=_evaluated(data, split, evaluated[list(PROBABILITIES)], _found(data, second, split.test), policy),
        evaluated_features=data.features.loc[split.test.index],
        baselines=_baselines(data, split, params, policy),
        evaluated_policy=bounded(policy, data.claims, [before, second.unseen], second.calibrated),
    )


def _evaluated(
    data: TrainingData, split: TimeSplit, probabilities: pd.DataFrame, found: FloatArray, policy: Policy
) -> pd.DataFrame:
    known = set(data.claims.loc[split.before_test.index, "customer_id"])
    never_wrong = np.zeros(len(probabilities))
    evaluated = evaluated_frame(data.claims, split.test, probabilities, never_wrong, known, policy)
    return evaluated.assign(**dict(zip(FOUND, found.T, strict=True)))


def _found(data: TrainingData, grown: Grown, findings: pd.DataFrame) -> FloatArray:
    """How likely each label is found, since findings err."""
    return grown.calibrated.found(grown.pair.raw(data.features.loc[findings.index]), findings["decided_by"])


def _grow_pair(
    data: TrainingData, findings: pd.DataFrame, trees: Mapping[str, int] | None, params: TrainParams
) -> Grown:
    """Both boosters on `findings` (in time order) and the unchecked claims before them; finds the number of trees where none is given."""
    schema, plain = _plain_lesson(data, findings, params)
    signs = suspicion_signs(schema)
    numbers = _numbers(plain, signs, trees or {}, params)

    def out_of_fold(training_set: TrainingSet) -> Boosters:
        quick = replace(params, learning_rate=min(params.learning_rate * OUT_OF_FOLD_STEP, 1.0), averaged=1)
        return _boosters(
            training_set,
            signs,
            {name: max(1, round(count / OUT_OF_FOLD_STEP)) for name, count in numbers.items()},
            quick,
        )

    unchecked = schema.conform(data.features.loc[_unchecked(data, findings, params)])
    training_set, raw = soft_labels(plain.matrix, findings, unchecked, params.unchecked_weight, out_of_fold)
    calibrated = fit_calibrations(raw, findings["label"], findings["decided_by"])
    pair = Pair(schema, *_boosters(training_set, signs, numbers, params))
    return Grown(pair, calibrated, held_out(raw.set_axis(findings.index), calibrated, findings))


def grow_plain_pair(data: TrainingData, findings: pd.DataFrame, params: TrainParams) -> Pair:
    """Both boosters on `findings` (in time order) taken at their word, each with as many trees as do best on the latest of them."""
    schema, plain = _plain_lesson(data, findings, params)
    signs = suspicion_signs(schema)
    return Pair(schema, *_boosters(plain, signs, _numbers(plain, signs, {}, params), params))


def _plain_lesson(data: TrainingData, findings: pd.DataFrame, params: TrainParams) -> tuple[InputSchema, TrainingSet]:
    """The inputs as these findings have them, and the findings taken at their word."""
    features = data.features.loc[findings.index]
    labels = findings["label"].to_numpy()
    schema, matrix = learn_rates(InputSchema.fit(features, data.suspicions), features, labels != "valid", params.seed)
    return schema, hard_labels(matrix, list(labels))


def _numbers(plain: TrainingSet, signs: list[int], given: Mapping[str, int], params: TrainParams) -> dict[str, int]:
    """Trees of each booster: as given, or what does best on the latest findings."""

    def number(label: str) -> int:
        rows, target, _ = plain.binary_target(label)
        return given.get(label) or enough_trees(plain.matrix[rows], target, signs, params)

    return dict(zip(BOOSTER_LABELS, parallel_map(number, BOOSTER_LABELS, params.threads), strict=True))


def _boosters(training_set: TrainingSet, signs: list[int], numbers: Mapping[str, int], params: TrainParams) -> Boosters:
    """Both boosters on a training_set, at the same time where threads allow."""

    def booster(label: str) -> lgb.Booster:
        rows, target, weight = training_set.binary_target(label)
        return grow(training_set.matrix[rows], target, signs, numbers[label], params, weight)

    frivolous, abusive = parallel_map(booster, BOOSTER_LABELS, params.threads)
    return frivolous, abusive


def _unchecked(data: TrainingData, findings: pd.DataFrame, params: TrainParams) -> pd.Index:
    """Claims without an outcome, filed before the last of `findings`: the latest, as many as `unchecked_per_finding` allows."""
    unseen = data.features.index.difference(pd.Index(data.outcomes["claim_id"].unique()))
    filed = data.claims["filed_at"].reindex(unseen)
    before = filed[filed < findings["filed_at"].max()].sort_values(kind="stable")
    latest: pd.Index = before.index[::-1][: int(params.unchecked_per_finding * len(findings))]
    return latest


def _held_out(data: TrainingData, grown: Grown, findings: pd.DataFrame) -> pd.DataFrame:
    """What a pair says of findings that it was not grown on (`models.learning.held_out`)."""
    return held_out(grown.pair.raw(data.features.loc[findings.index]), grown.calibrated, findings)


def _early(data: TrainingData, split: TimeSplit, trees: Mapping[str, int], params: TrainParams) -> list[pd.DataFrame]:
    """What a pair grown on the earliest findings says of the early bound slice, if there are any."""
    return (
        [_held_out(data, _grow_pair(data, split.early_train, trees, params), split.early_bound)]
        if len(split.early_bound)
        else []
    )


def _model(
    data: TrainingData, split: TimeSplit, grown: Grown, later: pd.DataFrame, params: TrainParams, policy: Policy
) -> ClaimModel:
    pair, calibrated = grown.pair, grown.calibrated
    kinds = {column.name: column.kind for column in pair.schema.inputs}
    return ClaimModel(
        schema=pair.schema,
        frivolous=pair.frivolous,
        abusive=pair.abusive,
        frivolous_calibration=calibrated.frivolous,
        abusive_calibration=calibrated.abusive,
        policy=bounded(policy, data.claims, [later, grown.unseen], calibrated),
        reference_ranges=reference_ranges(data.features.loc[split.everything.index], kinds),
        record=_record(data, split, params) | _findings_record(calibrated),
    )


def _findings_record(calibrated: Calibrated) -> dict[str, Any]:
    return {
        "error_rates": dict(calibrated.error_rates),
        "finding_shares": [float(share) for share in calibrated.fitted.shares],
        "calibration_losses": dict(calibrated.losses),
    }


def _record(data: TrainingData, split: TimeSplit, params: TrainParams) -> dict[str, Any]:
    slices = {name: getattr(split, name) for name in ("early_bound", "train", "bound", "test", "everything")}
    return {
        "data": dict(data.facts),
        "findings": {
            name: {label: int((rows["label"] == label).sum()) for label in LABELS} for name, rows in slices.items()
        },
        "bound_from": split.bound_from.isoformat(),
        "test_from": split.test_from.isoformat(),
        "known_until": split.known_until.isoformat(),
        "gap_days": round(split.gap / pd.Timedelta(days=1), 3),
        "note": split.note,
        "params": asdict(params),
        "lightgbm": lgb.__version__,
    }


def _baselines(data: TrainingData, split: TimeSplit, params: TrainParams, policy: Policy) -> dict[str, pd.DataFrame]:
    labels, test = split.before_test["label"], data.features.loc[split.test.index]
    answers = {"base_rates": base_rates(labels, test.index)}
    if len(test):
        schema = InputSchema.fit(data.features.loc[labels.index], data.suspicions)
        earlier = schema.conform(data.features.loc[labels.index])
        known = data.features.loc[labels.index]
        answers["rules"] = rules(known, labels, test, data.suspicions)
        answers["logistic"] = logistic(earlier, labels, schema.conform(test), params.seed)
    return {
        name: _evaluated(data, split, given, given.to_numpy(dtype=np.float64).reshape(-1, len(LABELS)), policy)
        for name, given in answers.items()
    }
