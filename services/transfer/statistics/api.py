"""The route of the statistics of transfers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from services.kit.auth import Caller, require
from services.kit.clock import local_date
from services.kit.openapi import problems
from services.kit.schemas import Day, StrictModel
from services.transfer.actors import Actor
from services.transfer.problems import OutsidePlaceError
from services.transfer.schemas import KindName, Place, StateName
from services.transfer.statistics.queries import Counted, TransferStatistics

PERIOD_DAYS = 365

router = APIRouter(prefix="/v1/statistics", tags=["statistics"])

_reads = require("statistics:read", "transfer:review")


def _statistics(request: Request) -> TransferStatistics:
    statistics: TransferStatistics = request.app.state.transfers.statistics
    return statistics


class InFlightCount(StrictModel):
    """Transfers of one kind on their way at one place."""

    place: str
    kind: KindName
    state: StateName
    number: int
    late: int = Field(description="Of these, how many whose last day has passed.")


class EndedCount(StrictModel):
    """Transfers of one kind that ended at one place; `reason` is there when they were returned or refused."""

    place: str
    kind: KindName
    state: StateName
    reason: str | None
    number: int


class MedianDays(StrictModel):
    """How long completed transfers took at one place, in days from the request to the end."""

    place: str
    days: float


class TransferCounts(StrictModel):
    """The transfers of a place and all under it: each is counted at the desk that has it, once it is over at its origin, and
    an arrival at its destination.
    """

    place: str
    since: Day
    until: Day
    in_flight: list[InFlightCount]
    ended: list[EndedCount]
    median_days: float | None
    median_days_by_place: list[MedianDays]

    @classmethod
    def of(cls, place: str, since: Day, until: Day, counted: Counted) -> TransferCounts:
        """The answer from what was counted."""
        return cls(
            place=place,
            since=since,
            until=until,
            in_flight=[InFlightCount.model_validate(each._asdict()) for each in counted.in_flight],
            ended=[
                EndedCount.model_validate(each._asdict() | {"reason": each.reason or None})
                for each in counted.ended
            ],
            median_days=counted.median_days.get(None),
            median_days_by_place=[
                MedianDays(place=each, days=days) for each, days in counted.median_days.items() if each
            ],
        )


@router.get("/transfers", responses=problems(422))
async def count_transfers(
    caller: Annotated[Caller, Depends(_reads)],
    statistics: Annotated[TransferStatistics, Depends(_statistics)],
    place: Annotated[Place | None, Query(description="The caller's own place when left out.")] = None,
    since: Annotated[
        Day | None, Query(description="First day of what ended; a year ago when left out.")
    ] = None,
    until: Annotated[Day | None, Query(description="Last day; today when left out.")] = None,
) -> TransferCounts:
    """How transfers go at a place and all under it: on their way, late, returned by reason, and how long they take."""
    actor = Actor(subject=caller.subject, place=caller.place, organization=caller.organization)
    wanted = place or caller.place
    if wanted is None:
        raise OutsidePlaceError
    now = statistics.clock()
    last = until or local_date(now)
    first = since or last - timedelta(days=PERIOD_DAYS)
    counted = await statistics.of_place(actor, wanted, since=first, until=last, now=now)
    return TransferCounts.of(wanted, first, last, counted)
