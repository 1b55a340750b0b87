"""The rules about how much: the categories there are, what a year must reach in them and in named courses."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.ledger.policy.language.rule import CategoryPath, CourseCode, Credits, Part, Rule, Text


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


class CourseMinimum(Part, frozen=True):
    """必修课程: 须完成, 或在该课程取得最低学分。A course that must be completed, or in which credits are needed."""

    course: CourseCode
    name: Text | None = None
    minimum: Credits | None = None
    waived: bool = False


class CarryOver(Rule, frozen=True, tag="carry_over"):
    """结转: 学分是否结转以后年度, 是否全国有效。Whether credits outlive their year or their province.

    With `up_to`, what the year before had above its requirement counts here, once, in the `categories` named, in that order.
    """

    allowed: bool
    nationwide: bool | None = None
    up_to: Credits | None = None
    categories: tuple[CategoryPath, ...] = ()


class Requirement(Rule, frozen=True, tag="requirement"):
    """学分要求: 总学分、各科目最低学分、必修课程。Minimum credits of a year; `general` records the wording 一般.

    A minimum of 0, or a course that is `waived`, lifts what a wider or an earlier notice asks.
    """

    total: Credits | None = None
    categories: Annotated[dict[CategoryPath, Credits], Meta(min_length=1)] | None = None
    courses: tuple[CourseMinimum, ...] = ()
    wording: Literal["firm", "general"] = "firm"

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for the total, one for each category and one for each course."""
        if self.total is not None:
            yield "requirement.total", self.total
        for category, minimum in (self.categories or {}).items():
            yield f"requirement.{category}", minimum
        for course in self.courses:
            yield f"requirement.course.{course.course}", course
