"""单位: a unit's own people, who has met the year, and what is missing by when."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import Answer
from services.console.web import Somebody, Visit
from services.console.words import day
from services.kit.clock import local_date
from services.kit.spreadsheets import CSV_TYPE, file_response, write_csv

_EXPORT_MAX = 5_000
"""People of one table: a page of the ledger after the other is read for it."""
STATUSES = ("compliant", "in_progress", "deficient", "exempt", "not_required", "no_policy")
_PAGE = 50
_EXPORT_PAGE = 200
_EXPORTED = ("name", "tail", "place", "status", "credits", "missing", "until")

router = APIRouter()


@router.get("/unit")
async def unit(
    visit: Somebody,
    year: Annotated[int | None, Query(ge=2000, le=2100)] = None,
    status: Annotated[str, Query(pattern="^(|" + "|".join(STATUSES) + ")$")] = "",
    after: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """The people of the unit for a year, filtered by status, a page at a time."""
    organization = await visit.get("registry", f"/v1/organizations/{visit.person.organization_id}")
    asked = year or local_date(visit.parts.clock()).year
    path = f"/v1/employers/{organization['uscc']}/compliance/{asked}"
    answer = await visit.get("ledger", path, status=status, after=after, limit=_PAGE)
    names = await visit.masked_names(each["person_id"] for each in answer["items"])
    return visit.page(
        "unit.html",
        names=names,
        personal=True,
        organization=organization,
        answer=answer,
        statuses=STATUSES,
        chosen=status,
        year=asked,
        address=visit.address,
    )


@router.get("/unit/export.csv")
async def export(
    visit: Somebody,
    year: Annotated[int | None, Query(ge=2000, le=2100)] = None,
    status: Annotated[str, Query(pattern="^(|" + "|".join(STATUSES) + ")$")] = "",
) -> Response:
    """The people of the unit for a year, with who is missing what, as a table to keep: names stay masked."""
    organization = await visit.get("registry", f"/v1/organizations/{visit.person.organization_id}")
    asked = year or local_date(visit.parts.clock()).year
    path, after, found = f"/v1/employers/{organization['uscc']}/compliance/{asked}", "", list[Answer]()
    while after is not None and len(found) < _EXPORT_MAX:
        page = await visit.get("ledger", path, status=status, after=after, limit=_EXPORT_PAGE)
        found, after = found + page["items"], page["next"]
    names = await visit.masked_names(each["person_id"] for each in found)
    table = write_csv(
        [visit.words(f"unit.columns.{name}") for name in _EXPORTED],
        [_line(visit, each, names.get(each["person_id"]) or {}) for each in found],
    )
    return file_response(table, CSV_TYPE, f"unit-{asked}.csv")


def _line(visit: Visit, member: Answer, person: Answer) -> tuple[str, ...]:
    t = visit.words
    missing = [
        f"{one.get('course') or t.category(one['category'])} {one['credits']}" for one in member["missing"]
    ]
    return (
        person.get("name") or "",
        (person.get("id_number") or "")[-4:],
        t.place(member["place"]),
        t.code("status", member["status"]),
        member["total"],
        " ".join(missing),
        day(member["until"]),
    )


SCREEN = Screen(
    key="unit",
    path="/unit",
    router=router,
    scopes=frozenset({"employee:read"}),
    shown=lambda person: person.organization_id is not None,
)
