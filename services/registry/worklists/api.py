"""The routes of worklists (待办), of exam enrolments, and of a person's own cases."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.schemas import IN_DIGITS
from services.registry.actors import OWN
from services.registry.commands import SetExamEnrolment
from services.registry.people.api_collections import actor_of
from services.registry.people.own_view import OwnView
from services.registry.personal_data.api import Id
from services.registry.personal_data.audit import AuditedRoute, reads_personal_data
from services.registry.schemas import Place
from services.registry.worklists import schemas
from services.registry.worklists.worklists import SCOPES, STATISTICS, Cursor, Worklists

router = APIRouter(prefix="/v1", tags=["worklists"], route_class=AuditedRoute)

_decide = require(*SCOPES)
_count = require(*SCOPES, STATISTICS)
_review = require("collection:review")
_mine = require(OWN, "collection:submit")


def _worklists(request: Request) -> Worklists:
    worklists: Worklists = request.app.state.registry.worklists
    return worklists


def _own_view(request: Request) -> OwnView:
    own_view: OwnView = request.app.state.registry.own_view
    return own_view


Lists = Annotated[Worklists, Depends(_worklists)]
Own = Annotated[OwnView, Depends(_own_view)]
InPlace = Annotated[Place | None, Query(description="The caller's own place unless said otherwise.")]
After = Annotated[str | None, Query(pattern=r"^[01]\.[0-9]{1,16}\.[0-9a-f-]{36}$")]
Limit = Annotated[int, Query(ge=1, le=schemas.PAGE_MAX), IN_DIGITS]


@router.get("/worklists", response_model=schemas.Worklist)
async def get_worklist(
    caller: Annotated[Caller, Depends(_decide)],
    worklists: Lists,
    place: InPlace = None,
    kind: Annotated[schemas.Kind | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> Any:
    """What awaits an official at a place and under it, in the order it is to be worked (S2C-08): the fast lane first
    (S2C-06), inside each lane by submission. Only kinds that the caller's scopes decide are in it.
    """
    kinds = [kind] if kind is not None else []
    cursor = Cursor.read(after) if after is not None else None
    return await worklists.cases(actor_of(caller), place=place, kinds=kinds, after=cursor, limit=limit)


@router.get("/worklists/counts", response_model=schemas.WorklistCounts)
async def count_worklists(
    caller: Annotated[Caller, Depends(_count)], worklists: Lists, place: InPlace = None
) -> Any:
    """How many cases wait, are late, in the fast lane and held, by place, kind and step: what a dashboard shows."""
    return await worklists.counts(actor_of(caller), place=place)


@router.post("/worklists/cases/{id}/claim", response_model=schemas.Held, responses=problems(404, 409))
async def claim_case(
    case_id: Id,
    caller: Annotated[Caller, Depends(_decide)],
    key: Annotated[CommandKey, Depends(command_key(_decide))],
    worklists: Lists,
) -> Response:
    """Hold a case for half an hour, so that two officials do not work it; held again, it is held longer.

    While it is held nobody else reviews it. Refused to who submitted it, or did its initial review.
    """
    return (await worklists.hold(actor_of(caller), UUID(case_id), key)).response()


@router.post("/worklists/cases/{id}/release", response_model=schemas.Held, responses=problems(404, 409))
async def release_case(
    case_id: Id,
    caller: Annotated[Caller, Depends(_decide)],
    key: Annotated[CommandKey, Depends(command_key(_decide))],
    worklists: Lists,
) -> Response:
    """Hold a case no longer."""
    return (await worklists.release(actor_of(caller), UUID(case_id), key)).response()


@router.post("/exam-enrolments", status_code=201, response_model=schemas.ExamEnrolmentOutcome)
async def set_exam_enrolment(
    body: schemas.ExamEnrolmentRequest,
    caller: Annotated[Caller, Depends(_review)],
    key: Annotated[CommandKey, Depends(command_key(_review))],
    worklists: Lists,
) -> Response:
    """Say when an exam can be enrolled for at a place and under it: its collections go first on those days (S2C-06)."""
    command = SetExamEnrolment(
        by=actor_of(caller), place=body.place, from_day=body.from_day, until_day=body.until_day
    )
    return (await worklists.set_enrolment(command, key)).response()


@router.get("/exam-enrolments", response_model=schemas.ExamEnrolments)
async def get_exam_enrolments(caller: Annotated[Caller, Depends(_decide)], worklists: Lists) -> Any:
    """The exam enrolments that are open or to come."""
    return {"enrolments": await worklists.enrolments()}


@router.get("/my-cases", response_model=schemas.OwnCases)
async def get_my_cases(caller: Annotated[Caller, Depends(_mine)], own_view: Own) -> Any:
    """Where each case that the caller handed in stands, in plain words, newest first."""
    return {"cases": await own_view.cases(actor_of(caller))}


@router.get("/my-cases/{id}", response_model=schemas.OwnCaseInFull, responses=problems(404))
@reads_personal_data("own-case")
async def get_my_case(case_id: Id, caller: Annotated[Caller, Depends(_mine)], own_view: Own) -> Any:
    """Where one of them stands, with what the reviewer wrote."""
    return await own_view.case(actor_of(caller), UUID(case_id))
