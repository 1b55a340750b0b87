"""Filings (备案) over HTTP: handed in by the organization that trains, decided by officials of the place."""

from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.calendar import UnknownYear
from services.kit.clock import end_of_day
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems, struct_answer
from services.kit.parts import part
from services.kit.views import view
from services.ledger.cases.commands import Actor
from services.ledger.cases.filings import Filings
from services.ledger.cases.schemas import FilingDecision, FilingRequest
from services.ledger.cases.views import FilingAnswer, FilingQueue
from services.ledger.streams.filing import OPEN, TrainingFiling
from services.ledger.streams.problems import NotAnOfficialError, OutsidePlaceError, UnknownPlaceError

router = APIRouter(prefix="/v1/filings")
FilingsPart = Annotated[Filings, Depends(part(Filings))]
_encode = msgspec.json.Encoder().encode

Submitter = require("filing:submit")
Reviewer = require("filing:review")
Anybody = require("filing:submit", "filing:review")
FilingId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
SubmitKey = Annotated[CommandKey, Depends(command_key(Submitter))]
ReviewKey = Annotated[CommandKey, Depends(command_key(Reviewer))]
PlaceQuery = Annotated[
    str | None,
    Query(pattern=r"^[1-9][0-9]{5}$", description="Of an official; left out, an organization sees its own."),
]
Cursor = Annotated[str | None, Query(max_length=120, description="`next` of the page before.")]
_START = (datetime(1, 1, 1, tzinfo=UTC), "")
_STEPS = problems(400, 403, 404, 409, 422)


def actor_of(caller: Caller) -> Actor:
    """Who asks, as far as decisions need to know."""
    return Actor(subject=caller.subject, place=caller.place, organization=caller.organization)


def must_cover(actor: Actor, place: str) -> None:
    """Raises UnknownPlaceError, NotAnOfficialError and OutsidePlaceError."""
    if not is_known(place):
        raise UnknownPlaceError
    if actor.place is None:
        raise NotAnOfficialError
    if not actor.covers(place):
        raise OutsidePlaceError


def cursor_of(after: str | None) -> tuple[datetime, str]:
    """Where a page begins. Raises InvalidRequestError."""
    if after is None:
        return _START
    moment, _, key = after.partition("~")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), key
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            [FieldError("", "invalid_cursor", "应为上一页的 next", "Must be `next` of a page", "after")]
        ) from None


@router.post("", operation_id="submit_filing", status_code=201, responses=_STEPS)
async def submit_filing(
    filings: FilingsPart, body: FilingRequest, caller: Annotated[Caller, Depends(Submitter)], key: SubmitKey
) -> Response:
    """File a training with the bureau of a place before it is held (S1-14, S3B-10)."""
    return (await filings.submit(body.command(), actor_of(caller), key)).response()


@router.get(
    "",
    operation_id="list_filings",
    **struct_answer(FilingQueue, "Filings in order of submission.", refusals=(403, 422)),
)
async def list_filings(
    filings: FilingsPart,
    caller: Annotated[Caller, Depends(Anybody)],
    place: PlaceQuery = None,
    status: Annotated[list[str] | None, Query(max_length=5)] = None,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The filings of a place and all under it, those that wait for the bureau when no status is named, with their due
    dates; or an organization's own."""
    actor = actor_of(caller)
    if place is None and actor.organization is not None:
        found = await filings.own(actor.organization, cursor_of(after), limit)
    else:
        place = place or actor.place or ""
        must_cover(actor, place)
        found = await filings.queue(place, status or sorted(OPEN), cursor_of(after), limit)
    following = f"{found[-1].submitted_at.isoformat()}~{found[-1].filing_id}" if len(found) == limit else None
    page = FilingQueue(results=[filing_answer(filings, filing) for filing in found], next=following)
    return Response(_encode(page), media_type="application/json")


@router.get(
    "/{filing_id}",
    operation_id="get_filing",
    **struct_answer(FilingAnswer, "The filing as it stands.", refusals=(404,)),
)
async def get_filing(
    filings: FilingsPart, filing_id: FilingId, caller: Annotated[Caller, Depends(Anybody)]
) -> Response:
    """Where a filing stands: for its organization, and for officials of its place."""
    entry = await filings.find(filing_id, actor_of(caller))
    return Response(_encode(filing_answer(filings, entry.state)), media_type="application/json")


@router.post("/{filing_id}/amendment", operation_id="amend_filing", responses=_STEPS)
async def amend_filing(
    filings: FilingsPart,
    filing_id: FilingId,
    body: FilingRequest,
    caller: Annotated[Caller, Depends(Submitter)],
    key: SubmitKey,
) -> Response:
    """Correct a filing that was returned; it goes to the end of the queue."""
    answer = await filings.amend(filing_id, body.command(), actor_of(caller), key)
    return answer.response()


@router.post("/{filing_id}/withdrawal", operation_id="withdraw_filing", responses=_STEPS)
async def withdraw_filing(
    filings: FilingsPart, filing_id: FilingId, caller: Annotated[Caller, Depends(Submitter)], key: SubmitKey
) -> Response:
    """Take a filing back before the training begins."""
    return (await filings.withdraw(filing_id, actor_of(caller), key)).response()


@router.post("/{filing_id}/approval", operation_id="approve_filing", responses=_STEPS)
async def approve_filing(
    filings: FilingsPart, filing_id: FilingId, caller: Annotated[Caller, Depends(Reviewer)], key: ReviewKey
) -> Response:
    """Approve a training; what began before this moment may not be reported (B-15)."""
    return (await filings.approve(filing_id, actor_of(caller), key)).response()


@router.post("/{filing_id}/return", operation_id="return_filing", responses=_STEPS)
async def return_filing(
    filings: FilingsPart,
    filing_id: FilingId,
    body: FilingDecision,
    caller: Annotated[Caller, Depends(Reviewer)],
    key: ReviewKey,
) -> Response:
    """Send a filing back with a reason; it may be amended and comes back."""
    return (await filings.return_(filing_id, body.reason, actor_of(caller), key)).response()


@router.post("/{filing_id}/refusal", operation_id="refuse_filing", responses=_STEPS)
async def refuse_filing(
    filings: FilingsPart,
    filing_id: FilingId,
    body: FilingDecision,
    caller: Annotated[Caller, Depends(Reviewer)],
    key: ReviewKey,
) -> Response:
    """Refuse a filing for good, with a reason."""
    return (await filings.refuse(filing_id, body.reason, actor_of(caller), key)).response()


def filing_answer(filings: Filings, filing: TrainingFiling) -> FilingAnswer:
    """The filing as it is shown; who decided is not."""
    due: date | UnknownYear | None = None
    if filing.state == "submitted":
        due = filings.terms_of(filing).approval_due(filing.submitted_at)
    day = due if isinstance(due, date) else None
    approved = filing.state == "approved" and filing.decided_at is not None
    return view(
        FilingAnswer,
        filing,
        due=day,
        overdue=day is not None and filings.now() >= end_of_day(day),
        due_unknown_year=due.year if isinstance(due, UnknownYear) else None,
        in_time=filing.decided_at < filing.begins_at if approved and filing.decided_at else None,
    )
