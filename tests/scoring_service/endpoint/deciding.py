"""A decider on a store, without a server: tasks go in, answers come out."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from claimvet.scoring_service.decisions.decide import Decider, Surroundings
from claimvet.scoring_service.decisions.requests import EventsTask, RescoreTask, ScoreTask
from claimvet.scoring_service.http.request_parsing import events_task, rescore_task, score_task
from claimvet.scoring_service.model_loading.loaded_model import ModelSlot
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore
from tests.scoring_service.endpoint.running import NOW

Task = ScoreTask | RescoreTask | EventsTask


class Office:
    """Decides in transactions of its own; decisions are numbered from `first`."""

    def __init__(self, store: EventStore, model: Path | str, first: int = 1, shadow: Path | None = None) -> None:
        self.store = store
        self.champion = ModelSlot(str(model))
        self.champion.refresh()
        beside = ModelSlot(str(shadow)) if shadow else None
        if beside:
            beside.refresh()
        numbers = itertools.count(first)
        surroundings = Surroundings(store, self.champion, beside, Metrics(), lambda: NOW, lambda: f"D-{next(numbers)}")
        self._decider = Decider(surroundings)

    def together(self, *tasks: Task) -> list[Any]:
        with self.store.begin() as connection:
            return self._decider.together(tasks, connection)

    def one_by_one(self, *tasks: Task) -> list[Any]:
        return [self.together(task)[0] for task in tasks]


def scoring(body: dict[str, Any]) -> ScoreTask:
    return score_task(json.loads(json.dumps(body)), json.dumps(body))


def again(claim_id: str, as_of: str | None = None) -> RescoreTask:
    return rescore_task(claim_id, {"as_of": as_of}, "")


def events(*found: tuple[str, dict[str, Any]]) -> EventsTask:
    return events_task({"events": [{"table": table, "row": row} for table, row in found]})
