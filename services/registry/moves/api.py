"""The routes by which the transfer service carries people from registry to registry, and nobody else."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from contracts.envelope import OpaqueId
from contracts.handover import ArrivingProfile
from contracts.relay import ArrivingPerson, TravellingPerson
from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.registry.actors import Actor
from services.registry.moves.arrivals import Arrivals
from services.registry.moves.departures import WHAT, Departures
from services.registry.personal_data.audit import AuditedRoute, reads_personal_data
from services.registry.problems import OutsidePlaceError

SCOPE = "transfer:carry"

router = APIRouter(prefix="/v1", route_class=AuditedRoute, tags=["moves"])

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_carries = require(SCOPE)


def _carrier(caller: Annotated[Caller, Depends(_carries)]) -> Actor:
    """The transfer service, bound to no place and no organization. Raises OutsidePlaceError for anybody else."""
    if caller.place is not None or caller.organization is not None:
        raise OutsidePlaceError
    return Actor(caller.subject, caller.scopes)


Carrier = Annotated[Actor, Depends(_carrier)]
TransferId = Annotated[OpaqueId, Path(alias="id")]


@router.get("/departing-people/{id}", responses=problems(404, 409, 410))
@reads_personal_data(WHAT)
async def get_departing_person(
    request: Request,
    response: Response,
    person_id: Annotated[str, Path(alias="id", pattern=_UUID)],
    carrier: Carrier,
) -> TravellingPerson:
    """Name, number and facts of somebody whose transfer is about to be offered (S2C-15). Every reading is put on record."""
    response.headers["Cache-Control"] = "no-store"
    departures: Departures = request.app.state.registry.departures
    return await departures.travelling(carrier, UUID(person_id))


@router.put("/arriving-people/{id}", responses=problems(409, 422))
async def take_in_person(
    request: Request, transfer_id: TransferId, body: ArrivingPerson, carrier: Carrier
) -> ArrivingProfile:
    """Take in somebody who is about to arrive by a transfer (S2C-17), under the id of the transfer.

    The same however often it is asked. Name and number are sealed here; the answer holds keyed hashes.
    """
    arrivals: Arrivals = request.app.state.registry.arrivals
    return await arrivals.take_in(carrier, transfer_id, body)


@router.get("/arriving-people/{id}", responses=problems(404, 422))
async def get_arriving_person(request: Request, transfer_id: TransferId, carrier: Carrier) -> ArrivingProfile:
    """Whom a transfer brings, as the ledger has to know them: hashes, no names."""
    arrivals: Arrivals = request.app.state.registry.arrivals
    return await arrivals.arriving(transfer_id)


@router.delete("/arriving-people/{id}", status_code=204, responses=problems(422))
async def let_go_of_person(request: Request, transfer_id: TransferId, carrier: Carrier) -> None:
    """Forget an arrival that came to nothing, and who was taken in for it alone. Harmless to repeat."""
    arrivals: Arrivals = request.app.state.registry.arrivals
    await arrivals.let_go(transfer_id)
