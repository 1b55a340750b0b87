"""Reconciliation of a place's year with a system outside, by place, person and record, and its repair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import httpx

from contracts.divisions import authority_of, contains
from contracts.targets import PersonTotal, PlaceTotal, content_of, place_total
from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.projection import Checkpoints
from services.sync.adapters import Adapter
from services.sync.delivering.queue import release_queue
from services.sync.reconciling.differences import (
    Difference,
    Ledger,
    differences_at_ours,
    differences_at_theirs,
    people_who_differ,
    places_that_differ,
)
from services.sync.reconciling.ledger_side import (
    OurSideUnknownError,
    PlaceNotTakenError,
    add_to,
    credit_pages,
    extract_of,
    follow_people,
    recorded_between,
    recorded_of,
    sources_of,
)
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


Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how far it is, and of how many, where that is known."""


@dataclass
class PlaceComparison:
    """One place on both sides."""

    ours: PlaceTotal
    theirs: PlaceTotal

    @property
    def same(self) -> bool:
        """Whether count and hash are equal."""
        return self.ours == self.theirs


@dataclass
class Reconciliation:
    """What came of a comparison: every place, and every record that differs."""

    target: str
    place: str
    year: int
    places: list[PlaceComparison] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def to_mend(self) -> list[Difference]:
        """The differences that nothing but a repair here will mend."""
        return [each for each in self.differences if each.is_ours_to_mend]


class Reconciler:
    """Compares; writes nothing."""

    def __init__(
        self, database: Database, ledger: httpx.AsyncClient, target: Target, adapter: Adapter
    ) -> None:
        self._database = database
        self._client = ledger
        self._target = target
        self._adapter = adapter

    async def compare(
        self, place: str, year: int, progress: Progress = lambda _what, _done, _all: None
    ) -> Reconciliation:
        """Compare one place, which lies in one authority, and all below it.

        Raises PlaceNotTakenError, OurSideUnknownError, LedgerUnavailableError, ExtractUnavailableError,
        YearNotClosedError and TargetUnavailableError: without both sides there is no comparison, hence nothing to repair.
        """
        if not self._target.takes_place(place):
            raise PlaceNotTakenError(place)
        result = Reconciliation(self._target.name, place, year)
        ledger = await self._ledger(result, place, year, progress)
        theirs = (await self._adapter.totals(place, year)).places
        held = {total.place: total for total in theirs}
        for at in sorted(held.keys() | ledger.places.keys()):
            result.places.append(PlaceComparison(ledger.place_total(at), held.get(at, place_total(at, []))))
        differing = places_that_differ(ledger, theirs)
        for done, at in enumerate(differing, 1):
            await self._place(result, ledger, at, year, progress)
            progress("places", done, len(differing))
        if self._target.record == "archive":
            result.differences = await follow_people(
                self._database, self._client, self._target, place, year, result.differences
            )
        result.differences.sort(key=lambda each: (each.place, each.person_id, each.subject, each.side))
        return result

    async def _ledger(self, result: Reconciliation, place: str, year: int, progress: Progress) -> Ledger:
        """What the ledger says, and what our own record says otherwise. Raises OurSideUnknownError."""
        match str(self._target.record):
            case "credit" | "certificate":
                return await self._from_credits(result, place, year, progress)
            case "archive":
                return await self._from_extract(result, place, year, progress)
            case unknown:
                raise OurSideUnknownError(unknown)

    async def _from_extract(
        self, result: Reconciliation, place: str, year: int, progress: Progress
    ) -> Ledger:
        ledger = await extract_of(
            self._client, self._target, place, year, lambda lines: progress("people read", lines, None)
        )
        async with self._database.acquire() as conn:
            found = await recorded_between(conn, authority_of(place), self._target.name, year, "", None)
        recorded = {subject: each for subject, each in found.items() if contains(place, each.place)}
        # Of who came from another place of the authority, what was last said is recorded there.
        recorded |= {subject: found[subject] for subject in ledger.by_subject() if subject in found}
        people = {person for at in ledger.places.values() for person in at}
        result.differences += differences_at_ours(ledger, recorded, people)
        return ledger

    async def _from_credits(
        self, result: Reconciliation, place: str, year: int, progress: Progress
    ) -> Ledger:
        ledger, log, credits_read = Ledger(self._target.kind), authority_of(place), 0
        async for after, until, credits in credit_pages(self._client, place, year):
            async with self._database.acquire() as conn:
                sources = await sources_of(conn, log, credits)
                found = await recorded_between(conn, log, self._target.name, year, after, until)
            recorded = {subject: each for subject, each in found.items() if contains(place, each.place)}
            page = Ledger(self._target.kind)
            add_to(page, self._target, credits, sources, recorded, year)
            people = {person for at in page.places.values() for person in at}
            result.differences += differences_at_ours(page, recorded, people)
            for at, by_person in page.places.items():
                ledger.places[at].update(by_person)
            credits_read += len(credits)
            progress("credits", credits_read, None)
        return ledger

    async def _place(
        self, result: Reconciliation, ledger: Ledger, at: str, year: int, progress: Progress
    ) -> None:
        people = people_who_differ(ledger, at, await self._people(at, year))
        for done, person in enumerate(people, 1):
            held = (await self._adapter.records(at, year, person)).records
            subjects = {record.subject for record in held} | ledger.places.get(at, {}).get(person, {}).keys()
            recorded = await recorded_of(
                self._database, authority_of(at), self._target.name, sorted(subjects)
            )
            result.differences += differences_at_theirs(ledger, at, person, held, recorded)
            progress("people", done, len(people))

    async def _people(self, at: str, year: int) -> list[PersonTotal]:
        people: list[PersonTotal] = []
        after: str | None = None
        while True:
            page = await self._adapter.people(at, year, after)
            people += page.people
            if page.next_after is None:
                return people
            after = page.next_after
