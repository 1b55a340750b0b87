"""Commands of people, as they come in: complete and checked before a case decides, and who acts."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from msgspec import Struct
from pydantic import AfterValidator, Field, model_validator

from contracts.divisions import NATION, contains, is_known
from contracts.identifiers import check_uscc
from services.kit.field_errors import refuse
from services.kit.schemas import Line, StrictModel
from services.transfer.problems import OutsidePlaceError

EVIDENCE_MAX = 10
TEXT_LENGTH_MAX = 200

# A resident ID or a telephone number, however written or spaced, and a passport's or permit's letter with eight
# digits. Eight digits alone may be a date.
_LOOKS_LIKE_A_NUMBER = re.compile(r"(?:\d[\s\-.]*){9}|(?<![A-Za-z])[A-Za-z]\d{8}")

RefusalReason = Literal[
    "evidence_missing",
    "evidence_unclear",
    "information_incorrect",
    "employment_not_confirmed",
    "enrolment_not_confirmed",
    "outside_the_place",
    "other",
]
"""Why a desk sends a transfer back; a free text may explain, the code is what counts and travels."""


class Actor(Struct, frozen=True, kw_only=True):
    """The caller of a command: `place` binds an official, `organization` (an id) a client of an organization. Who is bound
    to neither is the person that `subject` names, whoever signed them in.
    """

    subject: str
    place: str | None = None
    organization: str | None = None

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.place is not None and contains(self.place, place)

    def must_cover(self, *places: str) -> None:
        """Raise OutsidePlaceError unless the actor is an official for one of the places."""
        if not any(self.covers(place) for place in places):
            raise OutsidePlaceError


def _known_place(code: str) -> str:
    if not is_known(code):
        raise refuse("unknown_place", "行政区划代码不存在", "There is no such division")
    return code


def _below_the_nation(code: str) -> str:
    if code == NATION:
        raise refuse("too_wide", "应为具体的调入地", "Must be narrower than the nation")
    return code


def _good_uscc(code: str) -> str:
    problem = check_uscc(code)
    if problem is not None:
        raise refuse("wrong_uscc", problem.text_zh, problem.text_en)
    return code


def _without_numbers(text: str) -> str:
    if _LOOKS_LIKE_A_NUMBER.search(text) or "@" in text:
        raise refuse(
            "personal_data",
            "不得填写证件号码、电话、邮箱等个人信息",
            "Must not hold ID numbers, telephone numbers or addresses of people",
        )
    return text


Place = Annotated[
    str, Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code."), AfterValidator(_known_place)
]
UsccCode = Annotated[
    str, Field(min_length=18, max_length=18, description="统一社会信用代码."), AfterValidator(_good_uscc)
]
OpaqueId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[Line, Field(max_length=TEXT_LENGTH_MAX), AfterValidator(_without_numbers)]


class EvidenceFile(StrictModel):
    """A stamped 工作证明 or 学籍证明 (S2C-10), by the digest of the file; the file itself is not sent here."""

    name: Annotated[Line, Field(max_length=120), AfterValidator(_without_numbers)]
    sha256: Sha256
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]


class RequestTransfer(StrictModel):
    """A person asks to move their profile; a student has no employer (S2C-10, where the form says 无)."""

    person_id: OpaqueId
    to_place: Annotated[Place, AfterValidator(_below_the_nation)]
    employer: UsccCode | None
    student: bool = False
    evidence: Annotated[list[EvidenceFile], Field(min_length=1, max_length=EVIDENCE_MAX)]

    @model_validator(mode="after")
    def _employed_or_student(self) -> Self:
        if (self.employer is None) is not self.student:
            raise refuse(
                "employer_or_student",
                "应填写调入单位；学生不填单位，并注明为在校学生",
                "Name the employer; a student names none and sets student to true",
            )
        return self


class RefuseTransfer(StrictModel):
    """Why a desk refuses: a code for machines, and for people a text that names nobody."""

    reason: RefusalReason
    text: Text | None = None
