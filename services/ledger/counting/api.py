"""The statistics over HTTP: an official asks about their place and what lies under it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, Query, Request, Response
from msgspec import Struct

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.errors import language_of
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, Day
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, file_response, write_csv, write_xlsx
from services.ledger.answers.viewers import may_ask_about
from services.ledger.counting.registrations import (
    DayRegistered,
    RegistrationCount,
    RegistrationCounts,
    RegistrationSeries,
    RegistrationStatistics,
)
from services.ledger.counting.reviews import ReviewBacklog, ReviewCounts, ReviewStatistics
from services.ledger.counting.scorecards import ProviderStatistics, Scorecard, ScorecardCounts
from services.ledger.counting.standing_counts import (
    DayMet,
    EmployerCounts,
    EmployerStandings,
    EmployerStatistics,
    MetSeries,
    PlaceStandings,
    StandingCounts,
    StandingStatistics,
)
from services.ledger.streams.problems import OutsidePlaceError, UnknownPlaceError
from services.ledger.web import place_of

Format = Annotated[
    Literal["json", "csv", "xlsx"],
    Query(alias="format", description="`csv` and `xlsx` give the rows alone, as a table."),
]
_encode = msgspec.json.Encoder().encode

TITLES: Mapping[str, tuple[str, str]] = {
    "year": ("年度", "Year"),
    "place": ("行政区划代码", "Place"),
    "name": ("地区", "Name"),
    "own": ("本级", "Of the place itself"),
    "persons": ("人数", "Persons"),
    "obliged": ("应参加人数", "Obliged"),
    "compliant": ("已完成", "Compliant"),
    "in_progress": ("进行中", "In progress"),
    "deficient": ("未完成", "Deficient"),
    "undecided": ("尚不能判定", "Undecided"),
    "provisional": ("暂按国家规定", "Judged provisionally"),
    "made_up": ("经补学完成", "Made up"),
    "exempt": ("免除", "Exempt"),
    "not_required": ("无需参加", "Not required"),
    "no_policy": ("无政策", "No policy"),
    "late": ("逾期", "Late"),
    "credits": ("学分", "Credits"),
    "category": ("科目", "Category"),
    "mode": ("形式", "Mode"),
    "provider_id": ("培训机构", "Provider"),
    "records": ("记录数", "Records"),
    "day": ("日期", "Day"),
    "provider": ("培训机构名称", "Provider's name"),
    "held": ("曾挂起", "Held"),
    "rejected": ("挂起后未予登记", "Refused after waiting"),
    "withdrawn": ("已撤回", "Withdrawn"),
    "revoked": ("已撤销", "Revoked"),
    "exam_passed": ("考试合格人数", "Passed the exam"),
    "exam_pass_share": ("考试合格率", "Share passed"),
    "delay_days": ("登记用时中位数（天）", "Median days to registration"),
    "delay_days_most": ("九成登记用时（天）", "Days within which nine of ten were registered"),
    "kind": ("事项", "Kind"),
    "waiting": ("待审", "Waiting"),
    "due_today": ("今日到期", "Due today"),
    "unlimited": ("无时限", "Without limit"),
    "returned": ("已退回待补正", "Returned"),
    "oldest": ("最早提交日", "Oldest"),
    "next_due": ("最近到期日", "Next due"),
    "employer": ("单位统一社会信用代码", "Employer"),
    "so_far": ("累计", "So far"),
}


def statistics_answer(kind: type[Struct], description: str) -> dict[str, Any]:
    """Arguments of a route that answers with statistics, in any of the formats."""
    described = struct_answer(kind, description, refusals=(403, 422))
    content = described["responses"][200]["content"]
    content[CSV_TYPE] = {"schema": {"type": "string"}}
    content[XLSX_TYPE] = {"schema": {"type": "string", "contentEncoding": "binary"}}
    return described


def send(
    request: Request, name: str, answer: Any, rows: Sequence[Struct], row: type[Struct], format_: str
) -> Response:
    """The answer as JSON, or its rows as a file to save under the name."""
    if format_ == "json":
        return Response(_encode(answer), media_type="application/json")
    english = language_of(request.headers) == "en"
    columns = [TITLES[field][english] for field in row.__struct_fields__]
    cells: Sequence[Sequence[object]] = [msgspec.structs.astuple(each) for each in rows]
    write, media_type = (write_csv, CSV_TYPE) if format_ == "csv" else (write_xlsx, XLSX_TYPE)
    return file_response(write(columns, cells), media_type, f"{name}.{format_}")


router = Router(prefix="/v1/statistics")
EmployerCountsPart = Annotated[EmployerCounts, Depends(part(EmployerCounts))]
RegistrationCountsPart = Annotated[RegistrationCounts, Depends(part(RegistrationCounts))]
ReviewCountsPart = Annotated[ReviewCounts, Depends(part(ReviewCounts))]
ScorecardCountsPart = Annotated[ScorecardCounts, Depends(part(ScorecardCounts))]
StandingCountsPart = Annotated[StandingCounts, Depends(part(StandingCounts))]

StatisticsReader = require("statistics:read")
Reader = Annotated[Caller, Depends(StatisticsReader)]
Place = Annotated[str, Query(pattern=r"^[1-9][0-9]{5}$", description="The place, and all under it.")]
AnyYear = Annotated[int | None, Query(ge=2000, le=2100), IN_DIGITS]
OneYear = Annotated[int, Query(ge=2000, le=2100), IN_DIGITS]
ProviderId = Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
ADay = Annotated[Day | None, Query()]


def asked_place(caller: Caller, place: str) -> str:
    """The place, when the caller may ask about it.

    Raises UnknownPlaceError, NotAnOfficialError and OutsidePlaceError.
    """
    if not is_known(place):
        raise UnknownPlaceError
    if not may_ask_about(place_of(caller), place):
        raise OutsidePlaceError
    return place


@router.get(
    "/standings",
    operation_id="get_standing_statistics",
    **statistics_answer(StandingStatistics, "Persons by status, and how far the counts have come."),
)
async def get_standing_statistics(
    request: Request,
    standing_counts: StandingCountsPart,
    place: Place,
    caller: Reader,
    year: AnyYear = None,
    file: Format = "json",
) -> Response:
    """How many of a place owe a year, have met it, made it up, are short of it, exempt or not required.

    By the places just under it: their sum is the place's own.
    """
    answer = await standing_counts.get_standings(asked_place(caller, place), year)
    return send(request, f"standings-{place}", answer, answer.rows, PlaceStandings, file)


@router.get(
    "/standings/daily",
    operation_id="get_standing_series",
    **statistics_answer(MetSeries, "Persons by the day on which they met the year."),
)
async def get_standing_series(
    request: Request,
    standing_counts: StandingCountsPart,
    place: Place,
    year: OneYear,
    caller: Reader,
    day_from: ADay = None,
    day_to: ADay = None,
    file: Format = "json",
) -> Response:
    """Day by day, how many of a place met the year: by the credits that stand today, on the day of their registration."""
    counts = standing_counts
    answer = await counts.get_met(asked_place(caller, place), year, day_from, day_to)
    return send(request, f"met-{place}-{year}", answer, answer.rows, DayMet, file)


@router.get(
    "/registrations",
    operation_id="get_registration_statistics",
    **statistics_answer(RegistrationStatistics, "Counts, and how far they have come."),
)
async def get_registration_statistics(
    request: Request,
    registration_counts: RegistrationCountsPart,
    place: Place,
    caller: Reader,
    year: AnyYear = None,
    day_from: ADay = None,
    day_to: ADay = None,
    file: Format = "json",
) -> Response:
    """Registered records and credits of the places just under one, by year, category, mode and provider."""
    registrations = registration_counts
    answer = await registrations.get_registrations(asked_place(caller, place), year, day_from, day_to)
    return send(request, f"registrations-{place}", answer, answer.rows, RegistrationCount, file)


@router.get(
    "/registrations/daily",
    operation_id="get_registration_series",
    **statistics_answer(RegistrationSeries, "Records and credits by day."),
)
async def get_registration_series(
    request: Request,
    registration_counts: RegistrationCountsPart,
    place: Place,
    caller: Reader,
    year: AnyYear = None,
    provider_id: ProviderId | None = None,
    day_from: ADay = None,
    day_to: ADay = None,
    file: Format = "json",
) -> Response:
    """Registered records and credits of a place day by day, by all providers or by one."""
    registrations = registration_counts
    answer = await registrations.get_daily(asked_place(caller, place), year, provider_id, day_from, day_to)
    return send(request, f"registrations-daily-{place}", answer, answer.rows, DayRegistered, file)


@router.get(
    "/providers",
    operation_id="get_provider_statistics",
    **statistics_answer(ProviderStatistics, "A scorecard for each provider and year."),
)
async def get_provider_statistics(
    request: Request,
    scorecard_counts: ScorecardCountsPart,
    place: Place,
    caller: Reader,
    year: AnyYear = None,
    provider_id: ProviderId | None = None,
    file: Format = "json",
) -> Response:
    """What providers reported for the people of a place and what became of it (S2B-15); a provider sees its own."""
    if caller.organization is not None:
        if not is_known(place):
            raise UnknownPlaceError
        provider_id = caller.organization
    else:
        place = asked_place(caller, place)
    answer = await scorecard_counts.get_scorecards(place, year, provider_id)
    return send(request, f"providers-{place}", answer, answer.rows, Scorecard, file)


@router.get(
    "/reviews",
    operation_id="get_review_statistics",
    **statistics_answer(ReviewStatistics, "What waits for a decision, and what of it is late."),
)
async def get_review_statistics(
    request: Request, review_counts: ReviewCountsPart, place: Place, caller: Reader, file: Format = "json"
) -> Response:
    """The backlog of claims, filings and rosters by the places just under one, with the working days their notices set."""
    answer = await review_counts.get_reviews(asked_place(caller, place))
    return send(request, f"reviews-{place}", answer, answer.rows, ReviewBacklog, file)


@router.get(
    "/employers",
    operation_id="get_employer_statistics",
    **statistics_answer(EmployerStatistics, "A page of employers and how their people stand."),
)
async def get_employer_statistics(
    request: Request,
    employer_counts: EmployerCountsPart,
    place: Place,
    year: OneYear,
    caller: Reader,
    after: Annotated[str | None, Query(pattern=r"^[0-9A-HJ-NP-RTUW-Y]{18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000), IN_DIGITS] = 200,
    file: Format = "json",
) -> Response:
    """How the people of each unit stand for a year, within a place: whom to urge (S0-24, S1-20, S3A-04)."""
    counts = employer_counts
    answer = await counts.get_employers(asked_place(caller, place), year, after or "", limit)
    return send(request, f"employers-{place}-{year}", answer, answer.items, EmployerStandings, file)
