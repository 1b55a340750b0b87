"""Faults of a notice file against the schema, in words that say what is expected."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema.exceptions import ValidationError

from services.ledger.policy.document.schema import validator
from services.ledger.policy.document.yaml_faults import FULL_WIDTH_COLON, FULL_WIDTH_COLON_WORDS
from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.findings import Finding

_HARMLESS = re.compile(r"[A-Za-z_]{1,40}|[0-9]{1,4}", re.ASCII)


def schema_faults(data: Any) -> Iterator[Finding]:
    """Everything in which the data does not follow the schema of a notice."""
    for error in validator().iter_errors(data):
        keyword, wanted = str(error.validator), error.validator_value
        schema: Any = error.schema
        for names in _FIELDS.get(keyword, _whole)(error.instance, wanted, schema):
            code, zh, en = _words(keyword, wanted, schema, names, error.instance)
            yield Finding(pointer_of(error) + (f"/{_escape(names)}" if names else ""), code, zh, en)


def pointer_of(error: ValidationError) -> str:
    """The field an error is about."""
    return "".join(f"/{_escape(str(part))}" for part in error.absolute_path)


def harmless(pointer: str) -> str:
    """The pointer, cut before the first name that is not like a field's: what a caller wrote there is not repeated."""
    parts = pointer.split("/")[1:]
    bad = next((i for i, part in enumerate(parts) if not _HARMLESS.fullmatch(part)), len(parts))
    return "".join(f"/{part}" for part in parts[:bad])


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _whole(instance: object, wanted: object, schema: object) -> list[str]:
    return [""]


_WRITTEN = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*|[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
"""What the writer of a notice writes as it is, in a description of it."""

_DAY_OTHERWISE = re.compile(
    r"([0-9]{4})[ ]*[-./年－／．][ ]*([0-9]{1,2})[ ]*[-./月－／．][ ]*([0-9]{1,2})[ ]*[日号]?", re.ASCII
)
_FIELDS: Mapping[str, Callable[[Any, Any, Any], list[str]]] = {
    "required": lambda instance, wanted, schema: [name for name in wanted if name not in instance],
    "additionalProperties": lambda instance, wanted, schema: [
        str(name) for name in instance if name not in schema.get("properties", {})
    ],
}
"""Errors about fields of the object they stand at, rather than about the object."""


def _words(keyword: str, wanted: Any, schema: Any, name: str, written: object) -> tuple[str, str, str]:
    if keyword == "required":
        return keyword, f"缺少字段“{name}”", f"the field {name} is required"
    if keyword == "additionalProperties":
        names = list(schema.get("properties", {}))
        known = ", ".join(names)
        zh, en = did_you_mean(name, names)
        return "unknown", f"没有这个字段{zh}；可用：{_quoted(names)}", f"no such field{en}; known: {known}"
    if keyword == "type":
        kinds = [wanted] if isinstance(wanted, str) else list(wanted)
        if "object" in kinds and isinstance(written, str) and FULL_WIDTH_COLON.match(written):
            return keyword, *FULL_WIDTH_COLON_WORDS
        zh = "或".join(_TYPES_ZH.get(kind, kind) for kind in kinds)
        return keyword, f"应为{zh}", f"must be of type {' or '.join(kinds)}"
    if keyword == "enum":
        names = [str(value) for value in wanted]
        zh, en = did_you_mean(str(written), names)
        return (
            keyword,
            f"应为其中之一：{_quoted(names)}{zh and zh.replace('，', '；')}",
            f"must be one of: {', '.join(names)}{en}",
        )
    if keyword == "pattern":
        day = _day_written_otherwise(written, str(wanted))
        if day is not None:
            return keyword, f"日期应写作“{day}”", f"write the day as {day}"
        zh, _, en = str(schema.get("description", "")).partition("。")
        return (
            keyword,
            _WRITTEN.sub(r"“\g<0>”", f"格式应为：{zh}") if zh else "格式不符",
            f"must be of the form: {en or wanted}",
        )
    zh, en = _LIMITS.get(keyword, ("不符合格式 {}", "does not follow the schema: {}"))
    return keyword, zh.format(wanted), en.format(wanted)


def did_you_mean(written: str, names: Iterable[str], cutoff: float = 0.6) -> tuple[str, str]:
    """What goes behind the fault of a name that is not known, in both languages: the name it resembles, if any."""
    near = get_close_matches(written, list(names), n=1, cutoff=cutoff)
    return (f"，是否指“{near[0]}”", f"; did you mean {near[0]}?") if near else ("", "")


def _day_written_otherwise(written: object, pattern: str) -> str | None:
    """The day that was written in another way than with hyphens and two digits, as the pattern wants it; else None."""
    found = _DAY_OTHERWISE.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        return None
    year, month, day = found.groups()
    meant = f"{year}-{int(month):02}-{int(day):02}"
    return meant if re.search(pattern, meant) and day_of(meant, 0) is not None else None


def _quoted(names: Iterable[str]) -> str:
    return "、".join(f"“{name}”" for name in names)


_LIMITS = {
    "minItems": ("至少 {} 项", "at least {} item(s)"),
    "maxItems": ("最多 {} 项", "at most {} items"),
    "minLength": ("至少 {} 个字符", "at least {} character(s)"),
    "maxLength": ("最多 {} 个字符", "at most {} characters"),
    "minimum": ("不小于 {}", "at least {}"),
    "maximum": ("不大于 {}", "at most {}"),
}
_TYPES_ZH = {
    "object": "一组字段",
    "array": "列表",
    "string": "文本",
    "integer": "整数",
    "boolean": "“true”或“false”",
}
