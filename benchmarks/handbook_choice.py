"""What is read of a transaction and how boosters grow, chosen by the command on weeks that were over before the evaluated one.

The handbook's protocol: parameters are chosen on earlier weeks that are evaluated in the same way (training 7 days, delay 7, testing 7). A
evaluated week is asked about only once, with what the weeks before it chose. Of a week that chooses, every transaction was evaluated and
its label known when the evaluated week began. What there is to choose from is declared here:

- families of features beside the handbook's own fifteen (`FAMILIES`), all windows alike (`WINDOWS`);
- how boosters grow (`GROWTHS`).

First the families are chosen, then the windows, then the growth, each by the figures of one booster, the mean over `LOOK_BACK` weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType

import numpy as np

from claimvet.features.catalogue import events as e
from claimvet.features.catalogue.claim_features import CLAIM_FEATURES
from claimvet.features.catalogue.declaration import Aggregation as A
from claimvet.features.catalogue.declaration import Entity, Event, Feature, HistoryFeature, RatioFeature
from claimvet.features.engines.parallel_map import parallel_map
from claimvet.models.parameters import TrainParams

CARD, TERMINAL = Entity.CUSTOMER, Entity.SELLER
FRAUD = e.OUTCOMES_BY_LABEL["abusive"]
OWN = tuple(feature for feature in CLAIM_FEATURES if feature.name in {"claim_amount", "claim_hour", "claim_weekday"})
WINDOWS: Mapping[str, tuple[int, ...]] = MappingProxyType({"the handbook's": (1, 7, 30), "more": (1, 3, 7, 14, 30, 60)})
"""Days, by name; the first are the handbook's."""
GROWTHS: Mapping[str, Mapping[str, float | int]] = MappingProxyType(
    {
        "as they come": {},
        "slower": {"learning_rate": 0.03},
        "larger": {"max_depth": 6, "num_leaves": 16},
        "larger, held back": {"max_depth": 6, "num_leaves": 16, "lambda_l2": 10.0, "feature_fraction": 0.3},
    }
)
"""What is set otherwise than in `params.yaml`, by name."""
LOOK_BACK = 4
"""Weeks that choose, as many as the handbook takes."""
LATEST = 2
"""So many weeks before the evaluated one begins the latest that chooses: its last label is known as the evaluated week begins."""

Figures = tuple[float, float, float]
Evaluate = Callable[["Choice", int], Figures]
"""The three figures of a choice in a week."""


@dataclass(frozen=True)
class Choice:
    """Names of what was chosen; as it comes, what the handbook has."""

    families: tuple[str, ...] = ()
    windows: str = "the handbook's"
    growth: str = "as they come"

    def features(self) -> list[Feature]:
        """The features, each once."""
        windows = WINDOWS[self.windows]
        own = [*OWN, *_plain(windows)]
        more = [feature for name in self.families for feature in FAMILIES[name](windows)]
        return [*own, *more]

    def params(self, usual: TrainParams) -> TrainParams:
        """The parameters, `usual` but for the growth."""
        return replace(usual, **GROWTHS[self.growth])  # type: ignore[arg-type]


def _plain(windows: Sequence[int]) -> list[Feature]:
    """The handbook's: how often and how much by card, how often and what share of it fraud by terminal."""
    return [
        *_history(CARD, e.CLAIMS, A.COUNT, windows),
        *_history(CARD, e.CLAIMS, A.MEAN, windows, "amount"),
        *_history(TERMINAL, e.CLAIMS, A.COUNT, windows),
        *_history(TERMINAL, FRAUD, A.SHARE, windows),
    ]


def _card_amounts(windows: Sequence[int]) -> list[Feature]:
    return [
        *(_to_mean(mean) for mean in _history(CARD, e.CLAIMS, A.MEAN, windows, "amount")),
        *_history(CARD, e.CLAIMS, A.MAX, windows, "amount"),
        *_history(CARD, e.CLAIMS, A.STD, windows[-1:], "amount"),
        *_history(CARD, e.CLAIMS, A.DAYS_SINCE_LAST, [None]),
    ]


def _terminal_amounts(windows: Sequence[int]) -> list[Feature]:
    return list(_history(TERMINAL, e.CLAIMS, A.MEAN, windows, "amount"))


def _terminal_frauds(windows: Sequence[int]) -> list[Feature]:
    return [
        *_history(TERMINAL, FRAUD, A.COUNT, windows),
        *_history(TERMINAL, FRAUD, A.DAYS_SINCE_LAST, [None]),
        *_history(TERMINAL, FRAUD, A.DAYS_SINCE_FIRST, [None]),
    ]


FAMILIES: Mapping[str, Callable[[Sequence[int]], list[Feature]]] = MappingProxyType(
    {"card's amounts": _card_amounts, "terminal's amounts": _terminal_amounts, "terminal's frauds": _terminal_frauds}
)
"""What may be read beside the handbook's own, by name; each with the windows that were chosen."""


def _history(
    entity: Entity, event: Event, aggregation: A, windows: Sequence[int | None], column: str | None = None
) -> list[HistoryFeature]:
    return [
        HistoryFeature(
            entity=entity, event=event, aggregation=aggregation, column=column, window_days=window, family=f"{entity}"
        )
        for window in windows
    ]


def _to_mean(mean: HistoryFeature) -> RatioFeature:
    return RatioFeature(
        label="claim_amount_to_customer_claims_mean",
        meaning="amount over the card's mean amount",
        numerator=next(feature for feature in OWN if feature.name == "claim_amount"),
        denominator=mean,
        window_days=mean.window_days,
        family="ratios",
    )


def all_features() -> list[Feature]:
    """Every feature that any choice reads, once."""
    found = {feature.name: feature for windows in WINDOWS for feature in Choice(tuple(FAMILIES), windows).features()}
    return list(found.values())


def weeks_that_choose(week: int) -> range:
    """The weeks whose labels were all known as the evaluated days of `week` began.

    >>> list(weeks_that_choose(0))
    [-5, -4, -3, -2]
    """
    return range(week - LATEST - LOOK_BACK + 1, week - LATEST + 1)


def choose(weeks: Sequence[int], evaluate: Evaluate, threads: int) -> dict[int, Choice]:
    """For each evaluated week what did best in the weeks before it; figures are asked for once each, `threads` at a time.

    Best is the greatest mean over the three figures, each over that of the handbook's own features in the same weeks; of equals the first.
    """
    found: dict[tuple[Choice, int], Figures] = {}
    best = dict.fromkeys(weeks, Choice())
    for choices in (_by_families, _by_windows, _by_growth):
        asked = {(choice, each) for week in weeks for choice in choices(best[week]) for each in weeks_that_choose(week)}
        missing = sorted(asked - found.keys(), key=str)
        found |= zip(missing, parallel_map(lambda pair: evaluate(*pair), missing, threads), strict=True)
        best = {week: max(choices(best[week]), key=lambda choice: _worth(choice, week, found)) for week in weeks}
    return best


def _worth(choice: Choice, week: int, found: Mapping[tuple[Choice, int], Figures]) -> float:
    mean, plain = (
        np.mean([found[each, past] for past in weeks_that_choose(week)], axis=0) for each in (choice, Choice())
    )
    return float(np.mean(mean / plain))


def _by_families(best: Choice) -> list[Choice]:
    sizes = range(len(FAMILIES) + 1)
    return [replace(best, families=names) for size in sizes for names in combinations(FAMILIES, size)]


def _by_windows(best: Choice) -> list[Choice]:
    return [replace(best, windows=name) for name in WINDOWS]


def _by_growth(best: Choice) -> list[Choice]:
    return [replace(best, growth=name) for name in GROWTHS]
