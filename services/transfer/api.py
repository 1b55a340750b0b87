"""Routes of the transfer service: they read, hand over and answer; they hold no rule."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.kit.audit import AuditedRoute, reads
from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import problems
from services.kit.review import Step, add_steps
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, Day
from services.transfer.application import TransferApplication
from services.transfer.cases.case import PORTAL, REQUESTER, REVIEWER, STEPS
from services.transfer.cases.commands import Actor, OpaqueId, Place, RefuseTransfer, RequestTransfer
from services.transfer.queries import TransferQueries
from services.transfer.views import (
    OwnTransfers,
    StateName,
    TransferCounts,
    TransferReceipt,
    TransferView,
    Worklist,
)

PAGE_MAX = 200

router = Router(prefix="/v1/transfers", tags=["transfers"], route_class=AuditedRoute)
people_router = Router(prefix="/v1/persons", tags=["transfers"], route_class=AuditedRoute)
statistics_router = Router(prefix="/v1/statistics", tags=["statistics"])

_reads = require("transfer:request", "transfer:review", PORTAL)
_counts = require("statistics:read", "transfer:review")


def _actor(caller: Caller) -> Actor:
    return Actor(subject=caller.subject, place=caller.place, organization=caller.organization)


async def _application(request: Request) -> TransferApplication:
    application: TransferApplication = request.app.state.transfers.application
    return application


async def _queries(request: Request) -> TransferQueries:
    queries: TransferQueries = request.app.state.transfers.queries
    return queries


RequesterCaller = Annotated[Caller, Depends(REQUESTER.caller)]
ReviewerCaller = Annotated[Caller, Depends(REVIEWER.caller)]
ReaderCaller = Annotated[Caller, Depends(_reads)]
CounterCaller = Annotated[Caller, Depends(_counts)]
RequesterKey = Annotated[CommandKey, Depends(REQUESTER.key)]
Commands = Annotated[TransferApplication, Depends(_application)]
Queries = Annotated[TransferQueries, Depends(_queries)]
InPlace = Annotated[Place | None, Query(description="The caller's own place when left out.")]

_STEP: dict[str, Any] = {"response_model": TransferReceipt, "responses": problems(400, 404, 409, 422)}


@router.post("", status_code=201, response_model=TransferReceipt, responses=problems(400, 404, 409, 422, 503))
async def request_transfer(
    body: RequestTransfer, commands: Commands, caller: RequesterCaller, key: RequesterKey
) -> Response:
    """Ask to move a person's profile to another place (S2C-10).

    One transfer of a person may be open at a time. To another authority it is suspended, 暂缓办理, until both have opened
    the service (S2C-13), and refused while an enrolment of the person is unregistered or a claim or filing is open:
    `blockers` names each (S2C-14).
    """
    return (await commands.request_transfer(body, _actor(caller), key)).response()


async def _take(
    step: Step,
    application: TransferApplication,
    transfer_id: UUID,
    caller: Caller,
    key: CommandKey,
    body: RefuseTransfer | None,
) -> StoredAnswer:
    if body is not None:
        return await application.refuse(transfer_id, body, _actor(caller), key)
    return await application.take(step.name, transfer_id, _actor(caller), key)


add_steps(router, STEPS, _take, cases=Commands, id_type=UUID, answers=_STEP)


@people_router.get("/{person_id}/transfers", responses=problems(404, 422))
@reads("transfers")
async def list_own_transfers(person_id: OpaqueId, queries: Queries, caller: ReaderCaller) -> OwnTransfers:
    """A person's transfers, newest first, with where each stands (S2C-11): those the caller may see."""
    return await queries.transfers_of(person_id, _actor(caller))


@router.get("/{transfer_id}", responses=problems(404, 422))
@reads("transfer")
async def get_transfer(transfer_id: UUID, queries: Queries, caller: ReaderCaller) -> TransferView:
    """One transfer with all its steps: for the applicant and the officials of both places (S2C-11)."""
    return await queries.get_transfer(transfer_id, _actor(caller))


@router.get("", responses=problems(404, 422))
@reads("transfers")
async def list_transfers(
    queries: Queries,
    caller: ReviewerCaller,
    place: InPlace = None,
    state: Annotated[
        list[StateName] | None, Query(max_length=14, description="The open ones when left out.")
    ] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    due_within: Annotated[
        int | None,
        Query(ge=0, le=10, description="Only what is due within so many working days, or late."),
        IN_DIGITS,
    ] = None,
) -> Worklist:
    """What waits on the desks of a place and all under it, in order of submission, with the day it is due (S2C-05).

    Within an authority a transfer stands at the origin's desk until accepted, then at the destination's; one that is over
    stands in the lists of both. Between two, each end stands in the list of its own place. With `due_within` it is the list
    of reminders: what is returned by itself unless somebody decides.
    """
    return await queries.list_transfers(
        _actor(caller), place, state, after=after, limit=limit, due_within=due_within
    )


@statistics_router.get("/transfers", responses=problems(422))
async def count_transfers(
    queries: Queries,
    caller: CounterCaller,
    place: InPlace = None,
    since: Annotated[
        Day | None, Query(description="First day of what ended; a year ago when left out.")
    ] = None,
    until: Annotated[Day | None, Query(description="Last day; today when left out.")] = None,
) -> TransferCounts:
    """How transfers go at a place and all under it: on their way, late, returned by reason, and how long they take."""
    return await queries.count_transfers(_actor(caller), place, since=since, until=until)
