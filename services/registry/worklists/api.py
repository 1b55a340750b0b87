"""Routes of worklists (待办) and of exam enrolments."""

from typing import Annotated

from fastapi import Depends, Query, Response

from services.kit.audit import AuditedRoute, reads
from services.kit.auth import require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.registry.streams.actor import Actor
from services.registry.web.routes import Place, acting, add_routes, part
from services.registry.worklists import schemas
from services.registry.worklists.worklists import HOLDER, HOLDS, STATISTICS, Cursor, Worklists

router = Router(prefix="/v1", tags=["worklists"], route_class=AuditedRoute)

_decide = HOLDER.caller
_count = require(*HOLDER.scopes, STATISTICS)
_review = require("collection:review")


Lists = Annotated[Worklists, Depends(part(Worklists))]
InPlace = Annotated[Place | None, Query(description="The caller's own place unless said otherwise.")]
After = Annotated[str | None, Query(pattern=r"^[01]\.[0-9]{1,16}\.[0-9a-f-]{36}$")]
Limit = Annotated[int, Query(ge=1, le=schemas.PAGE_MAX), IN_DIGITS]


@router.get("/worklists", response_model=schemas.Worklist)
@reads("worklist")
async def get_worklist(
    by: Annotated[Actor, Depends(acting(_decide))],
    worklists: Lists,
    place: InPlace = None,
    kind: Annotated[schemas.Kind | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> object:
    """What awaits an official at a place and under it, in the order it is to be worked (S2C-08): the fast lane first
    (S2C-06), inside each lane by submission. Only kinds that the caller's scopes decide are in it.
    """
    kinds = [kind] if kind is not None else []
    cursor = Cursor.read(after) if after is not None else None
    return await worklists.cases(by, place=place, kinds=kinds, after=cursor, limit=limit)


@router.get("/worklists/counts", response_model=schemas.WorklistCounts)
async def count_worklists(
    by: Annotated[Actor, Depends(acting(_count))], worklists: Lists, place: InPlace = None
) -> object:
    """How many cases wait, are late, in the fast lane and held, by place, kind and step: what a dashboard shows."""
    return await worklists.counts(by, place=place)


holds = Router(prefix="/v1/worklists/cases", tags=["worklists"], route_class=AuditedRoute)
_HELD: dict[str, object] = {"response_model": schemas.Held, "responses": problems(404, 409)}
add_routes(
    holds,
    HOLDS,
    Worklists,
    claim={
        "words": """Hold a case for half an hour, so that two officials do not work it; held again, it is held longer.

    While it is held nobody else reviews it. Refused to who submitted it, or did its initial review.
    """,
        "answers": _HELD,
    },
    release={"words": "Hold a case no longer.", "answers": _HELD},
)


@router.post("/exam-enrolments", status_code=201, response_model=schemas.ExamEnrolmentOutcome)
async def set_exam_enrolment(
    body: schemas.ExamEnrolmentRequest,
    by: Annotated[Actor, Depends(acting(_review))],
    key: Annotated[CommandKey, Depends(command_key(_review))],
    worklists: Lists,
) -> Response:
    """Say when an exam can be enrolled for at a place and under it: its collections go first on those days (S2C-06)."""
    return (await worklists.set_enrolment(key, by, body)).response()


@router.get("/exam-enrolments", response_model=schemas.ExamEnrolments)
async def get_exam_enrolments(by: Annotated[Actor, Depends(acting(_decide))], worklists: Lists) -> object:
    """The exam enrolments that are open or to come."""
    return {"items": await worklists.enrolments()}
