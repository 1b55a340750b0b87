"""The common form of published events: a pinned type, strict values, and the CloudEvents 1.0 envelope.

A published event states one fact, in words that never change once published. What must change is published as
a new major version beside the old one, since consumers refuse fields they do not know rather than lose them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
)

from contracts.identity import HASH_PATTERN

TYPE_PATTERN: Final = r"^cn\.xuefen\.[a-z]+\.[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*\.v[1-9][0-9]*$"
"""Reverse DNS, service, subject, action, major version: `cn.xuefen.ledger.credit.earned.v1`."""

SCHEMA_PREFIX: Final = "urn:xuefen:event:"
"""Before the type: the name of the JSON Schema of an event's data, its `$id`."""

CREDITS_PATTERN: Final = r"^(0|[1-9][0-9]{0,4})\.[0-9]{2}$"
"""Credits on the wire: a decimal string with exactly two places. JSON floats are not credits."""

_CENT = Decimal("0.01")


def _written(kind: type, form: str) -> BeforeValidator:
    """Refuses numbers for times and dates, also as text: an integer is no instant, whatever a parser says."""
    written = re.compile(form, re.ASCII)

    def check(value: Any) -> Any:
        if isinstance(value, kind) or (isinstance(value, str) and written.match(value)):
            return value
        raise ValueError("must be written in the form of RFC 3339")

    return BeforeValidator(check)


def _must_be_utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        raise ValueError("must be a time in UTC")
    return value.astimezone(UTC)


def _read_credits(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        if not value.is_finite() or value != value.quantize(_CENT):
            raise ValueError("must have at most two decimal places")
        value = f"{value.quantize(_CENT):f}"
    if not isinstance(value, str) or not re.fullmatch(CREDITS_PATTERN[1:-1], value, re.ASCII):
        raise ValueError("must be a decimal string with two places")
    return Decimal(value)


UtcTime = Annotated[
    datetime, _written(datetime, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"), AfterValidator(_must_be_utc)
]
"""An instant in UTC; without a zone, or in another, the event refuses to exist."""

Day = Annotated[date, _written(date, r"\d{4}-\d\d-\d\d\Z")]
"""A calendar day in Asia/Shanghai."""

Credits = Annotated[
    Decimal,
    BeforeValidator(_read_credits),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": CREDITS_PATTERN, "examples": ["90.00"]}),
]
"""学分: a decimal with two places, at most 99999.99, carried as text."""

CreditYear = Annotated[StrictInt, Field(ge=2000, le=2100)]
"""年度: the year credits count for, never a date."""

OpaqueId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
"""An id that tells nothing about whom or what it names."""

Adcode = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{5}$")]
"""A place by GB/T 2260, or one of the two codes of ours; see `contracts.divisions`."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""A stable code for machines, never translated: a reason, a category, a mode, a problem."""

CategoryCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}(?:/[a-z][a-z0-9_]{0,39}){0,3}$")
]
"""A category of credits, nested by slashes: `professional`, `professional/ethics`; `any` where what is missing counts."""

KeyedHash = Annotated[str, StringConstraints(pattern=HASH_PATTERN)]
"""See `contracts.identity`."""

ContentHash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""What a policy was, to the letter."""

Uscc = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]
"""统一社会信用代码."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Words of an organisation (a course, a document, a legal name), never of or about a person."""

Flag = StrictBool


class PublishedEvent(BaseModel):
    """A fact that one service tells the others. Subclasses pin `TYPE`; the class name is the fact's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")

    TYPE: ClassVar[str]
    _published: ClassVar[dict[str, type[PublishedEvent]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the type; a type that is malformed or taken is refused when the module is imported."""
        super().__pydantic_init_subclass__(**kwargs)
        declared = cls.__dict__.get("TYPE")
        if declared is None or not re.fullmatch(TYPE_PATTERN, declared):
            raise TypeError(f"{cls.__name__} must pin a TYPE like cn.xuefen.<service>.<subject>.<action>.v1")
        if declared in PublishedEvent._published:
            raise TypeError(f"{cls.__name__} takes a TYPE that another event has: {declared}")
        PublishedEvent._published[declared] = cls

    def attributes(self) -> dict[str, Any]:
        """The event as CloudEvents attributes: its type, its schema and its data as plain JSON."""
        return {
            "type": self.TYPE,
            "dataschema": SCHEMA_PREFIX + self.TYPE,
            "data": self.model_dump(mode="json"),
        }


class CloudEvent(BaseModel):
    """One published event on a feed (CloudEvents 1.0 in JSON); `log` and `position` are extensions of ours.

    A consumer stores `position` for each `log`; `(source, id)` names the event for ever. Attributes it does
    not know are ignored, as CloudEvents demands; `data` is read strictly, by its `type`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Annotated[str, StringConstraints(pattern=TYPE_PATTERN)]
    subject: str | None = None
    time: UtcTime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | None = None
    sequence: str
    log: str
    position: Annotated[StrictInt, Field(ge=1)]
    data: dict[str, Any]
