"""Categories of credits (科目) as paths of codes, such as `professional/ethics`: what is required of a path is met by
everything under it, and which paths there are is said by the notices."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

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


class CategorySet(Struct, frozen=True):
    """The categories of a policy. `clause` declares them; None where nobody did and the usual two stand.

    `names` gives the Chinese and English name of any path; its own code where nobody named it. `nothing` is no credits in
    each of the roots.
    """

    codes: frozenset[Category]
    roots: tuple[Category, ...]
    names: "Names"
    clause: str | None
    nothing: dict[Category, Decimal]

    def knows(self, category: Category) -> bool:
        """Whether credits may be of this category: one of the set, or anything under one."""
        return category in self.codes or lies_under_any(category, self.codes)


class Names(dict[Category, tuple[str, str]]):
    """Names by path; a path that nobody named is called by its code."""

    def __missing__(self, category: Category) -> tuple[str, str]:
        """The code, in both languages."""
        return category, category


_NAMES: Mapping[Category, tuple[str, str]] = {
    "professional": ("专业科目", "professional"),
    "public": ("公需科目", "public"),
}


def category_set(declared: Any, required: Iterable[Category]) -> CategorySet:
    """The set a policy declares (a sourced `categories` rule), else the usual two and whatever a minimum is set for."""
    if declared is None:
        roots = tuple(dict.fromkeys((*ROOTS, *(root_of(category) for category in required))))
        return CategorySet(
            codes=frozenset(roots), roots=roots, names=Names(_NAMES), clause=None, nothing=_none_in(roots)
        )
    named = declared.value.set
    roots = tuple(dict.fromkeys(root_of(one.code) for one in named))
    return CategorySet(
        codes=frozenset(one.code for one in named),
        roots=roots,
        names=Names({**_NAMES, **{one.code: (one.name, one.name_en or one.code) for one in named}}),
        clause=declared.clause,
        nothing=_none_in(roots),
    )


def _none_in(roots: tuple[Category, ...]) -> dict[Category, Decimal]:
    return dict.fromkeys(roots, Decimal("0.00"))


USUAL = category_set(None, ())
"""The categories where no policy says anything."""
