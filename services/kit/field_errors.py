"""Words for what pydantic finds wrong: its error types become our codes with a sentence in each language.

Only limits and allowed values that we wrote ourselves are put into a sentence, never what the caller sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError

from services.kit.errors import FieldError, pointer_to

FAULTS_MAX = 100
"""Of one body that are told."""
_PARAMETER_PLACES = ("query", "path", "header", "cookie")

_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "missing": ("missing", "缺少此项", "This field is required"),
    "extra_forbidden": ("unknown_field", "不认识的字段", "This field is not known"),
    "string_too_short": ("too_short", "至少 {min_length} 个字符", "At least {min_length} characters"),
    "string_too_long": ("too_long", "至多 {max_length} 个字符", "At most {max_length} characters"),
    "string_pattern_mismatch": ("wrong_form", "格式不正确", "Not of the required form"),
    "literal_error": ("not_allowed", "只能是 {expected}", "Must be {expected}"),
    "enum": ("not_allowed", "只能是 {expected}", "Must be {expected}"),
    "too_short": ("too_few", "至少 {min_length} 项", "At least {min_length} items"),
    "too_long": ("too_many", "至多 {max_length} 项", "At most {max_length} items"),
    "greater_than": ("out_of_range", "必须大于 {gt}", "Must be greater than {gt}"),
    "greater_than_equal": ("out_of_range", "不得小于 {ge}", "Must be at least {ge}"),
    "less_than": ("out_of_range", "必须小于 {lt}", "Must be less than {lt}"),
    "less_than_equal": ("out_of_range", "不得大于 {le}", "Must be at most {le}"),
    "finite_number": ("not_finite", "必须是有限的数", "Must be a finite number"),
    "json_invalid": ("malformed", "不是有效的 JSON", "Not valid JSON"),
}

_WRONG_TYPE: Mapping[str, tuple[str, str]] = {
    "string_type": ("应为字符串", "Must be a string"),
    "string_unicode": ("应为有效的 Unicode 字符串", "Must be valid Unicode text"),
    "int_type": ("应为整数", "Must be an integer"),
    "int_parsing": ("应为整数", "Must be an integer"),
    "int_from_float": ("应为整数", "Must be an integer"),
    "int_parsing_size": ("整数过大", "The integer is too large"),
    "bool_type": ("应为“true”或“false”", "Must be true or false"),
    "bool_parsing": ("应为“true”或“false”", "Must be true or false"),
    "list_type": ("应为数组", "Must be an array"),
    "tuple_type": ("应为数组", "Must be an array"),
    "set_type": ("应为数组", "Must be an array"),
    "frozen_set_type": ("应为数组", "Must be an array"),
    "dict_type": ("应为对象", "Must be an object"),
    "model_type": ("应为对象", "Must be an object"),
    "model_attributes_type": ("应为对象", "Must be an object"),
    "none_required": ("应为“null”", "Must be null"),
}


def refuse(code: str, detail_zh: str, detail_en: str) -> PydanticCustomError:
    """The error a validator of ours raises; it reaches the caller with this code and these words."""
    return PydanticCustomError("xuefen", "refused", {"code": code, "zh": detail_zh, "en": detail_en})


def field_errors(
    errors: Iterable[ErrorDetails | Mapping[str, object]], base: Sequence[str | int] = ()
) -> list[FieldError]:
    """Pydantic's errors in our words. `base` is the path of the validated value within the body."""
    return [_field_error(error, base) for error in errors]


def _field_error(error: ErrorDetails | Mapping[str, Any], base: Sequence[str | int]) -> FieldError:
    code, zh, en = _sentence(str(error["type"]), error.get("ctx") or {})
    place, path = _split(error["loc"])
    if place is not None:
        name = str(path[0]) if path else ""
        safe = pointer_to([name.lower().replace("-", "_")])
        return FieldError("", code, zh, en, parameter=name if safe else place)
    return FieldError(pointer_to([*base, *path]), code, zh, en)


def _split(loc: Sequence[str | int]) -> tuple[str | None, Sequence[str | int]]:
    if loc and loc[0] == "body":
        return None, loc[1:]
    if loc and loc[0] in _PARAMETER_PLACES:
        return str(loc[0]), loc[1:]
    return None, loc


def _sentence(kind: str, context: Mapping[str, object]) -> tuple[str, str, str]:
    if kind == "xuefen":
        return str(context["code"]), str(context["zh"]), str(context["en"])
    if kind in _SENTENCES:
        code, zh, en = _SENTENCES[kind]
        return code, zh.format_map(_Limits(context)), en.format_map(_Limits(context))
    if kind in _WRONG_TYPE:
        return "wrong_type", *_WRONG_TYPE[kind]
    return "invalid", "内容不正确", "Not valid"


class _Limits(dict[str, object]):
    """Values for a sentence; one that pydantic does not give is left out rather than an error."""

    def __missing__(self, key: str) -> str:
        return "…"
