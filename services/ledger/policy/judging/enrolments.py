"""Enrolments: whether one may be recorded, and what study asks of one: that it is there, paid, and not over.

Days of study are judged when the completion comes; somebody may enrol before a study window opens (S1-07, S3B-07).
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal

from services.ledger.policy.language.days import begins, ends, later
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.facts import Account, Enrolled, Person, ProviderStanding
from services.ledger.policy.language.rule import Mode, Rule, by_mode
from services.ledger.policy.policy import Limits, MakeUpTerms, Policy, ProviderTerms, Terms
from services.ledger.policy.rules.providers import is_accredited, is_listed
from services.ledger.policy.rules.tiers import mode_refusal
from services.ledger.policy.rules.tiers import refusal as tier_refusal
from services.ledger.policy.rules.window import outside


class Enrolment(Rule, frozen=True, tag="enrolment"):
    """报名缴费: 学习前须已报名 (enrolled) 或已缴费 (paid)。What must come before study; a completion waits for it."""

    needed: Literal["no", "enrolled", "paid"]
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("enrolment", self.modes, self.needed)


class ProviderChoice(Rule, frozen=True, tag="provider_choice"):
    """任选一家: 一个年度只能在一家机构学习 (A-10); 补学不受此限。Whether the year's study is with one provider only."""

    one_a_year: bool
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("provider_choice", self.modes, self.one_a_year)


def admit_enrolment(
    policy: Policy | None,
    provider: ProviderStanding,
    person: Person,
    year: int,
    mode: str,
    day: date,
) -> Rejected | None:
    """The reason why the provider may not enrol the person for the year in this mode on this day; None when it may."""
    if policy is None:
        return Rejected("no-policy", None, {"place": person.place, "year": str(year)})
    terms = policy.terms_of(mode)
    make_up = [
        window.providers
        for window in policy.make_up
        if window.channel == "automatic" and (window.modes is None or mode in window.modes)
    ]
    if not terms.allowed and not make_up:
        return Rejected("mode-not-allowed", terms.modes_clause, {"mode": mode})
    accepted = [terms.providers, *make_up] if terms.allowed else make_up
    if not any(_suits(policy, one, provider, (year, day.year), mode, day) for one in accepted):
        first = accepted[0]
        if first.names is not None:
            return Rejected("provider-not-listed", first.clause, {"year": str(year)})
        return Rejected("provider-not-accredited", first.clause, {"year": str(year), "mode": mode})
    barred = provider.barred_since(day)
    if barred is not None:
        return Rejected("provider-disqualified", policy.disqualification_clause, {"from": barred.isoformat()})
    return None


def admit_terms(
    policy: Policy, enrolled: Enrolled, person: Person, account: Account | None
) -> Rejected | None:
    """What the mode asks of the enrolment itself: the windows to enrol and to pay, the tier, one provider a year.

    An enrolment inside an automatic make-up window is of the make-up, and bound by none of the year's own windows.
    """
    terms = policy.terms_of(enrolled.mode)
    day = begins(enrolled.enrolled_on)
    limits = terms.limits
    refused: Rejected | None = None
    if limits is not None:
        refused = mode_refusal(limits.modes_of_tier, person.qualification, enrolled.mode)
    if refused is None and limits is not None and limits.tiers is not None:
        refused = tier_refusal(
            limits.tiers, person.qualification, enrolled.tier or person.qualification, "professional"
        )
    if refused is not None:
        return refused
    if any(_takes(window, enrolled.mode, day) for window in policy.make_up):
        return None
    refused = outside(terms, "enrol", day) or _payment(terms, limits, enrolled)
    if refused is None and limits is not None and limits.one_provider is not None:
        return other_provider(limits.one_provider, account, enrolled.provider, enrolled.mode)
    return refused


def _takes(window: MakeUpTerms, mode: str, day: datetime) -> bool:
    """Whether study of this mode is made up by itself in the window on this day."""
    return (
        window.channel == "automatic"
        and (window.modes is None or mode in window.modes)
        and window.begins <= day < window.ends
    )


def _payment(terms: Terms, limits: Limits | None, enrolled: Enrolled) -> Rejected | None:
    paid = enrolled.paid_on
    if paid is None:
        return None
    if limits is not None and limits.pay_days is not None:
        last = later(enrolled.enrolled_on, limits.pay_days.value)
        if paid > last:
            return Rejected("pay-closed", limits.pay_days.clause, {"until": last.isoformat()})
    return outside(terms, "pay", begins(paid))


def other_provider(clause: str, account: Account | None, provider: str, mode: str) -> Rejected | None:
    """The refusal when another provider has the person's year already: by enrolment, credit, or what waits (A-10)."""
    if account is None:
        return None
    taken = (
        any(e.mode == mode and e.provider != provider for e in account.enrolments)
        or any(
            c.mode == mode
            and c.provider not in (None, provider)
            and c.state == "registered"
            and not c.make_up
            for c in account.credits
            if c.route == "provider"
        )
        or any(w.mode == mode and w.provider != provider for w in account.waiting)
    )
    return Rejected("other-provider-this-year", clause) if taken else None


def covered(
    limits: Limits, account: Account | None, provider: str, mode: str, completed_at: datetime
) -> bool:
    """Whether an enrolment covers study completed at this moment: paid where that is asked, and its days not over.

    Another may still be reported, so that study which none covers waits, whichever of the two comes first.
    """
    paid = limits.enrolled is not None and limits.enrolled.value == "paid"
    own = [
        enrolled
        for enrolled in (account.enrolments if account is not None else ())
        if enrolled.provider == provider and enrolled.mode == mode and (not paid or enrolled.paid_on)
    ]
    if limits.days is None:
        return bool(own)
    days = limits.days.value
    return any(begins(each.enrolled_on) <= completed_at < ends(later(each.enrolled_on, days)) for each in own)


def enrolment_clause(limits: Limits) -> str | None:
    """The clause that asks for an enrolment, None where none does."""
    if limits.enrolled is not None and limits.enrolled.value != "no":
        return limits.enrolled.clause
    return limits.days.clause if limits.days is not None else None


def _suits(
    policy: Policy,
    terms: ProviderTerms,
    provider: ProviderStanding,
    years: tuple[int, int],
    mode: str,
    day: date,
) -> bool:
    if terms.names is not None:
        return is_listed(terms, provider)
    return is_accredited(policy.chain, years, mode, provider, day)
