"""Bodies of the registry's routes. What a field's form alone can tell is refused here, with its pointer."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from contracts.divisions import is_known
from contracts.identifiers import IdType, check_id_number, check_uscc
from contracts.identity import normalise_id_number
from services.kit.clock import local_date, utc_now
from services.kit.field_errors import refuse
from services.kit.schemas import Day, ShortLine, StrictModel
from services.registry.accounts.client import SCOPES

IDENTITY_CHECKS_MAX = 1000
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
Level = Literal["junior", "intermediate", "senior", "advanced_senior"]
Mode = Literal["online", "face_to_face", "other"]
DisqualificationReason = Literal[
    "false_records", "fee_violation", "quality", "not_assessed", "unlawful_operation", "other"
]
OrganizationKind = Literal["provider", "employer", "organiser", "school", "authority"]


class IdDocument(StrictModel):
    """An ID document by its type and number."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(min_length=4, max_length=24)]

    @field_validator("id_number")
    @classmethod
    def _check(cls, number: str, info: ValidationInfo) -> str:
        id_type = info.data.get("id_type")
        if id_type is None:
            return number
        fault = check_id_number(IdType(id_type), number, on=local_date(utc_now()))
        if fault is not None:
            raise refuse(f"id_number_{fault.value}", fault.text_zh, fault.text_en)
        return normalise_id_number(number)


class PersonIdentity(IdDocument):
    """Name and number exactly as on the ID document (S0-23)."""

    name: ShortLine


class Qualification(StrictModel):
    """An accounting qualification (会计专业技术资格): 初级, 中级, 高级 or 正高级, and the day it was obtained."""

    level: Level
    obtained_on: PastDay


class PersonView(StrictModel):
    """A person as collected. Name and number are masked; null once the person's key is destroyed."""

    person_id: str
    place: str
    employer: str | None
    student: bool
    student_since: date | None
    qualifications: list[Qualification]
    jobs: list[str]
    working_since: date | None
    left_on: date | None
    retired_on: date | None
    collected_at: datetime
    id_type: str | None
    id_number: str | None
    name: str | None


class IdentityChecks(StrictModel):
    """Who a provider is about to report."""

    persons: Annotated[list[PersonIdentity], Field(min_length=1, max_length=IDENTITY_CHECKS_MAX)]


class IdentityResult(StrictModel):
    """What the registry knows of one: `match`; `mismatch`, the number is known under another name; `former`, the
    person has another number now; `unknown`.
    """

    index: int
    result: Literal["match", "mismatch", "former", "unknown"]


class IdentityResults(StrictModel):
    """One result for each person, in order."""

    results: list[IdentityResult]


class TokenAnswer(StrictModel):
    """A token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class TokenRefusal(StrictModel):
    """Why there is no token (RFC 6749, 5.2)."""

    error: Literal[
        "invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type", "unauthorized_client"
    ]
    error_description: str
