"""The service behind the endpoint: the store, the models and the write queue, with the tasks that run beside the requests."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from claimvet.data.contract.errors import ClaimvetError, EventConflictError, StoreError
from claimvet.models.policy.capacity import REFER
from claimvet.scoring_service.auth.authentication import Authenticator
from claimvet.scoring_service.decisions import idempotency, ledger
from claimvet.scoring_service.decisions.code_version import code_version
from claimvet.scoring_service.decisions.decide import DecisionContext, DecisionService
from claimvet.scoring_service.decisions.decided import Decided, other_body, referred
from claimvet.scoring_service.decisions.erase import erase_all_older
from claimvet.scoring_service.decisions.outage_queue import OutageQueue, QueuedDecision
from claimvet.scoring_service.decisions.requests import EventsRequest, RescoreRequest, ScoreRequest
from claimvet.scoring_service.decisions.self_check import compare_apart
from claimvet.scoring_service.decisions.write_queue import WriteQueue
from claimvet.scoring_service.errors import ConflictError, FieldError, OutageError, ProblemError, UnavailableError
from claimvet.scoring_service.model_loading.apart import in_daemon_thread
from claimvet.scoring_service.model_loading.fetching import Fetching
from claimvet.scoring_service.model_loading.loaded_model import CHAMPION_URI, ModelReloader, public_uri
from claimvet.scoring_service.observability.logs import log
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db.failures import reason_of
from claimvet.scoring_service.times import micros

_LOG = logging.getLogger("claimvet.service")
_CHECKPOINT_SECONDS = 3.0
"""How often what was committed moves from SQLite's log into its file; whoever commits meanwhile shares the disk with it."""
_TIDY_SECONDS = 3600.0
"""How often what is too old is looked for."""
_STALLED_SECONDS = 2.0
"""A store that answers no sooner is as good as gone."""
_OUTAGE = "the event store is not available"
"""Why a claim of an outage has no score, as it is answered; the log says more."""


@dataclass(frozen=True)
class ServiceSettings:
    """What a person may turn; `model` and `shadow` are MLflow addresses or directories, times in seconds."""

    model: str = CHAMPION_URI
    shadow: str | None = None
    follow_seconds: float = 5.0
    """How often the addresses are looked up, so that a promoted or rolled back model takes over."""
    answer_seconds: float = 10.0
    """Longest wait for the write queue; then 503, and the request may be sent again."""
    check_seconds: float = 300.0
    """How often a sample of decisions is computed again by the batch path; 0: never."""
    check_decisions: int = 50
    """Decisions in that sample."""
    keep_text_days: int | None = None
    """Days after which narratives and bodies are erased; None: never by themselves."""
    outage_queue: Path | None = None
    """File that keeps claims while the store is gone; None: they are refused with 503."""

    def with_model(self, model: str | None) -> ServiceSettings:
        """Return the same with another model; as it is where none is named."""
        return self if model is None else replace(self, model=model)


class Service:
    """Started and stopped with the process; everything that the routes need."""

    def __init__(
        self,
        store: EventStore,
        settings: ServiceSettings,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        begun: Fetching | None = None,
    ) -> None:
        self.store, self.settings, self.now = store, settings, now
        self.metrics = Metrics()
        self.champion = ModelReloader(settings.model, begun)
        self.shadow = ModelReloader(settings.shadow) if settings.shadow else None
        self.authenticator = Authenticator(store)
        decisions = DecisionService(DecisionContext(store, self.champion, self.shadow, self.metrics, now, new_id))
        self.write_queue = WriteQueue(store, decisions.together, self.metrics)
        self._new_id = new_id
        code_version()  # of what runs, not of what an upgrade puts in its place before the first claim comes
        self._queue = OutageQueue(settings.outage_queue) if settings.outage_queue else None
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="reader")
        self._beside: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin what runs beside the requests; call it in the event loop."""
        self._begin(self.settings.follow_seconds, self.follow)
        self._begin(self.settings.follow_seconds, self.drain_outage_queue)
        self._begin(_CHECKPOINT_SECONDS, self.checkpoint, at_once=False)
        self._begin(_TIDY_SECONDS, self.tidy)
        if self.settings.check_seconds > 0:
            self._begin(self.settings.check_seconds, self.check, at_once=False)

    async def stop(self) -> None:
        """End what runs beside, then the write queue when it has done what waits, then the store."""
        for job in self._beside:
            job.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        for reloader in (self.champion, self.shadow):
            if reloader is not None:
                await asyncio.to_thread(reloader.close)
        await asyncio.to_thread(self.write_queue.close)
        self.authenticator.close()
        self._readers.shutdown(wait=False, cancel_futures=True)
        if self._queue is not None:
            self._queue.close()
        self.store.close()
        gc.unfreeze()  # what is still frozen when the process ends is reported as leaked

    async def decide(self, request: ScoreRequest | RescoreRequest) -> Decided:
        """Return the decision on a claim, durable."""
        if self._queue is not None and (queued := self._queue.kept(request.claim_id)) is not None:
            return _from_queue(request, queued)
        if not self.champion.has_looked:
            raise UnavailableError("no model has been loaded yet; the same request may be sent again")
        try:
            decided: Decided = await self._submit(request)
        except OutageError:
            if self._queue is None or not isinstance(request, ScoreRequest):
                raise
            return await self._keep(self._queue, request)
        if decided.disposition is not None:
            self._count(decided.entry, decided.disposition)
        return decided

    async def decisions_of(self, claim_id: str) -> list[Decided]:
        """Return all decisions on a claim, oldest first, wherever they wait; raises `UnavailableError` where the store cannot be asked."""
        queued = self._queue.kept(claim_id) if self._queue is not None else None
        try:
            found = await self.read(lambda connection: ledger.decisions_of(claim_id, connection))
        except UnavailableError:
            if queued is None:
                raise
            found = []
        here = [] if queued is None else [Decided(queued.decision, set_aside=queued.refused)]
        known = {entry.decision_id for entry in found}
        return [*map(Decided, found), *(one for one in here if one.entry.decision_id not in known)]

    async def _keep(self, queue: OutageQueue, request: ScoreRequest) -> Decided:
        """Send the claim to an expert, and into the outage queue until the store is back."""
        entry = referred(request, self._new_id(), _OUTAGE, micros(self.now()))
        try:
            kept = await asyncio.to_thread(queue.keep, entry, request.events, request.idempotency)
        except StoreError as error:
            log(_LOG, "outage queue", logging.ERROR, text=str(error))
            raise UnavailableError("neither the event store nor the outage queue can be written to") from error
        if kept.decision is entry:
            self._count(entry, REFER)
        self._show_queue(queue)
        return _from_queue(request, kept)

    async def drain_outage_queue(self) -> None:
        """Move what waits in the outage queue into the store, if that is back; what the store refuses is set aside."""
        if self._queue is None:
            return
        for queued in self._queue.waiting():
            try:
                await self._move(queued)
            except UnavailableError:
                break
            except ProblemError as error:
                log(_LOG, "set aside", logging.ERROR, decision_id=queued.decision.decision_id, status=error.status)
                await asyncio.to_thread(self._queue.set_aside, queued, error.detail)
            else:
                await asyncio.to_thread(self._queue.moved, queued)
        self._show_queue(self._queue)

    async def _move(self, queued: QueuedDecision) -> None:
        """Put a decision and its events into the store; the decision alone where the store knows another claim of that name."""
        try:
            await self._submit(queued)
        except EventConflictError as error:
            log(_LOG, "outage queue", logging.ERROR, decision_id=queued.decision.decision_id, conflict_in=error.table)
            await self._submit(replace(queued, events=()))

    def _show_queue(self, queue: OutageQueue) -> None:
        self.metrics.outage_queue.set(len(queue.waiting()))
        self.metrics.refused.set(len(queue.refused()))

    async def take_in(self, request: EventsRequest) -> int:
        """Return how many events are durable now."""
        number: int = await self._submit(request)
        for event in request.events:
            self.metrics.events.labels(event.table).inc()
        return number

    async def read(self, question: Callable[[sa.Connection], Any]) -> Any:
        """Return the answer of the store to a question that changes nothing; raises `UnavailableError` where it cannot be asked."""

        def ask() -> Any:
            with self.store.engine.connect() as connection:
                return question(connection)

        try:
            async with asyncio.timeout(self.settings.answer_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._readers, ask)
        except (StoreError, DBAPIError, TimeoutError) as error:
            log(
                _LOG,
                "the event store cannot be read",
                logging.WARNING,
                error=type(error).__name__,
                reason=reason_of(error),
            )
            raise UnavailableError("the event store cannot be read; the log has more") from error

    async def missing(self) -> list[FieldError]:
        """Return what is missing to score a claim now; nothing where it can be scored."""
        errors = []
        if self.champion.loaded is None:
            why = "the log says why" if self.champion.has_looked else "it is being loaded"
            errors.append(FieldError("model", f"there is no model: {why}"))
        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                await self.read(self.store.require_fingerprint)
        except (UnavailableError, TimeoutError) as error:
            errors.append(FieldError("store", str(error) or "the event store does not answer within 2 seconds"))
        if not errors and self.write_queue.stalled_seconds() > _STALLED_SECONDS:
            waits = self.write_queue.stalled_seconds()
            errors.append(FieldError("store", f"what was to be written waits for {waits:.1f} seconds, expected less"))
        failing = self.write_queue.failing()
        if not errors and failing:
            errors.append(FieldError("store", f"it could not be written to a moment ago ({failing})"))
        for what in ("model", "store"):
            self.metrics.ready.labels(what).set(all(error.field != what for error in errors))
        return errors

    async def checkpoint(self) -> None:
        """Keep the log of an SQLite store short; a store that is gone says so elsewhere."""
        with suppress(StoreError):
            await asyncio.to_thread(self.store.checkpoint)

    async def tidy(self) -> None:
        """Forget idempotency keys, and erase texts, that are too old; a store that is gone says so elsewhere."""
        with suppress(StoreError):
            await asyncio.to_thread(self._tidy)

    def _tidy(self) -> None:
        now = micros(self.now())
        with self.store.begin() as connection:
            idempotency.prune(now, connection)
        if self.settings.keep_text_days is not None:
            gone = erase_all_older(self.store, self.settings.keep_text_days, now)
            if gone.claims or gone.decisions:
                log(_LOG, "texts erased", claims=gone.claims, decisions=gone.decisions)

    async def staleness(self) -> dict[str, int | None]:
        """Return when the latest event of each table was known, in microseconds since 1970; the metrics are told."""
        latest: dict[str, int | None] = await self.read(self.store.staleness)
        self.metrics.show_staleness(latest, micros(self.now()))
        return latest

    async def follow(self) -> None:
        """Take over the models that the addresses name now."""
        for role, reloader in (("champion", self.champion), ("shadow", self.shadow)):
            if reloader is None:
                continue
            before = reloader.problem
            taken = await in_daemon_thread(reloader.refresh)
            if taken and reloader.loaded is not None:
                _settle_memory()
                self.metrics.show_model(role, reloader.loaded.version, public_uri(reloader.loaded.uri))
                log(
                    _LOG,
                    "model taken over",
                    role=role,
                    model_version=reloader.loaded.version,
                    model_uri=reloader.loaded.uri,
                )
            elif reloader.problem is not None and reloader.problem != before:
                log(_LOG, "model not taken over", logging.WARNING, role=role, problem=reloader.problem)

    async def check(self) -> None:
        """Compare a sample of decisions with the batch path, and tell metrics and log, also where there was nothing to compare.

        Raises:
            StoreError: where the check fails.
        """
        url = self.store.engine.url.render_as_string(hide_password=False)
        found = await compare_apart(url, self.settings.check_decisions)
        self.metrics.checked_decisions.set(found.decisions + found.rescores)
        if not found.decisions + found.rescores:
            log(_LOG, "self-check compared nothing", logging.WARNING, **vars(found))
            return
        self.metrics.checked.inc(found.values)
        self.metrics.checked_at.set(self.now().timestamp())
        for feature, count in found.differences.items():
            self.metrics.skew.labels(feature).inc(count)
        log(_LOG, "self-check", logging.ERROR if found.differences else logging.INFO, **vars(found))

    async def _submit(self, request: Any) -> Any:
        return await self.write_queue.submit(request, self.settings.answer_seconds)

    def _count(self, entry: ledger.Decision, disposition: str) -> None:
        self.metrics.decisions.labels(entry.kind, disposition).inc()
        if entry.degraded:
            cause = "model" if entry.features else "features or store"
            self.metrics.degraded.labels(cause).inc()
            why = {} if entry.features else {"why": entry.degraded}  # what a model refuses may be a value of the claim
            log(_LOG, "degraded", logging.WARNING, decision_id=entry.decision_id, cause=cause, **why)

    def _begin(self, seconds: float, do: Callable[[], Awaitable[None]], *, at_once: bool = True) -> None:
        self._beside.append(asyncio.create_task(self._every(seconds, do, at_once=at_once)))

    async def _every(self, seconds: float, do: Callable[[], Awaitable[None]], *, at_once: bool) -> None:
        if not at_once:
            await asyncio.sleep(seconds)
        while True:
            try:
                await do()
            except Exception as error:  # what runs beside must not end for one failure; it is said, and tried again
                _tell_failure(error)
            await asyncio.sleep(seconds)


def _from_queue(request: ScoreRequest | RescoreRequest, queued: QueuedDecision) -> Decided:
    """Return the decision that waits for the store, if it is on the same body; raises `ConflictError` otherwise."""
    if isinstance(request, RescoreRequest):
        if queued.refused is not None:
            raise ConflictError(f"the event store refuses the claim: {queued.refused}")
        raise UnavailableError("the claim waits for the event store; the same request may be sent again")
    if not request.is_of(queued.decision.body_digest):
        raise other_body(request.claim_id, queued.decision)
    return Decided(queued.decision, set_aside=queued.refused)


def _tell_failure(error: Exception) -> None:
    """Log a failure: what an error of ours says holds no data; what one of a library says might."""
    said = {"text": str(error)} if isinstance(error, ClaimvetError) else {}
    log(_LOG, "a task beside the requests failed", logging.ERROR, error=type(error).__name__, **said)


def _settle_memory() -> None:
    """Keep what is there now: the garbage collector need not look at half a million objects of libraries again and again."""
    gc.collect()
    gc.freeze()
