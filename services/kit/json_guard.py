"""The look at a JSON body before anything parses it into models: text that no PostgreSQL and no model can hold
is refused.

The check of a good body is a few scans in C; only a bad body is walked, to name the field at fault.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from services.kit.errors import FieldError, InvalidRequestError, MalformedBodyError, Problem, pointer_to
from services.kit.personal_numbers import faults_of_body

MEMBERS_MAX = 60_000
"""Of a body: a thousand records of twenty fields, with commas to spare in their texts."""

_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_BYTE_OFFSET = re.compile(r"\(byte (\d+)\)")


def check_text(body: bytes) -> None:
    """Refuse bytes that are not UTF-8 text or hold a NUL; says at which byte, never what stands there."""
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedBodyError(
                f"第 {error.start} 字节起不是有效的 UTF-8", f"Not valid UTF-8 from byte {error.start}"
            ) from None
    at = body.find(b"\x00")
    if at >= 0:
        raise MalformedBodyError(f"第 {at} 字节是 NUL 字符", f"A NUL character at byte {at}")


def check_json(body: bytes, *, members_max: int = MEMBERS_MAX) -> None:
    """Refuse a body that is not strict JSON: NaN, NUL, lone surrogates, numbers beyond range, a member given
    twice, bombs; and one in which somebody's number, or the name of whom it is about, stands where none belongs.
    """
    check_text(body)
    check_size(body, members_max)
    if _SUSPECT_ESCAPE.search(body) is not None:
        _refuse_bad_text(body)
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise explain(body, error) from None
    repeated = [error for _, error in repeated_members(body)]
    if repeated:
        raise InvalidRequestError(repeated)
    numbers = faults_of_body(body)
    if numbers:
        raise InvalidRequestError(numbers)


def check_size(body: bytes, members_max: int = MEMBERS_MAX) -> None:
    """Refuse a body of more members than any route takes, before a parser builds them."""
    if body.count(b",") > members_max:
        raise MalformedBodyError(f"成员超过 {members_max} 个", f"More than {members_max} members")


def explain(body: bytes, error: Exception) -> Problem:
    """The problem that names where a body, which msgspec could not read, is at fault."""
    if isinstance(error, RecursionError):
        return MalformedBodyError("嵌套过深", "Nested too deeply")
    found = next(_bad_places(body), None)
    if found is not None:
        return InvalidRequestError([found])
    at = _BYTE_OFFSET.search(str(error))
    if at is not None:
        return MalformedBodyError(f"第 {at[1]} 字节处不是有效的 JSON", f"Not valid JSON at byte {at[1]}")
    return MalformedBodyError("不是完整有效的 JSON", "Not valid, complete JSON")


Path = tuple[str | int, ...]


class _Repeating(dict[str, object]):
    """An object that names a member more than once; `names` are those, and its values the last ones."""

    names: list[str]


def repeated_members(body: bytes) -> list[tuple[Path, FieldError]]:
    """The members that an object of a readable body names more than once, each with its path.

    Parsers disagree on which of two counts (RFC 8259, 4), so neither is taken.
    """
    seen = False

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal seen
        made = dict(members)
        if len(made) == len(members):
            return made
        seen = True
        given = Counter(name for name, _ in members)
        repeating = _Repeating(made)
        repeating.names = [name for name, times in given.items() if times > 1]
        return repeating

    try:
        document = json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return []
    if not seen:
        return []
    fault = ("given_twice", "重复出现", "This field is given twice")
    return [
        ((*path, name), FieldError(pointer_to((*path, name)), *fault))
        for path, value in _walk(document)
        if isinstance(value, _Repeating)
        for name in value.names
    ]


def _refuse_bad_text(body: bytes) -> None:
    found = [place for place, _ in zip(_bad_places(body), range(20), strict=False)]
    if found:
        raise InvalidRequestError(found)


def _bad_places(body: bytes) -> Iterator[FieldError]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return
    for path, value in _walk(document):
        fault = _fault(value)
        if fault is not None:
            yield FieldError(pointer_to(path), *fault)
        elif isinstance(value, dict):
            for name in value:
                name_fault = _fault(name)
                if name_fault is not None:
                    yield FieldError(pointer_to(path), *name_fault)


def _walk(document: object) -> Iterator[tuple[Path, object]]:
    """Every value of a document with its path, in the order in which they are written."""
    pending: list[tuple[Path, object]] = [((), document)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            pending.extend(((*path, name), member) for name, member in reversed(value.items()))
        elif isinstance(value, list):
            pending.extend(((*path, index), value[index]) for index in reversed(range(len(value))))


def _fault(value: object) -> tuple[str, str, str] | None:
    if isinstance(value, str):
        if "\x00" in value:
            return "nul_character", "含有 NUL 字符", "Holds a NUL character"
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            return "lone_surrogate", "含有不成对的代理字符", "Holds a lone surrogate"
    elif isinstance(value, float) and not math.isfinite(value):
        return "not_finite", "必须是有限的数", "Must be a finite number"
    return None
