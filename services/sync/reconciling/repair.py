"""Mends what a comparison found: each repair is a delivery like any other, with a revision above those of all sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from contracts.divisions import authority_of
from contracts.targets import content_of
from services.kit.checkpoints import Checkpoints
from services.kit.clock import Clock
from services.kit.database import Database
from services.sync.delivering.release import release_queue
from services.sync.reconciling.differences import Difference
from services.sync.recording.deliveries import Delivery, Last, add_deliveries, hold_queues, last_of
from services.sync.recording.following import CHECKPOINT
from services.sync.targets import Target

_AT_ONCE_MAX = 500


class Repairs:
    """Makes the deliveries that mend differences."""

    def __init__(self, database: Database, target: Target, clock: Clock) -> None:
        self._database = database
        self._target = target
        self._clock = clock

    async def mend(self, year: int, differences: Sequence[Difference]) -> int:
        """Record what has to be said again or ended; what is parked goes again. How many subjects that mends."""
        by_log: dict[str, dict[str, Difference]] = defaultdict(dict)
        for each in differences:
            found = by_log[authority_of(each.place)]
            found[each.subject] = _joined(found.get(each.subject, each), each)
        for log, found in by_log.items():
            waiting = iter(found.values())
            while part := list(islice(waiting, _AT_ONCE_MAX)):
                await self._mend(log, year, part)
        return sum(len(found) for found in by_log.values())

    async def _mend(self, log: str, year: int, differences: Sequence[Difference]) -> None:
        now, name = self._clock(), self._target.name
        async with self._database.transaction() as conn:
            await hold_queues(conn, log, [(name, each.person_id) for each in differences], now)
            for person in sorted({each.person_id for each in differences}):
                await release_queue(conn, log, name, person, now)
            last = await last_of(conn, [name], [each.subject for each in differences])
            position = await Checkpoints(CHECKPOINT).get(conn, log, log)
            again = [
                self._delivery(each, year, position)
                for each in differences
                if not _is_open(last.get((name, each.subject)), each)
            ]
            floors = {(name, each.subject): each.revision for each in differences}
            await add_deliveries(conn, log, again, last, now, floors=floors)

    def _delivery(self, each: Difference, year: int, position: int) -> Delivery:
        ended = {"subject": each.subject, "person_ref": each.person_id, "year": year, "place": each.place}
        return Delivery(
            target=self._target,
            subject=each.subject,
            person_id=each.person_id,
            year=year,
            place=each.place if each.right is None else each.right["place"] or each.place,
            position=position,
            action="end" if each.right is None else "put",
            content=content_of(self._target.kind, ended) if each.right is None else each.right,
            reason="reconciled" if each.right is None else None,
            recorded_at=self._clock(),
        )


def _joined(one: Difference, other: Difference) -> Difference:
    """Two differences of one subject as one: what the ledger holds somewhere is not ended because it is extra elsewhere."""
    said = other if one.right is None else one
    return replace(said, revision=max(one.revision, other.revision))


def _is_open(last: Last | None, each: Difference) -> bool:
    """Whether what waits already says what the ledger says: then releasing it is enough."""
    if last is None or last.state not in ("pending", "refused", "unsynced"):
        return False
    if each.right is None:
        return last.action == "end"
    return last.action == "put" and dict(last.content) == dict(each.right)
