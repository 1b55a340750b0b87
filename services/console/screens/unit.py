"""单位: a unit's own people, who has met the year, and what is missing by when."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.web import Somebody
from services.kit.clock import local_date

STATUSES = ("compliant", "in_progress", "deficient", "exempt", "not_required", "no_policy")
_PAGE = 50

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
    return visit.page(
        "unit.html",
        personal=True,
        organization=organization,
        answer=answer,
        statuses=STATUSES,
        chosen=status,
        year=asked,
        address=visit.address,
    )


SCREEN = Screen(
    key="unit",
    path="/unit",
    router=router,
    scopes=frozenset({"employee:read"}),
    shown=lambda person: person.organization_id is not None,
)
