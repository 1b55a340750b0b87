"""Repeats (重复学习): what makes two completions of a year the same course, and whether a course may count again (B-21)."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import Credit, ReportedStudy, Waiting
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import Rule
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.words import RejectionWords

Likeness = Literal["provider", "course", "mode", "category", "tier"]
USUAL: tuple[Likeness, ...] = ("provider", "course", "mode")


class Repeats(Rule, frozen=True, tag="repeats"):
    """重复学习: 哪些相同算同一门课程, 同一年度能否再次计入。

    What two completions have in common when they are of the same course, and whether it counts again in the year: `free`
    when it was studied at another time, `stated` when its provider says which record it repeats, `never` in no case. Study
    of the same course in the same time is one study whatever is written here.
    """

    same: Annotated[tuple[Likeness, ...], Meta(min_length=1)] = USUAL
    again: Literal["free", "stated", "never"] = "free"


class RepeatTerms(Struct, frozen=True):
    """What makes a course the same, whether it counts again, and the clause that says so."""

    same: tuple[Likeness, ...] = USUAL
    again: Literal["free", "stated", "never"] = "free"
    clause: str | None = None

    def is_same_course(self, known: Credit | Waiting, study: ReportedStudy, provider: str) -> bool:
        """Whether a completion that is known is of the course that was studied."""
        return all(
            known.provider == provider if part == "provider" else getattr(known, part) == getattr(study, part)
            for part in self.same
        )

    def is_repeat(self, known: Credit | Waiting, study: ReportedStudy, provider: str) -> bool:
        """Whether the study is counted by one that is known: the same course, in the same time or where it may not count
        again."""
        at_once = known.completed_at == study.completed_at and known.started_on == study.started_on
        again = self.again == "free" or (self.again == "stated" and study.repeat_of is not None)
        if at_once and RepeatTerms().is_same_course(known, study, provider):
            return True
        return not again and self.is_same_course(known, study, provider)


def terms_of(settings: Settings) -> RepeatTerms:
    """What the notices say, or the same course at another time as another study."""
    found = settings.get("repeats")
    return RepeatTerms(found.value.same, found.value.again, found.clause) if found else RepeatTerms()


def faults(rule: Repeats, at: At) -> Iterator[Finding]:
    """A part that is named twice."""
    if len(set(rule.same)) != len(rule.same):
        yield at.found("same", "duplicate", "重复填写", "named twice")


KIND = Kind(
    rule=Repeats,
    terms=terms_of,
    faults=faults,
    rejections={
        "repeat-unknown": RejectionWords(
            "未找到所重复的学习记录",
            "The record that is repeated is not known",
            "所重复的记录（{repeat_of}）不是该人员该年度同一课程的记录。",
            "No record {repeat_of} of the same course stands in the person's year.",
        ),
    },
)
