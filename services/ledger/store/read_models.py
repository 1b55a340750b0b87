"""Read models that are written in the transaction of their events, as projections: this is how each is rebuilt."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.kit.events import Event
from services.ledger.policy import Account
from services.ledger.store import profiles as profile_rows
from services.ledger.store.departures import DepartureRows
from services.ledger.store.filings import FILING_ROWS, ROSTER_ROWS
from services.ledger.store.years import YEAR_ROWS
from services.ledger.streams import account as accounts
from services.ledger.streams import account_events as relief_events
from services.ledger.streams import claim as claim_events
from services.ledger.streams import claim as claims
from services.ledger.streams import filing, roster
from services.ledger.streams import profile as profiles
from services.ledger.streams import provider as providers
from services.ledger.streams import waiting as rooms
from services.ledger.streams import year as years
from services.ledger.streams.account_events import (
    AccountArrived,
    AccountLeft,
    CompletionHeld,
    CreditConfirmed,
    CreditEarned,
    CreditRecognised,
    CreditRevoked,
    CreditWithdrawn,
    EnrolmentRecorded,
    EnrolmentWithdrawn,
    ExamPassed,
    HeldCompletionWithdrawn,
)
from services.ledger.streams.claim import Claim
from services.ledger.streams.filing import (
    FilingAmended,
    FilingApproved,
    FilingRefused,
    FilingReturned,
    FilingSubmitted,
    FilingWithdrawn,
)
from services.ledger.streams.notice import PolicyPublished
from services.ledger.streams.profile import (
    DepartureConfirmed,
    DepartureGuarded,
    DepartureLifted,
    JudgementsArrived,
    ProfileArrived,
    ProfileChanged,
    ProfileErased,
    ProfileLeft,
    ProfileMoved,
    ProfileRecorded,
)
from services.ledger.streams.provider import (
    AccreditationEnded,
    Provider,
    ProviderAccredited,
    ProviderDisqualified,
    ProviderNamed,
    ProviderReinstated,
)
from services.ledger.streams.roster import RosterReviewed, RosterRowsReleased, RosterUploaded
from services.ledger.streams.waiting import HeldRecordReleased, HeldRecordWithdrawn, RecordHeld, WaitingRoom
from services.ledger.streams.year import YearClosed

_encode = msgspec.json.Encoder().encode


class _Rows(Protocol):
    """How the states of one kind of stream are read and written as rows."""

    prefix: str

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        """The states by stream."""

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        """Write (stream, version, state)."""


class _AccountRows:
    prefix = "account:"
    _read = """
    select person_id, year, state from accounts
     where log = $1 and (person_id, year) in (select * from unnest($2::text[], $3::int[]))
    """
    _write = """
    insert into accounts (log, person_id, year, version, state)
    select $1, new.* from unnest($2::text[], $3::int[], $4::int[], $5::bytea[]) as new
    on conflict (log, person_id, year) do update set version = excluded.version, state = excluded.state
    """
    _decode = staticmethod(msgspec.json.Decoder(Account).decode)

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        keys = [_account_key(stream_id) for stream_id in stream_ids]
        rows = await conn.fetch(self._read, log, [key[0] for key in keys], [key[1] for key in keys])
        return {accounts.stream_of(row[0], row[1]): self._decode(row[2]) for row in rows}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        keys = [_account_key(stream_id) for stream_id, _, _ in rows]
        await conn.execute(
            self._write,
            log,
            [key[0] for key in keys],
            [key[1] for key in keys],
            [version for _, version, _ in rows],
            [_encode(state) for _, _, state in rows],
        )


class _KeyedRows:
    """Rows whose key is what follows the prefix of the stream's name."""

    def __init__(self, prefix: str, table: str, key: str, kind: type[Any]) -> None:
        self.prefix = prefix
        self._decode = msgspec.json.Decoder(kind).decode
        self._read = f"select {key}, state from {table} where log = $1 and {key} = any($2::text[])"  # noqa: S608
        self._write = f"""
        insert into {table} (log, {key}, version, state)
        select $1, new.* from unnest($2::text[], $3::int[], $4::bytea[]) as new
        on conflict (log, {key}) do update set version = excluded.version, state = excluded.state
        """  # noqa: S608

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        keys = [stream_id.removeprefix(self.prefix) for stream_id in stream_ids]
        return {self.prefix + row[0]: self._decode(row[1]) for row in await conn.fetch(self._read, log, keys)}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        await conn.execute(
            self._write,
            log,
            [stream_id.removeprefix(self.prefix) for stream_id, _, _ in rows],
            [version for _, version, _ in rows],
            [_encode(state) for _, _, state in rows],
        )


class _ProfileRows:
    prefix = "profile:"

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        persons = [stream_id.removeprefix(self.prefix) for stream_id in stream_ids]
        found = await profile_rows.read_profiles(conn, log, persons)
        return {self.prefix + person: profile for person, (_, profile) in found.items()}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        await profile_rows.write_profiles(conn, log, [(version, state) for _, version, state in rows])


class _NoticeRows:
    prefix = "notice:"
    _write = """
    insert into notices (log, stream_id, version, notice_hash)
    select $1, new.* from unnest($2::text[], $3::int[], $4::text[]) as new
    on conflict (log, stream_id) do update set version = excluded.version, notice_hash = excluded.notice_hash
    """

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        return {}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        await conn.execute(
            self._write,
            log,
            [stream_id for stream_id, _, _ in rows],
            [version for _, version, _ in rows],
            [state for _, _, state in rows],
        )


class StreamReadModel:
    """One row for each stream of a kind."""

    def __init__(
        self,
        table: str,
        rows: _Rows,
        events: Sequence[type[Event]],
        evolve: Callable[[Any, Event, str], Any],
    ) -> None:
        self.name = table
        self.topics = frozenset(event.TOPIC for event in events)
        self.tables: Sequence[str] = (table,)
        self._rows = rows
        self.evolve = evolve

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Fold the events into the rows of their streams."""
        stream_ids = list(dict.fromkeys(event.stream_id for event in events))
        states = await self._rows.read(conn, log, stream_ids)
        versions: dict[str, int] = {}
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            states[recorded.stream_id] = self.evolve(
                states.get(recorded.stream_id), event, recorded.stream_id
            )
            versions[recorded.stream_id] = recorded.version
        await self._rows.write(
            conn, log, [(stream_id, versions[stream_id], states[stream_id]) for stream_id in stream_ids]
        )


def _account_key(stream_id: str) -> tuple[str, int]:
    person_id, _, year = stream_id.removeprefix("account:").rpartition(":")
    return person_id, int(year)


def _evolve_account(state: Account | None, event: Event, stream_id: str) -> Account:
    return accounts.evolve(state or accounts.empty(*_account_key(stream_id)), event)


def _notice_hash(_state: Any, event: Event, _stream_id: str) -> str:
    assert isinstance(event, PolicyPublished)
    return event.notice_hash


class _ClaimRows:
    prefix = "claim:"
    _read = "select claim_id, state from claims where log = $1 and claim_id = any($2::text[])"
    _write = """
    insert into claims (log, claim_id, person_id, fact, collective, place, status, submitted_at, version, state)
    select $1, new.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                 $8::timestamptz[], $9::int[], $10::bytea[]) as new
    on conflict (log, claim_id) do update
       set fact = excluded.fact, place = excluded.place, status = excluded.status,
           submitted_at = excluded.submitted_at, version = excluded.version, state = excluded.state
    """
    _decode = staticmethod(msgspec.json.Decoder(Claim).decode)

    async def read(self, conn: Connection, log: str, stream_ids: Sequence[str]) -> dict[str, Any]:
        keys = [stream_id.removeprefix(self.prefix) for stream_id in stream_ids]
        return {self.prefix + row[0]: self._decode(row[1]) for row in await conn.fetch(self._read, log, keys)}

    async def write(self, conn: Connection, log: str, rows: Sequence[tuple[str, int, Any]]) -> None:
        claims_ = [state for _, _, state in rows]
        await conn.execute(
            self._write,
            log,
            [claim.claim_id for claim in claims_],
            [claim.person_id for claim in claims_],
            [claim.fact for claim in claims_],
            [claim.collective for claim in claims_],
            [claim.place for claim in claims_],
            [claim.state for claim in claims_],
            [claim.submitted_at for claim in claims_],
            [version for _, version, _ in rows],
            [_encode(claim) for claim in claims_],
        )


INLINE: tuple[StreamReadModel | DepartureRows, ...] = (
    StreamReadModel(
        "accounts",
        _AccountRows(),
        (
            CreditEarned,
            CompletionHeld,
            HeldCompletionWithdrawn,
            CreditWithdrawn,
            CreditRevoked,
            CreditConfirmed,
            EnrolmentRecorded,
            EnrolmentWithdrawn,
            ExamPassed,
            CreditRecognised,
            relief_events.ExemptionGranted,
            relief_events.ExemptionEnded,
            relief_events.DeferralGranted,
            relief_events.DeferralEnded,
            AccountLeft,
            AccountArrived,
        ),
        _evolve_account,
    ),
    StreamReadModel(
        "profiles",
        _ProfileRows(),
        (
            ProfileRecorded,
            ProfileChanged,
            ProfileErased,
            ProfileMoved,
            DepartureGuarded,
            DepartureConfirmed,
            DepartureLifted,
            ProfileLeft,
            ProfileArrived,
            JudgementsArrived,
        ),
        lambda state, event, _: profiles.evolve(state, event),
    ),
    StreamReadModel(
        "providers",
        _KeyedRows("provider:", "providers", "organization_id", Provider),
        (
            ProviderNamed,
            ProviderAccredited,
            AccreditationEnded,
            ProviderDisqualified,
            ProviderReinstated,
        ),
        lambda state, event, _: providers.evolve(state, event),
    ),
    StreamReadModel(
        "waiting",
        _KeyedRows("waiting:", "waiting", "identity_hash", WaitingRoom),
        (RecordHeld, HeldRecordReleased, HeldRecordWithdrawn),
        lambda state, event, _: rooms.evolve(state or WaitingRoom(), event),
    ),
    StreamReadModel(
        "claims",
        _ClaimRows(),
        (
            claim_events.ClaimSubmitted,
            claim_events.ClaimAmended,
            claim_events.ClaimAccepted,
            claim_events.ClaimReturned,
            claim_events.ClaimRefused,
            claim_events.ClaimWithdrawn,
            claim_events.ClaimApproved,
            claim_events.ClaimSatisfied,
        ),
        lambda state, event, _: claims.evolve(state, event),
    ),
    StreamReadModel(
        "filings",
        FILING_ROWS,
        (
            FilingSubmitted,
            FilingAmended,
            FilingApproved,
            FilingReturned,
            FilingRefused,
            FilingWithdrawn,
        ),
        lambda state, event, _: filing.evolve(state, event),
    ),
    StreamReadModel(
        "rosters",
        ROSTER_ROWS,
        (RosterUploaded, RosterReviewed, RosterRowsReleased),
        lambda state, event, _: roster.evolve(state, event),
    ),
    StreamReadModel("years", YEAR_ROWS, (YearClosed,), lambda state, event, _: years.evolve(state, event)),
    StreamReadModel("notices", _NoticeRows(), (PolicyPublished,), _notice_hash),
    DepartureRows(),
)
"""Written with their events; a rebuild holds the log's counter row for the switch."""
