"""When study becomes credits (登记时点): as it is earned, after an exam or an evaluation, at the year's total, or any mix.

What is not fulfilled yet is waited for, in the order enrolment, exam, evaluation, total; it is looked at again whenever
the account changes. Nothing here depends on the order in which facts arrive.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from services.ledger.policy.account import Account, CompletionFacts, Waiting, WaitingReason
from services.ledger.policy.decisions import Rejected
from services.ledger.policy.rules import Mode, Need, RegistrationMoment, Rule, by_mode

ORDER: tuple[Need, ...] = ("exam", "evaluation", "total")
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


class Passed(NamedTuple):
    """Between which moments an exam or evaluation has to be passed."""

    begins: datetime
    ends: datetime


def needs_of(value: Any) -> tuple[Need, ...]:
    """What a `registration` setting makes a completion wait for, in order."""
    said = (value,) if isinstance(value, str) else tuple(value)
    return tuple(need for need in ORDER if need in said)


def unmet(
    needs: tuple[Need, ...], facts: CompletionFacts | Waiting, account: Account | None, inside: Passed
) -> Need | Rejected | None:
    """The first need but the total that is not fulfilled; a refusal when it was fulfilled too late (S0-09)."""
    for need in needs:
        if need == "total":
            continue
        moment = facts.exam_passed_at if need == "exam" else facts.evaluated_at
        if moment is not None and inside.begins <= moment < inside.ends:
            continue
        if account is not None and _passed(account, need, _provider(facts), inside):
            continue
        if moment is not None and moment >= inside.ends:
            return Rejected(f"{need}-too-late")
        return need
    return None


def registered_sum(account: Account | None) -> Decimal:
    """All credits of the account that stand."""
    total = _ZERO
    if account is not None:
        for credit in account.credits:
            if credit.state == "registered":
                total += credit.credits
    return total


def waiting_sum(account: Account | None, but: CompletionFacts) -> Decimal:
    """What waits for the total alone, less the completion that is being decided (B-05)."""
    total = _ZERO
    if account is not None:
        for waiting in account.waiting:
            itself = waiting.completion_id == but.completion_id and waiting.provider == but.provider_id
            if waiting.reason == "below_total" and not itself:
                total += waiting.credits
    return total


def _provider(facts: CompletionFacts | Waiting) -> str:
    return facts.provider if isinstance(facts, Waiting) else facts.provider_id


def _passed(account: Account, need: Literal["exam", "evaluation"], provider: str, inside: Passed) -> bool:
    return any(
        passed.provider == provider and passed.of == need and inside.begins <= passed.passed_at < inside.ends
        for passed in account.exams
    )
