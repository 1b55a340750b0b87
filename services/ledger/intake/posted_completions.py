"""Posted completions read back: one by its id, or a page of those that are sought, each as it stands today."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from contracts.divisions import AUTHORITIES, authority_of, contains
from services.kit import events as codec
from services.kit.database import Databases
from services.kit.event_store import EventStore, RecordedEvent
from services.ledger.intake.completion_record import KIND, CompletionRecord, State, follow, opened
from services.ledger.store.people import People
from services.ledger.streams import account as accounts
from services.ledger.streams import waiting
from services.ledger.streams.account_events import AccountAbsorbed, AccountLeft, CompletionHeld, CreditEarned
from services.ledger.streams.problems import AuthorityUnclearError, UnknownCompletionError
from services.ledger.streams.waiting import ParkedRecordReleased

LOOKED_AT_MAX = 1_000
"""Records that one page looks at, so that a rare state does not keep a request walking for ever."""
_AT_ONCE = 200
_PLACES = (
    "select log, person_id, place from profiles where log = any($1::text[]) and person_id = any($2::text[])"
)


StateSought = State | Literal["late", "moved"]
"""A state, or a word on how a registered one was registered (`late`), or on where one that stands is by now (`moved`)."""


class CompletionPage(Struct, frozen=True, kw_only=True):
    """Completions by authority and id. A page may hold fewer than asked for, even none, before the end: `next` names what to
    go on after, null at the end."""

    items: list[CompletionRecord]
    next: str | None


class Sought(Struct, frozen=True, kw_only=True):
    """Which of a provider's completions are wanted: all that fit every word that is said. `place` is that of an official."""

    provider_id: str
    state: StateSought | None = None
    year: int | None = None
    person_id: str | None = None
    posted_since: datetime | None = None
    posted_until: datetime | None = None
    place: str | None = None

    def may_fit(self, record: CompletionRecord) -> bool:
        """Whether a record fits by what its first event says."""
        return (
            self.year in (None, record.posted.year)
            and (self.posted_since is None or record.posted_at >= self.posted_since)
            and (self.posted_until is None or record.posted_at < self.posted_until)
        )

    def fits(self, record: CompletionRecord, places: Iterable[str]) -> bool:
        """Whether a record as it stands today fits."""
        return (
            self._is_in_state(record)
            and self.person_id in (None, record.person_id)
            and (self.place is None or any(contains(self.place, each) for each in places))
        )

    def _is_in_state(self, record: CompletionRecord) -> bool:
        match self.state:
            case "late":
                return record.state == "registered" and record.late
            case "moved":
                return record.state in ("held", "registered") and record.moved_to is not None
            case _:
                return self.state in (None, record.state)


class PostedCompletions:
    """Reads; writes nothing."""

    def __init__(self, databases: Databases, store: EventStore, people: People) -> None:
        self._databases = databases
        self._store = store
        self._people = people

    async def get(self, provider_id: str, completion_id: str, authority: str | None) -> CompletionRecord:
        """One record by the provider's own id; `authority` is needed where the id was posted to several.

        Raises UnknownCompletionError and AuthorityUnclearError.
        """
        identity = waiting.identity_of(KIND, provider_id, completion_id)
        found: list[RecordedEvent] = []
        logs = AUTHORITIES if authority is None else [authority_of(authority)]
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                found += await self._store.holders_of(conn, there, identity)
        if not found:
            raise UnknownCompletionError
        if len(found) > 1:
            raise AuthorityUnclearError(
                "该编号曾报送多地，请写明登记地的行政区划代码。",
                "The id was posted to several authorities: name the authority's code.",
                pointer="/authority",
            )
        [record] = await self.read(found)
        return record

    async def of_identities(self, log: str, identities: Sequence[str]) -> dict[str, CompletionRecord]:
        """The completions that were posted to a log under these identities, each as it stands today."""
        async with self._databases.of(log).acquire() as conn:
            found = await self._store.by_identity(conn, log, identities)
        return dict(zip(found, await self.read(list(found.values())), strict=True))

    async def page(self, sought: Sought, after: tuple[str, str], limit: int) -> CompletionPage:
        """The next completions that are sought, at most `limit`, after one of them by log and id."""
        items: list[CompletionRecord] = []
        looked_at = 0
        while looked_at < LOOKED_AT_MAX:
            firsts = await self._next(sought, after)
            looked_at += len(firsts)
            for first, record in zip(firsts, await self._fitting(sought, firsts), strict=True):
                after = first.log, _record_id(first)
                if record is not None:
                    items.append(record)
                if len(items) == limit:
                    return CompletionPage(items=items, next="~".join(after))
            if len(firsts) < _AT_ONCE:
                return CompletionPage(items=items, next=None)
        return CompletionPage(items=items, next="~".join(after))

    async def _next(self, sought: Sought, after: tuple[str, str]) -> list[RecordedEvent]:
        """The next first events of a provider's completions, of all or of one person."""
        prefix = waiting.identity_of(KIND, sought.provider_id, "")
        start = (after[0], prefix + after[1]) if after[0] else ("", "")
        found: list[RecordedEvent] = []
        if sought.person_id is not None:
            identities = [prefix + each for each in await self._ids_of_person(sought)]
            for log in AUTHORITIES if identities else ():
                async with self._databases.of(log).acquire() as conn:
                    found += (await self._store.by_identity(conn, log, identities)).values()
            found = [each for each in found if (each.log, each.identity or "") > start]
        else:
            for database, logs in self._databases.grouped(AUTHORITIES).items():
                async with database.acquire() as conn:
                    found += await self._store.walk_identities(
                        conn, logs, prefix, after=start, limit=_AT_ONCE
                    )
        return sorted(found, key=lambda each: (each.log, each.identity or ""))[:_AT_ONCE]

    async def _ids_of_person(self, sought: Sought) -> set[str]:
        """The ids of what a provider posted of a person, wherever they have lived and under whichever of their profiles,
        also of what was refused in the end.
        """
        person_id = sought.person_id or ""
        logs = await self._people.logs_of(person_id)
        home = (await self._people.by_id([person_id], None, 0)).get(person_id)
        if home is None:
            return set()
        years = range(2000, 2101) if sought.year is None else [sought.year]
        people = [person_id, *home.profile.absorbed]
        streams = [accounts.stream_of(each, year) for each in people for year in years]
        streams += [waiting.stream_of(identity) for identity in sorted(home.profile.identities)]
        loaded = await self._load((log, stream_id) for log in logs for stream_id in streams)
        found: set[str] = set()
        for recorded in (each for stream in loaded.values() for each in stream):
            event = codec.decode(recorded.topic, recorded.state)
            if isinstance(event, CompletionHeld | CreditEarned) and event.provider_id == sought.provider_id:
                found.add(event.completion_id)
            elif isinstance(event, ParkedRecordReleased) and event.provider_id == sought.provider_id:
                found.add(event.record_id)
        return found

    async def _fitting(
        self, sought: Sought, firsts: Sequence[RecordedEvent]
    ) -> list[CompletionRecord | None]:
        """The record of each first event as it stands today; None for one that is not sought."""
        wanted = [first for first in firsts if sought.may_fit(opened(first))]
        records = await self.read(wanted)
        places = await self.places_of(records)
        fitting = {
            (record.log, record.id): record
            for record, there in zip(records, places, strict=True)
            if sought.fits(record, there)
        }
        return [fitting.get((first.log, _record_id(first))) for first in firsts]

    async def read(self, firsts: Sequence[RecordedEvent]) -> list[CompletionRecord]:
        """The records that the given first events opened, in the same order, each as it stands today."""
        records = [opened(first) for first in firsts]
        rooms: list[tuple[str, str]] = []
        years: list[tuple[str, str]] = []
        for first in firsts:
            (rooms if first.stream_id.startswith("waiting:") else years).append((first.log, first.stream_id))
        loaded = await self._load(rooms)
        for first, record in zip(firsts, records, strict=True):
            for recorded in loaded.get((first.log, first.stream_id), []):
                follow(record, recorded)
            if record.person_id is not None:
                years.append((first.log, accounts.stream_of(record.person_id, record.posted.year)))
        loaded = await self._load(years)
        for first, record in zip(firsts, records, strict=True):
            person_id = record.person_id or _person_of(first)
            if person_id is None:
                continue
            stream_id = accounts.stream_of(person_id, record.posted.year)
            events = loaded.get((first.log, stream_id), [])
            if any(recorded.topic == AccountLeft.TOPIC for recorded in events):
                events = await self._in_every_log(person_id, stream_id)
            for recorded in events:
                follow(record, recorded)
            await self._follow_merges(record, person_id, first.log)
        return records

    async def _follow_merges(self, record: CompletionRecord, person_id: str, log: str) -> None:
        """Follow a record whose person's profile became part of another into the account that took it over."""
        year = record.posted.year
        while record.person_id is not None and record.person_id != person_id:
            merged_id, person_id = person_id, record.person_id
            stream_id = accounts.stream_of(person_id, year)
            loaded = await self._load([(log, stream_id)])
            taken = False
            for recorded in loaded.get((log, stream_id), []):
                event = codec.decode(recorded.topic, recorded.state)
                taken = taken or (isinstance(event, AccountAbsorbed) and event.merged_id == merged_id)
                if taken:
                    follow(record, recorded)

    async def places_of(self, records: Sequence[CompletionRecord]) -> list[set[str]]:
        """The places that each record belongs to: of its person, where it was posted and where they live now; of the
        authority alone while nobody is known by it."""
        people = {record.person_id for record in records if record.person_id is not None}
        logs = {log for record in records for log in (record.log, record.moved_to) if log is not None}
        known: dict[tuple[str, str], str] = {}
        for database, there in self._databases.grouped(sorted(logs)).items():
            async with database.acquire() as conn:
                for log, person_id, place in await conn.fetch(_PLACES, there, sorted(people)):
                    known[log, person_id] = place
        return [
            {
                known.get((log, record.person_id or ""), log)
                for log in (record.log, record.moved_to)
                if log is not None
            }
            for record in records
        ]

    async def _load(
        self, streams: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], list[RecordedEvent]]:
        by_log: dict[str, set[str]] = {}
        for log, stream_id in streams:
            by_log.setdefault(log, set()).add(stream_id)
        found: dict[tuple[str, str], list[RecordedEvent]] = {}
        for log, wanted in by_log.items():
            async with self._databases.of(log).acquire() as conn:
                loaded = await self._store.load(conn, log, sorted(wanted))
            found |= {(log, stream_id): events for stream_id, events in loaded.items()}
        return found

    async def _in_every_log(self, person_id: str, stream_id: str) -> list[RecordedEvent]:
        """A person's year in every log that it has lived in, in the order in which it was recorded."""
        logs = await self._people.logs_of(person_id)
        loaded = await self._load((log, stream_id) for log in logs)
        events = [recorded for stream in loaded.values() for recorded in stream]
        return sorted(events, key=lambda recorded: (recorded.recorded_at, recorded.log, recorded.position))


def _record_id(first: RecordedEvent) -> str:
    return (first.identity or "").rpartition(":")[2]


def _person_of(first: RecordedEvent) -> str | None:
    prefix, _, rest = first.stream_id.partition(":")
    return rest.rpartition(":")[0] if prefix == "account" else None
