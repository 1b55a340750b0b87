"""The ledger's side of a move between authorities, for the transfer service alone. Every call is harmless to repeat: the
transfer's id says which move it is, so no Idempotency-Key is asked for."""

from typing import Annotated

from fastapi import Depends, Path, Query

from contracts.divisions import is_known
from contracts.handover import (
    ArrivalAnswer,
    ArriveAtAuthority,
    DepartureAnswer,
    GuardDeparture,
    Handover,
    LeaveAuthority,
    Supplements,
)
from services.kit.audit import AuditedRoute, reads
from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.ledger.moving.arrivals import Arrivals
from services.ledger.moving.departures import Departures
from services.ledger.moving.problems import CarrierTokenNeededError
from services.ledger.streams.problems import UnknownPlaceError

_SUPPLEMENTS_MAX = 100

router = Router(prefix="/v1", route_class=AuditedRoute)
ArrivalsPart = Annotated[Arrivals, Depends(part(Arrivals))]
DeparturesPart = Annotated[Departures, Depends(part(Departures))]
_carry = require("transfer:carry")
TransferId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
_REFUSALS = problems(403, 404, 409, 422)


def carrier(caller: Annotated[Caller, Depends(_carry)]) -> Caller:
    """The transfer service: a token that is bound to no place and no organization. Raises CarrierTokenNeededError."""
    if caller.place is not None or caller.organization is not None:
        raise CarrierTokenNeededError
    return caller


Carrier = Annotated[Caller, Depends(carrier)]


def _must_be_known(place: str, pointer: str) -> None:
    if not is_known(place):
        raise UnknownPlaceError(pointer=pointer)


@router.put("/departures/{transfer_id}", operation_id="guard_departure", responses=_REFUSALS)
async def guard_departure(
    departures: DeparturesPart, transfer_id: TransferId, body: GuardDeparture, _: Carrier
) -> DepartureAnswer:
    """Guard a person whose transfer to another authority is asked for: refused naming every enrolment, claim, roster or
    waiting completion that must be finished or withdrawn first; once guarded, none of these can begin (S2C-14)."""
    _must_be_known(body.to_place, "/to_place")
    return await departures.guard(transfer_id, body.person_id, body.to_place)


@router.delete("/departures/{transfer_id}", operation_id="lift_departure", responses=_REFUSALS)
async def lift_departure(departures: DeparturesPart, transfer_id: TransferId, _: Carrier) -> DepartureAnswer:
    """Lift the guard of a transfer that comes to nothing. The ledger lifts it by itself, too, when the transfer's feed tells
    of its end, or has not told of its beginning within ten minutes."""
    return await departures.lift(transfer_id)


@router.post("/departures/{transfer_id}/leave", operation_id="leave_authority", responses=_REFUSALS)
async def leave_authority(
    departures: DeparturesPart, transfer_id: TransferId, body: LeaveAuthority, _: Carrier
) -> Handover:
    """The person leaves with all open years; the answer is what to hand over, the same on every repeat (A-13, B-12)."""
    _must_be_known(body.to_place, "/to_place")
    return await departures.leave(transfer_id, body.person_id, body.to_place, body.left_at)


@router.get("/departures/{transfer_id}/supplements", operation_id="list_supplements", responses=_REFUSALS)
@reads("supplements")
async def list_supplements(
    departures: DeparturesPart,
    transfer_id: TransferId,
    _: Carrier,
    after: Annotated[
        int, Query(ge=0, le=1_000_000, description="The last `sequence` that was handed on."), IN_DIGITS
    ] = 0,
) -> Supplements:
    """What came to the years that moved after the person had left, in order, each for the destination."""
    found = await departures.supplements(transfer_id, after, _SUPPLEMENTS_MAX + 1)
    page = tuple(found[:_SUPPLEMENTS_MAX])
    return Supplements(items=page, next=page[-1].sequence if len(found) > len(page) else None)


@router.post("/arrivals/{transfer_id}", operation_id="arrive_at_authority", responses=_REFUSALS)
async def arrive_at_authority(
    arrivals: ArrivalsPart, transfer_id: TransferId, body: ArriveAtAuthority, _: Carrier
) -> ArrivalAnswer:
    """The person arrives with what was handed over, and what waited here for them is registered; later supplements are
    posted here too, with their `sequence`."""
    _must_be_known(body.profile.place, "/profile/place")
    _must_be_known(body.handover.to_place, "/handover/to_place")
    return await arrivals.arrive(transfer_id, body)
