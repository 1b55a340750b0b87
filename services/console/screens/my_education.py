"""The professional's own screen: this year, what is missing, by when, and the next step; all years, and transfers."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from services.console.documents import Document, Table
from services.console.pages import Screen
from services.console.services_client import Answer
from services.console.web import Somebody, Visit
from services.console.words import day, moment
from services.kit.clock import local_date

_YEARS_BACK = 5
_YEARS_MAX = 12

router = APIRouter()
Year = Annotated[int, Path(ge=2000, le=2100)]


@router.get("/my")
async def this_year(visit: Somebody) -> Response:
    """The year that runs."""
    return await _year(visit, local_date(visit.parts.clock()).year)


@router.get("/my/transcript.csv")
async def transcript_csv(visit: Somebody) -> Response:
    """Every credit as awarded, as a table to keep."""
    return await visit.file("ledger", f"/v1/persons/{visit.person.person_id}/transcript.csv")


@router.get("/my/transcript.xlsx")
async def transcript_xlsx(visit: Somebody) -> Response:
    """The same as a workbook."""
    return await visit.file("ledger", f"/v1/persons/{visit.person.person_id}/transcript.xlsx")


@router.get("/my/transcript.pdf")
async def transcript_pdf(visit: Somebody) -> Response:
    """The same as a document, with a table for each year."""
    transcript = await visit.get("ledger", f"/v1/persons/{visit.person.person_id}/transcript")
    t, credits = visit.words, transcript["credits"]
    labels = ("course", "category", "amount", "mode", "completed", "state")
    tables = [
        Table(
            title=t("my_education.year", year=year),
            columns=[t(f"my_education.{label}") for label in labels],
            rows=[_line(visit, line) for line in credits if line["year"] == year],
            empty=t("my_education.no_credits"),
        )
        for year in sorted({line["year"] for line in credits}, reverse=True)
    ]
    document = Document(
        language=visit.language,
        on=day(visit.parts.clock().isoformat()),
        title=t("my_education.transcript"),
        lead=t("my_education.recorded", position=transcript["position"], count=len(credits)),
        facts=[(t("certificates.holder"), visit.person.name)],
        foot=transcript["person_id"],
        tables=tables,
    )
    return await visit.pdf(document, "transcript.pdf")


def _line(visit: Visit, line: Answer) -> list[str]:
    t = visit.words
    state = t.code("credit_state", line["state"])
    return [
        line["course"],
        t.category(line["category"]),
        line["credits"],
        t.code("mode", line["mode"]),
        moment(line["completed_at"]),
        f"{state} {t('my_education.make_up')}" if line["make_up"] else state,
    ]


@router.get("/my/{year}")
async def one_year(year: Year, visit: Somebody) -> Response:
    """Another year."""
    return await _year(visit, year)


async def _year(visit: Visit, year: int) -> Response:
    person_id = visit.person.person_id
    if person_id is None:
        return visit.page("not_collected.html", personal=True)
    path = f"/v1/persons/{person_id}"
    answer, transcript, transfers, tasks = await asyncio.gather(
        visit.get("ledger", f"{path}/compliance/{year}", include=["credits", "next_steps"]),
        visit.get("ledger", f"{path}/transcript"),
        visit.get("transfer", f"{path}/transfers"),
        visit.get("registry", "/v1/my-tasks"),
    )
    years = _years(transcript, local_date(visit.parts.clock()).year, year)
    others = [each for each in years if each != year]
    told = await asyncio.gather(*(visit.get("ledger", f"{path}/compliance/{each}") for each in others))
    by_year = {each["year"]: each for each in (answer, *told)}
    return visit.page(
        "my_education.html",
        personal=True,
        answer=answer,
        credits=[line for line in transcript["credits"] if line["year"] == year],
        waiting=[line for line in transcript["waiting"] if line["year"] == year],
        years=[by_year[each] for each in years],
        transfers=transfers["items"],
        tasks=tasks["items"],
    )


def _years(transcript: Answer, current: int, asked: int) -> list[int]:
    """The years to offer, the latest first: those with something in them, and the last few."""
    known = {line["year"] for line in (*transcript["credits"], *transcript["waiting"])}
    recent = range(current - _YEARS_BACK + 1, current + 1)
    return sorted({*known, *recent, asked}, reverse=True)[:_YEARS_MAX]


SCREEN = Screen(
    key="my_education",
    path="/my",
    router=router,
    scopes=frozenset({"compliance:own"}),
)
