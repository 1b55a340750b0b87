"""Conditions of a make-up window: which categories it takes, what the year must hold first, who had enrolled or fell
short."""

from decimal import Decimal

import msgspec

from services.ledger.policy.judging.requirements import is_met
from services.ledger.policy.language.days import begins
from services.ledger.policy.language.facts import Account, Credit, Rejected, Study, lies_under, lies_under_any
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.make_up import MakeUpWindowTerms

_ZERO = Decimal(0)


def gate_of(
    policy: Policy,
    window: MakeUpWindowTerms,
    category: str,
    account: Account | None,
    *,
    special_reason: bool = False,
    by_application: bool = False,
) -> Rejected | None:
    """Why a window that is open does not take study of this category for this account; None when it does.

    A special reason is given with an application, or was approved by an official before (A-06).
    """
    heard = (by_application and special_reason) or has_special_reason(account)
    if "special_reason" in window.conditions and not heard:
        return Rejected("special-reason-needed", window.clause, {"year": str(policy.year)})
    if window.categories is not None and not lies_under_any(category, window.categories):
        return Rejected("make-up-category", window.clause, {"category": category})
    if window.prerequisite_category is not None:
        held = _held(account, window.prerequisite_category)
        if held < window.prerequisite_minimum:
            details = {
                "category": window.prerequisite_category,
                "minimum": str(window.prerequisite_minimum),
            }
            return Rejected("make-up-prerequisite", window.prerequisite_clause, details)
    return _for_whom(policy, window, account) if window.conditions or window.once else None


def has_special_reason(account: Account | None) -> bool:
    """Whether an official has approved the person's special reason for the year, and nobody has ended that (A-06)."""
    approved = account.special_reason if account is not None else None
    return approved is not None and approved.ended_on is None


def takes_reports(window: MakeUpWindowTerms, account: Account | None) -> bool:
    """Whether providers' records count in the window: where it makes up by itself, and where an official has heard the
    special reason that its applications give (A-06)."""
    return window.channel == "automatic" or (
        "special_reason" in window.conditions and has_special_reason(account)
    )


def beside_another(window: MakeUpWindowTerms, account: Account | None, study: Study) -> Rejected | None:
    """Why a course of a make-up that takes one at a time (一次只学一门) does not count: it was studied beside another."""
    if not window.one_at_a_time or account is None:
        return None
    first, last = study.days
    for credit in account.credits:
        if credit.make_up and credit.state == "registered" and credit.course != study.course:
            since, until = credit.days
            if since < last and first < until:
                return Rejected("make-up-one-at-a-time", window.clause, {"course": credit.course})
    return None


def _held(account: Account | None, category: str) -> Decimal:
    credits = account.credits if account is not None else ()
    standing = [credit for credit in credits if credit.state == "registered"]
    return sum((credit.credits for credit in standing if lies_under(credit.category, category)), _ZERO)


def not_enrolled(policy: Policy, window: MakeUpWindowTerms, account: Account | None) -> Rejected | None:
    """Why the window is not for somebody who had not enrolled, or paid, before it opened; None when it is."""
    year = {"year": str(policy.year)}
    before = [
        enrolled
        for enrolled in (account.enrolments if account is not None else ())
        if begins(enrolled.enrolled_on) < window.begins
    ]
    if "enrolled" in window.conditions and not before:
        return Rejected("make-up-for-enrolled", window.clause, year)
    if "paid" in window.conditions and not any(
        enrolled.paid_on is not None and begins(enrolled.paid_on) < window.begins for enrolled in before
    ):
        return Rejected("make-up-for-paid", window.clause, year)
    return None


def _for_whom(policy: Policy, window: MakeUpWindowTerms, account: Account | None) -> Rejected | None:
    refused = not_enrolled(policy, window, account)
    if refused is not None:
        return refused
    year = {"year": str(policy.year)}
    if "shortfall" in window.conditions and account is not None and _met_in_time(policy, account):
        return Rejected("make-up-not-needed", window.clause, year)
    if window.once and account is not None and any(_of_another(c, window) for c in account.credits):
        return Rejected("make-up-used", window.clause, year)
    return None


def _met_in_time(policy: Policy, account: Account) -> bool:
    """Whether the year was met without any make-up: then nobody falls short, however much was made up since."""
    own = [credit for credit in account.credits if not credit.make_up and credit.state == "registered"]
    return is_met(policy, msgspec.structs.replace(account, credits=own))


def _of_another(credit: Credit, window: MakeUpWindowTerms) -> bool:
    inside = window.begins <= credit.completed_at < window.ends
    return credit.make_up and credit.state == "registered" and not inside
