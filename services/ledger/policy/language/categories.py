"""Categories of credits (科目) as paths of codes, such as `professional/ethics`: what is required of a path is met by
everything under it, and which paths there are is said by the notices."""

from collections.abc import Iterable

Category = str
"""A path of codes from the root down: `professional`, `professional/ethics`, a place's own such as `hr_public`."""
CreditCategory = str
"""A category, or `any`: credits of an equivalence that count for what is missing, in the order of `Credit.fill` (A-03)."""
ANY: CreditCategory = "any"

CATEGORY_PATTERN = "^[a-z][a-z0-9_]{0,39}(?:/[a-z][a-z0-9_]{0,39}){0,3}"
"""How a path is written, up to four codes; whoever uses it closes it in the way of their dialect."""
ROOTS: tuple[Category, ...] = ("professional", "public")
"""The categories of every place whose notices name no others (专业科目, 公需科目)."""


def root_of(category: Category) -> Category:
    """The first code of a path."""
    return category.partition("/")[0]


def lies_under(category: Category, above: Category) -> bool:
    """Whether a path is the other one or continues it."""
    return category == above or category.startswith(above + "/")


def lies_under_any(category: Category, above: Iterable[Category]) -> bool:
    """Whether a path is one of the others or continues one."""
    return any(lies_under(category, one) for one in above)
