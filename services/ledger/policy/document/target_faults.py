"""Faults of targets (`for:`): what a kind of rule cannot be asked about, and rules of which nobody could say which holds."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from services.ledger.policy.document.notice import Clause
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import YEAR_MAX, YEAR_MIN, Rule, Years
from services.ledger.policy.language.target import Target, TargetedRule, meant_by_both

Stated = tuple[Clause, tuple[Kind[Any], Rule, At]]
"""A rule with its clause, its kind, and where it stands."""


def target_faults(years: Years, stated: Iterable[Stated]) -> Iterator[Finding]:
    """Every fault of the targets in a notice that governs the years."""
    settled: list[_Settled] = []
    for clause, (kind, rule, at) in stated:
        yield from _target_faults(kind, rule, at)
        settled += _settled(clause, years, kind, rule, at)
    yield from _ties(settled)


def _target_faults(kind: Kind[Any], rule: Rule, at: At) -> Iterator[Finding]:
    """A target that names nothing, an age that cannot be, and what is not known where a rule of this kind is asked."""
    if not isinstance(rule, TargetedRule) or rule.for_ is None:
        return
    here, target = at.field("for"), rule.for_
    if not target.named:
        yield here.found("", "empty", "“for”须写明适用对象", "for names nobody and nothing")
    if target.age is not None and target.age.is_empty:
        yield here.found("age", "order", "起始年龄应不大于截止年龄", "from must not be more than to")
    for name in target.named:
        if name not in kind.selectors:
            usable = ", ".join(sorted(kind.selectors))
            yield here.found(
                name,
                "selector",
                f"“{kind.tag}”规则的“for”不能按“{name}”限定；可用：{usable}",
                f"a rule of kind {kind.tag} cannot be for some by {name}; it can by: {usable}",
            )


class _Settled(NamedTuple):
    """A setting of a rule, as it competes inside the notice; `mode` is None where it is of no mode."""

    name: str
    mode: str | None
    named: int
    target: Target | None
    years: Years
    clause: str
    at: At


def _ties(settled: Iterable[_Settled]) -> Iterator[Finding]:
    """Two rules for some that settle the same, name as much, and may be meant both: nobody could say which holds."""
    groups: dict[str, list[_Settled]] = {}
    for one in settled:
        groups.setdefault(one.name, []).append(one)
    for group in groups.values():
        for number, one in enumerate(group):
            for other in group[:number]:
                if _tie(one, other):
                    yield one.at.found(
                        "for",
                        "tie",
                        f"与 {other.clause} 限定的项数相同，可能同时适用，无从判断以何为准；请多写一项限定",
                        f"{one.clause} and {other.clause} name as much and may both be meant: name one thing more",
                    )


def _settled(clause: Clause, years: Years, kind: Kind[Any], rule: Rule, at: At) -> Iterator[_Settled]:
    target = rule.for_ if isinstance(rule, TargetedRule) else None
    named = len(target.named) if target is not None else 0
    for name, _ in rule.settings():
        head, _, mode = name.rpartition(".") if kind.by_mode else (name, "", None)
        yield _Settled(
            head, mode, named + (mode not in (None, "*")), target, clause.years or years, clause.id, at
        )


def _tie(one: _Settled, other: _Settled) -> bool:
    if one.target is None and other.target is None:
        return False
    apart = one.mode != other.mode and "*" not in (one.mode, other.mode)
    return (
        not apart
        and one.named == other.named
        and meant_by_both(one.target, other.target)
        and _overlap(one.years, other.years)
    )


def _overlap(one: Years, other: Years) -> bool:
    first = max(one.first or YEAR_MIN, other.first or YEAR_MIN)
    return first <= min(one.last or YEAR_MAX, other.last or YEAR_MAX)
