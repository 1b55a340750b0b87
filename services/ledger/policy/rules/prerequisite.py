"""Prerequisites of ordinary study (先修要求): some categories are studied once another has so many credits (先公需, 后专业).

A completion that comes before them is refused, and so is a claim of proven study, as it is in a make-up with a prerequisite
of its own; it may be posted, or applied for, again.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import Account, Category, Rejected, lies_under, lies_under_any
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import CategoryPath, Credits
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords


class StudyPrerequisite(TargetedRule, frozen=True, tag="prerequisite"):
    """先修要求: 学满某科目若干学分后, 方可登记 before 所列科目。What a year must hold before other categories count."""

    category: CategoryPath
    minimum: Credits
    before: Annotated[tuple[CategoryPath, ...], Meta(min_length=1)]


class PrerequisiteTerms(Struct, frozen=True):
    """What must be held before which categories, and the clause that says so."""

    category: Category
    minimum: Decimal
    before: tuple[Category, ...]
    clause: str

    def refusal(self, account: Account | None, category: Category) -> Rejected | None:
        """Why study of a category does not count yet for this account; None when it does."""
        if self.minimum <= 0 or not lies_under_any(category, self.before):
            return None
        credits = account.credits if account is not None else ()
        standing = (each for each in credits if each.state == "registered")
        held = sum(
            (each.credits for each in standing if lies_under(each.category, self.category)), Decimal(0)
        )
        if held >= self.minimum:
            return None
        details = {"category": self.category, "minimum": str(self.minimum), "held": str(held)}
        return Rejected("prerequisite-first", self.clause, details)


def terms_of(settings: Settings) -> PrerequisiteTerms | None:
    """The prerequisite; None where no clause asks for one."""
    said = settings.get("prerequisite")
    if said is None:
        return None
    return PrerequisiteTerms(said.value.category, said.value.minimum, said.value.before, said.clause)


def faults(rule: StudyPrerequisite, at: At) -> Iterator[Finding]:
    """A category that waits for itself."""
    if lies_under_any(rule.category, rule.before):
        yield at.found("before", "circle", "先修科目不能以自身为前提", "a category cannot wait for itself")


KIND = Kind(
    rule=StudyPrerequisite,
    selectors=PERSONS | {"courses", "routes"},
    terms=terms_of,
    faults=faults,
    rejections={
        "prerequisite-first": RejectionWords(
            "须先完成先修科目",
            "Another category comes first",
            "须先在“{category}”取得 {minimum} 学分，现有 {held}。",
            "{minimum} credits of {category} come first; there are {held}.",
        ),
    },
)
