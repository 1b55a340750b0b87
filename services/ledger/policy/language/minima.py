"""Minima: what the credits of a year must reach, whichever kind of rule asks it."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.selector import Selector


class RequirementTerms(Struct, frozen=True):
    """A minimum that the year's credits must reach: of all, of one category and what is under it, of one course, or others.

    A course whose `minimum` is zero must have been completed, with whatever credits.
    """

    kind: Literal["total", "category", "course", "mode"]
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

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes it is about; none where it is about all."""
        return tuple(sorted(self.of.modes))
