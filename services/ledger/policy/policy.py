"""A resolved policy: what every notice in force says together about one place and one year, each value with its source.

Everything that depends on the policy alone is computed once here, so that judging one more person costs little.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from services.ledger.policy.language.categories import Category, category_set
from services.ledger.policy.language.rule import Need
from services.ledger.policy.rules.cap import caps_of
from services.ledger.policy.rules.obligation import Duty
from services.ledger.policy.rules.recognition import separately_recognised

T = TypeVar("T")

RECORD_LIMIT_DEFAULT = Decimal(360)
"""The most credits one completion may carry where no notice says: four whole years."""


class Sourced(Struct, Generic[T], frozen=True):
    """A value and where it comes from: the clause, its words, and the document of which place."""

    value: T
    clause: str
    document: str
    place: str
    article: str
    text: str

    def carrying(self, value: Any) -> "Sourced[Any]":
        """Another value of the same source."""
        return Sourced(value, self.clause, self.document, self.place, self.article, self.text)


class NoticeRef(Struct, frozen=True):
    """A notice that took part in the policy."""

    id: str
    document: str
    place: str
    hash: str


class Span(Struct, frozen=True):
    """Days of an act, both included, with the clause that sets each end; `begins` and `ends` are the moments."""

    act: str
    mode: str | None
    since: date | None
    until: date | None
    begins: datetime
    ends: datetime
    since_clause: str | None
    until_clause: str | None


class ProviderTerms(Struct, frozen=True):
    """Which providers: those listed by name or by code, or, when `names` is None, the accredited."""

    names: frozenset[str] | None
    codes: frozenset[str]
    clause: str | None


class UnitTerms(Struct, frozen=True):
    """How a mode's hours are counted; `clause` is that of the rate, or of the day's credits."""

    hour_minutes: int | None
    hour_credits: Decimal | None
    day_hours_max: Decimal | None
    day_credits: Decimal | None
    clause: str | None

    @property
    def convert(self) -> bool:
        """Whether hours become credits here at all."""
        return self.hour_credits is not None or self.day_credits is not None


class Limits(Struct, frozen=True):
    """What a mode asks beyond its window and its providers; each is None where no clause asks it.

    `enrolled` is "enrolled" or "paid"; `days` are the days a person has from the day of enrolment; `one_provider` and
    `own_year` hold the clause alone; `modes_of_tier` are the modes left to a tier; `register` is the span outside which
    nothing is registered.
    """

    enrolled: Sourced[str] | None = None
    days: Sourced[int] | None = None
    pay_days: Sourced[int] | None = None
    one_provider: str | None = None
    own_year: str | None = None
    tiers: Sourced[Any] | None = None
    modes_of_tier: Mapping[str, Sourced[Any]] = {}
    register: Span | None = None


class Terms(Struct, frozen=True):
    """How one mode of study is admitted in the year.

    `needs` is what a completion waits for, in order: an exam, an evaluation, the year's total. `acts` are the spans of
    other acts than study, by act. `limits` is None where a mode asks nothing more, as most do.
    """

    allowed: bool
    modes_clause: str | None
    study: Span
    register_ends: datetime
    register_clause: str | None
    providers: ProviderTerms
    needs: tuple[Need, ...]
    style_clause: str | None
    acts: Mapping[str, Span] = {}
    units: UnitTerms | None = None
    limits: Limits | None = None


class RequirementTerms(Struct, frozen=True):
    """A minimum that the year's credits must reach: of all, of one category and what is under it, or of one course.

    A course whose `minimum` is zero must have been completed, with whatever credits.
    """

    kind: Literal["total", "category", "course"]
    category: Category | None
    minimum: Decimal
    clause: str
    document: str
    text: str
    course: str | None = None
    course_name: str | None = None


class MakeUpTerms(Struct, frozen=True):
    """One window in which this year may be made up. `modes` and `categories` are None when all are meant."""

    channel: Literal["automatic", "application"]
    act: Literal["study", "register"]
    since: date
    until: date | None
    begins: datetime
    ends: datetime
    modes: frozenset[str] | None
    categories: frozenset[str] | None
    prerequisite_category: Category | None
    prerequisite_minimum: Decimal
    prerequisite_clause: str | None
    conditions: tuple[str, ...]
    once: bool
    fee: Decimal | None
    requirement: tuple[RequirementTerms, ...]
    providers: ProviderTerms
    needs: tuple[Need, ...] | None
    clause: str
    document: str
    place: str
    text: str


class CarryTerms(Struct, frozen=True):
    """How much of what the year before had above its requirement counts in this one, and in which categories."""

    most: Decimal
    categories: tuple[Category, ...]
    clause: str


class Policy:
    """What is in force for one place and one credit year. Two policies with one `hash` judge alike.

    `ordinary` is False for a year that only a make-up clause names: it is judged by the inherited thresholds, and its
    ordinary study is over. `settings` holds every value, also those that are data only, by the setting's name.
    """

    def __init__(
        self,
        *,
        place: str,
        year: int,
        chain: tuple[str, ...],
        ordinary: bool,
        hash_: str,
        notices: tuple[NoticeRef, ...],
        settings: Mapping[str, Sourced[Any]],
        requirements: tuple[RequirementTerms, ...],
        duty: Duty,
        terms: Mapping[str, Terms],
        any_mode: Terms,
        spans: tuple[Span, ...],
        make_up: tuple[MakeUpTerms, ...],
        never: Sourced[None] | None,
    ) -> None:
        self.place = place
        self.year = year
        self.chain = frozenset(chain)
        self.ordinary = ordinary
        self.hash = hash_
        self.notices = notices
        self.settings = settings
        self.requirements = requirements
        self.duty = duty
        self.duty_ends = duty.end_clause is not None
        self.terms = terms
        self.any_mode = any_mode
        self.spans = spans
        self.make_up = make_up
        self.made_up_by = tuple(window.requirement for window in make_up if window.requirement)
        self.never = never
        self.total = requirements[0].minimum
        self.categories = category_set(
            settings.get("categories"), [terms.category for terms in requirements if terms.category]
        )
        self.courses = frozenset(terms.course for terms in requirements if terms.course)
        self.carries = _carry_terms(settings.get("carry_over"))
        self.caps = caps_of(settings)
        self.counts_singly = bool(self.caps or self.courses)
        self.recognition = separately_recognised(settings)
        limit = settings.get("record_limit")
        self.record_limit: Decimal = limit.value.credits if limit is not None else RECORD_LIMIT_DEFAULT
        self.record_limit_clause = limit.clause if limit is not None else None
        disqualification = settings.get("disqualification")
        self.disqualification_clause = disqualification.clause if disqualification is not None else None
        self.views: dict[date, Any] = {}

    def __repr__(self) -> str:
        return f"Policy({self.place}, {self.year}, {self.hash})"

    def terms_of(self, mode: str) -> Terms:
        """How the mode is admitted; a mode no clause speaks of follows the general clauses."""
        return self.terms.get(mode, self.any_mode)

    def course_name(self, course: str) -> str | None:
        """What the notice calls a required course."""
        return next((terms.course_name for terms in self.requirements if terms.course == course), None)

    def filed_first(self, mode: str) -> "Sourced[str] | None":
        """The clause by which trainings of the mode are filed before they are held (S1-14, S2B-13); None where none asks."""
        return self._filed_first.get(mode) or self._filed_first.get("*")

    @cached_property
    def _filed_first(self) -> Mapping[str, "Sourced[str]"]:
        return {
            name.removeprefix("filing.before."): sourced
            for name, sourced in self.settings.items()
            if name.startswith("filing.before.") and sourced.value in ("approved", "submitted")
        }

    @cached_property
    def study_begins(self) -> datetime:
        """The first moment of the year's study, over all allowed modes."""
        return min(span.begins for span in self._study)

    @cached_property
    def study_ends(self) -> datetime:
        """The first moment after the year's study, over all allowed modes."""
        return max(span.ends for span in self._study)

    @cached_property
    def _study(self) -> list[Span]:
        return [span for span in self.spans if span.act == "study"] or [self.any_mode.study]


def _carry_terms(said: Sourced[Any] | None) -> CarryTerms | None:
    if said is None or not said.value.allowed or not said.value.up_to:
        return None
    return CarryTerms(said.value.up_to.quantize(Decimal("0.01")), said.value.categories, said.clause)
