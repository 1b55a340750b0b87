"""The registry's routes: read, build a command, hand it over, answer. No rule lives here."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, StoredAnswer, command_key
from services.kit.openapi import problems
from services.registry import schemas
from services.registry.actors import Actor
from services.registry.application import RegistryApplication
from services.registry.audit import AuditedRoute, reads_personal_data
from services.registry.commands import (
    AccreditProvider,
    DisqualifyProvider,
    RegisterClient,
    RegisterOrganization,
)
from services.registry.organization import Organization
from services.registry.queries import RegistryQueries
from services.registry.vault import Identity

router = APIRouter(prefix="/v1", route_class=AuditedRoute)

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Path(alias="id", pattern=_UUID)]

_see = require("collection:submit", "collection:review")
_check = require("identity:check")
_organizations = require("organization:write")
_see_organization = require(
    "organization:write", "client:write", "collection:submit", "completion:write", "enrolment:write"
)
_clients = require("client:write")


def _application(request: Request) -> RegistryApplication:
    application: RegistryApplication = request.app.state.registry.application
    return application


def _queries(request: Request) -> RegistryQueries:
    queries: RegistryQueries = request.app.state.registry.queries
    return queries


Application = Annotated[RegistryApplication, Depends(_application)]
Queries = Annotated[RegistryQueries, Depends(_queries)]


def _actor(caller: Caller) -> Actor:
    return Actor(caller.subject, caller.scopes, caller.place, caller.organization)


def _identity(person: schemas.PersonIdentity) -> Identity:
    return Identity(person.id_type, person.id_number, person.name)


@router.get("/persons/{id}", response_model=schemas.PersonView, responses=problems(404), tags=["persons"])
@reads_personal_data("person")
async def get_person(person_id: Id, caller: Annotated[Caller, Depends(_see)], queries: Queries) -> Any:
    """A collected person, masked. Every reading is put on record."""
    return await queries.get_person(_actor(caller), UUID(person_id))


@router.post("/identity-checks", response_model=schemas.IdentityResults, tags=["persons"])
@reads_personal_data("identity-check")
async def check_identities(
    body: schemas.IdentityChecks, caller: Annotated[Caller, Depends(_check)], queries: Queries
) -> Any:
    """Ask before posting: is each of up to 1,000 persons collected, under this very name? In order."""
    identities = [_identity(person) for person in body.persons]
    results = await queries.check_identities(_actor(caller), identities)
    return {"results": [{"index": index, "result": result} for index, result in enumerate(results)]}


@router.post(
    "/organizations",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(409),
    tags=["organizations"],
)
async def register_organization(
    body: schemas.OrganizationRequest,
    caller: Annotated[Caller, Depends(_organizations)],
    key: Annotated[CommandKey, Depends(command_key(_organizations))],
    application: Application,
) -> Response:
    """Register an organization, once for each unified social credit code."""
    command = RegisterOrganization(
        by=_actor(caller), name=body.name, uscc=body.uscc, kind=body.kind, place=body.place
    )
    return (await application.register_organization(command, key)).response()


@router.post(
    "/organizations/{id}/accreditations",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
    tags=["organizations"],
)
async def accredit_provider(
    organization_id: Id,
    body: schemas.AccreditationRequest,
    caller: Annotated[Caller, Depends(_organizations)],
    key: Annotated[CommandKey, Depends(command_key(_organizations))],
    application: Application,
) -> Response:
    """File a provider for a place, years and modes of training (S1-22, S2B-14)."""
    command = AccreditProvider(
        by=_actor(caller),
        organization_id=UUID(organization_id),
        place=body.place,
        years=list(body.years),
        modes=list(body.modes),
        published=body.published,
    )
    return (await application.accredit_provider(command, key)).response()


@router.post(
    "/organizations/{id}/disqualification",
    status_code=201,
    response_model=schemas.OrganizationOutcome,
    responses=problems(404, 409),
    tags=["organizations"],
)
async def disqualify_provider(
    organization_id: Id,
    body: schemas.DisqualificationRequest,
    caller: Annotated[Caller, Depends(_organizations)],
    key: Annotated[CommandKey, Depends(command_key(_organizations))],
    application: Application,
) -> Response:
    """Take a provider's standing at a place and under it, from a day on; published to everybody (S0-25)."""
    command = DisqualifyProvider(
        by=_actor(caller),
        organization_id=UUID(organization_id),
        place=body.place,
        from_date=body.from_date,
        reason=body.reason,
    )
    return (await application.disqualify_provider(command, key)).response()


@router.get(
    "/organizations/{id}",
    response_model=schemas.OrganizationView,
    responses=problems(404),
    tags=["organizations"],
)
async def get_organization(
    organization_id: Id, caller: Annotated[Caller, Depends(_see_organization)], queries: Queries
) -> Any:
    """An organization with its accreditations; one that acts for itself sees itself only."""
    return _view(await queries.get_organization(_actor(caller), UUID(organization_id)))


@router.post(
    "/clients",
    status_code=201,
    response_model=schemas.ClientOutcome,
    responses=problems(404),
    tags=["clients"],
)
async def register_client(
    body: schemas.ClientRequest,
    caller: Annotated[Caller, Depends(_clients)],
    key: Annotated[CommandKey, Depends(command_key(_clients))],
    application: Application,
) -> Response:
    """Register a program that signs in for a place or an organization. Its secret is shown this once."""
    command = RegisterClient(
        by=_actor(caller),
        scopes=list(body.scopes),
        place=body.place,
        organization_id=UUID(body.organization_id) if body.organization_id else None,
        label=body.label,
    )
    answer, secret = await application.register_client(command, key)
    shown = msgspec.json.decode(answer.body) | {"client_secret": secret}
    response = StoredAnswer(answer.status, msgspec.json.encode(shown).decode(), answer.replayed).response()
    response.headers["Cache-Control"] = "no-store"
    return response


def _view(organization: Organization) -> dict[str, Any]:
    return {
        "organization_id": str(organization.id),
        "name": organization.name,
        "uscc": organization.uscc,
        "kind": organization.kind,
        "place": organization.place,
        "registered_at": organization.registered_at,
        "accreditations": [
            vars(held) | {"years": list(held.years), "modes": list(held.modes)}
            for held in organization.accreditations
        ],
        "disqualifications": [vars(lost) for lost in organization.disqualifications],
    }
