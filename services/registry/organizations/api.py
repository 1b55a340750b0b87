"""Routes of organizations: registered, filed, published, ended, disqualified, reinstated and evaluated."""

from collections.abc import Iterable, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from services.kit.auth import require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.pydantic_models import fields_of
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.kit.spreadsheets import CSV_TYPE, write_csv
from services.registry.organizations import schemas
from services.registry.organizations.organizations import OrganizationQueries, Organizations
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization
from services.registry.web.routes import UUID_FORM, Id, OrganizationKind, Place, acting, part

CSV_ANSWER: dict[int | str, dict[str, object]] = {
    200: {
        "description": "A table with a header, in UTF-8 with a byte order mark.",
        "content": {CSV_TYPE: {"schema": {"type": "string"}}},
    }
}
"""`responses` of a route that answers with a table."""


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The rows as a file to save under the name."""
    return Response(
        write_csv(columns, rows),
        headers={
            "Content-Type": f"{CSV_TYPE}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


router = Router(prefix="/v1", tags=["organizations"])

Number = Annotated[int, Path(ge=1, le=10_000), IN_DIGITS]
PlaceQuery = Annotated[Place, Query()]
_write = require("organization:write")
_see = require(
    "organization:write",
    "client:write",
    "collection:submit",
    "completion:write",
    "enrolment:write",
    "plan:submit",
)
COLUMNS = ("organization_id", "name", "uscc", "kind", "affiliation", "place", "registered_at")


Commands = Annotated[Organizations, Depends(part(Organizations))]
Queries = Annotated[OrganizationQueries, Depends(part(OrganizationQueries))]
Writer = Annotated[Actor, Depends(acting(_write))]
Key = Annotated[CommandKey, Depends(command_key(_write))]


@router.post(
    "/organizations", status_code=201, response_model=schemas.OrganizationOutcome, responses=problems(409)
)
async def register_organization(
    body: schemas.OrganizationRequest, by: Writer, key: Key, commands: Commands
) -> Response:
    """Register an organization, once for each unified social credit code."""
    return (await commands.register(key, by, body)).response()


@router.get("/organizations", response_model=schemas.OrganizationLines)
async def list_organizations(
    place: PlaceQuery,
    by: Writer,
    queries: Queries,
    kind: OrganizationKind | None = None,
    after: Annotated[str | None, Query(pattern=UUID_FORM)] = None,
    limit: Annotated[int, Query(ge=1, le=1000), IN_DIGITS] = 100,
) -> object:
    """The organizations kept or filed at a place or under it, a page at a time."""
    found = await queries.list_at(by, place, kind, after=after or "", limit=limit + 1)
    page = [{key: row[key] for key in COLUMNS[:-1]} for row in found[:limit]]
    return {"items": page, "next": page[-1]["organization_id"] if len(found) > limit else None}


@router.get("/exports/organizations", response_class=Response, responses=CSV_ANSWER)
async def export_organizations(
    place: PlaceQuery, by: Writer, queries: Queries, kind: OrganizationKind | None = None
) -> Response:
    """The organizations kept or filed at a place or under it, as a table; no cell is a formula."""
    found = await queries.list_at(by, place, kind)
    return csv_response("organizations", COLUMNS, [[row[column] for column in COLUMNS] for row in found])


@router.get("/organizations/{id}", response_model=schemas.OrganizationView, responses=problems(404))
async def get_organization(
    organization_id: Id, by: Annotated[Actor, Depends(acting(_see))], queries: Queries
) -> object:
    """An organization with its accreditations; one that acts for itself sees itself only."""
    return _view(await queries.get(by, UUID(organization_id)))


@router.post(
    "/organizations/{id}/accreditations",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def accredit_provider(
    organization_id: Id, body: schemas.AccreditationRequest, by: Writer, key: Key, commands: Commands
) -> Response:
    """File a provider for a place, years and modes of training (S1-22, S2B-14)."""
    said = commands.change_standing(
        key, by, UUID(organization_id), Organization.accredit, **body.model_dump()
    )
    return (await said).response()


@router.post(
    "/organizations/{id}/accreditations/{number}/publication",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def publish_accreditation(
    organization_id: Id, number: Number, by: Writer, key: Key, commands: Commands
) -> Response:
    """Publish what was filed: only from now on may it train (S2B-14, S3B-12)."""
    said = commands.change_standing(key, by, UUID(organization_id), Organization.publish, number=number)
    return (await said).response()


@router.post(
    "/organizations/{id}/accreditations/{number}/end",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def end_accreditation(
    organization_id: Id,
    number: Number,
    body: schemas.EndRequest,
    by: Writer,
    key: Key,
    commands: Commands,
) -> Response:
    """End a filing from a day on; what was completed before is not touched."""
    said = commands.change_standing(
        key, by, UUID(organization_id), Organization.end, number=number, **body.model_dump()
    )
    return (await said).response()


@router.post(
    "/organizations/{id}/disqualification",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def disqualify_provider(
    organization_id: Id, body: schemas.DisqualificationRequest, by: Writer, key: Key, commands: Commands
) -> Response:
    """Take a provider's standing at a place and under it, from a day on; published to everybody (S0-25)."""
    said = commands.change_standing(
        key, by, UUID(organization_id), Organization.disqualify, **body.model_dump()
    )
    return (await said).response()


@router.post(
    "/organizations/{id}/reinstatement",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def reinstate_provider(
    organization_id: Id, body: schemas.ReinstatementRequest, by: Writer, key: Key, commands: Commands
) -> Response:
    """Give back the standing that was taken at this place, from a day on; the days between stay lost."""
    said = commands.change_standing(
        key, by, UUID(organization_id), Organization.reinstate, **body.model_dump()
    )
    return (await said).response()


@router.post(
    "/organizations/{id}/evaluations",
    status_code=201,
    response_model=schemas.EvaluationOutcome,
    responses=problems(404, 409),
)
async def evaluate_provider(
    organization_id: Id, body: schemas.EvaluationRequest, by: Writer, key: Key, commands: Commands
) -> Response:
    """Score a training organization over a period (综合评价, S2B-15)."""
    return (await commands.evaluate(key, by, UUID(organization_id), body)).response()


@router.get(
    "/organizations/{id}/evaluations", response_model=schemas.EvaluationViews, responses=problems(404)
)
async def list_evaluations(
    organization_id: Id, by: Annotated[Actor, Depends(acting(_see))], queries: Queries
) -> object:
    """The evaluations of an organization, for itself and for officials."""
    return {"items": await queries.list_evaluations(by, UUID(organization_id))}


@router.post(
    "/evaluations/{id}/correction", response_model=schemas.EvaluationOutcome, responses=problems(404)
)
async def correct_evaluation(
    evaluation_id: Id, body: schemas.CorrectionRequest, by: Writer, key: Key, commands: Commands
) -> Response:
    """Say what the scores should have been, and why; the first ones stay in the log."""
    return (await commands.correct_evaluation(key, by, UUID(evaluation_id), body)).response()


def _view(organization: Organization) -> dict[str, object]:
    return fields_of(
        schemas.OrganizationView,
        organization,
        organization_id=str(organization.id),
        accreditations=[
            fields_of(schemas.AccreditationView, held, years=list(held.years), modes=list(held.modes))
            for held in organization.accreditations
        ],
        disqualifications=[vars(lost) for lost in organization.disqualifications],
    )
