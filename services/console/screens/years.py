"""年度关闭: whether a place's year is open, what closing it would bring about, and the closing."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import RefusedError
from services.console.web import Form, Somebody, Visit, go
from services.kit.clock import local_date

router = APIRouter()
Place = Annotated[str, Query(pattern=r"^([1-9][0-9]{5})?$")]
Year = Annotated[int | None, Query(ge=2000, le=2100)]


@router.get("/years")
async def years(visit: Somebody, place: Place = "", year: Year = None) -> Response:
    """How a year stands, with who would be left without it and what would be left undecided."""
    return await _years(visit, place, year)


async def _years(visit: Visit, place: str, year: int | None, refused: RefusedError | None = None) -> Response:
    where = place or visit.person.place
    asked = year or local_date(visit.parts.clock()).year - 1
    answer, standings, reviews = await asyncio.gather(
        visit.get("ledger", f"/v1/years/{where}/{asked}"),
        visit.get("ledger", "/v1/statistics/standings", place=where, year=asked),
        visit.get("ledger", "/v1/statistics/reviews", place=where),
    )
    return visit.page(
        "years.html",
        status=200 if refused is None else refused.status,
        answer=answer,
        total=next(iter(standings["totals"]), None),
        waiting=sum(row["waiting"] + row["returned"] for row in reviews["rows"]),
        year=asked,
        refused=refused,
    )


@router.post("/years/close")
async def close(visit: Somebody, form: Form) -> Response:
    """Close a year whose consequences were seen."""
    place, year = form.get("place", ""), form.get("year", "")
    known = place.isdigit() and year.isdigit() and len(place) == 6 and len(year) == 4
    if not known or form.get("seen") != "1":
        return go("/years")
    try:
        await visit.post("ledger", f"/v1/years/{place}/{year}/close", key=form.get("key"))
    except RefusedError as refused:
        return await _years(visit, place, int(year), refused)
    return go(f"/years?place={place}&year={year}")


SCREEN = Screen(
    key="years",
    path="/years",
    router=router,
    scopes=frozenset({"year:close"}),
    shown=lambda person: person.place is not None,
)
