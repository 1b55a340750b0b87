"""The categories there are (科目设置): those a notice declares, else the usual two and whatever a minimum is set for."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import ROOTS, Category, Rejected, lies_under_any, root_of
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import CategoryPath, Part, Rule, Text
from services.ledger.policy.language.settings import Settings, Sourced, YearTerms
from services.ledger.policy.language.words import RejectionWords
from services.ledger.policy.rules.requirement import MinimaTerms, minima_of, source_of


class NamedCategory(Part, frozen=True):
    """一个科目: 路径代码与名称。A category by its path, with its names."""

    code: CategoryPath
    name: Text
    name_en: Text | None = None


class Categories(Rule, frozen=True, tag="categories"):
    """科目设置: 本地学分分哪些科目; 未列入者不予登记。The categories there are; credits of any other are refused.

    A path stands for everything under it: `professional` admits `professional/ethics`. A nearer notice replaces the set.
    """

    set: Annotated[tuple[NamedCategory, ...], Meta(min_length=1, max_length=100)]


class Names(dict[Category, tuple[str, str]]):
    """Names by path; a path that nobody named is called by its code."""

    def __missing__(self, category: Category) -> tuple[str, str]:
        """The code, in quotes in Chinese."""
        return f"“{category}”", category.replace("_", " ")


class CategoryTerms(Struct, frozen=True):
    """The categories of a policy. `clause` declares them; None where nobody did and the usual two stand.

    `names` gives the Chinese and English name of any path; its own code where nobody named it. `nothing` is no credits in
    each of the roots.
    """

    codes: frozenset[Category]
    roots: tuple[Category, ...]
    names: Names
    clause: str | None
    nothing: dict[Category, Decimal]

    def knows(self, category: Category) -> bool:
        """Whether credits may be of this category: one of the set, or anything under one."""
        return category in self.codes or lies_under_any(category, self.codes)

    def unknown(self) -> Rejected:
        """The refusal of a category that is none of these; it names those there are, and the clause that declares them."""
        return Rejected("category-unknown", self.clause, {"known": ", ".join(sorted(self.codes))})


_NAMES: Mapping[Category, tuple[str, str]] = {
    "professional": ("专业科目", "professional"),
    "public": ("公需科目", "public"),
}


def terms_of(settings: Settings) -> CategoryTerms:
    """The declared set, else the usual."""
    required = [terms.category for terms in minima_of(settings) if terms.category]
    return category_terms(settings.get("categories"), required)


def category_terms(declared: Sourced[Categories] | None, required: Iterable[Category]) -> CategoryTerms:
    """The set that a clause declares, else the usual two and the roots of what is required."""
    named = declared.value.set if declared is not None else ()
    paths = [one.code for one in named] if declared is not None else [*ROOTS, *required]
    roots = tuple(dict.fromkeys(root_of(path) for path in paths))
    return CategoryTerms(
        codes=frozenset(one.code for one in named) if declared is not None else frozenset(roots),
        roots=roots,
        names=Names({**_NAMES, **{one.code: (one.name, one.name_en or one.code) for one in named}}),
        clause=declared.clause if declared is not None else None,
        nothing=dict.fromkeys(roots, Decimal("0.00")),
    )


USUAL = category_terms(None, ())
"""The categories where no policy says anything."""


def faults(rule: Categories, at: At) -> Iterator[Finding]:
    """A category named twice."""
    if len({one.code for one in rule.set}) < len(rule.set):
        yield at.found("set", "duplicate", "科目重复", "a category is named twice")


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A minimum in a category that the year's set does not have."""
    known = policy.of(CategoryTerms)
    for terms in policy.of(MinimaTerms).minima if policy.ordinary else ():
        pointer = own.pointer(policy.settings.get("categories"), source_of(policy, terms))
        if terms.category is not None and pointer is not None and not known.knows(terms.category):
            zh, en = known.names[terms.category]
            yield Finding(
                pointer,
                "category-not-earned",
                f"{terms.clause} 要求{zh} {terms.minimum} 学分，而科目设置（{known.clause}）没有此科目",
                f"{terms.clause} asks for {terms.minimum} of {en}, which {known.clause} does not have",
            )


def not_known(
    policy: YearTerms, own: OwnClauses, name: str, sourced: Sourced[object], awarded: Iterable[Category]
) -> Iterator[Finding]:
    """Credits that a clause of the notice awards in a category that the year's set does not have."""
    pointer = own.pointer(sourced)
    for category in awarded if policy.ordinary and sourced in own else ():
        if pointer is not None and not policy.of(CategoryTerms).knows(category):
            yield Finding(
                pointer,
                "category-not-known",
                f"“{name}”折算计入“{category}”，而本地没有此科目",
                f"{name} awards credits of {category}, a category that is not known here",
            )


KIND = Kind(
    rule=Categories,
    terms=terms_of,
    faults=faults,
    year_warnings=year_warnings,
    rejections={
        "category-unknown": RejectionWords(
            "本地政策没有该科目",
            "The policy here knows no such category",
            "本地政策的科目为：{known}。",
            "The categories of the policy here are: {known}.",
        ),
    },
)
