"""Expectations of a scenario: an answer of the engine in the form in which a scenario states it, and what differs."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from services.ledger.policy import Assessment, Decision, Held, Missing, Registered, Rejected
from services.ledger.scenarios.scenario_file import Answer


class Difference(NamedTuple):
    """What came out otherwise than expected, and where: in a step, in an answer, or of a value in force."""

    where_zh: str
    where_en: str
    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.where_en}: {self.what}: expected {self.expected}, found {self.found}"

    @property
    def zh(self) -> str:
        """The same in Chinese."""
        return f"{self.where_zh}：“{self.what}”应为“{_zh(self.expected)}”，实为“{_zh(self.found)}”"


def _zh(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "无", True: "是", False: "否"}[value]
    return str(value)


def stated(expected: Answer) -> Iterator[tuple[str, Any]]:
    """What the scenario says of the answer, field by field."""
    for field in msgspec.structs.fields(expected):
        value = getattr(expected, field.name)
        optional = field.name in ("first_obliged_year", "make_up")
        if field.name in ("on", "year", "regime") or value is UNSET or (value is None and not optional):
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
    if what == "periods":
        told = [msgspec.to_builtins(one) for one in found.periods]
        missing = [{_name(item): str(item.credits) for item in one.missing} for one in found.periods]
        whole = [one | {"missing": short} for one, short in zip(told, missing, strict=True)]
        if len(whole) != len(expected):
            return whole
        return [{k: one[k] for k in want} for one, want in zip(whole, expected, strict=True)]
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


def decided(decision: Decision) -> dict[str, Any]:
    """What came of a completion that was not refused, as a step states it."""
    if isinstance(decision, Held):
        return {"outcome": "held", "reason": decision.reason, "clause": decision.clause}
    assert isinstance(decision, Registered)
    return {
        "outcome": "registered",
        "late": decision.late,
        "make_up": decision.make_up,
        "clause": decision.clause,
    }


def refused_as(rejected: Rejected) -> dict[str, Any]:
    """What came of whatever was refused, likewise."""
    return {"outcome": "rejected", "problem": rejected.problem, "clause": rejected.clause}
