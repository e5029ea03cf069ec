"""A decision service on a store, without a server: requests go in, answers come out."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from claimvet.scoring_service.decisions.decide import DecisionContext, DecisionService
from claimvet.scoring_service.decisions.requests import EventsRequest, RescoreRequest, ScoreRequest
from claimvet.scoring_service.http.parsing.request_parsing import events_request, rescore_request, score_request
from claimvet.scoring_service.model_loading.loaded_model import ModelReloader
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore
from tests.scoring_service.endpoint.running import NOW

Request = ScoreRequest | RescoreRequest | EventsRequest


class Office:
    """Decides in transactions of its own; decisions are numbered from `first`."""

    def __init__(self, store: EventStore, model: Path | str, first: int = 1, shadow: Path | None = None) -> None:
        self.store = store
        self.champion = ModelReloader(str(model))
        self.champion.refresh()
        beside = ModelReloader(str(shadow)) if shadow else None
        if beside:
            beside.refresh()
        numbers = itertools.count(first)
        context = DecisionContext(store, self.champion, beside, Metrics(), lambda: NOW, lambda: f"D-{next(numbers)}")
        self._decisions = DecisionService(context)

    def together(self, *requests: Request) -> list[Any]:
        with self.store.begin() as connection:
            return self._decisions.together(requests, connection)

    def one_by_one(self, *requests: Request) -> list[Any]:
        return [self.together(request)[0] for request in requests]


def scoring(body: dict[str, Any]) -> ScoreRequest:
    return score_request(json.loads(json.dumps(body)), json.dumps(body))


def again(claim_id: str, as_of: str | None = None) -> RescoreRequest:
    return rescore_request(claim_id, {"as_of": as_of}, "")


def events(*found: tuple[str, dict[str, Any]]) -> EventsRequest:
    return events_request({"events": [{"table": table, "row": row} for table, row in found]})
