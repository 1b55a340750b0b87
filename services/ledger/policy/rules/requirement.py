"""Minimum credits of a year (学分要求): of all credits, of a category and what lies under it, of a named course."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import ROOTS, Category
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import CategoryPath, CourseCode, Credits, Part, Text
from services.ledger.policy.language.selector import RequirementTerms, Selector
from services.ledger.policy.language.settings import Settings, Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule

_CENT = Decimal("0.01")
_ZERO = Decimal(0)
_RANK: Mapping[Category | None, int] = {None: 0, **{category: n for n, category in enumerate(ROOTS, start=1)}}
"""The total comes first, then the usual categories; the rest follow by name."""


class CourseMinimum(Part, frozen=True):
    """必修课程: 须完成, 或在该课程取得最低学分。A course that must be completed, or in which credits are needed."""

    course: CourseCode
    name: Text | None = None
    minimum: Credits | None = None
    waived: bool = False


class Requirement(TargetedRule, frozen=True, tag="requirement"):
    """学分要求: 总学分、各科目最低学分、必修课程。Minimum credits of a year; `general` records the wording 一般.

    A minimum of 0, or a course that is `waived`, lifts what a wider or an earlier notice asks.
    """

    total: Credits | None = None
    categories: Annotated[dict[CategoryPath, Credits], Meta(min_length=1)] | None = None
    courses: tuple[CourseMinimum, ...] = ()
    wording: Literal["firm", "general"] = "firm"

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for the total, one for each category and one for each course."""
        if self.total is not None:
            yield "requirement.total", self.total
        for category, minimum in (self.categories or {}).items():
            yield f"requirement.{category}", minimum
        for course in self.courses:
            yield f"requirement.course.{course.course}", course


class MinimaTerms(Struct, frozen=True):
    """All minima of a year, whichever kinds ask them; the total is the first."""

    minima: tuple[RequirementTerms, ...]


def minima_of(settings: Settings) -> Iterator[RequirementTerms]:
    """The total, then the categories, then the courses that are not waived."""
    total = settings.get("requirement.total")
    made = [] if total is None else [_minimum(total, None)]
    for category, minimum in settings.under("requirement."):
        if "." not in category and category != "total" and minimum.value > 0:
            made.append(_minimum(minimum, category))
    yield from sorted(made, key=lambda terms: _RANK.get(terms.category, len(_RANK)))
    for _, course in settings.under("requirement.course."):
        if not course.value.waived:
            yield RequirementTerms(
                kind="course",
                category=None,
                minimum=(course.value.minimum or _ZERO).quantize(_CENT),
                clause=course.clause,
                document=course.document,
                text=course.text,
                course=course.value.course,
                course_name=course.value.name,
                of=Selector(courses=frozenset({course.value.course})),
                singled=f"course.{course.value.course}",
            )


def _minimum(sourced: Sourced[Decimal], category: Category | None) -> RequirementTerms:
    return minimum_of(category, sourced.value, sourced)


def minimum_of(category: Category | None, minimum: Decimal, source: Sourced[Any]) -> RequirementTerms:
    """A minimum of all credits, or of a category."""
    return RequirementTerms(
        kind="category" if category else "total",
        category=category,
        minimum=minimum.quantize(_CENT),
        clause=source.clause,
        document=source.document,
        text=source.text,
    )


def source_of(policy: YearTerms, terms: RequirementTerms) -> Sourced[Any] | str:
    """The setting that asks a minimum; the bare id of its clause where no setting is of its name."""
    match terms.kind:
        case "mode":
            name = f"mode_minimum.{terms.modes[0]}"
        case _:
            name = f"requirement.{terms.singled or terms.category or 'total'}"
    found = policy.settings.get(name)
    return found if found is not None and found.clause == terms.clause else terms.clause


def faults(rule: Requirement, at: At) -> Iterator[Finding]:
    """A course named twice."""
    if len({one.course for one in rule.courses}) < len(rule.courses):
        yield at.found("courses", "duplicate", "课程重复", "a course is named twice")


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Minima of the categories that are more than the total."""
    minima = policy.of(MinimaTerms).minima
    roots = [terms for terms in minima if terms.category is not None and "/" not in terms.category]
    asked, total = sum((terms.minimum for terms in roots), _ZERO), minima[0].minimum
    pointer = own.pointer(*(source_of(policy, terms) for terms in (*roots, minima[0])))
    if policy.ordinary and asked > total and pointer is not None:
        yield Finding(
            pointer,
            "minima-above-total",
            f"{policy.year} 年度各科目最低学分之和 {asked} 大于总学分 {total}",
            f"in {policy.year} the minima of the categories add up to {asked}, more than the total of {total}",
        )


KIND = Kind(rule=Requirement, selectors=PERSONS, minima=minima_of, faults=faults, year_warnings=year_warnings)
