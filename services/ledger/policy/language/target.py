"""The target of a rule (`for:`): the credits and the persons that it is for, where it is not for all.

Whatever is not named is not looked at, and a fact that is not known is none of those that are named. Inside a notice the
rule whose target names more is stronger; two that name as much, and may both be meant, are a fault of the notice.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, field

from services.ledger.policy.language.facts import (
    ANY,
    Category,
    Credit,
    Person,
    ProviderStanding,
    Route,
    Study,
    lies_under,
    lies_under_any,
)
from services.ledger.policy.language.rule import CategoryPath, Code, CourseCode, Mode, Part, Rule, Text, Tier

Ground = Literal["qualified", "working", "graduated"]
Affiliation = Literal["central", "provincial", "local"]
Organiser = Literal["provider", "employer", "authority"]
Uscc = Annotated[str, Meta(pattern="^[0-9A-HJ-NP-RT-UW-Y]{18}$", description="统一社会信用代码。")]
_TIERS = {"junior": "junior", "intermediate": "intermediate", "senior": "senior", "advanced_senior": "senior"}


class Ages(Part, frozen=True, rename={"first": "from", "last": "to"}):
    """年龄: 在该年度内满几周岁, 两端均含。The age that somebody reaches in the credit year, both ends included."""

    first: Annotated[int, Meta(ge=0, le=150)] | None = None
    last: Annotated[int, Meta(ge=0, le=150)] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody can be of such an age."""
        return self.first is not None and self.last is not None and self.first > self.last

    def __contains__(self, age: int) -> bool:
        return (self.first is None or self.first <= age) and (self.last is None or age <= self.last)


class Learning(NamedTuple):
    """Study or another activity as far as it is known where a rule is asked about it; what is not known is None.

    `categories` are all in which it may count, `provider` the codes and the names of whoever held it.
    """

    categories: tuple[Category, ...] | None = None
    mode: str | None = None
    form: str | None = None
    course: str | None = None
    provider: frozenset[str] | None = None
    route: Route | None = None
    organiser: Organiser | None = None


class Target(Part, frozen=True):
    """适用对象: 本规则只适用于哪些学习、哪些人员; 各项须同时符合, 每项列出的任一即可。

    The credits and the persons a rule is for: all that is named has to fit, by any of what is listed. `groups` are codes
    that the registry states of a person.
    """

    categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    courses: tuple[CourseCode, ...] = ()
    providers: tuple[Text, ...] = ()
    routes: tuple[Route, ...] = ()
    organisers: tuple[Organiser, ...] = ()
    tiers: tuple[Tier, ...] = ()
    grounds: tuple[Ground, ...] = ()
    age: Ages | None = None
    employers: tuple[Uscc, ...] = ()
    affiliation: tuple[Affiliation, ...] = ()
    groups: tuple[Code, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The selectors that it uses, in the order of the fields."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) not in ((), None))

    def __str__(self) -> str:
        """The target as a notice may write it: `for {"categories":["public"]}`."""
        return f"for {msgspec.json.encode(self).decode()}"

    @property
    def is_of_persons(self) -> bool:
        """Whether it looks at persons at all."""
        return any(name in PERSONS for name in self.named)

    @property
    def is_of_learning(self) -> bool:
        """Whether it looks at what was studied at all."""
        return any(name in LEARNING for name in self.named)

    def takes_person(self, person: Person, year: int) -> bool:
        """Whether the person is among those named, in a credit year."""
        return (
            (not self.tiers or _TIERS.get(person.qualification or "") in self.tiers)
            and (not self.grounds or any(_has(person, ground) for ground in self.grounds))
            and (
                self.age is None
                or ((born := person.traits.born) is not None and year - born.year in self.age)
            )
            and (not self.employers or person.employer in self.employers)
            and (not self.affiliation or person.traits.affiliation in self.affiliation)
            and (not self.groups or not frozenset(self.groups).isdisjoint(person.traits.groups))
        )

    def takes(self, learning: Learning) -> bool:
        """Whether what was studied is among what is named."""
        return (
            (not self.categories or _lies_in(learning.categories, self.categories))
            and (not self.modes or learning.mode in self.modes)
            and (not self.forms or learning.form in self.forms)
            and (not self.courses or learning.course in self.courses)
            and (not self.providers or not frozenset(self.providers).isdisjoint(learning.provider or ()))
            and (not self.routes or learning.route in self.routes)
            and (not self.organisers or learning.organiser in self.organisers)
        )

    def excludes(self, other: "Target") -> bool:
        """Whether nothing and nobody can be meant by both: they name different things by one selector.

        By groups and grounds, of which somebody may have several, nobody is excluded, nor by names of providers.
        """
        if self.age is not None and other.age is not None and _apart(self.age, other.age):
            return True
        if self.categories and other.categories and not _related(self.categories, other.categories):
            return True
        return any(
            getattr(self, name) and getattr(other, name)
            and frozenset(getattr(self, name)).isdisjoint(getattr(other, name))
            for name in _SINGLE
        )  # fmt: skip


PERSONS = frozenset({"tiers", "grounds", "age", "employers", "affiliation", "groups"})
"""The selectors of persons."""
LEARNING = frozenset(Target.__struct_fields__) - PERSONS
"""The selectors of what was studied."""
_SINGLE = ("modes", "forms", "courses", "routes", "organisers", "tiers", "employers", "affiliation")
"""Selectors by which anything has one value at most."""


class TargetedRule(Rule, frozen=True, kw_only=True):
    """A rule that may be for some credits and persons alone: its settings compete where its target is meant."""

    for_: Target | None = field(default=None, name="for")

    @property
    def target(self) -> Target | None:
        """Of whom the rule is asked; None where of everybody."""
        return self.for_


def of_study(study: Study, **known: Any) -> Learning:
    """What is known of a piece of study; the rest as it is given."""
    category = study.category
    categories = None if category == ANY else (category,)
    return Learning(categories=categories, mode=study.mode, course=study.course or None)._replace(**known)


def of_credit(credit: Credit) -> Learning:
    """What an account knows of a credit; of what fills several categories, all of them."""
    categories = credit.fill if credit.category == ANY else (credit.category,)
    return of_study(credit, categories=categories, form=credit.form, route=credit.route)


def of_provider(person: Person, provider: ProviderStanding, route: Route) -> Learning:
    """What follows from who held it: the person's own employer, or another provider."""
    known = frozenset(each for each in (provider.uscc, provider.name) if each)
    own = provider.uscc is not None and provider.uscc == person.employer
    return Learning(provider=known, route=route, organiser="employer" if own else "provider")


def of_report(study: Study, person: Person, provider: ProviderStanding, route: Route) -> Learning:
    """What is known of study that somebody reports, and of who held it."""
    held = of_provider(person, provider, route)
    return of_study(study, provider=held.provider, route=route, organiser=held.organiser)


def _lies_in(categories: tuple[Category, ...] | None, above: tuple[Category, ...]) -> bool:
    """Whether all categories in which it may count lie under those: what may fill several is of none of them alone."""
    return bool(categories) and all(lies_under_any(category, above) for category in categories or ())


def _related(some: Iterable[Category], others: tuple[Category, ...]) -> bool:
    return any(lies_under(a, b) or lies_under(b, a) for a in some for b in others)


def _has(person: Person, ground: Ground) -> bool:
    found: dict[Ground, Callable[[Person], object]] = {
        "qualified": lambda one: one.qualified_on,
        "working": lambda one: one.working_since,
        "graduated": lambda one: one.traits.graduated_on,
    }
    return found[ground](person) is not None


def _apart(one: Ages, other: Ages) -> bool:
    return _before(one, other) or _before(other, one)


def _before(one: Ages, other: Ages) -> bool:
    return one.last is not None and other.first is not None and one.last < other.first


def meant_by_both(one: Target | None, other: Target | None) -> bool:
    """Whether two rules may speak of the same: each for all, or of nothing that excludes the other."""
    return one is None or other is None or not one.excludes(other)
