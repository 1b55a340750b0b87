"""The unit of work of one log: earlier records with the same identity, profiles, accounts, waiting rooms and
providers, read in a few queries and written back beside the events."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from services.kit import events as codec
from services.kit.database import Connection, lines
from services.kit.event_store import Appended, EventStore, NewEvent, RecordedEvent
from services.kit.events import Event
from services.ledger.policy import Account
from services.ledger.store.filings import FILING_ROWS
from services.ledger.streams import account as accounts
from services.ledger.streams import waiting
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.filing import stream_of as filing_stream_of
from services.ledger.streams.profile import Profile
from services.ledger.streams.provider import Provider
from services.ledger.streams.waiting import WaitingRoom
from services.ledger.streams.year import OPEN, Closures

_encode = msgspec.json.Encoder().encode
_decode_account = msgspec.json.Decoder(Account).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_room = msgspec.json.Decoder(WaitingRoom).decode
_decode_provider = msgspec.json.Decoder(Provider).decode

# Each key is looked up by itself (`limit`, `offset 0` keep it so): on a table without statistics yet, as in a first
# load, the planner would otherwise read a whole log for every group.
_PEOPLE = """
select p.identity_hash, p.state, a.year, a.version, a.state
  from unnest(string_to_array($2, E'\\n')) as wanted (identity_hash)
 cross join lateral (
       select p.person_id, p.identity_hash, p.state from profiles p
        where p.log = $1 and p.identity_hash = wanted.identity_hash limit 1) p
  left join lateral (
       select a.year, a.version, a.state from accounts a
        where a.log = $1 and a.person_id = p.person_id and a.year = any($3::int[]) offset 0) a on true
"""
_ACCOUNTS = """
select person_id, year, version, state from accounts
 where log = $1 and person_id = any($2::text[]) and year = any($3::int[])
"""
_ROOMS = (
    "select identity_hash, version, state from waiting where log = $1 and identity_hash = any($2::text[])"
)
_ELSEWHERE = (
    "select identity_hash from profiles where log = any($1::text[]) and identity_hash = any($2::text[])"
)
_PROVIDERS = (
    "select organization_id, state from providers where log = $1 and organization_id = any($2::text[])"
)

_WRITE_ACCOUNTS = """
insert into accounts (log, person_id, year, version, state)
select $1, new.person_id, new.year, new.version, new.state
  from unnest(string_to_array($2, E'\\n'), string_to_array($3, E'\\n')::int[], string_to_array($4, E'\\n')::int[],
              $5::bytea[]) as new (person_id, year, version, state)
on conflict (log, person_id, year) do update set version = excluded.version, state = excluded.state
"""
_WRITE_ROOMS = """
insert into waiting (log, identity_hash, version, state)
select $1, new.identity_hash, new.version, new.state
  from unnest($2::text[], $3::int[], $4::bytea[]) as new (identity_hash, version, state)
on conflict (log, identity_hash) do update set version = excluded.version, state = excluded.state
"""


class AccountEntry(Struct, gc=False):
    """An account as the group sees it, with the version its next event follows."""

    version: int
    account: Account
    stream_id: str


class RoomEntry(Struct):
    """A waiting room as the group sees it."""

    version: int
    room: WaitingRoom
    changed: bool = False


class Earlier(Struct, frozen=True):
    """A record posted before under the same identity; `position` is None while it is in the same group."""

    event: Event
    position: int | None


class GroupState:
    """The state of one log that a group of records is decided on; decisions evolve it in memory."""

    def __init__(self, log: str, now: datetime, closures: Closures = OPEN) -> None:
        self.log = log
        self.now = now.astimezone(UTC)
        self.closures = closures
        self.binding = False
        """Whether the new events bind every later decision of the log, as a year's close does."""
        self.earlier: dict[str, Earlier] = {}
        self.profiles: dict[str, Profile] = {}
        self.providers: dict[str, Provider] = {}
        self.elsewhere: set[str] = set()
        self.new_events: list[NewEvent] = []
        self.enrolled: set[str] = set()
        self.filings: dict[str, TrainingFiling] = {}
        self._accounts: dict[tuple[str, int], AccountEntry] = {}
        self._unwritten: dict[tuple[str, int], AccountEntry] = {}
        self._rooms: dict[str, RoomEntry] = {}

    async def read_earlier(self, conn: Connection, store: EventStore, identities: Sequence[str]) -> None:
        """Read what was recorded before under the identities."""
        found = await store.by_identity(conn, self.log, identities)
        self.earlier = {identity: _earlier(event) for identity, event in found.items()}

    async def read_filings(self, conn: Connection, filing_ids: Iterable[str]) -> None:
        """Read the filings that records cite."""
        wanted = sorted(set(filing_ids))
        if wanted:
            found = await FILING_ROWS.read(conn, self.log, [filing_stream_of(each) for each in wanted])
            self.filings |= {filing.filing_id: filing for filing in found.values()}

    async def read_people(self, conn: Connection, hashes: list[str], years: list[int]) -> None:
        """Read profiles by keyed hash, with their accounts of the given years."""
        for identity_hash, profile_state, year, version, state in await conn.fetch(
            _PEOPLE, self.log, lines(hashes), years
        ):
            profile = self.profiles.get(identity_hash)
            if profile is None:
                profile = self.profiles[identity_hash] = _decode_profile(profile_state)
            if year is not None:
                person_id = profile.person.person_id
                self._accounts[person_id, year] = AccountEntry(
                    version, _decode_account(state), accounts.stream_of(person_id, year)
                )

    async def read_accounts(self, conn: Connection, person_ids: list[str], years: list[int]) -> None:
        """Read the accounts of persons and years by id."""
        for person_id, year, version, state in await conn.fetch(_ACCOUNTS, self.log, person_ids, years):
            self._accounts[person_id, year] = AccountEntry(
                version, _decode_account(state), accounts.stream_of(person_id, year)
            )

    async def read_further_accounts(self, conn: Connection, person_id: str, years: Iterable[int]) -> None:
        """Read the accounts of a person's years that were not read before: those may have been changed since."""
        missing = sorted({year for year in years if (person_id, year) not in self._accounts})
        if missing:
            await self.read_accounts(conn, [person_id], missing)

    async def read_rooms(self, conn: Connection, hashes: list[str]) -> None:
        """Read the waiting rooms of the given keyed hashes."""
        for identity_hash, version, state in await conn.fetch(_ROOMS, self.log, hashes):
            self._rooms[identity_hash] = RoomEntry(version, _decode_room(state))

    def account(self, person_id: str, year: int) -> AccountEntry:
        """The account of a person and year, empty when nothing was ever recorded in it."""
        entry = self._accounts.get((person_id, year))
        if entry is None:
            entry = AccountEntry(0, accounts.empty(person_id, year), accounts.stream_of(person_id, year))
            self._accounts[person_id, year] = entry
        return entry

    def room(self, identity_hash: str) -> RoomEntry:
        """The waiting room of a keyed hash, empty when nothing waits."""
        entry = self._rooms.get(identity_hash)
        if entry is None:
            entry = self._rooms[identity_hash] = RoomEntry(0, WaitingRoom())
        return entry

    def append_to_account(self, entry: AccountEntry, event: Event, identity: str | None = None) -> int:
        """Add an event to an account's stream and evolve it; the index among the group's events."""
        entry.version += 1
        self._unwritten[entry.account.person_id, entry.account.year] = entry
        accounts.evolve(entry.account, event)
        return self.append(entry.stream_id, entry.version, event, identity)

    def append_to_room(self, identity_hash: str, event: Event, identity: str | None = None) -> int:
        """Add an event to a waiting room's stream and evolve it; the index among the group's events."""
        entry = self.room(identity_hash)
        entry.version += 1
        entry.changed = True
        entry.room = waiting.evolve(entry.room, event)
        return self.append(waiting.stream_of(identity_hash), entry.version, event, identity)

    def append(self, stream_id: str, version: int, event: Event, identity: str | None = None) -> int:
        """Add an event to any stream; with an identity it is found again by it, also within this group."""
        self.new_events.append(NewEvent(stream_id, version, event.TOPIC, codec.encode(event), identity))
        if identity is not None:
            self.earlier[identity] = Earlier(event, None)
        return len(self.new_events) - 1

    async def store(self, conn: Connection, store: EventStore) -> Appended:
        """Append the new events, as the last thing before COMMIT.

        Raises WrongExpectedVersion when a stream has moved on, or a year was closed since: decide again.
        """
        return await store.append(
            conn, self.log, self.new_events, generation=self.closures.generation, binding=self.binding
        )

    def rooms_changed(self) -> list[str]:
        """The keyed hashes whose waiting rooms this group has changed, in order."""
        return sorted(identity_hash for identity_hash, entry in self._rooms.items() if entry.changed)

    async def write(self, conn: Connection) -> None:
        """Write the rows that the group changed, in key order so that two writers cannot wait for each other."""
        await self.write_accounts(conn)
        rooms = sorted((key, entry) for key, entry in self._rooms.items() if entry.changed)
        if rooms:
            await conn.execute(
                _WRITE_ROOMS,
                self.log,
                [identity_hash for identity_hash, _ in rooms],
                [entry.version for _, entry in rooms],
                [_encode(entry.room) for _, entry in rooms],
            )

    async def write_accounts(self, conn: Connection) -> None:
        """Write the accounts that were changed since they were last written."""
        changed, self._unwritten = sorted(self._unwritten.items()), {}
        if changed:
            await conn.execute(
                _WRITE_ACCOUNTS,
                self.log,
                lines([person_id for (person_id, _), _ in changed]),
                lines([str(year) for (_, year), _ in changed]),
                lines([str(entry.version) for _, entry in changed]),
                [_encode(entry.account) for _, entry in changed],
            )


async def read_providers(conn: Connection, log: str, provider_ids: Iterable[str]) -> dict[str, Provider]:
    """What a log knows of providers."""
    rows = await conn.fetch(_PROVIDERS, log, sorted(set(provider_ids)))
    return {organization_id: _decode_provider(state) for organization_id, state in rows}


async def find_profiles(conn: Connection, logs: Sequence[str], hashes: Sequence[str]) -> set[str]:
    """Which of the keyed hashes have a profile in any of the logs."""
    return {row[0] for row in await conn.fetch(_ELSEWHERE, logs, hashes)}


def _earlier(event: RecordedEvent) -> Earlier:
    return Earlier(codec.decode(event.topic, event.state), event.position)
