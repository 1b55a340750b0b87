"""Course tiers (初级、中级、高级): whether a course above or below a person's own tier counts.

A person's tier is that of the qualification on record; somebody without one belongs to no tier, and nothing is too low.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import Rejected, lies_under_any
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import CategoryPath, Tier
from services.ledger.policy.language.settings import Settings, Sourced
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords

TIERS: tuple[Tier, ...] = ("junior", "intermediate", "senior")
_RANK = {"junior": 1, "intermediate": 2, "senior": 3, "advanced_senior": 3}


class Tiers(TargetedRule, frozen=True, tag="tiers"):
    """课程层级: 可向上拓展; 较低层级默认接受 (A-09)。Course tiers; studying above one's own is allowed.

    With `lower: refused` or `upward: false` a record must state its tier; `categories` limits that to some categories.
    """

    names: Annotated[tuple[Tier, ...], Meta(min_length=1)]
    upward: bool = True
    lower: Literal["accepted", "refused"] = "accepted"
    categories: tuple[CategoryPath, ...] = ()

    @property
    def limits(self) -> bool:
        """Whether the rule refuses anything."""
        return self.lower == "refused" or not self.upward


def tier_of(qualification: str | None) -> Tier | None:
    """The tier of a qualification's level as the registry codes it; 正高级 studies with 高级."""
    rank = _RANK.get(qualification or "")
    return TIERS[rank - 1] if rank is not None else None


class TierTerms(Struct, frozen=True):
    """Tiers that limit something."""

    rule: Sourced[Tiers]

    def refusal(self, qualification: str | None, course: str | None, category: str) -> Rejected | None:
        """Why a course of this tier does not count for somebody with this qualification (S1-08, A-09); None when it does."""
        own, value, clause = _RANK.get(qualification or ""), self.rule.value, self.rule.clause
        if own is None or (value.categories and not lies_under_any(category, value.categories)):
            return None
        if course is None:
            return Rejected("tier-not-stated", clause)
        rank = _RANK.get(course, own)
        if rank < own and value.lower == "refused":
            return Rejected("tier-too-low", clause, {"tier": course})
        if rank > own and not value.upward:
            return Rejected("tier-too-high", clause, {"tier": course})
        return None


def terms_of(settings: Settings) -> TierTerms | None:
    """The tiers; None where they refuse nothing."""
    rule = settings.get("tiers")
    return TierTerms(rule) if rule is not None and rule.value.limits else None


def warnings(rule: Tiers, at: At) -> Iterator[Finding]:
    """Lower courses refused where there is one tier."""
    if rule.lower == "refused" and len(rule.names) == 1:
        yield at.found(
            "lower", "one-tier", "只有一个层级，“lower: refused”没有作用", "with one tier nothing is lower"
        )


KIND = Kind(
    rule=Tiers,
    selectors=PERSONS - {"tiers"} | {"courses", "routes"},
    terms=terms_of,
    warnings=warnings,
    rejections={
        "tier-not-stated": RejectionWords(
            "须注明课程层级",
            "The course's tier must be stated",
            "本地按课程层级登记，须注明课程层级。",
            "Courses count by their tier here, so a record states it.",
        ),
        "tier-too-low": RejectionWords(
            "课程层级低于本人层级",
            "The course is below the person's tier",
            "课程层级（{tier}）低于本人层级，不予登记。",
            "The course's tier ({tier}) is below the person's own.",
        ),
        "tier-too-high": RejectionWords(
            "课程层级高于本人层级",
            "The course is above the person's tier",
            "课程层级（{tier}）高于本人层级，不予登记。",
            "The course's tier ({tier}) is above the person's own.",
        ),
    },
)
