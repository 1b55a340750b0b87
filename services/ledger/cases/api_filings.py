"""Filings (备案) over HTTP: handed in by the organization that trains, decided by officials of the place."""

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query, Response

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.clock import UnknownYear, end_of_day
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.pydantic_models import view
from services.kit.review import Place, Queue, Role, Step, add_queue, add_steps
from services.kit.routers import Router
from services.ledger.cases.commands import Actor, FilingRequest
from services.ledger.cases.filings import Filings, cursor_of
from services.ledger.cases.views import FilingAnswer, FilingOutcome, FilingQueue
from services.ledger.streams.filing import FILINGS, SUBMITTER, TrainingFiling
from services.ledger.streams.problems import NotAnOfficialError, OutsidePlaceError, UnknownPlaceError

router = Router(prefix="/v1/filings")
FilingsPart = Annotated[Filings, Depends(part(Filings))]
_encode = msgspec.json.Encoder().encode

Anybody = require("filing:submit", "filing:review")
FilingId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
SubmitKey = Annotated[CommandKey, Depends(SUBMITTER.key)]
PlaceQuery = Annotated[
    str | None,
    Query(pattern=r"^[1-9][0-9]{5}$", description="Of an official; left out, an organization sees its own."),
]
_REFUSALS = (400, 403, 404, 409, 422)
_OUTCOME = struct_answer(FilingOutcome, "The filing after it.", refusals=_REFUSALS)


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


@router.post(
    "",
    operation_id="submit_filing",
    status_code=201,
    **struct_answer(FilingOutcome, "The filing as it was handed in.", status=201, refusals=_REFUSALS),
)
async def submit_filing(
    filings: FilingsPart,
    body: FilingRequest,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    key: SubmitKey,
) -> Response:
    """File a training with the bureau of a place before it is held (S1-14, S3B-10)."""
    return (await filings.submit(body.command(), actor_of(caller), key)).response()


async def _list(
    cases: Filings, caller: Caller, place: str | None, states: list[str], after: Place, limit: int
) -> tuple[list[TrainingFiling], list[FilingAnswer]]:
    actor = actor_of(caller)
    if place is None and actor.organization is not None:
        found = await cases.own(actor.organization, after, limit)
    else:
        place = place or actor.place or ""
        must_cover(actor, place)
        found = await cases.queue(place, states, after, limit)
    return found, [filing_answer(cases, filing) for filing in found]


_QUEUE = Queue(
    page=FilingQueue,
    answer_words="Filings in order of submission.",
    words=(
        "The filings of a place and all under it, those that wait for the bureau when no state is named, with their due\n"
        "dates; or an organization's own."
    ),
    cursor=cursor_of,
    by=Role("filing:submit", "filing:review"),
    place=PlaceQuery,
    place_optional=True,
    states_max=5,
)
add_queue(router, FILINGS, _QUEUE, _list, cases=FilingsPart)


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


@router.post("/{filing_id}/amendment", operation_id="amend_filing", **_OUTCOME)
async def amend_filing(
    filings: FilingsPart,
    filing_id: FilingId,
    body: FilingRequest,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    key: SubmitKey,
) -> Response:
    """Correct a filing that was returned; it goes to the end of the queue."""
    answer = await filings.amend(filing_id, body.command(), actor_of(caller), key)
    return answer.response()


async def _take(
    step: Step, filings: Filings, filing_id: str, caller: Caller, key: CommandKey, body: Any
) -> StoredAnswer:
    fields = {"reason": body.reason} if body is not None else {}
    return await filings.take(step, filing_id, actor_of(caller), key, **fields)


add_steps(router, FILINGS, _take, cases=FilingsPart, id_type=FilingId, answers=_OUTCOME)


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
