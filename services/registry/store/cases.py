"""Rows of cases: who holds which document, changes of information, the worklist, exam enrolments.

Whatever awaits an official has one row in the worklist, whichever kind of case it is: a kind joins by entering and
leaving it from its own events.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.divisions import chain_of
from services.kit.database import Connection
from services.registry.store.read_model import ReadModel
from services.registry.streams import change as changes

COLLECTION, CHANGE, ACCOUNT = "collection", "change", "account"
REVIEW, BACK = "review", "returned"
"""The step of a case with one review, and of one that waits for its submitter and is on no worklist meanwhile."""


@dataclass(frozen=True)
class Waiting:
    """A case that awaits an official: what it is about, since when, and who may not be the one."""

    case_id: str
    kind: str
    step: str
    place: str
    subject_id: str
    submitted_by: str
    submitted_at: datetime
    not_by: tuple[str, ...]


async def enter(conn: Connection, log: str, case: Waiting) -> None:
    """Put a case on the worklist of its place, at the end of its order."""
    await conn.execute(
        _ENTER,
        log,
        case.case_id,
        case.kind,
        case.step,
        case.place,
        list(chain_of(case.place)),
        case.subject_id,
        case.submitted_by,
        case.submitted_at,
        list(case.not_by),
    )


async def leave(conn: Connection, log: str, case_id: str) -> None:
    """Take a case off the worklist: it was decided, returned or withdrawn."""
    await conn.execute(_LEAVE, log, case_id)


_ENTER = """
insert into worklist
    (log, case_id, kind, step, place, chain, subject_id, submitted_by, submitted_at, not_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (log, case_id) do update
   set step = excluded.step, place = excluded.place, chain = excluded.chain, submitted_by = excluded.submitted_by,
       submitted_at = excluded.submitted_at, not_by = excluded.not_by
"""
_LEAVE = "delete from worklist where log = $1 and case_id = $2"
_LEAVE_OF = "delete from worklist where log = $1 and kind = $2 and subject_id = $3"
_NEXT_STEP = """
update worklist set step = 'final', not_by = not_by || $4::text
 where log = $1 and kind = $2 and subject_id = $3
"""
_GO_BACK = "update worklist set step = $3 where log = $1 and case_id = $2"
_ENTER_AGAIN = """
update worklist set step = $3, submitted_by = $4, submitted_at = $5, not_by = array[$4::text]
 where log = $1 and case_id = $2
"""
_MOVED = "update worklist set place = $4, chain = $5 where log = $1 and kind = $2 and subject_id = $3"
_CLAIM = """
insert into documents (log, identity_hash, person_id, state, generation) values ($1, $2, $3, 'current', $4)
on conflict (log, identity_hash) do update
   set person_id = excluded.person_id, state = 'current', generation = excluded.generation
"""
_AGAIN = """
update documents set state = 'current' where log = $1 and identity_hash = $2 and person_id = $3
"""
_NO_LONGER = "update documents set state = $4 where log = $1 and identity_hash = $2 and person_id = $3"
# The row says from now on that the document was claimed once, and leads to nobody.
_RELEASE_ALL = "update documents set state = 'released', person_id = '' where log = $1 and person_id = $2"
_LEAVE_ALL = "delete from worklist where log = $1 and subject_id = $2"
_SUBMIT = """
insert into changes
    (log, change_id, person_id, number, version, submitted_version, state, items, place, employer, submitted_by,
     submitted_at)
values ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)
"""
_RESUBMIT = """
update changes
   set version = $3, submitted_version = $3, state = $4, items = $5, place = $6, employer = $7, submitted_by = $8,
       submitted_at = $9, decided_by = null, decided_at = null, reason = null
 where log = $1 and change_id = $2
"""
_DECIDE = """
update changes set version = $3, state = $4, decided_by = $5, decided_at = $6, reason = $7
 where log = $1 and change_id = $2
"""
_REVERSE = "update changes set version = $3, state = $4, reason = $5 where log = $1 and change_id = $2"
_FOLLOWED = """
update changes set place = $3, employer = $4
 where log = $1 and person_id = $2 and state in ('submitted', 'returned')
"""
_ENROLMENT = """
insert into exam_enrolments (log, enrolment_id, place, from_day, until_day, set_by, set_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def _collection_enters(conn: Connection, log: str, event: Any) -> None:
    if getattr(event, "transfer_id", None) is not None:
        return  # what arrives by a transfer was reviewed elsewhere
    case = Waiting(
        case_id=event.collection_id,
        kind=COLLECTION,
        step="initial",
        place=event.profile["place"],
        subject_id=str(event.originator_id),
        submitted_by=event.submitted_by,
        submitted_at=event.timestamp,
        not_by=(event.submitted_by,),
    )
    await enter(conn, log, case)


async def _collection_goes_on(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_NEXT_STEP, log, COLLECTION, str(event.originator_id), event.passed_by)


async def _collection_leaves(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_LEAVE_OF, log, COLLECTION, str(event.originator_id))


async def _change_enters(conn: Connection, log: str, event: Any) -> None:
    case = Waiting(
        case_id=str(event.originator_id),
        kind=CHANGE,
        step=REVIEW,
        place=event.place,
        subject_id=event.person_id,
        submitted_by=event.submitted_by,
        submitted_at=event.timestamp,
        not_by=(event.submitted_by,),
    )
    await enter(conn, log, case)


async def _case_leaves(conn: Connection, log: str, event: Any) -> None:
    await leave(conn, log, str(event.originator_id))


async def _change_follows(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_FOLLOWED, log, str(event.originator_id), event.place, event.employer)


async def _change_moves(conn: Connection, log: str, event: Any) -> None:
    chain = list(chain_of(event.place))
    await conn.execute(_MOVED, log, CHANGE, str(event.originator_id), event.place, chain)


async def _yearly_enters(conn: Connection, log: str, event: Any) -> None:
    case = Waiting(
        case_id=str(event.originator_id),
        kind=event.kind,
        step=REVIEW,
        place=event.reader,
        subject_id=event.organization_id,
        submitted_by=event.submitted_by,
        submitted_at=event.timestamp,
        not_by=(event.submitted_by,),
    )
    await enter(conn, log, case)


async def _yearly_goes_back(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_GO_BACK, log, str(event.originator_id), BACK)


async def _yearly_enters_again(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _ENTER_AGAIN, log, str(event.originator_id), REVIEW, event.submitted_by, event.timestamp
    )


async def _account_enters(conn: Connection, log: str, event: Any) -> None:
    case = Waiting(
        case_id=str(event.originator_id),
        kind=ACCOUNT,
        step=REVIEW,
        place=event.place,
        subject_id=event.organization_id,
        submitted_by=event.requested_by,
        submitted_at=event.timestamp,
        # A bureau's official may ask at the counter and grant it: the procedure names no second pair of eyes.
        not_by=(),
    )
    await enter(conn, log, case)


async def _document_claimed(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _CLAIM, log, event.identity_hash, str(event.originator_id), _generation_of(event.identity)
    )


async def _document_changed(conn: Connection, log: str, event: Any) -> None:
    if event.former_hash == event.identity_hash:
        return
    person_id = str(event.originator_id)
    # What a wrong change had claimed may belong to somebody else; what a right one replaced stays findable.
    gone = "former" if event.cause == CHANGE else "released"
    await conn.execute(_NO_LONGER, log, event.former_hash, person_id, gone)
    if event.identity is None:
        await conn.execute(_AGAIN, log, event.identity_hash, person_id)
    else:
        await _document_claimed(conn, log, event)


async def _documents_given_back(conn: Connection, log: str, event: Any) -> None:
    if event.forgotten:
        await _documents_released(conn, log, event)


async def _documents_released(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_RELEASE_ALL, log, str(event.originator_id))


async def _person_leaves(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_LEAVE_ALL, log, str(event.originator_id))


def _generation_of(identity: str) -> int:
    """The number behind `person:hs256:<hash>`, 0 without one."""
    return int(identity.split(":", 3)[3]) if identity.count(":") > 2 else 0


async def _change_submitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _SUBMIT,
        log,
        str(event.originator_id),
        event.person_id,
        event.number,
        event.originator_version,
        changes.SUBMITTED,
        event.items,
        event.place,
        event.employer,
        event.submitted_by,
        event.timestamp,
    )


async def _change_resubmitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _RESUBMIT,
        log,
        str(event.originator_id),
        event.originator_version,
        changes.SUBMITTED,
        event.items,
        event.place,
        event.employer,
        event.submitted_by,
        event.timestamp,
    )


async def _decide(conn: Connection, log: str, event: Any, state: str, by: str, reason: str | None) -> None:
    change_id, version = str(event.originator_id), event.originator_version
    await conn.execute(_DECIDE, log, change_id, version, state, by, event.timestamp, reason)


async def _change_approved(conn: Connection, log: str, event: Any) -> None:
    await _decide(conn, log, event, changes.APPROVED, event.approved_by, None)


async def _change_returned(conn: Connection, log: str, event: Any) -> None:
    await _decide(conn, log, event, changes.RETURNED, event.returned_by, event.reason)


async def _change_withdrawn(conn: Connection, log: str, event: Any) -> None:
    await _decide(conn, log, event, changes.WITHDRAWN, event.withdrawn_by, None)


async def _change_reversed(conn: Connection, log: str, event: Any) -> None:
    change_id, version = str(event.originator_id), event.originator_version
    await conn.execute(_REVERSE, log, change_id, version, changes.REVERSED, event.reason)


async def _enrolment_set(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _ENROLMENT,
        log,
        str(event.originator_id),
        event.place,
        event.from_day,
        event.until_day,
        event.set_by,
        event.timestamp,
    )


def case_read_models() -> list[ReadModel]:
    """Documents, changes, the worklist and exam enrolments."""
    return [
        ReadModel(
            "documents",
            {
                "registry.CollectionSubmitted": _document_claimed,
                "registry.InfoChanged": _document_changed,
                "registry.ArrivalDropped": _documents_given_back,
                "registry.PersonErased": _documents_released,
            },
        ),
        ReadModel(
            "changes",
            {
                "registry.ChangeSubmitted": _change_submitted,
                "registry.ChangeResubmitted": _change_resubmitted,
                "registry.ChangeApproved": _change_approved,
                "registry.ChangeReturned": _change_returned,
                "registry.ChangeWithdrawn": _change_withdrawn,
                "registry.ChangeReversed": _change_reversed,
                "registry.ProfileMoved": _change_follows,
            },
        ),
        ReadModel(
            "worklist",
            {
                "registry.CollectionSubmitted": _collection_enters,
                "registry.CollectionResubmitted": _collection_enters,
                "registry.InitialReviewPassed": _collection_goes_on,
                "registry.CollectionReturned": _collection_leaves,
                "registry.InfoCollected": _collection_leaves,
                "registry.ChangeSubmitted": _change_enters,
                "registry.ChangeResubmitted": _change_enters,
                "registry.ChangeApproved": _case_leaves,
                "registry.ChangeReturned": _case_leaves,
                "registry.ChangeWithdrawn": _case_leaves,
                "registry.ProfileMoved": _change_moves,
                "registry.ProfileDeparted": _person_leaves,
                "registry.PersonErased": _person_leaves,
                "registry.YearlyDocumentSubmitted": _yearly_enters,
                "registry.YearlyDocumentResubmitted": _yearly_enters_again,
                "registry.YearlyDocumentReturned": _yearly_goes_back,
                "registry.YearlyDocumentAccepted": _case_leaves,
                "registry.AccountRequested": _account_enters,
                "registry.AccountGranted": _case_leaves,
                "registry.AccountRefused": _case_leaves,
            },
        ),
        ReadModel("exam_enrolments", {"registry.ExamEnrolmentSet": _enrolment_set}),
    ]
