"""Bodies of the registry's routes. What a field's form alone can tell is refused here, with its pointer."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from contracts.divisions import is_known
from contracts.identifiers import IdType, check_id_number, check_uscc
from contracts.identity import normalise_id_number
from services.kit.clock import local_date, utc_now
from services.kit.field_errors import refuse
from services.kit.schemas import Day, Line, ShortLine, StrictModel
from services.registry.client import SCOPES

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


def _unique(values: list[int] | list[str]) -> list[int] | list[str]:
    if len(set(values)) != len(values):
        raise refuse("repeated", "有重复项", "An item is repeated")
    return values


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


class PersonIdentity(StrictModel):
    """Name and number exactly as on the ID document (S0-23)."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(min_length=4, max_length=24)]
    name: ShortLine

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


class OrganizationRequest(StrictModel):
    """An organization by its legal name and unified social credit code."""

    name: Line
    uscc: Uscc
    kind: OrganizationKind
    place: Annotated[Place, Field(description="Whose finance bureau keeps it.")]


class OrganizationOutcome(StrictModel):
    """The organization a command was about."""

    organization_id: str


class AccreditationRequest(StrictModel):
    """What a provider is filed for (S1-22, S2B-14); only if published may it train."""

    place: Place
    years: Annotated[list[CreditYear], Field(min_length=1, max_length=20), AfterValidator(_unique)]
    modes: Annotated[list[Mode], Field(min_length=1, max_length=3), AfterValidator(_unique)]
    published: bool = True


class DisqualificationRequest(StrictModel):
    """From when, where and why a provider's standing is taken (S0-25)."""

    place: Place
    from_date: Day
    reason: DisqualificationReason

    @field_validator("from_date")
    @classmethod
    def _plausible(cls, day: date) -> date:
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
        return day


class AccreditationView(StrictModel):
    """An accreditation on file."""

    place: str
    years: list[int]
    modes: list[str]
    published: bool
    accredited_at: datetime


class DisqualificationView(StrictModel):
    """A disqualification on file."""

    place: str
    from_date: date
    reason: str
    disqualified_at: datetime


class OrganizationView(StrictModel):
    """An organization with everything it was accredited for and lost."""

    organization_id: str
    name: str
    uscc: str
    kind: str
    place: str
    registered_at: datetime
    accreditations: list[AccreditationView]
    disqualifications: list[DisqualificationView]


class ClientRequest(StrictModel):
    """What a program may do, and for whom: for the bureau of a place, or for an organization, never both."""

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=30), AfterValidator(_unique)]
    place: Place | None = None
    organization_id: Annotated[str | None, Field(pattern=r"^[0-9a-f-]{36}$")] = None
    label: ShortLine | None = None

    @model_validator(mode="after")
    def _bound_to_one(self) -> Self:
        if (self.place is None) == (self.organization_id is None):
            raise refuse(
                "one_of", "place 与 organization_id 须且只须填一项", "Give place or organization_id, not both"
            )
        return self


class ClientOutcome(StrictModel):
    """What the program signs in with. The secret is shown once; a repeat of the command shows null."""

    client_id: str
    client_secret: str | None
    scopes: list[str]


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
