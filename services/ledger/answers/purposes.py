"""Purposes that a year's standing serves: those that a notice names (S0-21, S2A-10, S2A-11), each with its clause
and the weight the notice gives it. Pure."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Struct
from pydantic import Field

from services.ledger.policy import Policy, PurposeAssessment
from services.ledger.policy.judging.purposes import PurposeSum, PurposeYear
from services.ledger.policy.language.words import Words, label

ANNUAL = "annual"
"""The purpose of the year itself: whether nothing is owed for it."""
PurposeCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,59}$",
        description="`annual`, or what a notice names: exam_entry, title_review, appointment, evaluation, award, ...",
    ),
]
WORDS: Mapping[str, Words] = {
    ANNUAL: ("年度继续教育", "the year's continuing education"),
    "exam_entry": ("报名参加会计专业技术资格考试", "entry to a qualification examination"),
    "title_review": ("会计专业技术职务评审", "a title review"),
    "appointment": ("聘任专业技术职务", "an appointment"),
    "evaluation": ("考核评价", "an evaluation"),
    "award": ("评选先进", "an award"),
    "promotion": ("晋升", "a promotion"),
    "talent_selection": ("高端会计人才选拔", "the selection of senior talent"),
}
"""What the purposes of the known notices are called; any other is called by its code, in quotes in Chinese."""
PROVISIONAL: Words = ("暂按国家规定判定。", " Judged by the national rule, provisionally.")


class PurposeAnswer(Struct, frozen=True, kw_only=True):
    """Whether what a purpose asks is fulfilled: `met` is None when it hangs on a year of which nobody can say.

    `named` is whether a notice of the place names the purpose for the year; then `weight` is how it says that continuing
    education counts there, in its own words, and `clause` where. `years` and `sums` are what was looked at;
    `at_least` of the years must pass.
    """

    purpose: str
    met: bool | None
    named: bool
    weight: str | None
    clause: str | None
    document: str | None
    at_least: int
    years: tuple[PurposeYear, ...]
    sums: tuple[PurposeSum, ...]
    clauses: tuple[str, ...]
    text_zh: str
    text_en: str


def names(policy: Policy | None, purpose: str) -> bool:
    """Whether a purpose is one that can be asked about: the year itself, one we have words for, or one the notices name."""
    if purpose in WORDS or policy is None:
        return purpose in WORDS
    return f"use.{purpose}" in policy.settings or any(
        name.startswith(f"purpose.{purpose}.") for name in policy.settings
    )


def is_provisional(asked: PurposeAssessment) -> bool:
    """Whether a notice may still come for one of the years, and the nation's rule judges it until then (B-20)."""
    return any(one.provisional for one in asked.years)


def answer_purpose(policy: Policy | None, asked: PurposeAssessment) -> PurposeAnswer:
    """What the years come to for a purpose."""
    used = policy.settings.get(f"use.{asked.purpose}") if policy is not None else None
    zh, en = label(WORDS, asked.purpose)
    by_zh, by_en = PROVISIONAL if is_provisional(asked) else ("", "")
    text_zh, text_en = asked.explanation_zh, asked.explanation_en
    if len(asked.years) == 1 and not asked.sums and asked.fulfilled is not None:
        verdict_zh, verdict_en = ("符合", "meets") if asked.fulfilled else ("不符合", "does not meet")
        year = asked.years[0].year
        text_zh = f"{year}年度继续教育{verdict_zh}要求。"
        text_en = f"{year} {verdict_en} what continuing education asks."
    return PurposeAnswer(
        purpose=asked.purpose,
        met=asked.fulfilled,
        named=asked.purpose == ANNUAL or used is not None or bool(asked.named_by),
        weight=used.value if used is not None else None,
        clause=used.clause if used is not None else next(iter(asked.named_by), None),
        document=used.document if used is not None else None,
        at_least=asked.at_least,
        years=asked.years,
        sums=asked.sums,
        clauses=asked.clauses,
        text_zh=f"{text_zh[:-1]}（用途：{zh}）。{by_zh}",
        text_en=f"{text_en[:-1]}, for {en}.{by_en}",
    )
