"""The JSON Schema of a notice, made from the rule Structs, and the words for what a file gets wrong.

`contracts/policy.schema.json` is this schema written down; `xuefen policy schema` prints it.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from services.ledger.policy.notice import AnyRule, Notice

SCHEMA_ID = "urn:xuefen:schema:policy:v1"

_CREDITS = {
    "type": ["integer", "string"],
    "minimum": 0,
    "maximum": 9999,
    "pattern": "^(?:0|[1-9][0-9]{0,3})(?:\\.[0-9]{1,2})?$",
}
_DATE = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


@cache
def policy_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a notice file."""
    made = msgspec.json.schema(Notice)
    definitions = {name: _plain(part) for name, part in made["$defs"].items()}
    definitions["Rule"] = _rule_by_kind(definitions)
    definitions["Clause"]["properties"]["rules"]["items"] = {"$ref": "#/$defs/Rule"}
    root = definitions.pop("Notice")
    header = {"$schema": Draft202012Validator.META_SCHEMA["$id"], "$id": SCHEMA_ID}
    return {**header, **root, "$defs": dict(sorted(definitions.items()))}


def schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(policy_schema(), ensure_ascii=False, indent=2, sort_keys=False) + "\n"


@cache
def validator() -> Draft202012Validator:
    """The checker of notice files."""
    return Draft202012Validator(policy_schema())


def _plain(part: Any) -> Any:
    """msgspec's schema, simplified: nothing is null, credits are integers or decimal text, defaults are JSON."""
    if isinstance(part, Mapping):
        if part.get("format") == "decimal":
            return _CREDITS | {key: value for key, value in part.items() if key == "description"}
        if part.get("format") == "date":
            return dict(_DATE)
        choices = part.get("anyOf")
        if choices and {"type": "null"} in choices and len(choices) == 2:
            return _plain(next(choice for choice in choices if choice != {"type": "null"}))
        return {
            key: _plain(value)
            for key, value in part.items()
            if key != "discriminator" and not (key == "default" and value is None)
        }
    if isinstance(part, list | tuple):
        return [_plain(item) for item in part]
    return part


def _rule_by_kind(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """One branch per kind, so that an error is about the kind that was written and not about all thirty."""
    kinds = {str(rule.__struct_config__.tag): rule.__name__ for rule in AnyRule.__args__}
    assert all(name in definitions for name in kinds.values())
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": sorted(kinds)}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for kind, name in sorted(kinds.items())
        ],
    }


def schema_errors(data: Any) -> Iterator[tuple[str, str, str, str]]:
    """Every departure from the schema: pointer, code, and what is expected in Chinese and English."""
    for error in sorted(validator().iter_errors(data), key=lambda e: [str(part) for part in e.absolute_path]):
        yield from _departures(error)


def _departures(error: ValidationError) -> Iterator[tuple[str, str, str, str]]:
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.absolute_path)
    wanted = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in wanted if name not in error.instance]
            for name in missing:
                yield f"{pointer}/{name}", "required", f"缺少字段 {name}", f"the field {name} is required"
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for name in error.instance:
                if name not in known:
                    names = ", ".join(known)
                    yield (
                        f"{pointer}/{name}",
                        "unknown",
                        f"没有这个字段; 可用: {names}",
                        f"no such field; known: {names}",
                    )
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else list(wanted)
            zh = "或".join(_TYPES_ZH.get(kind, kind) for kind in kinds)
            yield pointer, "type", f"应为{zh}", f"must be {' or '.join(kinds)}"
        case "enum":
            names = ", ".join(str(value) for value in wanted)
            yield pointer, "enum", f"应为其中之一: {names}", f"must be one of: {names}"
        case "pattern":
            hint = str(error.schema.get("description", ""))
            yield (
                pointer,
                "pattern",
                f"格式应为 {wanted} {hint}".strip(),
                f"must match {wanted} {hint}".strip(),
            )
        case "minItems":
            yield pointer, "minItems", f"至少 {wanted} 项", f"at least {wanted} item(s)"
        case "minLength":
            yield pointer, "minLength", "不能为空", "must not be empty"
        case "maxLength":
            yield pointer, "maxLength", f"最多 {wanted} 个字符", f"at most {wanted} characters"
        case "minimum":
            yield pointer, "minimum", f"不小于 {wanted}", f"at least {wanted}"
        case "maximum":
            yield pointer, "maximum", f"不大于 {wanted}", f"at most {wanted}"
        case other:
            yield pointer, str(other), "不符合格式", f"does not follow the schema ({other})"


_TYPES_ZH = {
    "object": "一组字段",
    "array": "列表",
    "string": "文本",
    "integer": "整数",
    "boolean": "true 或 false",
    "null": "空",
    "number": "数字",
}
