"""Credits that were studied and wait, for whatever reason: said with their amount, and not asked for again."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from services.ledger.policy.language.facts import Account, HoldReason
from services.ledger.policy.language.words import Words, plain
from services.ledger.policy.policy import Policy

REASONS: Mapping[HoldReason, Words] = {
    "enrolment_pending": (
        "补全报名缴费后登记",
        "to be registered once the enrolment or its payment is reported",
    ),
    "exam_pending": ("通过考试后登记", "to be registered once the exam is passed"),
    "evaluation_pending": ("通过考核后登记", "to be registered once the evaluation is passed"),
    "below_total": (
        "取得规定总学分后自动登记",
        "to be registered by themselves once the required total is reached",
    ),
    "name_differs": (
        "报送的姓名与信息采集不一致，核对更正后登记",
        "reported under another name, and to be registered once that is set right",
    ),
    "profile_elsewhere": (
        "报送到了其他地区，改报本地后登记",
        "reported to another authority, and to be registered once they are reported to this one",
    ),
}
"""What lets credits wait, in the order in which it is told."""


class HeldCredits(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Credits of one record that wait: why, and by which clause. `record` is the provider's id of one that waits for its
    person, None of what is in the account already."""

    reason: HoldReason
    category: str
    mode: str
    credits: Decimal
    clause: str | None = None
    record: str | None = None


def held_credits(
    policy: Policy, account: Account | None, parked: Sequence[HeldCredits]
) -> tuple[HeldCredits, ...]:
    """All that waits for a person's year: in the account, and for the person."""
    if account is None or not account.waiting:
        return tuple(parked)
    waiting = (
        HeldCredits(
            reason=item.reason,
            category=item.category,
            mode=item.mode,
            credits=item.credits,
            clause=item.clause or policy.terms_of(item.mode).style_clause,
        )
        for item in account.waiting
    )
    return (*sorted(waiting, key=_in_order), *parked)


def _in_order(held: HeldCredits) -> tuple[str, str, str, Decimal, str]:
    return held.reason, held.category, held.mode, held.credits, held.clause or ""


def held_words(held: Sequence[HeldCredits]) -> Iterator[Words]:
    """A sentence for each reason, with the amount that waits for it."""
    for reason, (zh, en) in REASONS.items():
        amount = sum((each.credits for each in held if each.reason == reason), Decimal(0))
        if amount:
            yield f"另有{plain(amount)}学分待登记：{zh}。", f"{plain(amount)} more credits are {en}."
