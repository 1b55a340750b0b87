"""Minima by mode (学习方式最低学分): at least so many of the year's credits are studied face to face, or in another mode."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta

from services.ledger.policy.language.findings import Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import Credits, Mode, by_mode
from services.ledger.policy.language.selector import RequirementTerms, Selector
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import MODES, label
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.requirement import MinimaTerms, source_of
from services.ledger.policy.rules.units import to_cents


class ModeMinimum(TargetedRule, frozen=True, tag="mode_minimum"):
    """学习方式最低学分: 以此方式取得的学分不少于多少, 如面授不少于30学分。At least so many credits in each mode named.

    They count towards the total and their categories as ever. A minimum of 0 lifts what a wider or an earlier notice asks.
    """

    modes: Annotated[tuple[Mode, ...], Meta(min_length=1)]
    credits: Credits

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("mode_minimum", self.modes, self.credits)


def minima_of(settings: Settings) -> Iterator[RequirementTerms]:
    """The minima of the modes, by their names, after caps; what was carried over is of no mode."""
    for mode, minimum in settings.under("mode_minimum."):
        if minimum.value > 0:
            yield RequirementTerms(
                kind="mode",
                category=None,
                minimum=to_cents(minimum.value),
                clause=minimum.clause,
                document=minimum.document,
                text=minimum.text,
                of=Selector(modes=frozenset({mode})),
                singled=f"mode.{mode}",
            )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A minimum in a mode that is not allowed, and minima that are more than the total."""
    minima = policy.of(MinimaTerms).minima
    found = [terms for terms in minima if terms.kind == "mode"]
    for terms in found if policy.ordinary else ():
        (mode,) = terms.modes
        allowed, pointer = policy.modes[mode].of(ModesTerms), own.pointer(source_of(policy, terms))
        if not allowed.allowed and pointer is not None:
            zh, en = label(MODES, mode)
            yield Finding(
                pointer,
                "mode-not-earned",
                f"{terms.clause} 要求{zh} {terms.minimum} 学分，而 {allowed.clause} 未允许此方式",
                f"{terms.clause} asks for {terms.minimum} {en}, a mode that {allowed.clause} does not allow",
            )
    asked, total = sum((terms.minimum for terms in found), Decimal(0)), minima[0]
    pointer = own.pointer(*(source_of(policy, terms) for terms in (*found, total)))
    if policy.ordinary and asked > total.minimum and pointer is not None:
        yield Finding(
            pointer,
            "mode-minima-above-total",
            f"{policy.year} 年度各学习方式最低学分之和 {asked} 大于总学分 {total.minimum}",
            f"in {policy.year} the minima of the modes add up to {asked}, more than the total of {total.minimum}",
        )


KIND = Kind(rule=ModeMinimum, selectors=PERSONS, minima=minima_of, by_mode=True, year_warnings=year_warnings)
