"""机构工作台: what an organization has reported and what became of it, what waits and why, its scorecard and duties, and a
table of completions handed in."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import RefusedError
from services.console.web import Form, Somebody, Uploaded, Visit, go
from services.kit.clock import local_date

STATES = ("held", "registered", "withdrawn", "revoked", "duplicate", "rejected")
ACCOUNT_SCOPES = ("completion:write", "enrolment:write", "filing:submit", "identity:check", "compliance:read")
"""What a provider's programs do: report, and ask before and after."""
_NATION = "100000"
_PAGE = 50

router = APIRouter()
Year = Annotated[int | None, Query(ge=2000, le=2100)]


@router.get("/provider")
async def provider(
    visit: Somebody,
    year: Year = None,
    state: Annotated[str, Query(pattern="^(|" + "|".join(STATES) + ")$")] = "",
    after: Annotated[str, Query(max_length=80)] = "",
    asked_for: Annotated[str, Query(pattern="^[01]?$")] = "",
) -> Response:
    """The organization's own desk for a year; its completions by state, a page at a time."""
    asked = year or local_date(visit.parts.clock()).year
    organization = f"/v1/organizations/{visit.person.organization_id}"
    completions, figures, duties, accounts = await asyncio.gather(
        visit.get("ledger", "/v1/completions", year=asked, state=state, after=after, limit=_PAGE),
        visit.get("ledger", "/v1/statistics/providers", place=_NATION, year=asked),
        visit.get("registry", f"{organization}/duties", year=asked),
        visit.get("registry", f"{organization}/accounts"),
    )
    return visit.page(
        "provider.html",
        completions=completions,
        scorecards=figures["rows"],
        duties=duties["items"],
        accounts=accounts["items"],
        asked_for=asked_for == "1",
        states=STATES,
        chosen=state,
        year=asked,
        address=visit.address,
    )


@router.post("/provider/account")
async def ask_for_account(visit: Somebody, form: Form) -> Response:
    """Ask the issuing bureau for an account by which the organization's programs sign in (S1-13, S3B-09)."""
    path = f"/v1/organizations/{visit.person.organization_id}/account-requests"
    await visit.post("registry", path, {"scopes": list(ACCOUNT_SCOPES)}, form.get("key"))
    return go("/provider?asked_for=1")


@router.get("/provider/template.xlsx")
async def template(visit: Somebody) -> Response:
    """The empty table of completions, to fill in."""
    return await visit.file("ledger", "/v1/completions/template.xlsx")


@router.get("/provider/table")
async def new_table(visit: Somebody) -> Response:
    """The form that takes a table."""
    return _table(visit)


@router.post("/provider/table")
async def take_table(visit: Somebody, upload: Uploaded) -> Response:
    """A table of completions, each of its rows answered; refused whole, it changes nothing."""
    try:
        answer = await visit.upload("ledger", "/v1/completions/table", upload)
    except RefusedError as refused:
        return _table(visit, refused)
    return visit.page("provider_table.html", answer=answer, refused=None)


def _table(visit: Visit, refused: RefusedError | None = None) -> Response:
    status = 200 if refused is None else refused.status
    return visit.page("provider_table.html", status=status, answer=None, refused=refused)


SCREEN = Screen(
    key="provider",
    path="/provider",
    router=router,
    scopes=frozenset({"completion:write"}),
    shown=lambda person: person.organization_id is not None,
)
