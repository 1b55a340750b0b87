"""The JSON Schema of a notice, made from the rule Structs.

`contracts/policy.schema.json` is this schema written down; `xuefen policy schema` prints it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from services.ledger.policy.document.meaning import field_words
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.rules import KINDS

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
    for name, part in definitions.items():
        _entitle(name, part)
    definitions["Rule"] = _rule_by_kind(definitions)
    definitions["Clause"]["properties"]["rules"]["items"] = {"$ref": "#/$defs/Rule"}
    root = definitions.pop("Notice")
    header = {"$schema": Draft202012Validator.META_SCHEMA["$id"], "$id": SCHEMA_ID}
    return {**header, **root, "$defs": dict(sorted(definitions.items()))}


def schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(policy_schema(), ensure_ascii=False, indent=2, sort_keys=False) + "\n"


@cache
def validator() -> Validator:
    """The checker of notice files."""
    checker: Validator = _Checker(policy_schema())
    return checker


def _follows_pattern(_: Validator, pattern: str, value: object, __: Any) -> Iterator[ValidationError]:
    """A pattern as JSON Schema means it: the end is the end, where Python's `$` lets a newline pass."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError("not of the required form")


_Checker = extend(Draft202012Validator, {"pattern": _follows_pattern})  # type: ignore[no-untyped-call]


def _plain(part: object) -> Any:
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


def _entitle(struct: str, part: dict[str, Any]) -> None:
    """Give every field of a part its name in Chinese and English, which editors show beside it."""
    for field, schema in part.get("properties", {}).items():
        if field != "kind":
            schema["title"] = " ".join(field_words(struct, field))


def _rule_by_kind(definitions: Mapping[str, object]) -> dict[str, Any]:
    """One branch per kind, so that an error is about the kind that was written and not about all thirty."""
    kinds = {kind.tag: kind.rule.__name__ for kind in KINDS}
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
