"""Routes by which the transfer service carries people between registries, and of what is to be completed then."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from contracts.envelope import OpaqueId
from contracts.handover import ArrivingProfile
from contracts.relay import ArrivingPerson, TravellingPerson
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, StrictModel, WholeList
from services.registry.moves.handover import WHAT, Arrivals, Completing, Departures, ToComplete
from services.registry.streams.actor import OWN, Actor
from services.registry.streams.problems import OutsidePlaceError
from services.registry.web.routes import UUID_FORM, Place, acting, actor_of, part

SCOPE = "transfer:carry"

router = Router(prefix="/v1", route_class=AuditedRoute, tags=["moves"])

_carries = require(SCOPE)


async def _carrier(caller: Annotated[Caller, Depends(_carries)]) -> Actor:
    """The transfer service, bound to no place and no organization. Raises OutsidePlaceError for anybody else."""
    if caller.place is not None or caller.organization is not None:
        raise OutsidePlaceError
    return actor_of(caller)


Carrier = Annotated[Actor, Depends(_carrier)]
Arriving = Annotated[Arrivals, Depends(part(Arrivals))]
ToDo = Annotated[Completing, Depends(part(Completing))]
TransferId = Annotated[OpaqueId, Path(alias="id")]


@router.get("/departing-people/{id}", responses=problems(404, 409, 410))
@reads(WHAT)
async def get_departing_person(
    response: Response,
    person_id: Annotated[str, Path(alias="id", pattern=UUID_FORM)],
    carrier: Carrier,
    departures: Annotated[Departures, Depends(part(Departures))],
) -> TravellingPerson:
    """Name, number and facts of somebody whose transfer is about to be offered (S2C-15). Every reading is put on record."""
    response.headers["Cache-Control"] = "no-store"
    return await departures.travelling(carrier, UUID(person_id))


@router.put("/arriving-people/{id}", responses=problems(409, 422))
async def take_in_person(
    transfer_id: TransferId, body: ArrivingPerson, carrier: Carrier, arrivals: Arriving
) -> ArrivingProfile:
    """Take in somebody who is about to arrive by a transfer (S2C-17), under the id of the transfer.

    The same however often it is asked. Name and number are sealed here; the answer holds keyed hashes.
    """
    return await arrivals.take_in(carrier, transfer_id, body)


@router.get("/arriving-people/{id}", responses=problems(404, 422))
@reads("arriving-person")
async def get_arriving_person(
    transfer_id: TransferId, carrier: Carrier, arrivals: Arriving
) -> ArrivingProfile:
    """Whom a transfer brings, as the ledger has to know them: hashes, no names."""
    profile = await arrivals.arriving(transfer_id)
    about(profile.person_id, profile.place)
    return profile


@router.delete("/arriving-people/{id}", status_code=204, responses=problems(422))
async def let_go_of_person(transfer_id: TransferId, carrier: Carrier, arrivals: Arriving) -> None:
    """Forget an arrival that came to nothing, and who was taken in for it alone. Harmless to repeat."""
    await arrivals.let_go(transfer_id)


PAGE_MAX = 200
WORDS_ZH = "您的档案已从外地调入，请按本地要求补充完善个人信息。"
WORDS_EN = "Your profile has arrived from elsewhere: please complete your information as this place requires."

completing_router = Router(prefix="/v1", tags=["moves"], route_class=AuditedRoute)

_review = require("collection:review")
_mine = require(OWN)


class InformationToComplete(StrictModel):
    """Somebody who arrived and has changed nothing since (S2C-19). It blocks nothing."""

    person_id: str
    transfer_id: str
    place: str
    arrived_at: datetime


class InformationList(StrictModel):
    """A page, in order of arrival; `next` is the `after` of the following one."""

    items: list[InformationToComplete]
    next: str | None


class OwnTask(InformationToComplete):
    """The same for the person, in plain words."""

    text_zh: str
    text_en: str


class OwnTasks(WholeList):
    """What the caller still has to do."""

    items: list[OwnTask]


@completing_router.get("/information-to-complete", responses=problems(422))
@reads("information-to-complete")
async def list_information_to_complete(
    completing: ToDo,
    by: Annotated[Actor, Depends(acting(_review))],
    place: Annotated[Place | None, Query(description="The caller's own place when left out.")] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX), IN_DIGITS] = 100,
) -> InformationList:
    """Who arrived at a place from another authority and has not completed their information since (S2C-19)."""
    wanted = place or by.place
    if wanted is None:
        raise OutsidePlaceError
    found = await completing.of_place(by, wanted, after=after, limit=limit)
    for each in found:
        about(each.person_id, each.place)
    items = [InformationToComplete(**each._asdict()) for each in found]
    return InformationList(items=items, next=items[-1].person_id if len(items) == limit else None)


@completing_router.get("/my-tasks")
@reads("own-tasks")
async def get_my_tasks(completing: ToDo, by: Annotated[Actor, Depends(acting(_mine))]) -> OwnTasks:
    """What the person themselves still has to do after a transfer from another authority (S2C-19)."""
    about(by.subject, None)
    return OwnTasks(items=[_task(each) for each in await completing.own(by)])


def _task(item: ToComplete) -> OwnTask:
    return OwnTask(**item._asdict(), text_zh=WORDS_ZH, text_en=WORDS_EN)
