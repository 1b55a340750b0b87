"""The selector: which credits a rule is about, whichever kind of rule it is, and the one place where credits are matched.

Whatever is not named is not looked at. A credit's category is asked apart from the rest: credits of an equivalence fill one
category or another (A-03), and where they count is found by counting.
"""

from msgspec import Struct

from services.ledger.policy.language.categories import ANY, Category, lies_under_any
from services.ledger.policy.language.facts import Credit


class Selector(Struct, frozen=True):
    """Credits of the categories named or under them, of one of the modes, of the forms and of the courses."""

    categories: tuple[Category, ...] = ()
    modes: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    courses: frozenset[str] = frozenset()

    def matches(self, credit: Credit) -> bool:
        """Whether a credit is among those, whatever its category."""
        return (
            (not self.modes or credit.mode in self.modes)
            and (not self.forms or credit.form in self.forms)
            and (not self.courses or credit.course in self.courses)
        )

    def takes(self, category: Category) -> bool:
        """Whether what counts in the category is among those; credits that fill nothing are of no category."""
        return not self.categories or (category != ANY and lies_under_any(category, self.categories))

    @property
    def is_of_all(self) -> bool:
        """Whether it is about the credits of its categories in whatever way they were earned."""
        return not (self.modes or self.forms or self.courses)

    @property
    def narrowness(self) -> tuple[int, int]:
        """How much is named, and the depth of the deepest category: of two rules the narrower one is asked first."""
        depth = max((category.count("/") for category in self.categories), default=0)
        return bool(self.categories) + bool(self.modes) + bool(self.forms) + bool(self.courses), depth
