"""Running totals in the database: deltas go in, and the total of any key at any moment comes out.

A total at a moment is that of the last *checkpoint* before it and the deltas since. One event in `EVENTS_PER_CHECKPOINT` leaves a
checkpoint behind it, so that a read scans so many deltas on average, however many there are. An event that comes late is added to the
checkpoints after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import sqlalchemy as sa

from claimvet.features.online.deltas import Delta, Repeat, taken_back
from claimvet.features.online.layout import EXTREMES, TOTALS, Layout
from claimvet.scoring_service.store.db.schema import EXTREME_COLUMNS, TOTAL_COLUMNS
from claimvet.scoring_service.store.db.statements import run, run_many, values

EVENTS_PER_CHECKPOINT = 64
"""Mean number of deltas between two checkpoints; fewer make reads faster and late events slower."""

EARLIEST = -(2**62)
"""Before any time."""

_NUMBERS = (*TOTAL_COLUMNS, *EXTREME_COLUMNS)
_PLACES = ", ".join("?" * (4 + len(_NUMBERS)))
_ADDED = ", ".join(f"{column} = {column} + ?" for column in TOTAL_COLUMNS)

_INSERT = f"INSERT INTO deltas (history, key, position, row_id, {', '.join(_NUMBERS)}) VALUES ({_PLACES})"
_DELETE = "DELETE FROM deltas WHERE history = ? AND key = ? AND position = ? AND row_id = ?"
_ADD_TO_CHECKPOINTS = f"UPDATE checkpoints SET {_ADDED} WHERE history = ? AND key = ? AND position > ?"

_CHECKPOINT_BEFORE = "(SELECT max(position) FROM checkpoints WHERE history = ? AND key = ? AND position < ?)"
_CHECKPOINT = f"""
INSERT INTO checkpoints (history, key, position, {", ".join(_NUMBERS)})
SELECT CAST(? AS INTEGER), CAST(? AS TEXT), CAST(? AS BIGINT),
       {", ".join(f"sum({c})" for c in TOTAL_COLUMNS)}, {", ".join(f"max({c})" for c in EXTREME_COLUMNS)}
FROM (
    SELECT {", ".join(TOTAL_COLUMNS)}, {", ".join(f"NULL AS {c}" for c in EXTREME_COLUMNS)}
    FROM checkpoints WHERE history = ? AND key = ? AND position = {_CHECKPOINT_BEFORE}
    UNION ALL
    SELECT {", ".join(_NUMBERS)} FROM deltas
    WHERE history = ? AND key = ? AND position < ? AND position >= coalesce({_CHECKPOINT_BEFORE}, {EARLIEST})
) AS since WHERE true
ON CONFLICT DO NOTHING
"""
_EXTREMES_OF_CHECKPOINT = f"""
UPDATE checkpoints SET ({", ".join(EXTREME_COLUMNS)}) = (
    SELECT {", ".join(f"max(d.{name})" for name in EXTREME_COLUMNS)} FROM deltas d
    WHERE d.history = checkpoints.history AND d.key = checkpoints.key AND d.position < checkpoints.position AND d.position >= coalesce(
        (SELECT max(m.position) FROM checkpoints m
         WHERE m.history = checkpoints.history AND m.key = checkpoints.key AND m.position < checkpoints.position), {EARLIEST}))
WHERE history = ? AND key = ?
  AND position = (SELECT min(position) FROM checkpoints WHERE history = ? AND key = ? AND position > ?)
"""

AT_ONCE = 64
"""Deltas or values that one statement looks up."""

_DELTA = ("INTEGER", "INTEGER", "TEXT", "BIGINT")
_BEFORE_CHECKPOINTS = """
WITH p (number, history, key, position) AS ({asked}) SELECT p.number FROM p
WHERE EXISTS (SELECT 1 FROM checkpoints m WHERE m.history = p.history AND m.key = p.key AND m.position > p.position)
"""

_REPEAT = ("INTEGER", "INTEGER", "TEXT", "TEXT", "BIGINT", "TEXT")
_OF_VALUE = (
    "FROM repeats r WHERE r.history = p.history AND r.key = p.key AND r.value = p.value AND (r.position, r.row_id)"
)
_LAST = f"{_OF_VALUE} < (p.position, p.row_id) ORDER BY r.position DESC, r.row_id DESC LIMIT 1"
_FIRST = f"{_OF_VALUE} > (p.position, p.row_id) ORDER BY r.position, r.row_id LIMIT 1"
_NEIGHBOURS = f"""
WITH p (number, history, key, value, position, row_id) AS ({{asked}})
SELECT p.number, (SELECT r.position {_LAST}), (SELECT r.row_id {_LAST}), (SELECT r.position {_FIRST}), (SELECT r.row_id {_FIRST}) FROM p
"""
_SEEN = "INSERT INTO repeats (history, key, value, position, row_id) VALUES (?, ?, ?, ?, ?)"
_UNSEEN = "DELETE FROM repeats WHERE history = ? AND key = ? AND value = ? AND position = ? AND row_id = ?"


class _Seen(NamedTuple):
    position: int
    row_id: str


_ChangeKey = tuple[int, str, int, str]


class TotalsWriter:
    """Collects deltas of one transaction, and writes what remains of them; what is taken back and given again costs nothing."""

    def __init__(self, connection: sa.Connection, layout: Layout) -> None:
        self._connection = connection
        self._windows = {history.number: history.window for history in layout.histories}
        self._with_extremes = {history.number for history in layout.histories if history.extremes}
        self._added: dict[_ChangeKey, Delta] = {}
        self._removed: dict[_ChangeKey, Delta] = {}
        self._seen: list[Repeat] = []

    def add(self, deltas: Iterable[Delta]) -> None:
        """Count these from now on."""
        for delta in deltas:
            if self._removed.get(delta[:4]) == delta:
                del self._removed[delta[:4]]
            else:
                self._added[delta[:4]] = delta

    def remove(self, deltas: Iterable[Delta]) -> None:
        """Stop counting these."""
        for delta in deltas:
            if self._added.pop(delta[:4], None) is None:
                self._removed[delta[:4]] = delta

    def see(self, repeats: Iterable[Repeat]) -> None:
        """Values that distinct counts have to count once; looked up when all are known."""
        self._seen += repeats

    def unsee(self, repeats: Iterable[Repeat]) -> None:
        """Values that were seen and are not any more."""
        for repeat in repeats:
            self._look_up_seen()
            run_many(self._connection, _UNSEEN, [repeat])
            before, after = self._neighbours([repeat])[0]
            self.remove(self._between(repeat, repeat, after))
            if before is not None:
                self.remove(self._between(repeat, before, repeat))
                self.add(self._between(repeat, before, after))

    def write(self) -> None:
        """Write everything collected."""
        self._look_up_seen()
        added, removed = list(self._added.values()), list(self._removed.values())
        run_many(self._connection, _DELETE, list(self._removed))
        run_many(self._connection, _INSERT, [_row(delta) for delta in added])
        signed = [(delta, 1) for delta in added] + [(delta, -1) for delta in removed]
        late = self._before_checkpoints([delta for delta, _ in signed])
        run_many(self._connection, _ADD_TO_CHECKPOINTS, [_to_add(*signed[place]) for place in late])
        checkpointed = [delta for delta in added if crc32(delta.row_id.encode()) % EVENTS_PER_CHECKPOINT == 0]
        run_many(self._connection, _CHECKPOINT, [_new_checkpoint(delta) for delta in checkpointed])
        touched = [c for c in (*checkpointed, *added, *removed) if c.history in self._with_extremes]
        run_many(self._connection, _EXTREMES_OF_CHECKPOINT, [_checkpoint_after(delta, 0) for delta in touched])
        parted = [delta for delta in checkpointed if delta.history in self._with_extremes]
        run_many(self._connection, _EXTREMES_OF_CHECKPOINT, [_checkpoint_after(delta, 1) for delta in parted])
        self._added, self._removed = {}, {}

    def _before_checkpoints(self, deltas: Sequence[Delta]) -> list[int]:
        """Places of the deltas that come before a checkpoint, which is to be added to; of events in time there are none."""
        found: list[int] = []
        for start in range(0, len(deltas), AT_ONCE):
            some = deltas[start : start + AT_ONCE]
            asked = values(self._connection, _DELTA, len(some))
            parameters = [
                value for place, c in enumerate(some, start) for value in (place, c.history, c.key, c.position)
            ]
            found += (int(row[0]) for row in run(self._connection, _BEFORE_CHECKPOINTS.format(asked=asked), parameters))
        return found

    def _look_up_seen(self) -> None:
        """Put the values between those seen before and after; equal values one after the other, each finding the ones before it."""
        waiting, self._seen = self._seen, []
        while waiting:
            now = list({repeat[:3]: repeat for repeat in reversed(waiting)}.values())
            taken = set(now)
            waiting = [repeat for repeat in waiting if repeat not in taken]
            for repeat, (before, after) in zip(now, self._neighbours(now), strict=True):
                if before is not None:
                    self.remove(self._between(repeat, before, after))
                    self.add(self._between(repeat, before, repeat))
                self.add(self._between(repeat, repeat, after))
            run_many(self._connection, _SEEN, now)

    def _neighbours(self, repeats: Sequence[Repeat]) -> list[tuple[_Seen | None, _Seen | None]]:
        """Return where each value was seen last before, and first after."""
        found: list[tuple[_Seen | None, _Seen | None]] = []
        for start in range(0, len(repeats), AT_ONCE):
            some = repeats[start : start + AT_ONCE]
            asked = values(self._connection, _REPEAT, len(some))
            parameters = [value for number, repeat in enumerate(some) for value in (number, *repeat)]
            rows = run(self._connection, _NEIGHBOURS.format(asked=asked), parameters)
            for _, before, of_before, after, of_after in sorted(rows, key=lambda row: int(row[0])):
                last = None if before is None else _Seen(before, of_before)
                found.append((last, None if after is None else _Seen(after, of_after)))
        return found

    def _between(self, repeat: Repeat, one: _Seen | Repeat, following: _Seen | Repeat | None) -> list[Delta]:
        """Return what is taken back of a value because it was seen again."""
        if following is None:
            return []
        signs = taken_back(one.position, self._windows[repeat.history], None, following.position)
        return [Delta(repeat.history, repeat.key, at, one.row_id, (sign,), ()) for at, sign in signs.items()]


def _row(delta: Delta) -> list[Any]:
    return [*delta[:4], *_padded(delta.totals, TOTALS, None), *_padded(delta.extremes, EXTREMES, None)]


def _padded(numbers: Sequence[int | None], length: int, filler: int | None) -> list[int | None]:
    return [*numbers, *[filler] * (length - len(numbers))]


def _to_add(delta: Delta, sign: int) -> list[Any]:
    numbers = [sign * total for total in delta.totals]
    return [*_padded(numbers, TOTALS, 0), delta.history, delta.key, delta.position]


def _new_checkpoint(delta: Delta) -> list[Any]:
    of, position = (delta.history, delta.key), delta.position + 1
    return [*of, position, *of, *of, position, *of, position, *of, position]


def _checkpoint_after(delta: Delta, later: int) -> list[Any]:
    """Return the checkpoint whose block the delta is in; with `later` 1, the one after a checkpoint that the delta
    has left behind itself.
    """
    of = delta.history, delta.key
    return [*of, *of, delta.position + later]
