"""Reliefs (免除与延期): for which reasons an authority may free somebody of a year, or give more time for it."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import Code, Day, Text
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.language.target import PERSONS, TargetedRule


class Relief(TargetedRule, frozen=True, tag="relief"):
    """免除与延期: 病假、生育、境外工作、年龄等原因, 由财政部门批准免除 (exempt) 或延至某日 (deferred)。

    For which reasons an authority frees somebody of a year, or gives more time until a day. The ledger knows neither illness
    nor age: an official who has seen the proof grants it, and the decision cites this clause (A-14).
    """

    reasons: Annotated[tuple[Code, ...], Meta(min_length=1)]
    effect: Literal["exempt", "deferred", "none"]
    until: Day | None = None
    evidence: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each reason."""
        for reason in self.reasons:
            yield f"relief.{reason}", self


class Granted(Struct, frozen=True):
    """What a notice lets an authority grant for a reason; `until` is the new last day of a deferral."""

    effect: Literal["exempt", "deferred", "none"]
    until: date | None
    clause: str


def granted_for(settings: Mapping[str, Sourced[Any]], reason: str, year: int) -> Granted | None:
    """What the policy lets an authority grant for the reason; None where it is silent and the authority decides (A-14)."""
    sourced = settings.get(f"relief.{reason}")
    if sourced is None:
        return None
    until = day_of(sourced.value.until, year) if sourced.value.until is not None else None
    return Granted(sourced.value.effect, until, sourced.clause)


def faults(rule: Relief, at: At) -> Iterator[Finding]:
    """A last day that does not exist, or of what is no deferral."""
    if rule.until is not None and (
        rule.effect != "deferred" or day_of(rule.until, 2023) is None or day_of(rule.until, 2024) is None
    ):
        yield at.found(
            "until",
            "relief",
            "“until”须为存在的日期，且只与“effect: deferred”同写",
            "until is a day that exists, and goes with effect: deferred only",
        )


KIND = Kind(rule=Relief, selectors=PERSONS, faults=faults)
