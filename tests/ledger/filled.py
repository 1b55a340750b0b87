"""Filling of structs: every field of a kind with a value of its own, none of them a default, made from its annotation."""

import types
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T")

KNOWN: dict[str, Any] = {
    "category": "professional",
    "fill": ("professional", "public"),
    "studied": "professional",
    "place": "210100",
    "from_place": "210100",
    "to_place": "140500",
    "sat_in": "210100",
    "authority": "210000",
    "from_authority": "210000",
    "clause": "S1-04",
    "policy": "sha256:" + "1" * 64,
    "notice_hash": "sha256:" + "2" * 64,
    "uscc": "91210000MA00000000",
    "mode": "face_to_face",
    "tier": "senior",
    "kind": "completion",
    "record": {"course": "ZJ-01"},
    "notice": {"id": "made-up"},
    "form": "paper",
    "purpose": "annual",
}
"""Fields whose values are of a form that contracts ask for."""


def filled(kind: type[T], /, **given: Any) -> T:
    """A struct whose fields all hold something; no two fields of one type hold the same."""
    return _struct(kind, count(1), given)


def _struct(kind: type[T], numbers: Iterator[int], given: dict[str, Any]) -> T:
    hints = typing.get_type_hints(kind)
    fields = {
        field.name: given[field.name]
        if field.name in given
        else _value(field.name, hints[field.name], numbers)
        for field in msgspec.structs.fields(kind)
    }
    return kind(**fields)


def _value(name: str, hint: Any, numbers: Iterator[int]) -> Any:
    number = next(numbers)
    origin, inside = get_origin(hint), get_args(hint)
    if name in KNOWN and (origin is not Literal or KNOWN[name] in inside):
        return KNOWN[name]
    if origin is Literal:
        return "exam_pending" if "exam_pending" in inside else inside[-1]
    if origin in (typing.Union, types.UnionType):
        return _value(name, next(each for each in inside if each is not type(None)), numbers)
    if origin is tuple and Ellipsis not in inside:
        return tuple(_value(f"{name}_of_{number}", each, numbers) for each in inside)
    if origin in (tuple, list):
        return origin([_value(f"{name}_of_{number}", inside[0], numbers)])
    if origin is dict:
        return {f"key-{number}": _value(f"{name}_of_{number}", inside[1], numbers)}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint, numbers, {})
    simple: dict[Any, Any] = {
        str: f"{name[:40]}-{number}",
        int: 2000 + number,
        bool: True,
        Decimal: Decimal(number) / 4,
        date: date(2025, 1, 1) + timedelta(days=number),
        datetime: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        Any: f"{name}-{number}",
    }
    return simple[hint]
