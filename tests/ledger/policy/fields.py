"""Fields of the policy language, and which of them a rule uses: paths such as `equivalence.forms.bands`."""

from collections.abc import Iterator
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields


def fields_of(*kinds: type[Struct]) -> set[str]:
    """Every field of the rules, and of the parts inside them."""
    return {f"{kind.__struct_config__.tag}.{path}" for kind in kinds for path in _fields(kind)}


def selectors_of(*kinds: type[Struct]) -> set[str]:
    """Every selector of a target, whichever kinds of rule it is for: `for.age.from`."""
    targets = (each for kind in kinds for each in fields(kind) if each.encode_name == "for")
    return {f"for.{path}" for each in targets for part in _parts(each.type) for path in _fields(part)}


def selected_in(rule: dict[str, Any]) -> Iterator[str]:
    """The selectors that the target of a rule uses."""
    yield from (f"for.{path}" for path in _said(rule.get("for", {})))


def _fields(kind: type[Struct]) -> Iterator[str]:
    """The fields of a kind; a target is the same for all kinds, and no field of each."""
    for field in fields(kind):
        if field.encode_name == "for":
            continue
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
    yield from (
        f"{kind}.{path}" for path in _said({k: v for k, v in rule.items() if k not in ("kind", "for")})
    )


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _said(item)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from (f"{name}.{path}" for path in _said(inner))
