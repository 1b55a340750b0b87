"""An answer of the engine in the form in which a scenario states it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from services.ledger.policy import Assessment, Missing
from tests.ledger.scenario_file import Answer


def stated(expected: Answer) -> Iterator[tuple[str, Any]]:
    """What the scenario says of the answer, field by field."""
    for field in msgspec.structs.fields(expected):
        value = getattr(expected, field.name)
        optional = field.name in ("first_obliged_year", "make_up")
        if field.name in ("on", "year") or value is UNSET or (value is None and not optional):
            continue
        yield field.name, value


def _name(missing: Missing) -> str:
    if missing.choice is not None:
        return f"choice:{missing.choice}"
    if missing.modes:
        return f"mode:{'+'.join(missing.modes)}"
    return f"course:{missing.course}" if missing.course else missing.category or "total"


def shown(what: str, expected: Any, found: Assessment) -> Any:
    """The part of the answer, in the form in which the scenario states it."""
    if what == "missing":
        return {_name(item): item.credits for item in found.missing}
    if what == "not_counted":
        return [item.why for item in found.not_counted]
    if what == "clauses":
        return list(found.clauses)
    if what == "deadlines":
        plain = [msgspec.to_builtins(deadline) for deadline in found.deadlines]
        return [
            {name: one[name] for name in stated} for one, stated in zip(plain, expected, strict=False)
        ] + plain[len(expected) :]
    if what == "make_up" and found.make_up is not None and expected is not None:
        whole = msgspec.to_builtins(found.make_up)
        return {name: whole[name] for name in expected}
    return getattr(found, what)


def as_text(value: Any) -> Any:
    """Plain data with every number as text, as YAML and the policy write them."""
    if isinstance(value, dict):
        return {key: as_text(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(part) for part in value]
    return str(value)
