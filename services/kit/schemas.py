"""The strict base of request and response models, and the field types that JSON has no type for."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, computed_field
from starlette.datastructures import QueryParams

from services.kit.errors import FieldError, InvalidRequestError, pointer_to
from services.kit.field_errors import refuse
from services.kit.idempotency import HEADER as KEY_HEADER
from services.kit.personal_numbers import faults_of_parameters

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
_MOMENT_TYPE = Annotated[datetime, msgspec.Meta(tz=True)]
_PLUS_AS_BLANK = re.compile(r"(.{16,}) ([0-9]{2}:[0-9]{2})", re.ASCII)

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
"""Between these a day or a moment is one that somebody can mean: it has a day before and after, in every zone."""
_FIRST = datetime(1900, 1, 1, tzinfo=UTC) - timedelta(hours=14)
_LAST = datetime(2200, 1, 2, tzinfo=UTC) + timedelta(hours=14)


class StrictModel(BaseModel):
    """A body as it was agreed: no field more, no type bent, no NaN. Bodies are checked for NUL before
    parsing.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class WholeList(StrictModel):
    """A list that always comes as one page, so that it can tell its length; a longer list has `items` and `next` alone."""

    items: list[Any]
    next: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.items)


def parse_day(value: object) -> date:
    """A calendar date written `2026-03-01`; nothing else passes for one."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value  # our own; what a caller sends is text
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return _plausible_day(day)
    raise refuse("invalid_date", "应为日期，形如“2026-03-01”", "Must be a date such as 2026-03-01")


def parse_moment(value: object) -> datetime:
    """An RFC 3339 time with its zone; a time without zone is refused, for it names 24 different moments."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if isinstance(value, str):
        try:
            moment: datetime = msgspec.convert(value, _MOMENT_TYPE)
        except msgspec.ValidationError:
            pass
        else:
            return _plausible_moment(moment)
    raise refuse(
        "invalid_time",
        "应为带时区的时间，形如“2026-03-01T09:00:00+08:00”",
        "Must be a time with its zone, such as 2026-03-01T09:00:00+08:00",
    )


def parse_address_moment(value: object) -> datetime:
    """A moment in an address, where `+08:00` arrives as ` 08:00` unless it was escaped: it is understood."""
    written = _PLUS_AS_BLANK.fullmatch(value) if isinstance(value, str) else None
    return parse_moment(value if written is None else f"{written[1]}+{written[2]}")


def _plausible_day(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


def _plausible_moment(moment: datetime) -> datetime:
    """The moment, refused when it lies where no day of anybody's life does, or where no zone can be applied."""
    if not _FIRST <= moment <= _LAST:
        raise refuse("out_of_range", "时间不在合理范围", "The time is out of range")
    return moment


def parse_whole(value: object) -> object:
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
AddressMoment = Annotated[datetime, BeforeValidator(parse_address_moment, json_schema_input_type=datetime)]
"""A moment that stands in a query."""
IN_DIGITS = BeforeValidator(parse_whole)
"""For an `int` of an address, after its `Path` or `Query`; in a strict body an `int` is one already."""
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(parse_line)]
ShortLine = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(parse_line)]
Note = Annotated[str, Field(min_length=1, max_length=2000)]

_UNKNOWN = ("unknown_parameter", "不认识的查询参数", "This parameter is not known")
_REPEATED = ("repeated_parameter", "此参数只能给出一次", "This parameter may be given once only")


async def check_query(request: Request) -> None:
    """A dependency of every route. Raises InvalidRequestError for a parameter that the route does not have, or that
    comes again where one is asked for, and for somebody's number in an address or in a command's key; nothing of what was
    sent is repeated that could be somebody's."""
    key = request.headers.get(KEY_HEADER)
    chosen = [*request.path_params.items(), *request.query_params.multi_items()]
    numbers = faults_of_parameters(chosen if key is None else [*chosen, (KEY_HEADER, key)])
    if numbers:
        raise InvalidRequestError(numbers)
    if not request.scope.get("query_string"):
        return
    known = _parameters(request.scope["route"].dependant)
    faults = [_fault(name, _UNKNOWN) for name in request.query_params if name not in known]
    faults += [
        _fault(name, _REPEATED) for name in _repeated(request.query_params) if not known.get(name, True)
    ]
    if faults:
        raise InvalidRequestError(faults)


_known: dict[int, tuple[Dependant, dict[str, bool]]] = {}
"""By the identity of what describes a route, which is held here so that no other takes its place."""


def _parameters(dependant: Dependant) -> dict[str, bool]:
    """The names that a route knows, and whether each may come more than once."""
    found = _known.get(id(dependant))
    if found is None:
        found = _known[id(dependant)] = (dependant, _parameters_of(dependant))
    return found[1]


def _parameters_of(dependant: Dependant) -> dict[str, bool]:
    known: dict[str, bool] = {}
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            raise TypeError(f"{field.name}: a model of query parameters hides their names")
        known[field.alias] = any(word in str(annotation) for word in ("list[", "set[", "tuple["))
    for each in dependant.dependencies:
        known |= _parameters_of(each)
    return known


def _repeated(given: QueryParams) -> list[str]:
    return [name for name in given if len(given.getlist(name)) > 1]


def _fault(name: str, words: tuple[str, str, str]) -> FieldError:
    code, zh, en = words
    safe = pointer_to([name.lower().replace("-", "_")])
    return FieldError("", code, zh, en, parameter=name if safe else "query")
