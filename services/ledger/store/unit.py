"""The unit of work of one log: earlier records with the same identity, profiles, accounts, waiting rooms and
providers, read in a few queries, written back beside the events, and confirmed where nothing else guards them.

A record waits because its person is not in the log, and a person who arrives looks for what waits; a claim stands on
an account that it does not change. Neither writes a row or a version that the other would collide with, so what was
read and not written is looked at once more under the log's counter row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec
from msgspec import Struct

from services.kit import events as codec
from services.kit.clock import Clock
from services.kit.command import Check, UnitOfWork, WritePath
from services.kit.database import Connection, Databases, lines
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.events import Event
from services.ledger.policy import Account, Decision, Held, HoldReason, Policy, Rejected, reconsidered
from services.ledger.store.accounts import ACCOUNT_ROWS, PROVIDER_ROWS, ROOM_ROWS
from services.ledger.store.filings import FILING_ROWS, ClosedYears
from services.ledger.streams import account as accounts
from services.ledger.streams import waiting
from services.ledger.streams.account import held_again, rejected, released
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.filing_terms import Courses
from services.ledger.streams.profile import Profile
from services.ledger.streams.provider import Provider
from services.ledger.streams.waiting import WaitingRoom, identity_of
from services.ledger.streams.year import OPEN, Closures, make_up_is_open, year_closed

_decode_account = msgspec.json.Decoder(Account).decode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_room = msgspec.json.Decoder(WaitingRoom).decode

# Each key is looked up by itself (`limit`, `offset 0` keep it so): on a table without statistics yet, as in a first
# load, the planner would otherwise read a whole log for every group. Arrays stand in a `select`: a plan is then kept.
_PEOPLE = """
select wanted.identity_hash, p.state, a.year, a.version, a.state
  from unnest((select string_to_array($2, E'\\n'))) as wanted (identity_hash)
 cross join lateral (
       select p.person_id, p.state from profiles p
        where p.log = $1 and p.identity_hash = wanted.identity_hash limit 1) p
  left join lateral (
       select a.year, a.version, a.state from accounts a
        where a.log = $1 and a.person_id = p.person_id and a.year = any($3::int[]) offset 0) a on true
"""
# Who had a number before is asked for only under numbers that are nobody's now (B-24).
_FORMER_PEOPLE = _PEOPLE.replace(
    """from profiles p
        where p.log = $1 and p.identity_hash = wanted.identity_hash""",
    """from former_identities f
          join profiles p on p.log = f.log and p.person_id = f.person_id
        where f.log = $1 and f.identity_hash = wanted.identity_hash""",
)
_ACCOUNTS = """
select person_id, year, version, state from accounts
 where log = $1 and person_id = any($2::text[]) and year = any($3::int[])
"""
_ROOMS = (
    "select identity_hash, version, state from waiting where log = $1 and identity_hash = any($2::text[])"
)
_ROOM_VERSIONS = (
    "select identity_hash, version from waiting where log = $1 and identity_hash = any($2::text[])"
)
_PROFILES = """
select identity_hash, state from profiles where log = $1 and identity_hash = any($2::text[])
 union all
select f.identity_hash, p.state from former_identities f
  join profiles p on p.log = f.log and p.person_id = f.person_id
 where f.log = $1 and f.identity_hash = any($2::text[])
"""
_ACCOUNT_VERSIONS = """
select person_id, year, version from accounts
 where log = $1 and (person_id, year) in (select * from unnest($2::text[], $3::int[]))
"""
_ELSEWHERE = """
select identity_hash, state from profiles where log = any($1::text[]) and identity_hash = any($2::text[])
 union all
select f.identity_hash, p.state from former_identities f
  join profiles p on p.log = f.log and p.person_id = f.person_id
 where f.log = any($1::text[]) and f.identity_hash = any($2::text[])
"""


class AccountEntry(Struct, gc=False):
    """An account as the group sees it, with the version its next event follows."""

    version: int
    account: Account
    stream_id: str
    courses: Courses = msgspec.field(default_factory=Courses)


class RoomEntry(Struct):
    """A waiting room as the group sees it."""

    version: int
    room: WaitingRoom
    changed: bool = False


class EarlierRecord(Struct, frozen=True, gc=False):
    """A record posted before under the same identity; `position` is None while it is in the same group."""

    event: Event
    position: int | None


class LedgerUnit(UnitOfWork):
    """What a command, or a group of records, is decided on in one log; decisions evolve it in memory."""

    def __init__(
        self, conn: Connection, store: EventStore, log: str, now: datetime, closures: Closures = OPEN
    ) -> None:
        super().__init__(conn, store, log, now.astimezone(UTC))
        self.closures = closures
        self.generation = closures.generation
        self.earlier: dict[str, EarlierRecord] = {}
        self.profiles: dict[str, Profile] = {}
        self.providers: dict[str, Provider] = {}
        self.elsewhere: Mapping[str, Profile] = {}
        self.enrolled: set[str] = set()
        self.filings: dict[str, TrainingFiling] = {}
        self._accounts: dict[tuple[str, int], AccountEntry] = {}
        self._unwritten: dict[tuple[str, int], AccountEntry] = {}
        self._asked_accounts: set[tuple[str, int]] = set()
        self._years_read: set[int] = set()
        self._changed: set[tuple[str, int]] = set()
        self._rooms: dict[str, RoomEntry] = {}
        self._rooms_read: set[str] = set()
        self._held_for: set[str] = set()
        self.confirms_accounts = True
        """Whether accounts that were asked for and not changed must still be as they were."""

    async def read_earlier(self, identities: Sequence[str]) -> None:
        """Read what was recorded before under the identities."""
        found = await self.store.by_identity(self.conn, self.log, identities)
        self.earlier = {identity: _earlier(event) for identity, event in found.items()}

    async def read_filings(self, filing_ids: Iterable[str]) -> None:
        """Read the filings that records cite."""
        wanted = sorted(set(filing_ids))
        if wanted:
            found = await FILING_ROWS.read(self.conn, self.log, [(filing_id,) for filing_id in wanted])
            self.filings |= {filing_id: entry.state for (filing_id,), entry in found.items()}

    async def read_people(self, hashes: list[str], years: list[int]) -> None:
        """Read profiles by the keyed hash of a number they have or had, with their accounts of the given years."""
        self._years_read.update(years)
        await self._read_people(_PEOPLE, hashes, years)
        strangers = [each for each in hashes if each not in self.profiles]
        if strangers:
            await self._read_people(_FORMER_PEOPLE, strangers, years)

    async def _read_people(self, statement: str, hashes: list[str], years: list[int]) -> None:
        for identity_hash, profile_state, year, version, state in await self.conn.fetch(
            statement, self.log, lines(hashes), years
        ):
            profile = self.profiles.get(identity_hash)
            if profile is None:
                profile = self.profiles[identity_hash] = _decode_profile(profile_state)
            if year is not None:
                person_id = profile.person.person_id
                self._accounts[person_id, year] = AccountEntry(
                    version, _decode_account(state), accounts.stream_of(person_id, year)
                )

    async def read_accounts(self, person_ids: list[str], years: list[int]) -> None:
        """Read the accounts of persons and years by id."""
        self._years_read.update(years)
        for person_id, year, version, state in await self.conn.fetch(_ACCOUNTS, self.log, person_ids, years):
            self._accounts[person_id, year] = AccountEntry(
                version, _decode_account(state), accounts.stream_of(person_id, year)
            )

    async def read_further_accounts(self, person_id: str, years: Iterable[int]) -> None:
        """Read the accounts of a person's years that were not read before: those may have been changed since."""
        missing = sorted({year for year in years if (person_id, year) not in self._accounts})
        if missing:
            await self.read_accounts([person_id], missing)

    async def read_rooms(self, hashes: list[str]) -> None:
        """Read the waiting rooms of the given keyed hashes."""
        self._rooms_read.update(hashes)
        for identity_hash, version, state in await self.conn.fetch(_ROOMS, self.log, hashes):
            self._rooms[identity_hash] = RoomEntry(version, _decode_room(state))

    def account(self, person_id: str, year: int) -> AccountEntry:
        """The account of a person and year, empty when nothing was ever recorded in it."""
        key = person_id, year
        entry = self._accounts.get(key)
        if entry is None:
            entry = AccountEntry(0, accounts.empty(person_id, year), accounts.stream_of(person_id, year))
            self._accounts[key] = entry
        self._asked_accounts.add(key)
        return entry

    def accounts_beside(self, account: Account) -> Iterator[Account]:
        """The accounts of the same person for other years, of those years that were read."""
        for year in self._years_read:
            entry = self._accounts.get((account.person_id, year))
            if entry is not None and year != account.year:
                yield entry.account

    def room(self, identity_hash: str) -> RoomEntry:
        """The waiting room of a keyed hash, empty when nothing waits."""
        entry = self._rooms.get(identity_hash)
        if entry is None:
            entry = self._rooms[identity_hash] = RoomEntry(0, WaitingRoom())
        return entry

    def append_to_account(self, entry: AccountEntry, event: Event, identity: str | None = None) -> int:
        """Add an event to an account's stream and evolve it; the index among the group's events."""
        entry.version += 1
        key = entry.account.person_id, entry.account.year
        self._unwritten[key] = entry
        self._changed.add(key)
        accounts.evolve(entry.account, event)
        return self.append(entry.stream_id, entry.version, event, identity)

    def append_to_room(self, identity_hash: str, event: Event, identity: str | None = None) -> int:
        """Add an event to a waiting room's stream and evolve it; the index among the group's events."""
        entry = self.room(identity_hash)
        entry.version += 1
        entry.changed = True
        entry.room = waiting.evolve(entry.room, event)
        if isinstance(event, waiting.RecordParked):
            self._held_for.add(identity_hash)
        return self.append(waiting.stream_of(identity_hash), entry.version, event, identity)

    def append(self, stream_id: str, version: int, event: Event, identity: str | None = None) -> int:
        """Add an event to any stream; with an identity it is found again by it, also within this group."""
        self.add(stream_id, version, event, identity)
        if identity is not None:
            self.earlier[identity] = EarlierRecord(event, None)
        return len(self.new_events) - 1

    async def write(self) -> None:
        """Write the rows that the group changed, in key order so that two writers cannot wait for each other."""
        changed, self._unwritten = self._unwritten, {}
        await ACCOUNT_ROWS.write(
            self.conn,
            self.log,
            [(entry.stream_id, entry.version, entry.account) for entry in changed.values()],
        )
        await ROOM_ROWS.write(
            self.conn,
            self.log,
            [
                (waiting.stream_of(identity_hash), entry.version, entry.room)
                for identity_hash, entry in self._rooms.items()
                if entry.changed
            ],
        )

    def checks(self) -> Sequence[Check]:
        """Also confirmed: what was read, or asked for in vain, and is not guarded by a version that was written."""
        unchanged = {
            identity_hash: self._rooms[identity_hash].version if identity_hash in self._rooms else 0
            for identity_hash in self._rooms_read
            if identity_hash not in self._rooms or not self._rooms[identity_hash].changed
        }
        asked = self._asked_accounts - self._changed if self.confirms_accounts else set[tuple[str, int]]()
        return [
            *super().checks(),
            *([partial(self._rooms_still_as_read, unchanged)] if unchanged else ()),
            *([partial(self._still_have_to_wait, sorted(self._held_for))] if self._held_for else ()),
            *([partial(self._still_stay, sorted(self.enrolled))] if self.enrolled else ()),
            *([partial(self._accounts_still_as_read, sorted(asked))] if asked else ()),
        ]

    async def _rooms_still_as_read(self, versions: Mapping[str, int]) -> bool:
        """Nothing more waits for the people whose rooms were read and left as they were."""
        found = await self.conn.fetch(_ROOM_VERSIONS, self.log, sorted(versions))
        return all(versions[identity_hash] == version for identity_hash, version in found)

    async def _still_have_to_wait(self, hashes: Sequence[str]) -> bool:
        """Nobody has arrived, or has another name now, for whom something was put into a waiting room just now."""
        for known, now in await self._profiles_now(hashes):
            if known is None or (known.name_hash, known.former, known.left) != (
                now.name_hash,
                now.former,
                now.left,
            ):
                return False
        return True

    async def _still_stay(self, hashes: Sequence[str]) -> bool:
        """Nobody who was enrolled has begun to leave (S2C-14)."""
        for known, now in await self._profiles_now(hashes):
            if known is not None and (known.departing, known.left) != (now.departing, now.left):
                return False
        return True

    async def _profiles_now(self, hashes: Sequence[str]) -> list[tuple[Profile | None, Profile]]:
        rows = await self.conn.fetch(_PROFILES, self.log, hashes)
        return [(self.profiles.get(identity_hash), _decode_profile(state)) for identity_hash, state in rows]

    async def _accounts_still_as_read(self, keys: Sequence[tuple[str, int]]) -> bool:
        """The accounts that were asked for and left as they were are still the same."""
        persons, years = [key[0] for key in keys], [key[1] for key in keys]
        found = await self.conn.fetch(_ACCOUNT_VERSIONS, self.log, persons, years)
        return all(self._accounts[person_id, year].version == version for person_id, year, version in found)


def write_path(
    databases: Databases, store: EventStore, closed: ClosedYears, clock: Clock
) -> WritePath[LedgerUnit]:
    """The write path of the ledger's commands; every unit of work knows the closed years of its log."""

    async def begin(conn: Connection, store: EventStore, log: str, now: datetime) -> LedgerUnit:
        return LedgerUnit(conn, store, log, now, await closed.of(conn, log))

    return WritePath(databases, store, clock, begin)


async def read_providers(conn: Connection, log: str, provider_ids: Iterable[str]) -> dict[str, Provider]:
    """What a log knows of providers."""
    found = await PROVIDER_ROWS.read(conn, log, [(each,) for each in sorted(set(provider_ids))])
    return {organization_id: entry.state for (organization_id,), entry in found.items()}


async def find_profiles(conn: Connection, logs: Sequence[str], hashes: Sequence[str]) -> dict[str, Profile]:
    """The profiles that any of the logs has under the keyed hashes."""
    return {row[0]: _decode_profile(row[1]) for row in await conn.fetch(_ELSEWHERE, logs, hashes)}


def _earlier(event: RecordedEvent) -> EarlierRecord:
    return EarlierRecord(codec.decode(event.topic, event.state), event.position)


def credit_id_of(log: str, provider_id: str, completion_id: str) -> str:
    """The id of the credit that a provider's completion earns."""
    return accounts.credit_id_of(log, identity_of("completion", provider_id, completion_id))


def release_waiting(unit: LedgerUnit, policy: Policy, entry: AccountEntry, place: str) -> list[str]:
    """Register what waited and need not any longer (S2B-07, S0-11), and end what waits in vain; the ids of what was
    registered.

    Called after whatever adds to an account, by whatever route. What waits was accepted before a close of the year, and
    is let in after it.
    """
    account, registered = entry.account, list[str]()
    if not account.waiting:
        return []
    answers: dict[tuple[str, str], Decision] = dict(reconsidered(policy, account, unit.now))
    waiting = {(item.provider, item.completion_id): item for item in account.waiting}
    for key, item in waiting.items():
        answer = answers.get(key)
        if answer is None or isinstance(answer, Held):
            reason = item.reason if answer is None else answer.reason
            ended = waits_in_vain(unit, policy, account, place, item.mode, reason)
            if ended is not None:
                answers[key] = ended
    for key, answer in answers.items():
        if isinstance(answer, Rejected):
            unit.append_to_account(entry, rejected(waiting[key], account, answer, unit.now))
        elif isinstance(answer, Held):
            again = held_again(waiting[key], account, policy, answer, unit.now)
            unit.append_to_account(entry, again)
        else:
            credit_id = credit_id_of(unit.log, *key)
            event = released(waiting[key], account, place, policy, answer, credit_id, unit.now)
            unit.append_to_account(entry, event)
            registered.append(key[1])
    return registered


def waits_in_vain(
    unit: LedgerUnit, policy: Policy, account: Account, place: str, mode: str, reason: HoldReason
) -> Rejected | None:
    """Why nobody can report any more what study of the mode waits for: the year is closed, and nothing makes it up now.

    The total is not reported: a correction, a claim that is open, or a make-up of a later notice still reaches it (B-05,
    C-04), so that what waits for it goes on waiting.
    """
    if reason == "below_total":
        return None
    closure = unit.closures.over(place, account, unit.now)
    if closure is None or make_up_is_open(policy, mode, unit.now):
        return None
    return year_closed(closure)
