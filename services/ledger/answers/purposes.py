"""What a year's standing is good for: the purposes that a notice names (S0-21, S2A-10, S2A-11), each with its clause and the
weight the notice gives it. Pure."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Struct
from pydantic import Field

from services.ledger.policy import Assessment, Policy
from services.ledger.policy.wording import Words

ANNUAL = "annual"
"""The purpose of the year itself: whether nothing is owed for it."""
PurposeCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,59}$",
        description="`annual`, or what a notice names: exam_entry, title_review, appointment, evaluation, award, ...",
    ),
]
MET = frozenset({"compliant", "exempt", "not_required"})
"""The statuses under which nothing is owed for the year: the answer to a third party is yes."""
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
"""What the purposes of the known notices are called; any other is called by its code."""


class PurposeAnswer(Struct, frozen=True, kw_only=True):
    """Whether the year serves a purpose. `named` is whether a notice of the place names the purpose for the year; then
    `weight` is how it says that continuing education counts there, in its own words, and `clause` where."""

    purpose: str
    met: bool
    named: bool
    weight: str | None
    clause: str | None
    document: str | None
    text_zh: str
    text_en: str


def serves(answer: Assessment) -> bool:
    """Whether nothing is owed for the year: what every purpose that looks at one year asks."""
    return answer.status in MET


def names(policy: Policy | None, purpose: str) -> bool:
    """Whether a purpose is one that can be asked about: the year itself, one we have words for, or one the notices name."""
    return purpose in WORDS or (policy is not None and f"use.{purpose}" in policy.settings)


def answer_purpose(policy: Policy | None, answer: Assessment, purpose: str) -> PurposeAnswer:
    """What the year's answer comes to for a purpose."""
    used = policy.settings.get(f"use.{purpose}") if policy is not None else None
    met = serves(answer)
    zh, en = WORDS.get(purpose, (purpose, purpose))
    verdict_zh, verdict_en = ("符合", "meets") if met else ("不符合", "does not meet")
    return PurposeAnswer(
        purpose=purpose,
        met=met,
        named=purpose == ANNUAL or used is not None,
        weight=used.value if used is not None else None,
        clause=used.clause if used is not None else None,
        document=used.document if used is not None else None,
        text_zh=f"{answer.year}年度继续教育{verdict_zh}要求（用途：{zh}）。",
        text_en=f"{answer.year} {verdict_en} what continuing education asks, for {en}.",
    )
