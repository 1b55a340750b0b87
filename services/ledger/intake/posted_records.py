"""Posted enrolments and exam passes read back: what was posted, what became of it since, and where it stands today."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from contracts.divisions import AUTHORITIES, authority_of
from services.kit import events as codec
from services.kit.database import Databases
from services.kit.errors import TYPE_PREFIX
from services.kit.event_store import EventStore, RecordedEvent
from services.ledger.intake.completion_record import CompletionStep, StepWord
from services.ledger.streams import account as accounts
from services.ledger.streams import waiting
from services.ledger.streams.account_events import EnrolmentRecorded, EnrolmentWithdrawn, ExamPassed
from services.ledger.streams.problems import AuthorityUnclearError, UnknownCompletionError
from services.ledger.streams.waiting import ParkedRecordReleased, ParkedRecordWithdrawn, RecordParked

Kind = Literal["enrolment", "exam_pass"]
_POSTED = ("year", "mode", "enrolled_on", "tier", "paid_on", "passed_at", "of")


class PostedRecord(Struct, kw_only=True):
    """A posted enrolment or exam pass today.

    `posted` is what was posted, less its person; `state` is `held` (`reason`), `registered`, `withdrawn` (`reason`) or
    `rejected` after waiting (`problem`). `history` is everything that became of it, oldest first.
    """

    id: str
    provider_id: str
    log: str
    posted: dict[str, Any]
    posted_at: datetime
    state: Literal["held", "registered", "withdrawn", "rejected"] = "held"
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    person_id: str | None = None
    signature: str | None = None
    history: list[CompletionStep] = []


class PostedRecords:
    """Reads; writes nothing."""

    def __init__(self, databases: Databases, store: EventStore) -> None:
        self._databases = databases
        self._store = store

    async def get(self, kind: Kind, provider_id: str, record_id: str, authority: str | None) -> PostedRecord:
        """One record by the provider's own id; `authority` is needed where the id was posted to several.

        Raises UnknownCompletionError and AuthorityUnclearError.
        """
        identity = waiting.identity_of(kind, provider_id, record_id)
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
        [first] = found
        return await self._read(kind, provider_id, record_id, first)

    async def _read(self, kind: Kind, provider_id: str, record_id: str, first: RecordedEvent) -> PostedRecord:
        event: Any = codec.decode(first.topic, first.state)
        said = (
            event.record if isinstance(event, RecordParked) else {n: getattr(event, n, None) for n in _POSTED}
        )
        record = PostedRecord(
            id=record_id,
            provider_id=provider_id,
            log=first.log,
            posted={name: said[name] for name in _POSTED if said.get(name) is not None},
            posted_at=getattr(event, "reported_at", first.recorded_at),
            signature=event.signature,
        )
        for recorded in await self._load(first.log, [first.stream_id]):
            _follow(record, kind, recorded)
        if isinstance(event, RecordParked) and record.person_id is not None:
            for recorded in await self._load(first.log, [accounts.stream_of(record.person_id, event.year)]):
                _follow(record, kind, recorded)
        return record

    async def _load(self, log: str, streams: Sequence[str]) -> list[RecordedEvent]:
        async with self._databases.of(log).acquire() as conn:
            loaded = await self._store.load(conn, log, streams)
        return [recorded for events in loaded.values() for recorded in events]


def _follow(record: PostedRecord, kind: Kind, recorded: RecordedEvent) -> None:
    """Apply one event of a waiting room or an account; what is not about the record changes nothing."""
    event: Any = codec.decode(recorded.topic, recorded.state)
    if getattr(event, "provider_id", None) != record.provider_id:
        return
    match event:
        case RecordParked() | ParkedRecordReleased() | ParkedRecordWithdrawn():
            if (event.kind, event.record_id) == (kind, record.id):
                _follow_in_room(record, recorded, event)
        case EnrolmentRecorded() if (kind, event.enrolment_id) == ("enrolment", record.id):
            _register(record, recorded, event.person_id)
        case ExamPassed() if (kind, event.exam_id) == ("exam_pass", record.id):
            _register(record, recorded, event.person_id)
        case EnrolmentWithdrawn() if (kind, event.enrolment_id) == ("enrolment", record.id):
            record.state, record.reason = "withdrawn", event.reason
            _step(record, recorded, "withdrawn")
        case _:
            pass


def _follow_in_room(record: PostedRecord, recorded: RecordedEvent, event: Any) -> None:
    match event:
        case RecordParked():
            record.state = "held"
            record.reason, record.clause = event.told or (event.reason, event.clause)
            _step(record, recorded, "held")
        case ParkedRecordReleased():
            record.person_id = event.person_id
            if event.outcome == "rejected":
                problem = TYPE_PREFIX + event.problem if event.problem is not None else None
                record.state, record.reason, record.clause, record.problem = (
                    "rejected",
                    None,
                    event.clause,
                    problem,
                )
                _step(record, recorded, "rejected")
        case _:
            record.state, record.reason = "withdrawn", event.reason
            _step(record, recorded, "withdrawn")


def _register(record: PostedRecord, recorded: RecordedEvent, person_id: str) -> None:
    record.state, record.reason, record.clause, record.person_id = "registered", None, None, person_id
    _step(record, recorded, "registered")


def _step(record: PostedRecord, recorded: RecordedEvent, what: StepWord) -> None:
    record.history.append(
        CompletionStep(
            what=what,
            at=recorded.recorded_at,
            log=recorded.log,
            position=recorded.position,
            reason=record.reason,
            clause=record.clause,
            problem=record.problem,
        )
    )
