"""Course tiers (初级、中级、高级): whether a course above or below a person's own tier counts.

A person's tier is that of the qualification on record; somebody without one belongs to no tier, and nothing is too low.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.ledger.policy.language.categories import lies_under_any
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.rule import CategoryPath, Rule, Tier
from services.ledger.policy.policy import Sourced

_RANK = {"junior": 1, "intermediate": 2, "senior": 3, "advanced_senior": 3}
_TIERS: dict[str, Tier] = {
    "junior": "junior",
    "intermediate": "intermediate",
    "senior": "senior",
    "advanced_senior": "senior",
}


class Tiers(Rule, frozen=True, tag="tiers"):
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
    return _TIERS.get(qualification) if qualification is not None else None


def refusal(
    rule: Sourced[Tiers], qualification: str | None, course: str | None, category: str
) -> Rejected | None:
    """Why a course of this tier does not count for somebody with this qualification (S1-08, A-09); None when it does."""
    own = _RANK.get(qualification or "")
    value = rule.value
    if (
        own is None
        or not value.limits
        or (value.categories and not lies_under_any(category, value.categories))
    ):
        return None
    if course is None:
        return Rejected("tier-not-stated", rule.clause)
    rank = _RANK.get(course, own)
    if rank < own and value.lower == "refused":
        return Rejected("tier-too-low", rule.clause, {"tier": course})
    if rank > own and not value.upward:
        return Rejected("tier-too-high", rule.clause, {"tier": course})
    return None


def mode_refusal(
    modes_of_tier: Mapping[str, Sourced[Any]], qualification: str | None, mode: str
) -> Rejected | None:
    """The refusal when people of this tier may not study in this mode (seniors face to face only); None when they may."""
    tier = tier_of(qualification)
    found = modes_of_tier.get(tier) if tier is not None else None
    if tier is None or found is None or found.value.open or mode in found.value.allowed:
        return None
    return Rejected("mode-not-for-tier", found.clause, {"mode": mode, "tier": tier})
