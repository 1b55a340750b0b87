"""The selector: which credits a rule is about, whichever kind of rule it is, and the one place where credits are matched.

Whatever is not named is not looked at. A credit's category is asked apart from the rest: credits of an equivalence fill one
category or another (A-03), and where they count is found by counting.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.facts import ANY, Category, Credit, lies_under_any


class Selector(Struct, frozen=True):
    """Credits of the categories named or under them, of one of the modes, of the forms, courses and routes."""

    categories: tuple[Category, ...] = ()
    modes: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    courses: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()

    def matches(self, credit: Credit) -> bool:
        """Whether a credit is among those, whatever its category."""
        return (
            (not self.modes or credit.mode in self.modes)
            and (not self.forms or credit.form in self.forms)
            and (not self.courses or credit.course in self.courses)
            and (not self.routes or credit.route in self.routes)
        )

    def takes(self, category: Category) -> bool:
        """Whether what counts in the category is among those; credits that fill nothing are of no category."""
        return not self.categories or (category != ANY and lies_under_any(category, self.categories))

    @property
    def is_of_all(self) -> bool:
        """Whether it is about the credits of its categories in whatever way they were earned."""
        return not (self.modes or self.forms or self.courses or self.routes)

    @property
    def narrowness(self) -> tuple[int, int]:
        """How much is named, and the depth of the deepest category: of two rules the narrower one is asked first."""
        depth = max((category.count("/") for category in self.categories), default=0)
        named = (self.categories, self.modes, self.forms, self.courses, self.routes)
        return sum(map(bool, named)), depth


RequirementKind = Literal["total", "category", "course", "mode", "choice"]


class RequirementTerms(Struct, frozen=True):
    """A minimum that the year's credits must reach: of all, of one category and what is under it, of one course, or others.

    A course whose `minimum` is zero must have been completed, with whatever credits. A `choice` is reached by `any_of` its
    minima; of those, one with a `share` asks for that part of all that counts, if it is more.
    """

    kind: RequirementKind
    category: Category | None
    minimum: Decimal
    clause: str
    document: str
    text: str
    course: str | None = None
    course_name: str | None = None
    of: Selector = Selector()
    """The credits that the minimum singles out, by what is no category."""
    singled: str | None = None
    """The name under which those are counted; None of the total and of categories."""
    choice: str | None = None
    any_of: tuple["RequirementTerms", ...] = ()
    share: Fraction | None = None

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes it is about; none where it is about all."""
        return tuple(sorted(self.of.modes))
