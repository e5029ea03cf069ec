"""From a claim to an entry of the ledger: its events, its features, its score; all in the transaction of the write queue.

A claim that cannot be scored is recorded and referred to an expert all the same; nothing here makes a score up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from claimvet.data.contract.errors import FeatureError, ModelError
from claimvet.models.explain.reference_ranges import Value
from claimvet.models.policy.capacity import REFER
from claimvet.models.scoring.scoring import RowScore
from claimvet.scoring_service.decisions import erase, idempotency, ledger
from claimvet.scoring_service.decisions.code_version import code_version
from claimvet.scoring_service.decisions.decided import Decided, answered, other_body, repeated, shadow_text, wrong_types
from claimvet.scoring_service.decisions.ledger import Decision, text_apart
from claimvet.scoring_service.decisions.outage_queue import QueuedDecision
from claimvet.scoring_service.decisions.requests import EventsRequest, RescoreRequest, ScoreRequest
from claimvet.scoring_service.decisions.responses import scored, unscored
from claimvet.scoring_service.decisions.review_allocation import Allocation, allocate, day_of, state_of, state_text
from claimvet.scoring_service.errors import ConflictError, FieldError, NotFoundError, UnprocessableError
from claimvet.scoring_service.json_text import canonical, text
from claimvet.scoring_service.model_loading.loaded_model import LoadedModel, ModelReloader
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db import locks
from claimvet.scoring_service.times import micros, rfc3339

Claims = Mapping[str, Mapping[str, Any]]
"""Claims by id, as `EventStore.claim` gives them."""

Request = ScoreRequest | RescoreRequest | EventsRequest | QueuedDecision


@dataclass(frozen=True)
class _Seen:
    """A claim at an instant, then with its features; `features` is None where they could not be had, and `why` says so."""

    place: int
    kind: str
    claim: Mapping[str, Any]
    as_of: int
    received: str
    digest: str
    repeatable: bool = False
    """Whether the decision before stands where nothing has changed since: asked for as of a stated instant."""
    features: dict[str, Value] | None = None
    why: str | None = None

    @property
    def claim_id(self) -> str:
        return str(self.claim["claim_id"])


@dataclass(frozen=True)
class DecisionContext:
    """What the decision service works with; `now` gives a moment with a zone, `new_id` a name that no other decision has."""

    store: EventStore
    champion: ModelReloader
    shadow: ModelReloader | None
    metrics: Metrics
    now: Callable[[], datetime]
    new_id: Callable[[], str]


class DecisionService:
    """Does requests; `together` is what the write queue calls."""

    def __init__(self, context: DecisionContext) -> None:
        self._context = context

    def together(self, requests: Sequence[Request], connection: sa.Connection) -> list[Any]:
        """Return the answer to each request, in order: a `Decided`, a number of events, or an error of its own."""
        answers = self._answered_before(requests, connection)
        new = [(place, request) for place, request in enumerate(requests) if answers[place] is None]
        for place, answer in zip((place for place, _ in new), self._do_all(new, connection), strict=True):
            answers[place] = answer
        self._remember([(requests[place], answers[place]) for place, _ in new], connection)
        return answers

    def _answered_before(self, requests: Sequence[Request], connection: sa.Connection) -> list[Any]:
        """Return what was answered under a request's key, or an error where that came with another body; None where it is new."""
        keys = [request.idempotency for request in requests]
        if not any(keys):
            return [None] * len(requests)
        found = idempotency.answered([key for key in keys if key], micros(self._context.now()), connection)
        return [repeated(key, found.get(key.name), connection) if key else None for key in keys]

    def _remember(self, done: Sequence[tuple[Request, Any]], connection: sa.Connection) -> None:
        """Keep what is acknowledged under a key; what failed may be sent again under it."""
        expires_at = micros(self._context.now()) + idempotency.KEPT_SECONDS * 1_000_000
        idempotency.keep(
            [
                answered(request.idempotency, answer, expires_at)
                for request, answer in done
                if request.idempotency is not None and not isinstance(answer, Exception)
            ],
            connection,
        )

    def _do_all(self, requests: Sequence[tuple[int, Request]], connection: sa.Connection) -> list[Any]:
        names = [request.claim_id for _, request in requests if request.claim_id is not None]
        known = ledger.first_decisions(names, connection) if names else {}
        answers: dict[int, Any] = self._refused(requests, known)
        accepted = [(place, request) for place, request in requests if place not in answers]
        claims = self._append(
            [
                request
                for _, request in accepted
                if isinstance(request, QueuedDecision)
                or request.claim_id not in known
                or _only_fills(request, known[str(request.claim_id)])
            ],
            connection,
        )
        seen: list[_Seen] = []
        for place, request in accepted:
            done = self._do(place, request, known.get(request.claim_id or ""), claims, connection)
            if isinstance(done, _Seen):
                seen.append(done)
            else:
                answers[place] = done
        answers |= self._decide_all(self._with_features(seen, connection), connection)
        return [answers[place] for place, _ in requests]

    def _refused(
        self, requests: Sequence[tuple[int, Request]], known: Mapping[str, Decision]
    ) -> dict[int, UnprocessableError]:
        """Return an error, by place, for each claim that has to be scored and says what the model cannot have learned."""
        model = self._context.champion.loaded
        if model is None:
            return {}
        asked = [
            (place, request)
            for place, request in requests
            if isinstance(request, ScoreRequest)
            and (request.claim_id not in known or _only_fills(request, known[request.claim_id]))
        ]
        found = ((place, wrong_types(request, model)) for place, request in asked)
        return {place: error for place, error in found if error is not None}

    def _decide_all(self, seen: Sequence[_Seen], connection: sa.Connection) -> dict[int, Decided]:
        """Return a decision on each claim, by place; the one before where it was made on the same."""
        before = {claim.place: self._same_before(claim, connection) for claim in seen if claim.repeatable}
        found = {place: Decided(entry) for place, entry in before.items() if entry is not None}
        new = [claim for claim in seen if claim.place not in found]
        return found | {claim.place: decided for claim, decided in zip(new, self._decide(new, connection), strict=True)}

    def _same_before(self, claim: _Seen, connection: sa.Connection) -> Decision | None:
        """Return the decision that was made as of the same instant on the same claim, features and model."""
        entry = ledger.rescored(claim.claim_id, claim.as_of, connection)
        model = self._context.champion.loaded
        if entry is None or entry.degraded is not None or claim.features is None or model is None:
            return None
        same = entry.features == canonical(claim.features) and entry.claim_row == dict(claim.claim)
        return entry if same and entry.model_uri == model.uri and entry.model_version == model.version else None

    def _append(self, requests: Sequence[Request], connection: sa.Connection) -> Claims:
        """Return the events of all requests at once; the claims among them with all that is known of them."""
        events = [event for request in requests for event in request.events]
        if not events:
            return {}
        with self._context.metrics.part("write", sum(isinstance(request, ScoreRequest) for request in requests)):
            return self._context.store.append(events, connection)

    def _do(
        self, place: int, request: Request, first: Decision | None, claims: Claims, connection: sa.Connection
    ) -> Any:
        if isinstance(request, EventsRequest):
            return len(request.events)
        if isinstance(request, RescoreRequest):
            return self._again(place, request, first, connection)
        if isinstance(request, QueuedDecision):
            return self._moved(request, first, connection)
        if first is not None:
            return self._repeated(place, request, first, claims, connection)
        known = request.filled_from(claims.get(request.claim_id, {}))
        claim, filed_at = {**known.claim.row, **known.claim.extra}, int(known.claim.row["filed_at"])
        return _Seen(place, ledger.SCORE, claim, filed_at, request.received, known.digest)

    def _repeated(
        self, place: int, request: ScoreRequest, first: Decision, claims: Claims, connection: sa.Connection
    ) -> Any:
        """Answer a claim that was scored before: the decision on the same body, a new one where the body fills nulls, or a conflict."""
        if request.is_of(first.body_digest) or request.filled_from(first.claim_row).is_of(first.body_digest):
            return Decided(first)
        if not _only_fills(request, first):
            return other_body(request.claim_id, first)
        known = request.filled_from(claims.get(request.claim_id, {}))
        for entry in ledger.decisions_of(request.claim_id, connection):
            if known.is_of(entry.body_digest):
                return Decided(entry)
        claim = {**known.claim.row, **known.claim.extra}
        as_of = max(micros(self._context.now()), int(claim["filed_at"]) + 1)
        return _Seen(place, ledger.RESCORE, claim, as_of, request.received, known.digest)

    def _again(self, place: int, request: RescoreRequest, first: Decision | None, connection: sa.Connection) -> Any:
        if first is None:
            return NotFoundError(f"the claim {request.claim_id!r} was never scored here, expected one that was")
        claim = self._context.store.claim(request.claim_id, connection) or first.claim_row
        as_of = micros(self._context.now()) if request.as_of is None else request.as_of
        if as_of <= claim["filed_at"]:
            message = f"as_of is {rfc3339(as_of)}, expected later than filed_at, {rfc3339(claim['filed_at'])}"
            return ConflictError(message, [FieldError("as_of", message)])
        repeatable = request.as_of is not None
        return _Seen(place, ledger.RESCORE, claim, as_of, request.received, first.body_digest, repeatable)

    def _moved(self, request: QueuedDecision, first: Decision | None, connection: sa.Connection) -> Decided:
        """Return a decision that was answered while the store was gone; it is the first on its claim, or stands beside the first."""
        entry = request.decision if first is None else replace(request.decision, kind=ledger.OUTAGE)
        if ledger.decision(entry.decision_id, connection) is None:
            ledger.add([entry], connection)
            self._erase_again(entry, connection)
        return Decided(entry)

    def _erase_again(self, entry: Decision, connection: sa.Connection) -> None:
        """Erase a text that waited elsewhere while it was erased here."""
        customer = str(entry.claim_row["customer_id"])
        if erase.was_erased(customer, entry.scored_at, connection):
            erase.erase_customer(customer, micros(self._context.now()), connection)

    def _with_features(self, seen: Sequence[_Seen], connection: sa.Connection) -> list[_Seen]:
        """Return all that are seen as they were filed at once; those that are seen again, and all where one cannot be had, one by one."""
        filed = [claim for claim in seen if claim.kind == ledger.SCORE]
        known: dict[int, dict[str, Value]] = {}
        if len(filed) > 1:
            with self._context.metrics.part("features", len(filed)), suppress(FeatureError):
                found = self._context.store.features_together([claim.claim for claim in filed], connection)
                known = {claim.place: features for claim, features in zip(filed, found, strict=True)}
        return [
            replace(claim, features=known[claim.place]) if claim.place in known else self._alone(claim, connection)
            for claim in seen
        ]

    def _alone(self, claim: _Seen, connection: sa.Connection) -> _Seen:
        with self._context.metrics.part("features"):
            try:
                as_of = None if claim.kind == ledger.SCORE else claim.as_of
                return replace(claim, features=self._context.store.claim_features(claim.claim, as_of, connection))
            except FeatureError as error:
                return replace(claim, why=f"its features could not be computed: {error}")

    def _decide(self, seen: Sequence[_Seen], connection: sa.Connection) -> list[Decided]:
        """Return one entry a claim, in the ledger; the model is the same for all of them."""
        if not seen:
            return []
        champion, shadow = self._context.champion.loaded, self._context.shadow.loaded if self._context.shadow else None
        scores = self._scores(champion, seen)
        beside = self._scores(shadow, seen) if shadow else [None] * len(seen)
        now = micros(self._context.now())
        allocations = self._allocated(seen, scores, champion, now, connection)
        entries = [
            self._entry(claim, champion, score, allocation, experts, shadow_text(shadow, other), now)
            for claim, score, (allocation, experts), other in zip(seen, scores, allocations, beside, strict=True)
        ]
        with self._context.metrics.part("write", len(seen)):
            ledger.add(entries, connection)
        dispositions = [allocation.disposition if allocation else REFER for allocation, _ in allocations]
        return [Decided(*made) for made in zip(entries, dispositions, strict=True)]

    def _scores(self, loaded: LoadedModel | None, seen: Sequence[_Seen]) -> list[RowScore | str]:
        """Return a score, or a sentence that says why there is none."""
        if loaded is None:
            return ["there is no model that works; the log says why"] * len(seen)
        asked = [claim for claim in seen if claim.features is not None]
        found = iter(self._score(loaded, asked))
        return [str(claim.why) if claim.features is None else next(found) for claim in seen]

    def _score(self, loaded: LoadedModel, asked: Sequence[_Seen]) -> list[RowScore | str]:
        if not asked:
            return []
        try:
            rows, ids = [claim.features or {} for claim in asked], [claim.claim_id for claim in asked]
            return list(loaded.scorer.score(rows, ids, timed=self._context.metrics.part))
        except ModelError as error:
            return [str(error)] if len(asked) == 1 else [self._score(loaded, [claim])[0] for claim in asked]

    def _allocated(
        self,
        seen: Sequence[_Seen],
        scores: Sequence[RowScore | str],
        loaded: LoadedModel | None,
        now: int,
        connection: sa.Connection,
    ) -> list[tuple[Allocation | None, str | None]]:
        """Return what becomes of each scored claim when experts are scarce, one after the other, and the state after
        each as the ledger keeps it.

        A claim without a score takes an expert unweighed; without a model nobody knows how many there are.
        """
        if loaded is None:
            return [(None, None)] * len(seen)
        locks.experts(connection)
        state = state_of(ledger.latest_allocation(connection))
        policy = loaded.model.policy
        found: list[tuple[Allocation | None, str | None]] = []
        for claim, score in zip(seen, scores, strict=True):
            day, allocation = day_of(claim.as_of, now), None
            if isinstance(score, str):
                state = state.taken(day, policy)
            else:
                allocation, state = allocate(claim.claim_id, day, score, policy, state)
            found.append((allocation, state_text(state)))
        return found

    def _entry(
        self,
        claim: _Seen,
        loaded: LoadedModel | None,
        score: RowScore | str,
        allocation: Allocation | None,
        experts: str | None,
        shadow: str | None,
        now: int,
    ) -> Decision:
        decision_id = self._context.new_id()
        answer: dict[str, Any]
        if isinstance(score, str) or loaded is None or allocation is None:
            answer = unscored(decision_id, claim.claim_id, str(score), now)
        else:
            answer = scored(decision_id, claim.claim_id, score, allocation, loaded.version, now)
        used = loaded if not isinstance(score, str) else None
        return Decision(
            decision_id=decision_id,
            claim_id=claim.claim_id,
            kind=claim.kind,
            as_of=claim.as_of,
            **text_apart(claim.claim, claim.received),
            body_digest=claim.digest,
            features=None if claim.features is None else canonical(claim.features),
            model_version=used.version if used else None,
            model_uri=used.uri if used else None,
            policy=used.policy if used else None,
            code_version=code_version(),
            scored_at=now,
            answer=text(answer),
            degraded=score if isinstance(score, str) else None,
            shadow=shadow,
            experts=experts,
        )


def _only_fills(request: Request, first: Decision) -> bool:
    return isinstance(request, ScoreRequest) and request.only_fills(first.claim_row)
