"""What a person may turn about training; `params.yaml` holds a section for each class here."""

from __future__ import annotations

from dataclasses import dataclass, fields

from claimvet.data.contract.errors import UsageError


@dataclass(frozen=True)
class SplitParams:
    """How findings are split by time. Raises `UsageError` for shares that leave no claims to train on."""

    early_bound_share: float = 0.25
    """Share of the findings, the latest of the train slice, that is held out once more for the bound of denials."""
    bound_share: float = 0.15
    """Share of the findings, by filing time, that sets the bound of denials: later than the train slice, earlier than the test slice."""
    test_share: float = 0.2
    """Share of the findings, the latest filed, on which the model is evaluated."""
    delay_quantile: float = 0.8
    """The gap before the end of a slice is this quantile of the measured days from filing to finding. Of claims filed within
    the gap only the quickly decided ones have a label, and they are not like the others."""
    min_findings: int = 30
    """A slice with fewer findings than this is not used: nothing can be learned from it or said about it."""

    def __post_init__(self) -> None:
        _require_shares(self, "early_bound_share", "bound_share", "test_share", "delay_quantile")
        if self.bound_share + self.test_share >= 0.9:
            raise UsageError(f"{self} leaves less than a tenth of the findings to train on")


@dataclass(frozen=True)
class TrainParams:
    """How the two boosters are grown; names that LightGBM has too mean what they mean there.

    Raises `UsageError` for values out of range.
    """

    seed: int = 7
    """Seed of the columns and rows that each tree sees; the same seed, data and parameters give the same bytes."""
    num_boost_round: int = 400
    """Highest number of trees a booster; early stopping may take fewer. Scoring and reasons take time in proportion."""
    learning_rate: float = 0.05
    """Step of each tree."""
    max_depth: int = 4
    """Highest number of splits from the root to a leaf. Reasons take time with its square."""
    num_leaves: int = 8
    """Highest number of leaves a tree; fewer where there are few findings, see `models.learning.boosters`."""
    min_data_in_leaf: int = 30
    """Lowest number of claims in a leaf; fewer where there are few findings, see `models.learning.boosters`."""
    feature_fraction: float = 0.5
    """Share of the inputs that each tree sees."""
    bagging_fraction: float = 0.8
    """Share of the claims that each tree sees."""
    lambda_l2: float = 1.0
    """L2 penalty on the values of leaves."""
    averaged: int = 2
    """Boosters of each kind, of different seeds, whose log odds are averaged. Scoring and reasons take time in proportion."""
    unchecked_per_finding: float = 0.0
    """Highest number of claims without a finding that train beside each finding; training takes time in proportion. 0: findings only."""
    unchecked_weight: float = 0.5
    """Weight of such a claim, whose label is only predicted, against that of a finding."""
    threads: int = 2
    """Boosters grown at the same time, each on one thread, because sums of floats depend on their order: how many changes nothing."""

    def __post_init__(self) -> None:
        _require_shares(self, "feature_fraction", "bagging_fraction", "learning_rate")
        for name in ("num_boost_round", "max_depth", "num_leaves", "min_data_in_leaf", "averaged", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"train.{name} is {getattr(self, name)}, expected at least 1")
        for name in ("unchecked_per_finding", "unchecked_weight"):
            if not 0.0 <= getattr(self, name) <= 100.0:
                raise UsageError(f"train.{name} is {getattr(self, name)}, expected 0 to 100")


def _require_shares(
    params: SplitParams | TrainParams | GateParams | BacktestParams | MonitorParams, *names: str
) -> None:
    for field in fields(params):
        value = getattr(params, field.name)
        if field.name in names and not 0.0 < value <= 1.0:
            raise UsageError(f"{type(params).__name__}.{field.name} is {value}, expected more than 0 and at most 1")


@dataclass(frozen=True)
class GateParams:
    """What a challenger has to show before it becomes champion. Raises `UsageError` for values out of range."""

    min_findings: int = 100
    """Findings that must have evaluated it."""
    max_calibration_error: float = 0.03
    """Highest calibration error of P(valid); refused is one significantly above it, given how many claims there are."""
    confidence: float = 0.95
    """How sure a comparison has to be before it counts against the challenger."""
    money_margin: float = 0.05
    """Share of the champion's cost by which the challenger's may be higher on the same claims, at most."""
    slice_margin: float = 0.1
    """Nats of log loss by which the challenger may be significantly worse in a slice, at most."""
    min_believed_ratio: float = 0.8
    """Least share of a group's valid claims that are believed, over that of all others: the four-fifths rule."""
    max_single_input_auc: float = 0.93
    """Area under the curve of valid or abusive that one input alone may reach; above it the input knows the outcome."""
    max_auc: float = 0.995
    """Area under the curve that a model may reach against findings, which are themselves wrong at times."""
    min_loss_ratio: float = 0.5
    """Log loss over the champion's on the same claims, at least: a greater leap is a leak more often than a better model."""
    max_contradicted_share: float = 0.05
    """Share of claims that also evaluated the champion whose finding may differ by now."""
    max_finding_error_share: float = 0.2
    """Share of wrong findings of any decider, as training estimates it, above which findings are not fit to evaluate on."""
    max_latency_ms: float = 60.0
    """Milliseconds of processor time that probabilities and disposition of one row may take; the median of repeated rows."""
    max_size_mb: float = 30.0
    """Megabytes that the model's files may have."""
    seed: int = 7
    """Seed of the resampling behind the bounds."""

    def __post_init__(self) -> None:
        _require_shares(
            self,
            "max_calibration_error",
            "confidence",
            "money_margin",
            "min_believed_ratio",
            "max_single_input_auc",
            "max_auc",
            "min_loss_ratio",
            "max_contradicted_share",
            "max_finding_error_share",
        )
        if self.min_findings < 1:
            raise UsageError(f"gate.min_findings is {self.min_findings}, expected at least 1")


@dataclass(frozen=True)
class BacktestParams:
    """How history is replayed. Raises `UsageError` for values out of range."""

    first_share: float = 0.5
    """Share of the claims, the earliest filed, that are past when the first model is trained."""
    retrain_days: int = 60
    """Days between trainings; each model decides the claims of the days until the next."""
    max_periods: int = 6
    """Trainings at most; a longer history gets longer periods."""
    seed: int = 7
    """Seed of the resampling behind intervals."""

    def __post_init__(self) -> None:
        _require_shares(self, "first_share")
        for name in ("retrain_days", "max_periods"):
            if getattr(self, name) < 1:
                raise UsageError(f"backtest.{name} is {getattr(self, name)}, expected at least 1")


@dataclass(frozen=True)
class MonitorParams:
    """From when on a drift is told as one. Raises `UsageError` for values out of range."""

    recent_share: float = 0.25
    """Share of the claims, the latest filed, that are held against the earlier ones where no reference is named."""
    psi_watch: float = 0.1
    """Population stability index from which a column has moved."""
    psi_alarm: float = 0.25
    """Population stability index from which a column is not what it was."""
    ks_p_value: float = 0.001
    """How unlikely a difference has to be by chance before it counts, whatever its size: Kolmogorov and Smirnov's test, or chi-squared."""
    seed: int = 7
    """Seed of the draw of rows where there are very many."""

    def __post_init__(self) -> None:
        _require_shares(self, "recent_share", "psi_watch", "psi_alarm", "ks_p_value")
