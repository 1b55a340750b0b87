"""Fields of the bodies: what a field's form alone can tell is refused here, with its pointer."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contracts.divisions import is_known
from contracts.identifiers import check_uscc
from services.kit.clock import local_date, utc_now
from services.kit.field_errors import refuse
from services.kit.schemas import Day
from services.registry.streams.account import SCOPES

YEAR_MIN, YEAR_MAX = 2000, 2100
FIRST_DAY = date(1950, 1, 1)


def _known_place(code: str) -> str:
    if not is_known(code):
        raise refuse("unknown_place", "没有这个行政区划代码", "There is no such place")
    return code


def _valid_uscc(code: str) -> str:
    fault = check_uscc(code)
    if fault is not None:
        raise refuse(f"uscc_{fault.value}", fault.text_zh, fault.text_en)
    return code


def _past_day(day: date) -> date:
    if not FIRST_DAY <= day <= local_date(utc_now()):
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


def _known_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise refuse("unknown_scope", "没有这个权限范围", "There is no such scope")
    return scope


Place = Annotated[
    str,
    Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code.", examples=["211302"]),
    AfterValidator(_known_place),
]
Uscc = Annotated[
    str,
    Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", description="统一社会信用代码 (GB 32100)."),
    AfterValidator(_valid_uscc),
]
PastDay = Annotated[Day, AfterValidator(_past_day)]
CreditYear = Annotated[int, Field(ge=YEAR_MIN, le=YEAR_MAX, examples=[2026])]
Scope = Annotated[str, Field(max_length=40), AfterValidator(_known_scope)]
Mode = Literal["online", "face_to_face", "other"]
DisqualificationReason = Literal[
    "false_records", "fee_violation", "quality", "not_assessed", "unlawful_operation", "other"
]
OrganizationKind = Literal["provider", "employer", "organiser", "school", "authority"]


def _plausible(day: date) -> date:
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


def unique(values: list[int] | list[str]) -> list[int] | list[str]:
    """Refuse a list that names something twice."""
    if len(set(values)) != len(values):
        raise refuse("repeated", "有重复项", "An item is repeated")
    return values


PlausibleDay = Annotated[Day, AfterValidator(_plausible)]
