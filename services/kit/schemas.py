"""The strict base of request and response models, and the field types that JSON has no type for."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from services.kit.field_errors import refuse

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
_MOMENT_TYPE = Annotated[datetime, msgspec.Meta(tz=True)]


class StrictModel(BaseModel):
    """A body as it was agreed: no field more, no type bent, no NaN. Bodies are checked for NUL before
    parsing.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def parse_day(value: Any) -> date:
    """A calendar date written `2026-03-01`; nothing else passes for one."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise refuse("invalid_date", "应为日期，形如 2026-03-01", "Must be a date such as 2026-03-01")


def parse_moment(value: Any) -> datetime:
    """An RFC 3339 time with its zone; a time without zone is refused, for it names 24 different moments."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if isinstance(value, str):
        try:
            moment: datetime = msgspec.convert(value, _MOMENT_TYPE)
        except msgspec.ValidationError:
            pass
        else:
            return moment
    raise refuse(
        "invalid_time",
        "应为带时区的时间，形如 2026-03-01T09:00:00+08:00",
        "Must be a time with its zone, such as 2026-03-01T09:00:00+08:00",
    )


def parse_whole(value: Any) -> Any:
    """A whole number of an address, written in digits: pydantic would take `2025.0`, `2_025` and `+2025` too."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise refuse("wrong_type", "应为整数", "Must be an integer")
    return value


def parse_line(value: str) -> str:
    """One line of text, trimmed; control, format and separator characters would deceive whoever reads it."""
    trimmed = value.strip()
    if not trimmed:
        raise refuse("too_short", "不能为空白", "Must not be blank")
    if any(unicodedata.category(character) in _UNREADABLE for character in trimmed):
        raise refuse("control_character", "含有控制字符或不可见字符", "Holds control or invisible characters")
    return trimmed


Day = Annotated[date, BeforeValidator(parse_day, json_schema_input_type=date)]
Moment = Annotated[datetime, BeforeValidator(parse_moment, json_schema_input_type=datetime)]
IN_DIGITS = BeforeValidator(parse_whole)
"""For an `int` of an address, after its `Path` or `Query`; in a strict body an `int` is one already."""
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(parse_line)]
ShortLine = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(parse_line)]
Note = Annotated[str, Field(min_length=1, max_length=2000)]
