"""备案与名单: the trainings an organization has filed, by month, and the rosters of who attended them."""

import asyncio
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import Answer, RefusedError
from services.console.web import Form, Somebody, Uploaded, Visit, go
from services.console.words import moment

LATE_REASONS = ("force_majeure", "system_failure", "holiday_staffing", "corrected_roster", "other")
CATEGORIES = ("professional", "public")
SESSIONS_SHOWN = 4
_SESSIONS_MAX = 200
_SESSION = ("on", "starts", "ends", "hours", "credits")

router = APIRouter()
FilingId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.get("/trainings")
async def trainings(visit: Somebody, after: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The calendar: filed trainings by the month they begin in, and how each stands."""
    answer = await visit.get("ledger", "/v1/filings", after=after)
    ordered = sorted(answer["items"], key=_begins)
    months = [(month, list(found)) for month, found in groupby(ordered, key=lambda each: _begins(each)[:7])]
    return visit.page("trainings.html", months=months, following=answer["next"], address=visit.address)


def _begins(filing: Answer) -> str:
    begins: str = min(session["starts_at"] for session in filing["sessions"])
    return begins


@router.get("/trainings/template.xlsx")
async def template(visit: Somebody) -> Response:
    """The empty roster, to fill in."""
    return await visit.file("ledger", "/v1/rosters/template.xlsx")


@router.get("/trainings/new")
async def new_training(visit: Somebody) -> Response:
    """The form by which a training is filed."""
    return _form(visit, {})


@router.post("/trainings/new")
async def file_training(visit: Somebody, form: Form) -> Response:
    """File a training; what is wrong with it is said beside what was written."""
    try:
        answer = await visit.post("ledger", "/v1/filings", _planned(form), form.get("key"))
    except RefusedError as refused:
        return _form(visit, form, refused)
    return go(f"/trainings/{answer['filing_id']}")


@router.get("/trainings/{filing_id}/amendment")
async def correct_training(filing_id: FilingId, visit: Somebody) -> Response:
    """A filing that was returned, to be corrected: the form says what was filed."""
    return _form(visit, _said(await visit.get("ledger", f"/v1/filings/{filing_id}")), filing_id=filing_id)


@router.post("/trainings/{filing_id}/amendment")
async def amend_training(filing_id: FilingId, visit: Somebody, form: Form) -> Response:
    """Hand a corrected filing in again."""
    try:
        path = f"/v1/filings/{filing_id}/amendment"
        await visit.post("ledger", path, _planned(form), form.get("key"))
    except RefusedError as refused:
        return _form(visit, form, refused, filing_id)
    return go(f"/trainings/{filing_id}")


def _said(filing: Answer) -> Answer:
    """The fields of the form for a filing."""
    said = {
        name: filing[name]
        for name in ("place", "year", "title", "mode", "category", "conversion", "expected")
    }
    said["courses"] = " ".join(filing["courses"])
    for number, session in enumerate(filing["sessions"], 1):
        begins, ends = moment(session["starts_at"]), moment(session["ends_at"])
        told = (begins[:10], begins[11:], ends[11:], session["hours"], session["credits"] or "")
        said |= {f"{part}_{number}": value for part, value in zip(_SESSION, told, strict=True)}
    return said


def _form(
    visit: Visit, said: Answer, refused: RefusedError | None = None, filing_id: str | None = None
) -> Response:
    shown = sum(f"on_{number}" in said for number in range(1, _SESSIONS_MAX + 1))
    return visit.page(
        "training_form.html",
        action="/trainings/new" if filing_id is None else f"/trainings/{filing_id}/amendment",
        status=200 if refused is None else refused.status,
        said=said,
        refused=refused,
        categories=CATEGORIES,
        numbers=range(1, max(shown, SESSIONS_SHOWN) + 1),
    )


def _planned(form: Answer) -> dict[str, object]:
    """The body for what the form says; of a session that was left empty, nothing."""
    sessions = [
        {part: form[f"{part}_{number}"] for part in _SESSION if form.get(f"{part}_{number}")}
        for number in range(1, _SESSIONS_MAX + 1)
    ]
    given = {name: form[name] for name in ("mode", "conversion") if form.get(name)}
    return given | {
        "place": form.get("place", ""),
        "year": _number(form.get("year", "")),
        "title": form.get("title", ""),
        "category": form.get("category", ""),
        "expected": _number(form.get("expected", "")),
        "courses": form.get("courses", "").split(),
        "sessions": [each for each in sessions if each],
    }


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


@router.get("/trainings/{filing_id}")
async def training(filing_id: FilingId, visit: Somebody) -> Response:
    """One training: what was filed, how it stands, and its rosters."""
    return await _training(visit, filing_id)


async def _training(
    visit: Visit, filing_id: str, answer: Answer = None, refused: RefusedError | None = None
) -> Response:
    filing, rosters = await asyncio.gather(
        visit.get("ledger", f"/v1/filings/{filing_id}"), _rosters(visit, filing_id)
    )
    return visit.page(
        "training.html",
        status=200 if refused is None else refused.status,
        filing=filing,
        rosters=rosters,
        answer=answer,
        refused=refused,
        late_reasons=LATE_REASONS,
    )


async def _rosters(visit: Visit, filing_id: str) -> list[Answer]:
    """The rosters of the training among the organization's own."""
    found, after = list[Answer](), ""
    while True:
        page = await visit.get("ledger", "/v1/rosters", after=after, limit=50)
        found += [each for each in page["items"] if each["filing_id"] == filing_id]
        after = page["next"]
        if after is None:
            return found


@router.post("/trainings/{filing_id}/roster")
async def take_roster(filing_id: FilingId, visit: Somebody, upload: Uploaded) -> Response:
    """A roster as a table: an outcome for each row, and nothing stored of one that has faults unless that was chosen."""
    said = upload.fields
    told = {"partial": "true" if said.get("partial") else None, "late_reason": said.get("late_reason")}
    try:
        path = f"/v1/filings/{filing_id}/rosters"
        answer = await visit.upload("ledger", path, upload, said.get("key"), **told)
    except RefusedError as refused:
        rows = refused.problem if "results" in refused.problem else None
        return await _training(visit, filing_id, rows, refused)
    return await _training(visit, filing_id, answer)


@router.post("/trainings/{filing_id}/withdrawal")
async def withdraw(filing_id: FilingId, visit: Somebody, form: Form) -> Response:
    """Take a filing back before it is decided."""
    await visit.post("ledger", f"/v1/filings/{filing_id}/withdrawal", key=form.get("key"))
    return go(f"/trainings/{filing_id}")


SCREEN = Screen(
    key="trainings",
    path="/trainings",
    router=router,
    scopes=frozenset({"filing:submit"}),
    shown=lambda person: person.organization_id is not None,
)
