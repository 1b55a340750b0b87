"""What a mode asks of a completion beyond its window, provider and credits; made once per policy."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.ledger.policy.judging.enrolments import other_provider
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.facts import Account, CompletionFacts, Person
from services.ledger.policy.language.rule import Tier
from services.ledger.policy.policy import Limits, Policy, Sourced, Span, UnitTerms
from services.ledger.policy.rules.credit_year import completed_in
from services.ledger.policy.rules.tiers import mode_refusal
from services.ledger.policy.rules.tiers import refusal as tier_refusal
from services.ledger.policy.rules.window import refusal as window_refusal

PREFIXES = ("enrolment", "provider_choice", "credit_year", "units")
"""The settings by mode that are read here, beside those of windows."""

_TIER_NAMES: tuple[Tier, ...] = ("junior", "intermediate", "senior")
Ask = Callable[[str], Sourced[Any] | None]


def limits_of(of_mode: Ask, general: Ask, register: Span) -> Limits | None:
    """The limits of one mode. `of_mode` answers for the mode, `general` for settings that are of no mode."""
    enrolled, one = of_mode("enrolment"), of_mode("provider_choice")
    days, pay_days = of_mode("window.study.days"), of_mode("window.pay.days")
    own_year, tiers, firm = of_mode("credit_year"), general("tiers"), of_mode("window.register.firm")
    by_tier: dict[str, Sourced[Any]] = {
        tier: found for tier in _TIER_NAMES if (found := general(f"modes.{tier}")) is not None
    }
    limits = Limits(
        enrolled=enrolled if enrolled is not None and enrolled.value != "no" else None,
        days=days if days is not None and days.value > 0 else None,
        pay_days=pay_days if pay_days is not None and pay_days.value > 0 else None,
        one_provider=one.clause if one is not None and one.value else None,
        own_year=own_year.clause if own_year is not None and own_year.value == "completion" else None,
        tiers=tiers if tiers is not None and tiers.value.limits else None,
        modes_of_tier=by_tier,
        register=register if firm is not None and firm.value and register.until is not None else None,
    )
    return limits if limits != Limits() else None


def units_of(of_mode: Ask) -> UnitTerms | None:
    """How the hours of one mode are counted; None where no clause speaks of them."""
    length, rate = of_mode("units.hour_minutes"), of_mode("units.hour_credits")
    most, day = of_mode("units.day_hours_max"), of_mode("units.day_credits")
    source = day or rate or most or length
    if source is None:
        return None
    return UnitTerms(
        hour_minutes=length.value if length is not None else None,
        hour_credits=rate.value if rate is not None else None,
        day_hours_max=most.value if most is not None else None,
        day_credits=day.value if day is not None else None,
        clause=source.clause,
    )


def refused_by(
    policy: Policy,
    limits: Limits,
    facts: CompletionFacts,
    person: Person,
    account: Account | None,
    now: datetime,
    *,
    make_up: bool,
) -> Rejected | None:
    """Why the limits of its mode refuse a completion; None when they do not.

    Tiers bind make-up too; the year's own terms (its year, one provider, the register's end) do not.
    """
    refused = mode_refusal(limits.modes_of_tier, person.qualification, facts.mode)
    if refused is None and limits.tiers is not None:
        refused = tier_refusal(limits.tiers, person.qualification, facts.tier, facts.category)
    if refused is not None or make_up:
        return refused
    if limits.own_year is not None:
        refused = completed_in(facts.completed_at, policy.year, limits.own_year)
    if refused is None and limits.one_provider is not None:
        refused = other_provider(limits.one_provider, account, facts.provider_id, facts.mode)
    if refused is None and limits.register is not None and not _within(limits.register, now):
        refused = window_refusal(limits.register, now)
    return refused


def _within(span: Span, now: datetime) -> bool:
    return span.begins <= now < span.ends
