"""When study becomes credits (登记时点): as it is earned, after an exam or an evaluation, at the year's total, or any mix.

What is not fulfilled yet is waited for, in the order enrolment, exam, evaluation, total; it is looked at again whenever
the account changes. Nothing here depends on the order in which facts arrive.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.ledger.policy.language.facts import Account, CompletionFacts, WaitingReason
from services.ledger.policy.language.rule import Mode, Need, RegistrationMoment, Rule, by_mode

ORDER: tuple[Need, ...] = ("exam", "evaluation", "total")
TOTAL_ALONE: tuple[Need, ...] = ("total",)
REASONS: dict[str, WaitingReason] = {
    "enrolment": "enrolment_pending",
    "exam": "exam_pending",
    "evaluation": "evaluation_pending",
    "total": "below_total",
}
_ZERO = Decimal(0)


class Registration(Rule, frozen=True, tag="registration"):
    """登记时点: study 学完即登记, exam 考试合格后, evaluation 考核合格后, total 达到总学分时。When study becomes credits.

    `also` adds conditions: `at: total, also: [exam]` registers nothing before the exam is passed and the total reached.
    """

    at: RegistrationMoment
    also: tuple[Need, ...] = ()
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode: the moment, or all of them where there are several."""
        yield from by_mode("registration", self.modes, (self.at, *self.also) if self.also else self.at)


def needs_of(value: Any) -> tuple[Need, ...]:
    """What a `registration` setting makes a completion wait for, in order."""
    said = (value,) if isinstance(value, str) else tuple(value)
    return tuple(need for need in ORDER if need in said)


def registered_sum(account: Account | None) -> Decimal:
    """All credits of the account that stand."""
    total = _ZERO
    if account is not None:
        for credit in account.credits:
            if credit.state == "registered":
                total += credit.credits
    return total


def sum_with(completion: CompletionFacts, account: Account | None) -> Decimal:
    """What is registered, what waits for the total alone, and the completion that is being decided (B-05)."""
    total = registered_sum(account) + completion.credits
    if account is not None:
        for waiting in account.waiting:
            if waiting.reason == "below_total" and not (
                waiting.completion_id == completion.completion_id
                and waiting.provider == completion.provider_id
            ):
                total += waiting.credits
    return total


def passed(account: Account, need: str, provider: str, begins: datetime, ends: datetime) -> bool:
    """Whether the account holds a pass of the provider's exam, or evaluation, between two moments."""
    return bool(account.exams) and any(
        one.provider == provider and one.of == need and begins <= one.passed_at < ends
        for one in account.exams
    )
