"""Minima of credits that are singled out (专项学分要求): so many of some credits, a share of all, one of a list at least, or
any one of several such minima (`any_of`: 40 credits in general, or 24 concentrated).

More credits never harm: what reaches one of the alternatives reaches it still when more is earned, but for a share of what
was earned, which is asked of all that counts.
"""

from collections.abc import Iterator
from decimal import ROUND_UP, Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.ledger.policy.language.facts import Route
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import CategoryPath, Code, CourseCode, Credits, Mode, Part, Text
from services.ledger.policy.language.selector import RequirementTerms, Selector
from services.ledger.policy.language.settings import Settings, Sourced
from services.ledger.policy.language.target import PERSONS, TargetedRule

_CENT = Decimal("0.01")
Share = Annotated[
    str, Meta(pattern="^[1-9][0-9]{0,2}/[1-9][0-9]{0,2}$", description="分数, 如 1/2, 2/3。A fraction.")
]


class Alternative(Part, frozen=True):
    """一项最低要求: 所列学分不少于多少 (credits)、不少于全部的几分之几 (share), 都不写则至少完成一项。

    A minimum of the credits named: an amount, a share of all, or, with neither, whatever one of them is worth. A share is of
    the credits that are required, or, with `share_of: earned`, of all that count, if those are more.
    """

    credits: Credits | None = None
    share: Share | None = None
    share_of: Literal["required", "earned"] = "required"
    categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    courses: tuple[CourseCode, ...] = ()
    routes: tuple[Route, ...] = ()


class Minimum(TargetedRule, frozen=True, tag="minimum"):
    """专项要求: any_of 中达到任一项即可。At least one of the minima named is reached; one alone is a plain minimum.

    `name` is what a later or nearer notice calls it by when it changes it; `lifted` ends it. `title` is what people read.
    """

    name: Code
    any_of: Annotated[tuple[Alternative, ...], Meta(min_length=1, max_length=8)] = (Alternative(),)
    title: Text | None = None
    lifted: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named minimum."""
        yield f"minimum.{self.name}", self


def minima_of(settings: Settings) -> Iterator[RequirementTerms]:
    """The minima that no clause lifts, by their names."""
    total = settings.get("requirement.total")
    required = total.value if total is not None else Decimal(0)
    for name, said in settings.under("minimum."):
        if said.value.lifted:
            continue
        made = [_terms(said, one, name, n, required) for n, one in enumerate(said.value.any_of)]
        # It is shown as its first alternative is, until another is nearer.
        yield RequirementTerms(
            kind="choice",
            category=None,
            minimum=made[0].minimum,
            clause=said.clause,
            document=said.document,
            text=said.text,
            choice=name,
            course_name=said.value.title,
            any_of=tuple(made),
        )


def _terms(
    said: Sourced[Minimum], one: Alternative, name: str, number: int, required: Decimal
) -> RequirementTerms:
    share = Fraction(one.share) if one.share is not None else None
    least = one.credits or Decimal(0)
    if share is not None:
        least = share_of(required, share)
    of = Selector(
        one.categories,
        frozenset(one.modes),
        frozenset(one.forms),
        frozenset(one.courses),
        frozenset(one.routes),
    )
    return RequirementTerms(
        kind="choice",
        category=None,
        minimum=least.quantize(_CENT),
        clause=said.clause,
        document=said.document,
        text=said.text,
        choice=name,
        of=of,
        singled=None if of.is_of_all else f"minimum.{name}.{number}",
        share=share if one.share_of == "earned" else None,
    )


def share_of(credits: Decimal, share: Fraction) -> Decimal:
    """A share of credits with two places; what is left of a hundredth is asked for whole."""
    return (credits * share.numerator / share.denominator).quantize(_CENT, rounding=ROUND_UP)


def faults(rule: Minimum, at: At) -> Iterator[Finding]:
    """An amount and a share at once, a share of more than all, an alternative that nobody could miss."""
    for number, one in enumerate(rule.any_of):
        here = at.field(f"any_of/{number}")
        if one.credits is not None and one.share is not None:
            yield here.found(
                "share", "two-amounts", "“credits”与“share”只写其一", "give credits or share, not both"
            )
        if one.share is not None and Fraction(one.share) > 1:
            yield here.found("share", "order", "应不大于 1", "not more than 1")
        if not rule.lifted and one == Alternative():
            yield here.found("", "empty", "须写明学分或对象", "say how many credits, or which")


KIND = Kind(rule=Minimum, selectors=PERSONS, minima=minima_of, faults=faults)
