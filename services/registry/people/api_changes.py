"""The routes of changes (信息变更): ask for one, review it, look at old and new, and undo what was wrongly approved."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.registry.actors import OWN
from services.registry.commands import ReverseChange, ReviewChange, SubmitChange
from services.registry.people import change_schemas as schemas
from services.registry.people.api_collections import actor_of
from services.registry.people.change_cases import Changes
from services.registry.personal_data import unmasking
from services.registry.personal_data.api import Id
from services.registry.personal_data.audit import AuditedRoute, reads_personal_data
from services.registry.worklists.case_queries import CaseQueries

router = APIRouter(prefix="/v1", tags=["changes"], route_class=AuditedRoute)

_submit = require("collection:submit", OWN)
_review = require("collection:review")
_see = require("collection:submit", "collection:review", OWN)
_unmask = require(unmasking.SCOPE)


def _changes(request: Request) -> Changes:
    changes: Changes = request.app.state.registry.changes
    return changes


def _queries(request: Request) -> CaseQueries:
    queries: CaseQueries = request.app.state.registry.case_queries
    return queries


Cases = Annotated[Changes, Depends(_changes)]
Queries = Annotated[CaseQueries, Depends(_queries)]


@router.post(
    "/persons/{id}/changes",
    status_code=201,
    response_model=schemas.ChangeOutcome,
    responses=problems(404, 409, 410),
)
async def submit_change(
    person_id: Id,
    body: schemas.ChangeRequest,
    caller: Annotated[Caller, Depends(_submit)],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    changes: Cases,
) -> Response:
    """Ask for a change of what is on record, item by item (S2C-09): the person, their employer, or an official.

    A person has one change at a time. A new ID document must be nobody else's. Old and new values are kept sealed.
    """
    command = _command(UUID(person_id), body, caller)
    return (await changes.submit(command, key)).response()


@router.post(
    "/changes/{id}/resubmission", response_model=schemas.ChangeOutcome, responses=problems(404, 409, 410)
)
async def resubmit_change(
    change_id: Id,
    body: schemas.ChangeRequest,
    caller: Annotated[Caller, Depends(_submit)],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    changes: Cases,
) -> Response:
    """Submit a returned change again, corrected: it goes to the end of the order and has ten working days anew."""
    command = _command(UUID(change_id), body, caller)
    return (await changes.resubmit(UUID(change_id), command, key)).response()


@router.post("/changes/{id}/withdrawal", response_model=schemas.ChangeOutcome, responses=problems(404, 409))
async def withdraw_change(
    change_id: Id,
    caller: Annotated[Caller, Depends(_submit)],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    changes: Cases,
) -> Response:
    """Give a change up before it is decided."""
    return (await changes.withdraw(UUID(change_id), actor_of(caller), key)).response()


@router.post("/changes/{id}/review", response_model=schemas.ChangeOutcome, responses=problems(404, 409, 410))
async def review_change(
    change_id: Id,
    body: schemas.ChangeReview,
    caller: Annotated[Caller, Depends(_review)],
    key: Annotated[CommandKey, Depends(command_key(_review))],
    changes: Cases,
) -> Response:
    """Approve a change, or send it back with a reason (S2C-09). Nobody reviews what they submitted.

    What is approved is on record from now on and is published; what it replaces stays in the case.
    """
    command = ReviewChange(by=actor_of(caller), change_id=UUID(change_id), reason=body.reason, note=body.note)
    return (await changes.review(command, key)).response()


@router.post(
    "/changes/{id}/reversal", response_model=schemas.ReversalOutcome, responses=problems(404, 409, 410)
)
async def reverse_change(
    change_id: Id,
    body: schemas.ChangeReversal,
    caller: Annotated[Caller, Depends(_review)],
    key: Annotated[CommandKey, Depends(command_key(_review))],
    changes: Cases,
) -> Response:
    """Undo a change that was wrongly approved, with a reason, by the caller's authority; nothing is deleted.

    With `separate`, a wrong merge ends: the document that the change brought in, with what is on record now, goes to a
    person of their own, and the first person gets back what the change replaced. Credits stay in the account they were
    registered in, until an authority revokes them.
    """
    command = ReverseChange(
        by=actor_of(caller),
        change_id=UUID(change_id),
        separate=body.separate,
        reason=body.reason,
        note=body.note,
    )
    return (await changes.reverse(command, key)).response()


@router.get("/changes/{id}", response_model=schemas.ChangeView, responses=problems(404))
@reads_personal_data("change")
async def get_change(change_id: Id, caller: Annotated[Caller, Depends(_see)], queries: Queries) -> Any:
    """A change with old and new values, masked, and the last day of its review."""
    return await queries.get_change(actor_of(caller), UUID(change_id))


@router.post("/changes/{id}/disclosure", response_model=schemas.ChangeView, responses=problems(404, 410))
@reads_personal_data("change")
async def unmask_change(
    response: Response,
    change_id: Id,
    body: schemas.Unmasking,
    caller: Annotated[Caller, Depends(_unmask)],
    queries: Queries,
) -> Any:
    """A change with its values in full, for a stated purpose, by an official of the place; put on record."""
    response.headers["Cache-Control"] = "no-store"
    return await queries.get_change_in_full(actor_of(caller), UUID(change_id), body.purpose)


def _command(person_id: UUID, body: schemas.ChangeRequest, caller: Caller) -> SubmitChange:
    return SubmitChange(
        by=actor_of(caller),
        person_id=person_id,
        items=body.items.values(),
        evidence=tuple(body.evidence),
    )
