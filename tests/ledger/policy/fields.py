"""Fields of the policy language, and which of them a rule uses: paths such as `equivalence.forms.bands`."""

from collections.abc import Iterator
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields


def fields_of(*kinds: type[Struct]) -> set[str]:
    """Every field of the rules, and of the parts inside them."""
    return {f"{kind.__struct_config__.tag}.{path}" for kind in kinds for path in _fields(kind)}


def _fields(kind: type[Struct]) -> Iterator[str]:
    for field in fields(kind):
        yield field.encode_name
        for part in _parts(field.type):
            for inner in _fields(part):
                yield f"{field.encode_name}.{inner}"


def _parts(type_: Any) -> Iterator[type[Struct]]:
    if isinstance(type_, type) and issubclass(type_, Struct):
        yield type_
    for inner in get_args(type_):
        yield from _parts(inner)


def said_in(rule: dict[str, Any]) -> Iterator[str]:
    """The paths of the fields that a rule, as plain data, uses."""
    kind = rule["kind"]
    yield from (f"{kind}.{path}" for path in _said({k: v for k, v in rule.items() if k != "kind"}))


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _said(item)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from (f"{name}.{path}" for path in _said(inner))
