"""Departures from an authority: guarded from the request on, lifted when nothing comes of it, left once, with everything."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.divisions import AUTHORITIES, authority_of
from contracts.handover import Blocker, DepartureAnswer, Handover
from services.kit.audit import about
from services.kit.clock import Clock
from services.kit.command import WritePath
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore
from services.ledger.moving.blockers import find_blockers, read_accounts
from services.ledger.moving.problems import (
    DepartureBlockedError,
    DepartureDiffersError,
    DepartureEndedError,
    DepartureInsideError,
    DepartureUnknownError,
)
from services.ledger.moving.supplements import handed_over, supplements_of
from services.ledger.store.departures import (
    Departure,
    DepartureEvent,
    find_departures,
    find_provisional,
    write_departure,
)
from services.ledger.store.people import People
from services.ledger.store.profiles import read_profiles, write_profiles
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams import profile as profiles
from services.ledger.streams.account_events import AccountLeft
from services.ledger.streams.problems import MomentImplausibleError, UnknownPersonError
from services.ledger.streams.profile import Departing, Profile
from services.ledger.streams.profile_events import DepartureGuarded, DepartureLifted, LiftReason, ProfileLeft
from services.ledger.streams.who_judges import DepartureUnderWayError, has_closed, judged_by_us

PROVISIONAL_SECONDS = 600
"""How long a guard stands of whose transfer the feed has not told."""
_AHEAD_SECONDS_MAX = 60
_LAPSED_AT_ONCE = 100
_STANDING = ("guarded", "confirmed")


class Departures:
    """Guards, lifts and carries out departures."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        path: WritePath[LedgerUnit],
        policies: PublishedPolicies,
        people: People,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._store = store
        self._policies = policies
        self._people = people
        self._clock = clock
        self._path = path

    async def guard(self, transfer_id: str, person_id: str, to_place: str) -> DepartureAnswer:
        """From now on nothing may begin that blocks this departure; harmless to repeat.

        Raises UnknownPersonError, DepartureInsideError, DepartureBlockedError with every blocker, DepartureUnderWayError
        for another transfer, DepartureEndedError for one that was lifted, and DepartureDiffersError.
        """
        known = await self._find(transfer_id)
        log = known.log if known is not None else (await self._people.home_of(person_id, None)).log

        async def act(unit: LedgerUnit) -> DepartureAnswer:
            profile, departure = await self._both(unit.conn, log, transfer_id, person_id)
            _must_agree(departure, person_id, to_place)
            if departure is not None and (departure.has_left or departure.status in _STANDING):
                return await _answer(unit.conn, departure)
            if departure is not None and departure.status == "lifted":
                raise DepartureEndedError
            profile = await self._guarded(unit, profile, transfer_id, person_id, to_place)
            await self._must_be_free(unit.conn, log, profile, forbidden_only=False)
            self._confirm_free(unit, profile)
            return _said(transfer_id, profile, to_place, "guarded")

        return await self._path.store(log, act)

    async def lift(self, transfer_id: str, reason: LiftReason = "cancelled") -> DepartureAnswer:
        """The person stays after all; harmless to repeat.

        Raises DepartureUnknownError, and DepartureEndedError once they have left.
        """
        known = await self._must_find(transfer_id)

        async def act(unit: LedgerUnit) -> DepartureAnswer:
            departure = await _departure(unit.conn, known.log, transfer_id)
            assert departure is not None, "a departure's row is never deleted"
            if departure.has_left:
                raise DepartureEndedError
            if departure.status in _STANDING:
                await self._lift(unit, departure, reason)
            profile = (await read_profiles(unit.conn, known.log, [known.person_id]))[known.person_id][1]
            return _said(transfer_id, profile, departure.to_place, "lifted")

        return await self._path.store(known.log, act)

    async def lapse(self) -> int:
        """Lift the guards that have stood too long without their transfer's feed telling of it; how many."""
        until = self._clock() - timedelta(seconds=PROVISIONAL_SECONDS)
        lapsed = 0
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                found = await find_provisional(conn, logs, until, _LAPSED_AT_ONCE)
            for departure in found:
                lapsed += await self._lapse(departure)
        return lapsed

    async def leave(self, transfer_id: str, person_id: str, to_place: str, left_at: datetime) -> Handover:
        """The person leaves with all open years; the answer is the handover, the same each time.

        Looks again for what blocks: the last moment at which anything can. Raises as `guard`, and
        MomentImplausibleError for a moment that lies ahead.
        """
        known = await self._find(transfer_id)
        log = known.log if known is not None else (await self._people.home_of(person_id, None)).log
        if left_at > self._clock() + timedelta(seconds=_AHEAD_SECONDS_MAX):
            raise MomentImplausibleError(pointer="/left_at")

        async def act(unit: LedgerUnit) -> None:
            profile, departure = await self._both(unit.conn, log, transfer_id, person_id)
            _must_agree(departure, person_id, to_place)
            if departure is not None and departure.has_left:
                return
            if departure is not None and departure.status == "lifted":
                raise DepartureEndedError
            profile = _here(profile)
            guarded = profile.departing is not None and profile.departing.transfer_id == transfer_id
            if not guarded and profile.departing is not None:
                self._must_have_lapsed(profile.departing)
            await self._must_be_free(unit.conn, log, profile, forbidden_only=guarded)
            await self._leave(unit, profile, transfer_id, to_place, left_at)
            self._confirm_free(unit, profile)

        await self._path.store(log, act)
        return await self.handover(transfer_id, log)

    async def handover(self, transfer_id: str, log: str) -> Handover:
        """What left under a transfer, from the log's events alone."""
        async with self._databases.of(log).acquire() as conn:
            return await handed_over(conn, self._store, log, transfer_id)

    async def supplements(self, transfer_id: str, after: int, limit: int) -> Sequence[Handover]:
        """What came after a departure, in order, from the one after `after` on. Raises DepartureUnknownError."""
        departure = await self._must_find(transfer_id)
        about(departure.person_id, departure.log)
        if not departure.has_left:
            return ()
        async with self._databases.of(departure.log).acquire() as conn:
            found = await supplements_of(conn, self._store, self._policies.book, departure)
        return found[after : after + limit]

    async def _guarded(
        self, unit: LedgerUnit, found: Profile | None, transfer_id: str, person_id: str, to_place: str
    ) -> Profile:
        """The profile with the guard in its stream, and a guard that has outlived itself taken out of the way."""
        if authority_of(to_place) == unit.log:
            raise DepartureInsideError(pointer="/to_place")
        profile = _here(found)
        if profile.departing is not None:
            other = profile.departing.transfer_id
            self._must_have_lapsed(profile.departing)
            await self._lift(
                unit,
                Departure(unit.log, other, person_id, to_place, "guarded", profile.departing.since),
                "lapsed",
            )
        event = DepartureGuarded(
            person_id=person_id, transfer_id=transfer_id, to_place=to_place, guarded_at=unit.now
        )
        return await _append(unit, person_id, event)

    async def _lift(self, unit: LedgerUnit, departure: Departure, reason: LiftReason) -> None:
        event = DepartureLifted(
            person_id=departure.person_id,
            transfer_id=departure.transfer_id,
            reason=reason,
            lifted_at=unit.now,
        )
        await _append(unit, departure.person_id, event)

    async def _lapse(self, found: Departure) -> bool:
        async def act(unit: LedgerUnit) -> bool:
            departure = await _departure(unit.conn, found.log, found.transfer_id)
            if departure is None or (departure.status, departure.since) != ("guarded", found.since):
                return False
            await self._lift(unit, departure, "lapsed")
            return True

        return await self._path.store(found.log, act)

    async def _leave(
        self,
        unit: LedgerUnit,
        profile: Profile,
        transfer_id: str,
        to_place: str,
        left_at: datetime,
    ) -> None:
        person = profile.person
        if authority_of(to_place) == unit.log:
            raise DepartureInsideError(pointer="/to_place")
        book = self._policies.book
        accounts = [account for _, account in await read_accounts(unit.conn, unit.log, person.person_id)]
        moving = [
            account.year
            for account in accounts
            if profile.judgement(account.year) is None
            and not has_closed(book.resolve(person.place, account.year), left_at)
        ]
        judged = judged_by_us(book, profile, accounts, left_at)
        left = ProfileLeft(
            person_id=person.person_id,
            transfer_id=transfer_id,
            from_place=person.place,
            to_place=to_place,
            years=tuple(moving),
            judged=tuple(sorted((*profile.judged, *judged), key=lambda each: each.year)),
            left_at=left_at,
        )
        version = (await read_profiles(unit.conn, unit.log, [person.person_id]))[person.person_id][0] + 1
        unit.append(profiles.stream_of(person.person_id), version, left, f"departure:{transfer_id}")
        await unit.read_accounts([person.person_id], moving)
        for year in moving:
            event = AccountLeft(
                person_id=person.person_id,
                year=year,
                transfer_id=transfer_id,
                to_place=to_place,
                left_at=left_at,
            )
            unit.append_to_account(unit.account(person.person_id, year), event)
        # Accounts before profiles, as everybody writes them: two writers then cannot wait for each other.
        await unit.write()
        gone = profiles.evolve(profile, left)
        assert gone is not None, "who leaves was there"
        await write_profiles(unit.conn, unit.log, [(version, gone)])
        await write_departure(unit.conn, unit.log, left)

    def _must_have_lapsed(self, departing: Departing) -> None:
        """Raises DepartureUnderWayError while another transfer's guard stands."""
        until = departing.since + timedelta(seconds=PROVISIONAL_SECONDS)
        if departing.confirmed or self._clock() <= until:
            raise DepartureUnderWayError(transfer_id=departing.transfer_id)

    async def _must_be_free(
        self, conn: Connection, log: str, profile: Profile, *, forbidden_only: bool
    ) -> None:
        found = await self._blockers(conn, log, profile, self._clock(), forbidden_only=forbidden_only)
        if found:
            raise DepartureBlockedError(
                clause="S2C-14", blockers=[each.model_dump(mode="json") for each in found]
            )

    def _confirm_free(self, unit: LedgerUnit, profile: Profile) -> None:
        """What is asked while the log is held is little: nothing else may begin that a guard forbids."""

        async def look() -> bool:
            return not await self._blockers(unit.conn, unit.log, profile, unit.now, forbidden_only=True)

        unit.confirm(look)

    async def _blockers(
        self, conn: Connection, log: str, profile: Profile, at: datetime, *, forbidden_only: bool
    ) -> list[Blocker]:
        return await find_blockers(conn, log, self._policies.book, profile, at, forbidden_only=forbidden_only)

    async def _both(
        self, conn: Connection, log: str, transfer_id: str, person_id: str
    ) -> tuple[Profile | None, Departure | None]:
        """The profile, then the departure: what the one says of a departure, the other read after it says as well."""
        found = (await read_profiles(conn, log, [person_id])).get(person_id)
        return None if found is None else found[1], await _departure(conn, log, transfer_id)

    async def _find(self, transfer_id: str) -> Departure | None:
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                for departure in await find_departures(conn, logs, [transfer_id]):
                    return departure
        return None

    async def _must_find(self, transfer_id: str) -> Departure:
        departure = await self._find(transfer_id)
        if departure is None:
            raise DepartureUnknownError
        return departure


async def _append(
    unit: LedgerUnit, person_id: str, event: DepartureEvent, identity: str | None = None
) -> Profile:
    """Add an event to the profile's stream and write both rows; the profile as it then stands."""
    version, profile = (await read_profiles(unit.conn, unit.log, [person_id]))[person_id]
    after = profiles.evolve(profile, event)
    assert after is not None, "a profile that was there stays"
    unit.append(profiles.stream_of(person_id), version + 1, event, identity)
    await write_profiles(unit.conn, unit.log, [(version + 1, after)])
    await write_departure(unit.conn, unit.log, event)
    return after


def _here(profile: Profile | None) -> Profile:
    """The profile of somebody whom the log keeps. Raises UnknownPersonError."""
    if profile is None or profile.left is not None:
        raise UnknownPersonError
    return profile


async def _departure(conn: Connection, log: str, transfer_id: str) -> Departure | None:
    return next(iter(await find_departures(conn, [log], [transfer_id])), None)


def _must_agree(departure: Departure | None, person_id: str, to_place: str) -> None:
    if departure is not None and (departure.person_id, departure.to_place) != (person_id, to_place):
        raise DepartureDiffersError


async def _answer(conn: Connection, departure: Departure) -> DepartureAnswer:
    profile = (await read_profiles(conn, departure.log, [departure.person_id]))[departure.person_id][1]
    state = "left" if departure.has_left else "guarded"
    return _said(departure.transfer_id, profile, departure.to_place, state)


def _said(transfer_id: str, profile: Profile, to_place: str, state: str) -> DepartureAnswer:
    return DepartureAnswer.model_validate(
        {
            "transfer_id": transfer_id,
            "person_id": profile.person.person_id,
            "from_place": profile.person.place,
            "to_place": to_place,
            "state": state,
        }
    )
