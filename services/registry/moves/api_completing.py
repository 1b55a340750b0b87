"""The routes of what is to be completed after an arrival: for the person, and for the officials of the new place."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.kit.schemas import IN_DIGITS, StrictModel
from services.registry.actors import OWN
from services.registry.moves.completing import Completing, ToComplete
from services.registry.people.api_collections import actor_of
from services.registry.problems import OutsidePlaceError
from services.registry.schemas import Place

PAGE_MAX = 200
WORDS_ZH = "您的档案已从外地调入，请按本地要求补充完善个人信息。"
WORDS_EN = "Your profile has arrived from elsewhere: please complete your information as this place requires."

router = APIRouter(prefix="/v1", tags=["moves"])

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


class OwnTasks(StrictModel):
    """What the caller still has to do."""

    tasks: list[OwnTask]


@router.get("/information-to-complete", responses=problems(422))
async def list_information_to_complete(
    request: Request,
    caller: Annotated[Caller, Depends(_review)],
    place: Annotated[Place | None, Query(description="The caller's own place when left out.")] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX), IN_DIGITS] = 100,
) -> InformationList:
    """Who arrived at a place from another authority and has not completed their information since (S2C-19)."""
    wanted = place or caller.place
    if wanted is None:
        raise OutsidePlaceError
    completing: Completing = request.app.state.registry.completing
    found = await completing.of_place(actor_of(caller), wanted, after=after, limit=limit)
    items = [InformationToComplete(**each._asdict()) for each in found]
    return InformationList(items=items, next=items[-1].person_id if len(items) == limit else None)


@router.get("/my-tasks")
async def get_my_tasks(request: Request, caller: Annotated[Caller, Depends(_mine)]) -> OwnTasks:
    """What the person themselves still has to do after a transfer from another authority (S2C-19)."""
    completing: Completing = request.app.state.registry.completing
    return OwnTasks(tasks=[_task(each) for each in await completing.own(actor_of(caller))])


def _task(item: ToComplete) -> OwnTask:
    return OwnTask(**item._asdict(), text_zh=WORDS_ZH, text_en=WORDS_EN)
