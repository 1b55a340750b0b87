"""Enrolment before study (报名缴费): that it is there, paid where that is asked, and that its days are not over."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from services.ledger.policy.language.days import begins, day_at, ends, later
from services.ledger.policy.language.facts import Account, Held
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Mode, by_mode
from services.ledger.policy.language.settings import Settings, Sourced
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords


class EnrolmentRule(TargetedRule, frozen=True, tag="enrolment"):
    """报名缴费: 学习前须已报名 (enrolled) 或已缴费 (paid)。What must come before study; a completion waits for it."""

    needed: Literal["no", "enrolled", "paid"]
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("enrolment", self.modes, self.needed)


class EnrolmentTerms(Struct, frozen=True):
    """What study asks of an enrolment: `needed` is "enrolled" or "paid", `days` are those from the day of enrolment."""

    needed: Sourced[str] | None
    days: Sourced[int] | None

    def waits(self, account: Account | None, provider: str, mode: str, completed_at: datetime) -> Held | None:
        """What study completed at this moment waits for when no enrolment covers it; None when one does.

        Another may still be reported, so that study which none covers waits, whichever of the two comes first.
        """
        paid = self.needed is not None and self.needed.value == "paid"
        own = [
            enrolled
            for enrolled in (account.enrolments if account is not None else ())
            if enrolled.provider == provider and enrolled.mode == mode and (not paid or enrolled.paid_on)
        ]
        # An enrolment that is there, and paid where that is asked, fails by its days alone.
        source = self.days if own else self.needed or self.days
        if self.days is not None:
            days = self.days.value
            own = [
                each
                for each in own
                if begins(each.enrolled_on) <= completed_at < ends(later(each.enrolled_on, days))
            ]
        if own:
            return None
        assert source is not None, "one of the two is asked"
        return Held("enrolment_pending", source.clause)

    def may_cover(self, enrolling: tuple[datetime, datetime], completed_at: datetime) -> bool:
        """Whether an enrolment between the two moments, the second excluded, could cover study completed then."""
        opens, closes = enrolling
        if self.days is None or opens >= closes:
            return opens < closes
        first = day_at(completed_at) - timedelta(days=self.days.value)
        return opens <= completed_at and begins(first) < closes


def terms_of(settings: Settings, mode: str) -> EnrolmentTerms | None:
    """Of a mode; None where it asks for no enrolment."""
    needed, days = settings.of_mode("enrolment", mode), settings.of_mode("window.study.days", mode)
    needed = needed if needed is not None and needed.value != "no" else None
    days = days if days is not None and days.value > 0 else None
    return EnrolmentTerms(needed, days) if needed or days else None


KIND = Kind(
    rule=EnrolmentRule,
    selectors=PERSONS | {"categories", "courses"},
    mode_terms=terms_of,
    by_mode=True,
    rejections={
        "enrolment-impossible": RejectionWords(
            "没有能够涵盖该学习的报名",
            "No enrolment could cover the study",
            "在规定的报名时间内，没有任何一天的报名能够涵盖此次学习。",
            "No enrolment on any day of the time to enrol could cover this study.",
        ),
    },
    why={
        "enrolment_pending": (
            "没有涵盖该日的报名（缴费）记录，暂不登记",
            "waits for an enrolment, or a paid one, that covers its day",
        )
    },
)
