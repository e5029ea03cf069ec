"""What a person may turn about training; `params.yaml` holds a section for each class here."""

from __future__ import annotations

from dataclasses import dataclass, fields

from data.contract.errors import UsageError


@dataclass(frozen=True)
class SplitParams:
    """How claims are parted by time. Raises `UsageError` for shares that leave no claims to train on."""

    practice_share: float = 0.25
    """Share of the findings, the latest of those that train, that is held out once for calibration and for the bound of denials."""
    calibration_share: float = 0.15
    """Share of the findings, by filing time, that calibrates: later than what trains, earlier than what judges."""
    judging_share: float = 0.2
    """Share of the findings, the latest filed, that judges."""
    delay_quantile: float = 0.8
    """The gap before the end of a slice is this quantile of the measured days from filing to finding. Of claims filed within
    the gap only the quickly decided ones have a label, and they are not like the others."""
    least_findings: int = 30
    """A slice with fewer findings than this is not used: nothing can be learned from it or said about it."""

    def __post_init__(self) -> None:
        _require_shares(self, "practice_share", "calibration_share", "judging_share", "delay_quantile")
        if self.calibration_share + self.judging_share >= 0.9:
            raise UsageError(f"{self} leaves less than a tenth of the findings to train on")


@dataclass(frozen=True)
class TrainParams:
    """How the two boosters are grown. Raises `UsageError` for values out of range."""

    seed: int = 7
    """Seed of the columns and rows that each tree sees; the same seed, data and parameters give the same bytes."""
    most_trees: int = 300
    """Trees a booster, at most; early stopping may take fewer. Scoring and reasons take time in proportion."""
    learning_rate: float = 0.05
    """Step of each tree."""
    depth: int = 6
    """Splits from the root to a leaf, at most. Reasons take time with its square."""
    leaves: int = 31
    """Leaves a tree, at most."""
    least_claims_in_leaf: int = 30
    """Claims in a leaf, at least; fewer where there are few findings, see `models.boosters`."""
    column_share: float = 0.5
    """Share of the inputs that each tree sees."""
    row_share: float = 0.8
    """Share of the claims that each tree sees."""
    ridge: float = 1.0
    """L2 penalty on the values of leaves."""
    threads: int = 1
    """Threads that train; fixed, because sums of floats depend on their order. One is fastest where others use the cores too."""

    def __post_init__(self) -> None:
        _require_shares(self, "column_share", "row_share", "learning_rate")
        for name in ("most_trees", "depth", "leaves", "least_claims_in_leaf", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"train.{name} is {getattr(self, name)}, expected at least 1")


def _require_shares(params: SplitParams | TrainParams | GateParams, *names: str) -> None:
    for field in fields(params):
        value = getattr(params, field.name)
        if field.name in names and not 0.0 < value <= 1.0:
            raise UsageError(f"{type(params).__name__}.{field.name} is {value}, expected more than 0 and at most 1")


@dataclass(frozen=True)
class GateParams:
    """What a challenger has to show before it becomes champion. Raises `UsageError` for values out of range."""

    least_findings: int = 100
    """Findings that must have judged it."""
    calibration_error: float = 0.03
    """Most that P(valid) may be off on average, or as much as chance alone does to so many claims, whichever is more."""
    confidence: float = 0.95
    """How sure a comparison has to be before it counts against the challenger."""
    seed: int = 7
    """Seed of the resampling behind the bounds."""

    def __post_init__(self) -> None:
        _require_shares(self, "calibration_error", "confidence")
        if self.least_findings < 1:
            raise UsageError(f"gate.least_findings is {self.least_findings}, expected at least 1")
