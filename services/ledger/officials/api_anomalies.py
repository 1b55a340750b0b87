"""Anomalies over HTTP: for reviewers of their place, who look into them and say what they found."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import Depends, Path, Query, Response
from msgspec import Struct
from pydantic import Field

from contracts.divisions import contains, is_known
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.review import cursor_of, next_of
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.officials.anomaly_review import AnomalyReviews, ClearedAnomaly, Finding
from services.ledger.store.anomalies import Anomaly
from services.ledger.streams.problems import OutsidePlaceError, UnknownPlaceError
from services.ledger.web import place_of

router = Router(prefix="/v1/anomalies", route_class=AuditedRoute)
AnomalyReviewsPart = Annotated[AnomalyReviews, Depends(part(AnomalyReviews))]
_encode = msgspec.json.Encoder().encode

Reviewer = require("anomaly:review")


class AnomalyAnswer(Struct, frozen=True, kw_only=True):
    """An anomaly: which credits of whose day look impossible together, and what an official found. It decides nothing."""

    anomaly_id: str
    person_id: str
    place: str
    kind: str
    day: date
    credit_ids: list[str]
    minutes: int
    state: str
    noticed_at: datetime
    finding: str | None
    reference: str | None
    cleared_at: datetime | None


class AnomalyQueue(Struct, frozen=True, kw_only=True):
    """A page of the queue; `next` continues it, null at the end."""

    items: list[AnomalyAnswer]
    next: str | None


class Clearance(StrictModel):
    """What an official found, and the file it is explained in."""

    finding: Finding
    reference: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")] = None


@router.get(
    "",
    operation_id="list_anomalies",
    **struct_answer(AnomalyQueue, "Anomalies in the order in which they were noticed.", refusals=(403, 422)),
)
@reads("anomalies")
async def list_anomalies(
    anomalies: AnomalyReviewsPart,
    caller: Annotated[Caller, Depends(Reviewer)],
    place: Annotated[str, Query(pattern=r"^[1-9][0-9]{5}$")],
    state: Annotated[Literal["open", "cleared", "gone"], Query()] = "open",
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """What looks impossible in the study of a place and all under it: over 24 hours in a day, two providers at a minute.

    They are hints for reviewers and change nothing by themselves (S1-21); they follow registration within a second.
    """
    official = place_of(caller)
    if not is_known(place):
        raise UnknownPlaceError
    if not contains(official, place):
        raise OutsidePlaceError
    found = await anomalies.queue(place, state, cursor_of(after), limit)
    for anomaly in found:
        about(anomaly.person_id, anomaly.place)
    last = (found[-1].noticed_at, found[-1].anomaly_id) if len(found) == limit else None
    page = AnomalyQueue(
        items=[_answer(anomaly) for anomaly in found], next=None if last is None else next_of(last)
    )
    return Response(_encode(page), media_type="application/json")


@router.post(
    "/{anomaly_id}/clearance",
    operation_id="clear_anomaly",
    **struct_answer(ClearedAnomaly, "What was found.", refusals=(400, 403, 404, 409, 422)),
)
async def clear_anomaly(
    anomalies: AnomalyReviewsPart,
    anomaly_id: Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")],
    body: Clearance,
    caller: Annotated[Caller, Depends(Reviewer)],
    key: Annotated[CommandKey, Depends(command_key(Reviewer))],
) -> Response:
    """Say what was found: the anomaly leaves the queue, until more study comes to the same day."""
    answer = await anomalies.clear(
        anomaly_id,
        place_of(caller),
        key,
        finding=body.finding,
        reference=body.reference,
        decided_by=caller.subject,
    )
    return answer.response()


def _answer(anomaly: Anomaly) -> AnomalyAnswer:
    return AnomalyAnswer(
        anomaly_id=anomaly.anomaly_id,
        person_id=anomaly.person_id,
        place=anomaly.place,
        kind=anomaly.kind,
        day=anomaly.day,
        credit_ids=list(anomaly.credit_ids),
        minutes=anomaly.minutes,
        state=anomaly.status,
        noticed_at=anomaly.noticed_at,
        finding=anomaly.finding,
        reference=anomaly.reference,
        cleared_at=anomaly.cleared_at,
    )
