"""Words of the ledger's addresses and bodies: fields that several share, and the place that an official answers for."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Path, Query
from pydantic import AfterValidator, Field

from contracts.divisions import is_known
from services.kit.auth import Caller
from services.kit.errors import TYPE_PREFIX, FieldError, InvalidRequestError
from services.kit.field_errors import refuse
from services.kit.idempotency import StoredAnswer
from services.kit.schemas import Day, StrictModel
from services.ledger.policy import Notice, NoticeError, NoticeFault, parse_notice
from services.ledger.policy.language.facts import CATEGORY_PATTERN
from services.ledger.streams.problems import NotAnOfficialError, UnknownPersonError

PersonId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


Adcode = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code.")]
RegimeCode = Annotated[
    str,
    Query(
        pattern=r"^[a-z][a-z0-9_]{0,59}$",
        description="The duty that is asked about: another than the accounting one by its code in notices.",
    ),
]
CreditYear = Annotated[int, Field(ge=2000, le=2100)]
CategoryText = Annotated[
    str,
    Field(
        pattern=f"{CATEGORY_PATTERN}$",
        description="A category the policy of the place knows, nested by slashes.",
        examples=["professional"],
    ),
]
OpaqueId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


def _plausible(day: date) -> date:
    if not 1990 <= day.year <= 2101:
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


PlausibleDay = Annotated[Day, AfterValidator(_plausible)]


class IdentityNumber(StrictModel):
    """An ID document's type and number."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f]{4,40}$")]


class Identity(IdentityNumber):
    """Number and name exactly as on the ID document: who names the one without the other learns nothing."""

    name: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]


REPORTS, QUERIES, CHECKS, LISTS = "reports", "queries", "attestation-checks", "claim-lists"
VERIFICATIONS, VERIFYING_ADDRESSES = "attestation-verifications", "verifying-addresses"
"""The budgets: of records and questions by number and name, of attestations' checks, and of collective claims."""
WAITING_FOR_A_PERSON = frozenset({"not_collected", "name_differs", "profile_elsewhere"})
"""Why records wait that named nobody this log holds under this number and name: the misses of a budget."""


def misses_of(answer: StoredAnswer) -> int:
    """How many rows of a list named nobody, when it was answered for the first time."""
    if answer.replayed:
        return 0
    rows = msgspec.json.decode(answer.body)["results"]
    return sum(
        row.get("reason") in WAITING_FOR_A_PERSON
        or (row.get("problem") or {}).get("type") == TYPE_PREFIX + UnknownPersonError.code
        for row in rows
    )


NoticeId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{2,59}$")]
NOTICE_CHARACTERS_MAX = 200_000


class PolicyText(StrictModel):
    """A notice: as data, as `contracts/policy.schema.json` describes it, or as the text of its YAML file."""

    notice: dict[str, Any] | None = None
    text: Annotated[str | None, Field(max_length=NOTICE_CHARACTERS_MAX)] = None

    @property
    def field(self) -> str:
        """The field that says the notice."""
        return "notice" if self.notice is not None else "text"

    def read(self) -> tuple[Notice, str]:
        """The notice and its text. Raises InvalidRequestError with every fault; of a text, with its line."""
        if (self.notice is None) is (self.text is None):
            words = "请写明“notice”或“text”之一", "write one of notice and text"
            raise InvalidRequestError([FieldError("/notice", "required", *words)])
        try:
            if self.text is not None:
                return parse_notice(self.text), self.text
            assert self.notice is not None
            return parse_notice(self.notice), msgspec.json.encode(self.notice).decode()
        except NoticeError as error:
            raise InvalidRequestError(
                [
                    FieldError(f"/{self.field}{fault.field}", fault.code, *_located(fault))
                    for fault in error.faults
                ]
            ) from None


def _located(fault: NoticeFault) -> tuple[str, str]:
    if fault.line is None:
        return fault.detail_zh, fault.detail_en
    return f"第{fault.line}行：{fault.detail_zh}", f"line {fault.line}: {fault.detail_en}"


DocumentDay = Annotated[
    PlausibleDay | None,
    Field(
        description="The day of the admission document or the graduation certificate, where the year follows from it."
    ),
]
Score = Annotated[
    str | None,
    Field(
        pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$",
        description="The points reached, where the policy converts by score.",
        examples=["72.5"],
    ),
]
SatIn = Annotated[
    str | None,
    Field(
        pattern=r"^[1-9][0-9]{5}$",
        description="Where an exam was sat, by division code: it may decide by which route it is registered (S2B-09).",
    ),
]


def place_of(caller: Caller) -> str:
    """The place an official answers for. Raises NotAnOfficialError for anybody else."""
    if caller.place is None or not is_known(caller.place):
        raise NotAnOfficialError
    return caller.place
