"""From a claim to an entry of the ledger: its events, its features, its score; all in the transaction of the desk.

A claim that cannot be scored is recorded and referred to an expert all the same; nothing here makes a score up.
"""

from __future__ import annotations

import json
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
from claimvet.scoring_service.decisions import ledger
from claimvet.scoring_service.decisions.code_version import code_version
from claimvet.scoring_service.decisions.ledger import Decision
from claimvet.scoring_service.decisions.outage_queue import JournalTask
from claimvet.scoring_service.decisions.requests import EventsTask, RescoreTask, ScoreTask
from claimvet.scoring_service.decisions.responses import scored, unscored
from claimvet.scoring_service.decisions.review_allocation import Shared, day_of, share, state_of, state_text
from claimvet.scoring_service.errors import ConflictError, FieldError, NotFoundError
from claimvet.scoring_service.json_text import canonical, text
from claimvet.scoring_service.model_loading.loaded_model import HeldModel, ModelSlot
from claimvet.scoring_service.observability.metrics import Metrics
from claimvet.scoring_service.store import EventStore
from claimvet.scoring_service.store.db import locks
from claimvet.scoring_service.times import micros, rfc3339

Task = ScoreTask | RescoreTask | EventsTask | JournalTask


@dataclass(frozen=True)
class Decided:
    """An entry of the ledger; with its disposition where this task made it, and did not only find it."""

    entry: Decision
    disposition: str | None = None


@dataclass(frozen=True)
class _Seen:
    """A claim at an instant, then with its features; `features` is None where they could not be had, and `why` says so."""

    place: int
    kind: str
    claim: Mapping[str, Any]
    as_of: int
    received: str
    digest: str
    features: dict[str, Value] | None = None
    why: str | None = None

    @property
    def claim_id(self) -> str:
        return str(self.claim["claim_id"])


@dataclass(frozen=True)
class Surroundings:
    """What the decider works with; `now` gives a moment with a zone, `new_id` a name that no other decision has."""

    store: EventStore
    champion: ModelSlot
    shadow: ModelSlot | None
    metrics: Metrics
    now: Callable[[], datetime]
    new_id: Callable[[], str]


class Decider:
    """Does tasks; `together` is what the desk calls."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._in = surroundings

    def together(self, tasks: Sequence[Task], connection: sa.Connection) -> list[Any]:
        """The answer to each task, in order: a `Decided`, a number of events, or an error of its own."""
        names = [task.claim_id for task in tasks if task.claim_id is not None]
        known = ledger.first_decisions(names, connection) if names else {}
        self._append(
            [task for task in tasks if isinstance(task, JournalTask) or task.claim_id not in known], connection
        )
        answers: list[Any] = [None] * len(tasks)
        seen: list[_Seen] = []
        for place, task in enumerate(tasks):
            done = self._do(place, task, known.get(task.claim_id or ""), connection)
            if isinstance(done, _Seen):
                seen.append(done)
            else:
                answers[place] = done
        seen = self._with_features(seen, connection)
        for claim, decided in zip(seen, self._decide(seen, connection), strict=True):
            answers[claim.place] = decided
        return answers

    def _append(self, tasks: Sequence[Task], connection: sa.Connection) -> None:
        """The events of all tasks at once."""
        events = [event for task in tasks for event in task.events]
        if events:
            with self._in.metrics.part("write", sum(isinstance(task, ScoreTask) for task in tasks)):
                self._in.store.append(events, connection)

    def _do(self, place: int, task: Task, first: Decision | None, connection: sa.Connection) -> Any:
        if isinstance(task, EventsTask):
            return len(task.events)
        if isinstance(task, RescoreTask):
            return self._again(place, task, first, connection)
        if isinstance(task, JournalTask):
            return self._moved(task, first, connection)
        if first is not None:
            return Decided(first) if first.body_digest == task.digest else other_body(task.claim_id, first)
        claim = {**task.claim.row, **task.claim.extra}
        filed_at = int(task.claim.row["filed_at"])
        return _Seen(place, ledger.SCORE, claim, filed_at, task.received, task.digest)

    def _again(self, place: int, task: RescoreTask, first: Decision | None, connection: sa.Connection) -> Any:
        if first is None:
            return NotFoundError(f"the claim {task.claim_id!r} was never scored here, expected one that was")
        claim = json.loads(first.claim)
        as_of = micros(self._in.now()) if task.as_of is None else task.as_of
        if as_of <= claim["filed_at"]:
            message = f"as_of is {rfc3339(as_of)}, expected later than filed_at, {rfc3339(claim['filed_at'])}"
            return ConflictError(message, [FieldError("as_of", message)])
        return _Seen(place, ledger.RESCORE, claim, as_of, task.received, first.body_digest)

    def _moved(self, task: JournalTask, first: Decision | None, connection: sa.Connection) -> Decided:
        """A decision that was answered while the store was gone; it is the first on its claim, or stands beside the first."""
        entry = task.decision if first is None else replace(task.decision, kind=ledger.OUTAGE)
        if ledger.decision(entry.decision_id, connection) is None:
            ledger.add([entry], connection)
        return Decided(entry)

    def _with_features(self, seen: Sequence[_Seen], connection: sa.Connection) -> list[_Seen]:
        """All that are seen as they were filed at once; those that are seen again, and all where one cannot be had, one by one."""
        filed = [claim for claim in seen if claim.kind == ledger.SCORE]
        known: dict[int, dict[str, Value]] = {}
        if len(filed) > 1:
            with self._in.metrics.part("features", len(filed)), suppress(FeatureError):
                found = self._in.store.features_together([claim.claim for claim in filed], connection)
                known = {claim.place: features for claim, features in zip(filed, found, strict=True)}
        return [
            replace(claim, features=known[claim.place]) if claim.place in known else self._alone(claim, connection)
            for claim in seen
        ]

    def _alone(self, claim: _Seen, connection: sa.Connection) -> _Seen:
        with self._in.metrics.part("features"):
            try:
                as_of = None if claim.kind == ledger.SCORE else claim.as_of
                return replace(claim, features=self._in.store.claim_features(claim.claim, as_of, connection))
            except FeatureError as error:
                return replace(claim, why=f"its features could not be computed: {error}")

    def _decide(self, seen: Sequence[_Seen], connection: sa.Connection) -> list[Decided]:
        """One entry a claim, in the ledger; the model is the same for all of them."""
        if not seen:
            return []
        champion, shadow = self._in.champion.held, self._in.shadow.held if self._in.shadow else None
        scores = self._scores(champion, self._in.champion.problem, seen)
        beside = self._scores(shadow, None, seen) if shadow else [None] * len(seen)
        now = micros(self._in.now())
        shares = self._shared(seen, scores, champion, now, connection)
        entries = [
            self._entry(claim, champion, score, shared, experts, _shadow_text(shadow, other), now)
            for claim, score, (shared, experts), other in zip(seen, scores, shares, beside, strict=True)
        ]
        with self._in.metrics.part("write", len(seen)):
            ledger.add(entries, connection)
        dispositions = [shared.disposition if shared else REFER for shared, _ in shares]
        return [Decided(*made) for made in zip(entries, dispositions, strict=True)]

    def _scores(self, held: HeldModel | None, problem: str | None, seen: Sequence[_Seen]) -> list[RowScore | str]:
        """A score, or a sentence that says why there is none."""
        if held is None:
            return [f"there is no model: {problem}"] * len(seen)
        asked = [claim for claim in seen if claim.features is not None]
        found = iter(self._score(held, asked))
        return [str(claim.why) if claim.features is None else next(found) for claim in seen]

    def _score(self, held: HeldModel, asked: Sequence[_Seen]) -> list[RowScore | str]:
        if not asked:
            return []
        try:
            rows, ids = [claim.features or {} for claim in asked], [claim.claim_id for claim in asked]
            return list(held.scorer.score(rows, ids, timed=self._in.metrics.part))
        except ModelError as error:
            return [str(error)] if len(asked) == 1 else [self._score(held, [claim])[0] for claim in asked]

    def _shared(
        self,
        seen: Sequence[_Seen],
        scores: Sequence[RowScore | str],
        held: HeldModel | None,
        now: int,
        connection: sa.Connection,
    ) -> list[tuple[Shared | None, str | None]]:
        """What becomes of each scored claim when experts are scarce, one after the other, and the state after each as the ledger keeps it.

        A claim without a score takes an expert unweighed; without a model nobody knows how many there are.
        """
        if held is None:
            return [(None, None)] * len(seen)
        locks.experts(connection)
        state = state_of(ledger.latest_experts(connection))
        policy = held.model.policy
        found: list[tuple[Shared | None, str | None]] = []
        for claim, score in zip(seen, scores, strict=True):
            day, shared = day_of(claim.as_of, now), None
            if isinstance(score, str):
                state = state.taken(day, policy)
            else:
                shared, state = share(claim.claim_id, day, score, policy, state)
            found.append((shared, state_text(state)))
        return found

    def _entry(
        self,
        claim: _Seen,
        held: HeldModel | None,
        score: RowScore | str,
        shared: Shared | None,
        experts: str | None,
        shadow: str | None,
        now: int,
    ) -> Decision:
        decision_id = self._in.new_id()
        answer: dict[str, Any]
        if isinstance(score, str) or held is None or shared is None:
            answer = unscored(decision_id, claim.claim_id, str(score), now)
        else:
            answer = scored(decision_id, claim.claim_id, score, shared, held.version, now)
        used = held if not isinstance(score, str) else None
        return Decision(
            decision_id=decision_id,
            claim_id=claim.claim_id,
            kind=claim.kind,
            as_of=claim.as_of,
            received=claim.received,
            body_digest=claim.digest,
            claim=canonical(claim.claim),
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


def referred(task: ScoreTask, decision_id: str, why: str, now: int) -> Decision:
    """The decision on a claim whose features nobody could see: an expert has it."""
    return Decision(
        decision_id=decision_id,
        claim_id=task.claim_id,
        kind=ledger.SCORE,
        as_of=int(task.claim.row["filed_at"]),
        received=task.received,
        body_digest=task.digest,
        claim=canonical({**task.claim.row, **task.claim.extra}),
        features=None,
        model_version=None,
        model_uri=None,
        policy=None,
        code_version=code_version(),
        scored_at=now,
        answer=text(unscored(decision_id, task.claim_id, why, now)),
        degraded=why,
        shadow=None,
    )


def other_body(claim_id: str, first: Decision) -> ConflictError:
    """What is answered where a claim comes with another body than the one that was decided."""
    message = (
        f"the claim {claim_id} was scored before with another body (decision {first.decision_id}), expected the same"
    )
    return ConflictError(message, [FieldError("claim_id", message)])


def _shadow_text(held: HeldModel | None, score: RowScore | str | None) -> str | None:
    if held is None or score is None:
        return None
    if isinstance(score, str):
        return canonical({"model_version": held.version, "model_uri": held.uri, "problem": score})
    p_valid, p_frivolous, p_abusive = score.probabilities
    return canonical(
        {
            "model_version": held.version,
            "model_uri": held.uri,
            "p_valid": p_valid,
            "p_frivolous": p_frivolous,
            "p_abusive": p_abusive,
            "label": score.label,
            "disposition": score.disposition,
        }
    )
