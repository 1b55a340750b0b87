"""The synchronisation over HTTP, for dashboards and operators: how it stands, what waits and why, and to let it go again."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field

from contracts.divisions import contains, is_known
from services.kit.audit import AuditedRoute, reads
from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, StrictModel
from services.sync.composition import sync_of
from services.sync.problems import OutsidePlaceError, UnknownPlaceError, UnknownTargetError
from services.sync.viewing import (
    OPEN_STATES,
    PAGE_MAX,
    DeliveryPage,
    OpenState,
    PersonDeliveries,
    SyncStatus,
)


def place_of(caller: Caller) -> str:
    """The place the caller is bound to. Raises OutsidePlaceError for who is bound to none, or to an organization."""
    if caller.place is None or caller.organization is not None or not is_known(caller.place):
        raise OutsidePlaceError
    return caller.place


def must_cover(caller: Caller, place: str | None) -> str:
    """The place asked about, the caller's own when none is. Raises OutsidePlaceError and UnknownPlaceError."""
    own = place_of(caller)
    if place is None:
        return own
    if not is_known(place):
        raise UnknownPlaceError
    if not contains(own, place):
        raise OutsidePlaceError
    return place


router = Router(prefix="/v1", tags=["sync"], route_class=AuditedRoute)

Reader = require("sync:read")
Repairer = require("sync:repair")
ReaderCaller = Annotated[Caller, Depends(Reader)]
RepairerCaller = Annotated[Caller, Depends(Repairer)]
RepairerKey = Annotated[CommandKey, Depends(command_key(Repairer))]

Place = Annotated[
    str | None, Query(pattern=r"^[1-9][0-9]{5}$", description="The caller's own when left out.")
]
TargetName = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
_AFTER = r"^[a-z][a-z0-9-]{0,39}~[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\.[1-9][0-9]{0,8}$"


class Release(StrictModel):
    """Which parked deliveries go again: of one target, and of the caller's authority, or everywhere for the nation."""

    target: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Released(StrictModel):
    """How many people's deliveries go again; call again while it is 1,000."""

    people: int


@router.get("/status", operation_id="get_sync_status", response_model=SyncStatus, responses=problems(422))
async def get_sync_status(request: Request, caller: ReaderCaller, place: Place = None) -> SyncStatus:
    """Lag, throughput, what was refused and what is unsynced by reason, and the oldest with its last working day (S4-04)."""
    at = must_cover(caller, place)
    return await sync_of(request).status.status(at)


@router.get(
    "/deliveries", operation_id="list_deliveries", response_model=DeliveryPage, responses=problems(404, 422)
)
@reads("deliveries")
async def list_deliveries(
    request: Request,
    caller: ReaderCaller,
    place: Place = None,
    target: TargetName = None,
    state: Annotated[list[OpenState] | None, Query(max_length=3)] = None,
    after: Annotated[str | None, Query(pattern=_AFTER)] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX), IN_DIGITS] = 100,
) -> DeliveryPage:
    """Deliveries that wait at a place and below, oldest first: pending, refused or unsynced, each with its reason."""
    at = must_cover(caller, place)
    if target is not None and target not in sync_of(request).targets.all:
        raise UnknownTargetError
    return await sync_of(request).deliveries.waiting(at, state or OPEN_STATES, target, after, limit)


@router.get(
    "/persons/{person_id}/deliveries",
    operation_id="list_deliveries_of_person",
    response_model=PersonDeliveries,
)
@reads("deliveries")
async def list_deliveries_of_person(
    request: Request,
    person_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")],
    caller: ReaderCaller,
) -> PersonDeliveries:
    """Every delivery of one person's credits within the caller's place, also those that arrived."""
    return await sync_of(request).deliveries.of_person(person_id, place_of(caller))


@router.post(
    "/releases",
    operation_id="release_parked",
    response_model=Released,
    responses=problems(403, 404, 409, 422),
)
async def release_parked(
    request: Request, body: Release, caller: RepairerCaller, key: RepairerKey
) -> Response:
    """Let refused and unsynced deliveries of a target go again, when what was wrong is mended."""
    at = must_cover(caller, None)
    return (await sync_of(request).releases.release(body.target, at, key)).response()
