"""Routes of organizations: registered, filed, published, ended, disqualified, reinstated and evaluated."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.schemas import IN_DIGITS
from services.registry.actors import Actor
from services.registry.organizations import schemas
from services.registry.organizations.commands import (
    AccreditProvider,
    CorrectEvaluation,
    DisqualifyProvider,
    EndAccreditation,
    EvaluateProvider,
    PublishAccreditation,
    RegisterOrganization,
    ReinstateProvider,
)
from services.registry.organizations.exports import CSV_ANSWER, csv_response
from services.registry.organizations.organization import Organization
from services.registry.organizations.organizations import Organizations
from services.registry.organizations.queries import OrganizationQueries
from services.registry.schemas import OrganizationKind, Place

router = APIRouter(prefix="/v1", tags=["organizations"])

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Path(alias="id", pattern=_UUID)]
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


def _organizations(request: Request) -> Organizations:
    organizations: Organizations = request.app.state.registry.organizations
    return organizations


def organization_queries(request: Request) -> OrganizationQueries:
    """What answers questions about organizations."""
    queries: OrganizationQueries = request.app.state.registry.organization_queries
    return queries


Commands = Annotated[Organizations, Depends(_organizations)]
Queries = Annotated[OrganizationQueries, Depends(organization_queries)]
Writer = Annotated[Caller, Depends(_write)]
Key = Annotated[CommandKey, Depends(command_key(_write))]


def actor_of(caller: Caller) -> Actor:
    """Who acts, as decisions ask."""
    return Actor(caller.subject, caller.scopes, caller.place, caller.organization)


@router.post(
    "/organizations", status_code=201, response_model=schemas.OrganizationOutcome, responses=problems(409)
)
async def register_organization(
    body: schemas.OrganizationRequest, caller: Writer, key: Key, commands: Commands
) -> Response:
    """Register an organization, once for each unified social credit code."""
    command = RegisterOrganization(by=actor_of(caller), **body.model_dump())
    return (await commands.register(command, key)).response()


@router.get("/organizations", response_model=schemas.OrganizationLines)
async def list_organizations(
    place: PlaceQuery,
    caller: Writer,
    queries: Queries,
    kind: OrganizationKind | None = None,
    after: Annotated[str | None, Query(pattern=_UUID)] = None,
    limit: Annotated[int, Query(ge=1, le=1000), IN_DIGITS] = 100,
) -> Any:
    """The organizations kept or filed at a place or under it, a page at a time."""
    found = await queries.list_at(actor_of(caller), place, kind, after=after or "", limit=limit + 1)
    page = [{key: row[key] for key in COLUMNS[:-1]} for row in found[:limit]]
    return {"organizations": page, "after": page[-1]["organization_id"] if len(found) > limit else None}


@router.get("/exports/organizations", response_class=Response, responses=CSV_ANSWER)
async def export_organizations(
    place: PlaceQuery, caller: Writer, queries: Queries, kind: OrganizationKind | None = None
) -> Response:
    """The organizations kept or filed at a place or under it, as a table; no cell is a formula."""
    found = await queries.list_at(actor_of(caller), place, kind)
    return csv_response("organizations", COLUMNS, [[row[column] for column in COLUMNS] for row in found])


@router.get("/organizations/{id}", response_model=schemas.OrganizationView, responses=problems(404))
async def get_organization(
    organization_id: Id, caller: Annotated[Caller, Depends(_see)], queries: Queries
) -> Any:
    """An organization with its accreditations; one that acts for itself sees itself only."""
    return _view(await queries.get(actor_of(caller), UUID(organization_id)))


@router.post(
    "/organizations/{id}/accreditations",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def accredit_provider(
    organization_id: Id, body: schemas.AccreditationRequest, caller: Writer, key: Key, commands: Commands
) -> Response:
    """File a provider for a place, years and modes of training (S1-22, S2B-14)."""
    command = AccreditProvider(
        by=actor_of(caller), organization_id=UUID(organization_id), **body.model_dump()
    )
    return (await commands.change_standing(command, key)).response()


@router.post(
    "/organizations/{id}/accreditations/{number}/publication",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def publish_accreditation(
    organization_id: Id, number: Number, caller: Writer, key: Key, commands: Commands
) -> Response:
    """Publish what was filed: only from now on may it train (S2B-14, S3B-12)."""
    command = PublishAccreditation(by=actor_of(caller), organization_id=UUID(organization_id), number=number)
    return (await commands.change_standing(command, key)).response()


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
    caller: Writer,
    key: Key,
    commands: Commands,
) -> Response:
    """End a filing from a day on; what was completed before is not touched."""
    command = EndAccreditation(
        by=actor_of(caller), organization_id=UUID(organization_id), number=number, **body.model_dump()
    )
    return (await commands.change_standing(command, key)).response()


@router.post(
    "/organizations/{id}/disqualification",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def disqualify_provider(
    organization_id: Id, body: schemas.DisqualificationRequest, caller: Writer, key: Key, commands: Commands
) -> Response:
    """Take a provider's standing at a place and under it, from a day on; published to everybody (S0-25)."""
    command = DisqualifyProvider(
        by=actor_of(caller), organization_id=UUID(organization_id), **body.model_dump()
    )
    return (await commands.change_standing(command, key)).response()


@router.post(
    "/organizations/{id}/reinstatement",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
)
async def reinstate_provider(
    organization_id: Id, body: schemas.ReinstatementRequest, caller: Writer, key: Key, commands: Commands
) -> Response:
    """Give back the standing that was taken at this place, from a day on; the days between stay lost."""
    command = ReinstateProvider(
        by=actor_of(caller), organization_id=UUID(organization_id), **body.model_dump()
    )
    return (await commands.change_standing(command, key)).response()


@router.post(
    "/organizations/{id}/evaluations",
    status_code=201,
    response_model=schemas.EvaluationOutcome,
    responses=problems(404, 409),
)
async def evaluate_provider(
    organization_id: Id, body: schemas.EvaluationRequest, caller: Writer, key: Key, commands: Commands
) -> Response:
    """Score a training organization over a period (综合评价, S2B-15)."""
    command = EvaluateProvider(
        by=actor_of(caller), organization_id=UUID(organization_id), **body.model_dump()
    )
    return (await commands.evaluate(command, key)).response()


@router.get(
    "/organizations/{id}/evaluations", response_model=schemas.EvaluationViews, responses=problems(404)
)
async def list_evaluations(
    organization_id: Id, caller: Annotated[Caller, Depends(_see)], queries: Queries
) -> Any:
    """The evaluations of an organization, for itself and for officials."""
    return {"evaluations": await queries.list_evaluations(actor_of(caller), UUID(organization_id))}


@router.post(
    "/evaluations/{id}/correction", response_model=schemas.EvaluationOutcome, responses=problems(404)
)
async def correct_evaluation(
    evaluation_id: Id, body: schemas.CorrectionRequest, caller: Writer, key: Key, commands: Commands
) -> Response:
    """Say what the scores should have been, and why; the first ones stay in the log."""
    command = CorrectEvaluation(by=actor_of(caller), evaluation_id=UUID(evaluation_id), **body.model_dump())
    return (await commands.correct_evaluation(command, key)).response()


def _view(organization: Organization) -> dict[str, Any]:
    return {
        "organization_id": str(organization.id),
        "name": organization.name,
        "uscc": organization.uscc,
        "kind": organization.kind,
        "affiliation": organization.affiliation,
        "place": organization.place,
        "issuing_place": organization.issuing_place,
        "registered_at": organization.registered_at,
        "accreditations": [
            vars(held) | {"years": list(held.years), "modes": list(held.modes), "published": held.published}
            for held in organization.accreditations
        ],
        "disqualifications": [vars(lost) for lost in organization.disqualifications],
    }
