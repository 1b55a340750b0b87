"""Routes of what training organizations owe each year: plans, reports, and the calendar of duties."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Response

from services.kit.auth import require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.registry.organizations import schemas
from services.registry.organizations.api import CSV_ANSWER, PlaceQuery, Queries, csv_response
from services.registry.organizations.organizations import Organizations, duty_views
from services.registry.streams import yearly_document
from services.registry.streams.actor import Actor
from services.registry.streams.yearly_document import PLAN, REPORT
from services.registry.web.routes import YEAR_MAX, YEAR_MIN, Id, acting, add_routes, part

router = Router(prefix="/v1", tags=["plans and reports"])

_submit = require("plan:submit")
_decide = require("organization:write")
_see = require("plan:submit", "organization:write")
COLUMNS = (
    "organization_id",
    "organization",
    "kind",
    "mode",
    "place",
    "to",
    "year",
    "due_on",
    "state",
    "late",
    "clause",
)


Commands = Annotated[Organizations, Depends(part(Organizations))]
Submitter = Annotated[Actor, Depends(acting(_submit))]
Decider = Annotated[Actor, Depends(acting(_decide))]
Viewer = Annotated[Actor, Depends(acting(_see))]
SubmitKey = Annotated[CommandKey, Depends(command_key(_submit))]
DecideKey = Annotated[CommandKey, Depends(command_key(_decide))]
Year = Annotated[int, Query(ge=YEAR_MIN, le=YEAR_MAX, description="The year of the last day."), IN_DIGITS]


@router.post(
    "/organizations/{id}/plans/online",
    status_code=201,
    response_model=schemas.DocumentOutcome,
    responses=problems(404, 409),
)
async def submit_online_plan(
    organization_id: Id, body: schemas.OnlinePlan, by: Submitter, key: SubmitKey, commands: Commands
) -> Response:
    """Hand in next year's plan of online training, or again after a return; due 15 December (S3B-13)."""
    stored = await commands.submit_document(key, by, UUID(organization_id), PLAN, "online", body)
    return stored.response()


@router.post(
    "/organizations/{id}/plans/face-to-face",
    status_code=201,
    response_model=schemas.DocumentOutcome,
    responses=problems(404, 409),
)
async def submit_face_to_face_plan(
    organization_id: Id, body: schemas.FaceToFacePlan, by: Submitter, key: SubmitKey, commands: Commands
) -> Response:
    """Hand in next year's plan of face-to-face training, or again after a return; due 15 December (S3B-14)."""
    stored = await commands.submit_document(key, by, UUID(organization_id), PLAN, "face_to_face", body)
    return stored.response()


@router.post(
    "/organizations/{id}/reports",
    status_code=201,
    response_model=schemas.DocumentOutcome,
    responses=problems(404, 409),
)
async def submit_report(
    organization_id: Id, body: schemas.YearlyReport, by: Submitter, key: SubmitKey, commands: Commands
) -> Response:
    """Hand in the summary of a year's training, or again after a return (S3B-13, S3B-14)."""
    stored = await commands.submit_document(key, by, UUID(organization_id), REPORT, body.mode, body)
    return stored.response()


@router.get(
    "/organizations/{id}/yearly-documents", response_model=schemas.DocumentLines, responses=problems(404)
)
async def list_documents(organization_id: Id, by: Viewer, queries: Queries) -> object:
    """The plans and reports of an organization, for itself and the bureaus concerned."""
    return {"items": await queries.list_documents(by, UUID(organization_id))}


@router.get("/yearly-documents/{id}", response_model=schemas.DocumentView, responses=problems(404))
async def get_document(document_id: Id, by: Viewer, queries: Queries) -> object:
    """A plan or report with what was handed in last."""
    return await queries.get_document(by, UUID(document_id))


_STEPS: Mapping[str, Mapping[str, object]] = {
    "accept": {
        "words": "Accept a plan or report.",
        "answers": {"response_model": schemas.DocumentOutcome, "responses": problems(404, 409)},
    },
    "return": {
        "words": "Return a plan or report with a reason; it may then be handed in again.",
        "body": schemas.DocumentReturnRequest,
        "answers": {"response_model": schemas.DocumentOutcome, "responses": problems(404, 409)},
    },
}
document_steps = Router(prefix="/v1/yearly-documents", tags=["plans and reports"])
add_routes(document_steps, yearly_document.CASE, Organizations, "decide_document", **_STEPS)


@router.get("/duties", response_model=schemas.DutyViews, tags=["duties"])
async def list_duties(place: PlaceQuery, year: Year, by: Decider, queries: Queries) -> object:
    """What is owed with a last day in the year by those who train at a place or under it: due, late, done, by whom
    to whom, by which clause.
    """
    return duty_views(await queries.duties_at(by, place, year))


@router.get(
    "/organizations/{id}/duties",
    response_model=schemas.DutyViews,
    responses=problems(404),
    tags=["duties"],
)
async def list_duties_of_organization(
    organization_id: Id, year: Year, by: Viewer, queries: Queries
) -> object:
    """What an organization owes with a last day in the year; officials see what concerns their place."""
    return duty_views(await queries.duties_of(by, UUID(organization_id), year))


@router.get("/exports/duties", response_class=Response, responses=CSV_ANSWER, tags=["duties"])
async def export_duties(
    place: PlaceQuery,
    year: Year,
    by: Decider,
    queries: Queries,
    state: Literal["due", "late", "submitted", "returned", "done"] | None = None,
) -> Response:
    """The calendar of duties as a table; no cell is a formula."""
    found = await queries.duties_at(by, place, year)
    rows = [[getattr(duty, column) for column in COLUMNS] for duty in found if state in (None, duty.state)]
    return csv_response("duties", COLUMNS, rows)
