"""Intake of one process: batches wait for a log's writer together, and providers take back what they posted."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from contracts.divisions import AUTHORITIES
from services.kit import events as codec
from services.kit.clock import Clock, local_date
from services.kit.command import WritePath
from services.kit.database import OUTCOME_UNKNOWN, Databases
from services.kit.event_store import Appended, EventStore
from services.kit.failures import NOTHING_STORED
from services.kit.group_commit import GroupCommit, Overloaded
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.intake.decide import Decider
from services.ledger.intake.records import Completion, Prepared, Record
from services.ledger.intake.schemas import Decided, WithdrawnRecord, WithdrawRecord
from services.ledger.policy import Account, PolicyBook
from services.ledger.store.departures import travelled_waiting
from services.ledger.store.filings import ClosedYears
from services.ledger.store.nation import Nation
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit, find_profiles, read_providers
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import (
    CreditWithdrawn,
    EnrolmentWithdrawn,
    HeldCompletionWithdrawn,
)
from services.ledger.streams.problems import AlreadyEndedError, UnknownCompletionError
from services.ledger.streams.profile import Profile
from services.ledger.streams.waiting import (
    ParkedRecordReleased,
    ParkedRecordWithdrawn,
    RecordParked,
    identity_of,
)
from services.ledger.streams.waiting import stream_of as waiting_stream_of


class Work(Struct):
    """The part of one request that belongs to one log."""

    provider_id: str
    records: Sequence[Prepared]


class IntakeWriter:
    """Loads, decides and appends for a group; `commit` is what the group commit calls."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        book: Callable[[], PolicyBook],
        closed: ClosedYears,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._store = store
        self._book = book
        self._clock = clock
        self._nation = Nation(databases)
        self._closed = closed

    async def commit(self, log: str, works: list[Work]) -> list[list[Decided]]:
        """Decide every record of the group and store what follows, in one transaction.

        Raises WrongExpectedVersion when another process was faster (decide again), and what the database raises.
        """
        prepared = [record for work in works for record in work.records]
        await self._nation.learn({work.provider_id for work in works})
        strangers: dict[str, Profile | None] = {}
        while True:
            async with self._databases.of(log).transaction() as conn:
                unit = LedgerUnit(conn, self._store, log, self._clock(), await self._closed.of(conn, log))
                # Whoever is refused is told what was so when they asked; a group of thousands is not decided anew for it.
                unit.confirms_accounts = False
                beside = years_beside(self._book(), log, prepared)
                await read_for_records(unit, prepared, (work.provider_id for work in works), beside)
                unknown = _strangers(unit, prepared) - strangers.keys()
                if not unknown:
                    unit.elsewhere = {
                        key: profile for key, profile in strangers.items() if profile is not None
                    }
                    decided = self._decide(unit, works)
                    appended = await unit.commit()
                    break
            # Outside the transaction: whoever holds one connection while waiting for another may wait for ever.
            strangers |= await self._look_elsewhere(log, unknown)
        if appended is not None:
            self._store.notifications.notify(self._databases.of(log), log)
        for answers in decided:
            for answer in answers:
                _place(answer, log, appended)
        return decided

    def _decide(self, unit: LedgerUnit, works: list[Work]) -> list[list[Decided]]:
        decider = Decider(unit, self._book(), self._nation.providers)
        return [[decider.decide(work.provider_id, record) for record in work.records] for work in works]

    async def _look_elsewhere(self, log: str, strangers: set[str]) -> dict[str, Profile | None]:
        """The profile that each stranger to this log has in another (design 15)."""
        others = [other for other in AUTHORITIES if other != log]
        found: dict[str, Profile] = {}
        for database, there in self._databases.grouped(others).items():
            async with database.acquire() as conn:
                found |= await find_profiles(conn, there, sorted(strangers))
        return {stranger: found.get(stranger) for stranger in strangers}


def _strangers(unit: LedgerUnit, prepared: Sequence[Prepared]) -> set[str]:
    """The persons of new records that this log holds no profile of."""
    return {
        record.identity_hash
        for record in prepared
        if record.identity_hash not in unit.profiles and record.identity not in unit.earlier
    }


def _place(answer: Decided, log: str, appended: Appended | None) -> None:
    """Say where the record's event stands, now that it is committed."""
    if answer.event is not None and appended is not None:
        answer.outcome.log = log
        answer.outcome.position = appended.first + answer.event


def years_beside(book: PolicyBook, log: str, prepared: Sequence[Prepared]) -> frozenset[int]:
    """Further years that what is reported may have been studied for, and is perhaps reported for already (B-21)."""
    found: set[int] = set()
    for record in prepared:
        if isinstance(record.record, Completion):
            year, day = record.record.year, local_date(record.record.completed_at)
            years = book.years_studied_on(log, day)
            if year != day.year or len(years) > 1:
                found |= {day.year, *years}
    return frozenset(found)


async def read_for_records(
    unit: LedgerUnit,
    prepared: Sequence[Prepared],
    provider_ids: Iterable[str],
    beside: frozenset[int] = frozenset(),
) -> None:
    """Read all that the records ask for from this log; accounts also of years `beside` those that the records name."""
    await unit.read_earlier([record.identity for record in prepared])
    hashes = list({record.identity_hash for record in prepared})
    await unit.read_people(hashes, sorted({record.record.year for record in prepared} | beside))
    unit.providers |= await read_providers(unit.conn, unit.log, provider_ids)
    await unit.read_filings({cited for record in prepared if (cited := _cited(record.record)) is not None})
    strangers = [identity_hash for identity_hash in hashes if identity_hash not in unit.profiles]
    profiles = unit.profiles
    misnamed = {
        record.identity_hash
        for record in prepared
        if (profile := profiles.get(record.identity_hash)) is not None
        and not profile.is_called(record.identity_hash, record.name_hash)
    }
    absent = misnamed | {
        identity_hash for identity_hash, profile in profiles.items() if profile.left is not None
    }
    if strangers or absent:
        await unit.read_rooms([*strangers, *absent])


def _cited(record: Record) -> str | None:
    return record.filing if isinstance(record, Completion) else None


_GROUP_RECORDS_MAX = 2_000
_SECOND_WRITER_RECORDS = 200


class Intake:
    """What providers post and take back."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        path: WritePath[LedgerUnit],
        closed: ClosedYears,
        policies: PublishedPolicies,
        clock: Clock,
    ) -> None:
        self._store = store
        self._path = path
        writer = IntakeWriter(databases, store, lambda: policies.book, closed, clock)
        self._writers: GroupCommit[Work, list[Decided]] = GroupCommit(
            writer.commit,
            size_of=lambda work: len(work.records),
            keys_of=lambda work: frozenset([record.identity_hash for record in work.records]),
            writers_max=2,
            second_writer_at=_SECOND_WRITER_RECORDS,
            size_max=_GROUP_RECORDS_MAX,
        )

    async def report(self, log: str, work: Work) -> list[Decided]:
        """Decide and store the records of one request that belong to one log, together with whoever else waits.

        Raises Overloaded when the log's queue is full, and OUTCOME_UNKNOWN errors when nobody knows.
        """
        return await self._writers.submit(log, work)

    async def close(self) -> None:
        """Finish what was taken on."""
        await self._writers.close()

    async def withdraw_record(self, command: WithdrawRecord, key: CommandKey) -> StoredAnswer:
        """A provider takes back a completion or an enrolment.

        Raises UnknownCompletionError and AlreadyEndedError.
        """

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            identity = identity_of(command.kind, command.provider_id, command.record_id)
            found = (await self._store.by_identity(unit.conn, command.log, [identity])).get(identity)
            if found is None:
                raise UnknownCompletionError
            event: Any = codec.decode(found.topic, found.state)
            if isinstance(event, RecordParked):
                person_id = await self._withdraw_waiting(unit, command, event)
            else:
                person_id = event.person_id
            if person_id is not None:
                await self._withdraw_from_account(unit, command, person_id, event.year)
            return 200, WithdrawnRecord(id=command.record_id, state="withdrawn", reason=command.reason)

        return await self._path.execute(command.log, key, act)

    async def _withdraw_waiting(
        self, unit: LedgerUnit, command: WithdrawRecord, event: RecordParked
    ) -> str | None:
        """Take the record out of its waiting room; or, when it has left, the person it went to."""
        await unit.read_rooms([event.identity_hash])
        key = (command.kind, command.provider_id, command.record_id)
        held = unit.room(event.identity_hash).room.records
        if any((record.kind, record.provider_id, record.record_id) == key for record in held):
            withdrawn = ParkedRecordWithdrawn(
                kind=command.kind,
                provider_id=command.provider_id,
                record_id=command.record_id,
                reason=command.reason,
            )
            unit.append_to_room(event.identity_hash, withdrawn)
            return None
        stream_id = waiting_stream_of(event.identity_hash)
        loaded = await self._store.load(unit.conn, command.log, [stream_id])
        for recorded in loaded.get(stream_id, []):
            left = codec.decode(recorded.topic, recorded.state)
            if (
                isinstance(left, ParkedRecordReleased)
                and (left.kind, left.provider_id, left.record_id) == key
            ):
                if left.outcome == "rejected":
                    break
                return left.person_id
        raise AlreadyEndedError

    async def _withdraw_from_account(
        self, unit: LedgerUnit, command: WithdrawRecord, person_id: str, year: int
    ) -> None:
        await unit.read_accounts([person_id], [year])
        entry = unit.account(person_id, year)
        merged_into = entry.account.merged_into
        if merged_into is not None and not accounts.holds_record(
            entry.account, command.provider_id, command.record_id
        ):
            # What it held went to another profile of the same person.
            await self._withdraw_from_account(unit, command, merged_into, year)
            return
        if command.kind == "completion":
            unit.append_to_account(entry, await self._taken_back(unit, command, entry.account))
            return
        key = (command.provider_id, command.record_id)
        if key not in {(item.provider, item.enrolment_id) for item in entry.account.enrolments}:
            raise AlreadyEndedError
        ended = EnrolmentWithdrawn(
            provider_id=command.provider_id,
            enrolment_id=command.record_id,
            person_id=person_id,
            year=year,
            reason=command.reason,
        )
        unit.append_to_account(entry, ended)

    async def _taken_back(
        self, unit: LedgerUnit, command: WithdrawRecord, account: Account
    ) -> CreditWithdrawn | HeldCompletionWithdrawn:
        """What ends a completion in its account; one that travelled while it waited is taken back here for the destination.

        Raises AlreadyEndedError, and the refusal `year-closed`.
        """
        provider_id, record_id = command.provider_id, command.record_id
        try:
            return accounts.withdraw_completion(
                account,
                provider_id,
                record_id,
                closures=unit.closures,
                reason=command.reason,
                now=unit.now,
            )
        except AlreadyEndedError:
            person_id, year = account.person_id, account.year
            gone = await travelled_waiting(unit.conn, self._store, unit.log, person_id, year)
            if (provider_id, record_id) not in gone:
                raise
            return HeldCompletionWithdrawn(
                person_id=person_id,
                year=year,
                provider_id=provider_id,
                completion_id=record_id,
                reason=command.reason,
            )


def failure_of(error: BaseException) -> bool:
    """Whether one part of a batch met trouble of its log, not a defect, so that the part is to be posted again."""
    return isinstance(error, (*OUTCOME_UNKNOWN, *NOTHING_STORED, Overloaded))
