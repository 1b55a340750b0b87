"""Minima: what the credits of a year must reach, whichever kind of rule asks it."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.categories import Category


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
