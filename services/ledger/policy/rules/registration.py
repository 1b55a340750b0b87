"""The moment at which study becomes credits (登记时点): as it is earned, after an exam or an evaluation, at the year's
total, or any mix.

What is not fulfilled yet is waited for, in the order enrolment, exam, evaluation, total; it is looked at again whenever
the account changes. Nothing here depends on the order in which facts arrive.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Mode, Need, RegistrationMoment, by_mode
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords

ORDER: tuple[Need, ...] = ("exam", "evaluation", "total")


class RegistrationRule(TargetedRule, frozen=True, tag="registration"):
    """登记时点: study 学完即登记, exam 考试合格后, evaluation 考核合格后, total 达到总学分时。When study becomes credits.

    `also` adds conditions: `at: total, also: [exam]` registers nothing before the exam is passed and the total reached.
    """

    at: RegistrationMoment
    also: tuple[Need, ...] = ()
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each mode: the moment, or all of them where there are several."""
        yield from by_mode("registration", self.modes, (self.at, *self.also) if self.also else self.at)


class RegistrationTerms(Struct, frozen=True):
    """What a completion waits for, in order, and the clause that says so."""

    needs: tuple[Need, ...]
    clause: str | None


def terms_of(settings: Settings, mode: str) -> RegistrationTerms:
    """Of a mode."""
    found = settings.of_mode("registration", mode)
    return RegistrationTerms(needs_of(found.value) if found else (), found.clause if found else None)


def needs_of(value: Any) -> tuple[Need, ...]:
    """What a `registration` setting makes a completion wait for, in order."""
    said = (value,) if isinstance(value, str) else tuple(value)
    return tuple(need for need in ORDER if need in said)


KIND = Kind(
    rule=RegistrationRule,
    selectors=PERSONS | {"categories", "courses"},
    mode_terms=terms_of,
    by_mode=True,
    rejections={
        "exam-too-late": RejectionWords(
            "考试在截止日后合格",
            "The exam was passed after the window",
            "考试须在学习截止日前合格。",
            "The exam must be passed before the study window ends.",
        ),
        "evaluation-too-late": RejectionWords(
            "考核在截止日后合格",
            "The evaluation was passed after the window",
            "考核须在学习截止日前合格。",
            "The evaluation must be passed before the study window ends.",
        ),
    },
    why={
        "below_total": ("尚未学满规定学分，暂不登记", "waits until the required total is reached"),
        "exam_pending": ("考试尚未合格，暂不登记", "waits for the exam to be passed"),
        "evaluation_pending": ("考核尚未合格，暂不登记", "waits for the provider's evaluation"),
    },
)
