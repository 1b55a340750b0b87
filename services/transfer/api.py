"""The transfer service over HTTP: routes read, hand over and answer; they hold no rule."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.schemas import IN_DIGITS
from services.transfer.actors import Actor
from services.transfer.cases.limits import last_day_within
from services.transfer.cases.states import OPEN_STATES
from services.transfer.commands import (
    AcceptTransfer,
    ApproveTransfer,
    ConfirmArrival,
    RefuseTransfer,
    RequestTransfer,
    WithdrawTransfer,
)
from services.transfer.composition import transfers_of
from services.transfer.problems import OutsidePlaceError
from services.transfer.schemas import (
    ListedTransfer,
    OpaqueId,
    OwnTransfers,
    Place,
    Refusal,
    StateName,
    TransferReceipt,
    TransferRequest,
    TransferView,
    Worklist,
)

PAGE_MAX = 200

PORTAL = "transfer:confirm"
"""The scope of a portal that signs people in and speaks for whom it has signed in."""

router = APIRouter(prefix="/v1/transfers", tags=["transfers"])
people_router = APIRouter(prefix="/v1/persons", tags=["transfers"])

Requester = require("transfer:request")
Reviewer = require("transfer:review")
Reader = require("transfer:request", "transfer:review", PORTAL)
Confirmer = require("transfer:request", PORTAL)

RequesterCaller = Annotated[Caller, Depends(Requester)]
ReviewerCaller = Annotated[Caller, Depends(Reviewer)]
ReaderCaller = Annotated[Caller, Depends(Reader)]
RequesterKey = Annotated[CommandKey, Depends(command_key(Requester))]
ConfirmerCaller = Annotated[Caller, Depends(Confirmer)]
ConfirmerKey = Annotated[CommandKey, Depends(command_key(Confirmer))]
ReviewerKey = Annotated[CommandKey, Depends(command_key(Reviewer))]

_STEP: dict[str, Any] = {"response_model": TransferReceipt, "responses": problems(400, 404, 409, 422)}


def _actor(caller: Caller) -> Actor:
    unbound = caller.place is None and caller.organization is None
    return Actor(
        subject=caller.subject,
        place=caller.place,
        organization=caller.organization,
        portal=unbound and PORTAL in caller.scopes,
    )


@router.post("", status_code=201, response_model=TransferReceipt, responses=problems(400, 404, 409, 422, 503))
async def request_transfer(
    request: Request, body: TransferRequest, caller: RequesterCaller, key: RequesterKey
) -> Response:
    """Ask to move a person's profile to another place (S2C-10).

    One transfer of a person may be open at a time. To another authority it is suspended, 暂缓办理, until both have opened
    the service (S2C-13), and refused while an enrolment of the person is unregistered or a claim or filing is open:
    `blockers` names each (S2C-14).
    """
    command = RequestTransfer(
        person_id=body.person_id,
        to_place=body.to_place,
        employer=body.employer,
        student=body.student,
        evidence=body.files,
        actor=_actor(caller),
    )
    answer = await transfers_of(request).application.request_transfer(command, key)
    return answer.response()


@router.post("/{transfer_id}/acceptance", **_STEP)
async def accept_transfer(
    request: Request, transfer_id: UUID, caller: ReviewerCaller, key: ReviewerKey
) -> Response:
    """The place of origin lets the profile go (S2C-11)."""
    command = AcceptTransfer(transfer_id=transfer_id, actor=_actor(caller))
    return (await transfers_of(request).application.accept_transfer(command, key)).response()


@router.post("/{transfer_id}/approval", **_STEP)
async def approve_transfer(
    request: Request, transfer_id: UUID, caller: ReviewerCaller, key: ReviewerKey
) -> Response:
    """The destination takes the profile: within an authority that completes the transfer (S2C-12).

    What comes from another authority then waits for the person, who confirms it (S2C-18).
    """
    command = ApproveTransfer(transfer_id=transfer_id, actor=_actor(caller))
    return (await transfers_of(request).application.approve_transfer(command, key)).response()


@router.post("/{transfer_id}/refusal", **_STEP)
async def refuse_transfer(
    request: Request, transfer_id: UUID, body: Refusal, caller: ReviewerCaller, key: ReviewerKey
) -> Response:
    """The desk whose turn it is refuses, with a reason; the profile stays at its origin (S2C-12, S2C-18)."""
    command = RefuseTransfer(
        transfer_id=transfer_id, reason=body.reason, text=body.text, actor=_actor(caller)
    )
    return (await transfers_of(request).application.refuse_transfer(command, key)).response()


@router.post("/{transfer_id}/withdrawal", **_STEP)
async def withdraw_transfer(
    request: Request, transfer_id: UUID, caller: RequesterCaller, key: RequesterKey
) -> Response:
    """The person takes the request back, as long as the origin has not accepted it."""
    command = WithdrawTransfer(transfer_id=transfer_id, actor=_actor(caller))
    return (await transfers_of(request).application.withdraw_transfer(command, key)).response()


@router.post("/{transfer_id}/confirmation", **_STEP)
async def confirm_arrival(
    request: Request, transfer_id: UUID, caller: ConfirmerCaller, key: ConfirmerKey
) -> Response:
    """The person looks an approved transfer from another authority up, which confirms it (S2C-18).

    With the person's own token, or by a portal that has signed them in. The profile moves as soon as the origin has handed
    the accounts over.
    """
    command = ConfirmArrival(transfer_id=transfer_id, actor=_actor(caller))
    return (await transfers_of(request).application.confirm_arrival(command, key)).response()


@people_router.get("/{person_id}/transfers", responses=problems(404, 422))
async def list_own_transfers(request: Request, person_id: OpaqueId, caller: ReaderCaller) -> OwnTransfers:
    """A person's transfers, newest first, with where each stands (S2C-11): those the caller may see."""
    transfers, actor = transfers_of(request), _actor(caller)
    found = await transfers.queries.transfers_of(person_id, actor)
    return OwnTransfers(transfers=[TransferView.of(each, actor, transfers.clock()) for each in found])


@router.get("/{transfer_id}", responses=problems(404, 422))
async def get_transfer(request: Request, transfer_id: UUID, caller: ReaderCaller) -> TransferView:
    """One transfer with all its steps: for the applicant and the officials of both places (S2C-11)."""
    transfers, actor = transfers_of(request), _actor(caller)
    found = await transfers.queries.get_transfer(transfer_id, actor)
    return TransferView.of(found, actor, transfers.clock())


@router.get("", responses=problems(404, 422))
async def list_transfers(
    request: Request,
    caller: ReviewerCaller,
    place: Annotated[Place | None, Query(description="The caller's own place when left out.")] = None,
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
    transfers, actor = transfers_of(request), _actor(caller)
    wanted = place or caller.place
    if wanted is None:
        raise OutsidePlaceError
    states = state or [each.value for each in OPEN_STATES]
    now = transfers.clock()
    due_by = None if due_within is None else last_day_within(due_within, now)
    found = await transfers.queries.list_transfers(
        actor, wanted, states, after=after, limit=limit + 1, due_by=due_by
    )
    items = [ListedTransfer.of(listed, now) for listed in found[:limit]]
    return Worklist(items=items, next=items[-1].transfer_id if len(found) > limit else None)
