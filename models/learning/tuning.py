"""Which parameters of the boosters do best on later claims: a search that is seeded, bounded, pruned and goes on where it stopped.

A trial grows the pair on the findings known when a block of claims began, and is evaluated by the log loss of that block's findings, for
several blocks in time order; after each the search may give up a trial that is worse than half of those before it. Findings are taken
as they are and nothing unchecked teaches here, which is four times faster and ranks the parameters alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import optuna
import pandas as pd
from optuna.trial import Trial, TrialState

from claimvet.data.contract.errors import ModelError
from claimvet.features.engines.progress import Progress, silent
from claimvet.models.learning.labels import latest_findings
from claimvet.models.learning.pairs import train_plain_pair
from claimvet.models.learning.splits import in_order_of_filing
from claimvet.models.learning.training_data import TrainingData
from claimvet.models.metrics.label_noise import BOOSTER_LABELS, Findings, fit
from claimvet.models.parameters import SplitParams, TrainParams

BLOCKS = 3
"""Blocks of later claims that evaluate a trial, one after the other; each has a sixth of the findings, and the first half only trains."""
WARM_UP = 5
"""Trials that run to their end before any is given up."""


@dataclass(frozen=True)
class Fold:
    """Findings known when a block began, and the block's own, both in time order."""

    known: pd.DataFrame
    later: pd.DataFrame


@dataclass(frozen=True)
class Tuned:
    """The best parameters, their log loss and that of the parameters it began with, and how many trials there were and were given up."""

    params: TrainParams
    loss: float
    first_loss: float
    trials: int
    given_up: int

    def __str__(self) -> str:
        gain = f"{self.loss:.4f} against {self.first_loss:.4f} as it was"
        return f"{self.trials} trials, {self.given_up} of them given up early; log loss on later findings {gain}"


def time_folds(data: TrainingData, split: SplitParams) -> list[Fold]:
    """Return blocks of findings in time order, each with what was known when it began; raises `ModelError` where there are too few."""
    findings = in_order_of_filing(
        latest_findings(data.outcomes, data.outcomes["decided_at"].max()), data.claims["filed_at"]
    )
    return list(_folds(data, findings, split.min_findings))


def _folds(data: TrainingData, findings: pd.DataFrame, least: int) -> Iterator[Fold]:
    size = len(findings) // (2 * BLOCKS)
    if size < least:
        raise ModelError(f"{len(findings)} findings are too few to tune on, expected at least {2 * BLOCKS * least}")
    for number in range(BLOCKS):
        start = (BLOCKS + number) * size
        later = findings.iloc[start : start + size]
        begins = later["filed_at"].iloc[0]
        known = in_order_of_filing(latest_findings(data.outcomes, begins), data.claims["filed_at"])
        before = findings.iloc[:start] if len(known) < least else known
        yield Fold(before, later)


def suggest(trial: Trial, params: TrainParams) -> TrainParams:
    """Return the parameters of one trial.

    What is not searched (`num_boost_round`, seed, threads, unchecked claims) stays as it is in `params`.
    """
    return replace(
        params,
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
        max_depth=trial.suggest_int("max_depth", 3, 7),
        num_leaves=trial.suggest_int("num_leaves", 6, 63, log=True),
        min_data_in_leaf=trial.suggest_int("min_data_in_leaf", 10, 120, log=True),
        feature_fraction=trial.suggest_float("feature_fraction", 0.2, 1.0),
        bagging_fraction=trial.suggest_float("bagging_fraction", 0.5, 1.0),
        lambda_l2=trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
    )


def tune(
    data: TrainingData,
    split: SplitParams,
    params: TrainParams,
    *,
    trials: int,
    seconds: float,
    storage: str,
    study: str,
    progress: Progress = silent,
) -> Tuned:
    """Search until there are `trials` trials in the study or `seconds` have passed, and return the best.

    `storage` (an SQLAlchemy URL) keeps the trials: the same `study` goes on where it stopped. The first trial is `params` itself, so the
    answer is never worse on these blocks. Raises `ModelError` where there are too few findings.
    """
    folds = time_folds(data, split)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept = optuna.create_study(
        storage=storage, study_name=study, load_if_exists=True, direction="minimize", pruner=_pruner()
    )
    finished = len(_finished(kept))
    # the sampler's own draws begin anew with each process, so its seed follows from how far the study is
    kept.sampler = optuna.samplers.TPESampler(seed=params.seed + finished)
    if finished == 0:
        kept.enqueue_trial({name: getattr(params, name) for name in _SEARCHED})
    if trials > finished:
        kept.optimize(
            _objective(data, folds, params),
            n_trials=trials - finished,
            timeout=seconds,
            callbacks=[_teller(progress, trials)],
        )
    return _answer(kept, params)


_SEARCHED = (
    "learning_rate",
    "max_depth",
    "num_leaves",
    "min_data_in_leaf",
    "feature_fraction",
    "bagging_fraction",
    "lambda_l2",
)


def _objective(data: TrainingData, folds: list[Fold], params: TrainParams) -> Callable[[Trial], float]:
    def loss(trial: Trial) -> float:
        asked = suggest(trial, params)
        losses: list[float] = []
        for number, fold in enumerate(folds):
            losses.append(_loss(data, fold, asked))
            trial.report(sum(losses) / len(losses), number)
            if trial.should_prune():
                raise optuna.TrialPruned
        return sum(losses) / len(losses)

    return loss


def _loss(data: TrainingData, fold: Fold, params: TrainParams) -> float:
    """Return the log loss of a block's findings under a pair grown before it.

    It is calibrated on the block itself, which is alike for all trials.
    """
    raw = train_plain_pair(data, fold.known, params).raw(data.features.loc[fold.later.index])
    findings = Findings.of(raw[list(BOOSTER_LABELS)], fold.later["label"], fold.later["decided_by"])
    fitted = fit(findings, "sigmoid")
    lapse = fitted.lapse_rates_of(pd.Series(findings.deciders))
    return findings.loss(fitted.coefficients, lapse)[0] / len(findings.label)


def _pruner() -> optuna.pruners.BasePruner:
    return optuna.pruners.MedianPruner(n_startup_trials=WARM_UP)


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _teller(progress: Progress, trials: int) -> Callable[[optuna.Study, optuna.trial.FrozenTrial], None]:
    def tell(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        said = "given up" if trial.value is None or trial.state is TrialState.PRUNED else f"{trial.value:.4f}"
        best = min(
            (each.value for each in _finished(study) if each.state is TrialState.COMPLETE and each.value), default=0.0
        )
        progress(f"trial {trial.number + 1} of {trials}: {said}, best {best:.4f}")

    return tell


def _answer(study: optuna.Study, params: TrainParams) -> Tuned:
    finished = _finished(study)
    complete = [trial for trial in finished if trial.state is TrialState.COMPLETE]
    if not complete:
        raise ModelError("no trial came to its end in the time given, expected more seconds")
    first = min(complete, key=lambda trial: trial.number)
    best = min(complete, key=lambda trial: (float(trial.value or 0.0), trial.number))
    return Tuned(
        replace(params, **best.params),
        float(best.value or 0.0),
        float(first.value or 0.0),
        len(finished),
        len(finished) - len(complete),
    )
