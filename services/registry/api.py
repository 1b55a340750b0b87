"""The registry's routes: read, build a command, hand it over, answer. No rule lives here."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.registry import schemas
from services.registry.actors import Actor
from services.registry.personal_data.audit import AuditedRoute, reads_personal_data
from services.registry.personal_data.vault import Identity
from services.registry.queries import RegistryQueries

router = APIRouter(prefix="/v1", route_class=AuditedRoute)

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Path(alias="id", pattern=_UUID)]

_see = require("collection:submit", "collection:review")
_check = require("identity:check")


def _queries(request: Request) -> RegistryQueries:
    queries: RegistryQueries = request.app.state.registry.queries
    return queries


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
