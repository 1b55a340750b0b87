"""Which make-up windows of a past year stand, when several notices speak of it.

Windows of different places stand beside each other, since each opens a chance of its own. A notice replaces what was
issued before it by its own place or by a wider one; what a wider place issues later is added. So a city's deadline
narrows its province's earlier one, a province's later offer still reaches the city, and "no more make-up" (S2A-04)
closes what was open without binding what is issued afterwards (C-04).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from services.ledger.policy.document.notice import Clause, Notice
from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.days import begins, day_after, day_of, ends
from services.ledger.policy.policy import MakeUpTerms, ProviderTerms, RequirementTerms, Sourced
from services.ledger.policy.rules.judged import MakeUp, MakeUpWindow, Providers
from services.ledger.policy.rules.providers import provider_terms
from services.ledger.policy.rules.registration import needs_of
from services.ledger.policy.rules.units import to_cents


class Offer(NamedTuple):
    """What one notice says about making up one year."""

    dated: date
    specificity: int
    order: int
    notice: Notice
    clauses: tuple[tuple[Clause, MakeUp], ...]


def offer_of(notice: Notice, year: int, *, specificity: int, order: int) -> Offer | None:
    """The notice's make-up clauses that name the year, if any does."""
    clauses = tuple(
        (clause, rule)
        for clause in notice.clauses
        for rule in clause.rules
        if isinstance(rule, MakeUp) and year in rule.years
    )
    return Offer(notice.dated, specificity, order, notice, clauses) if clauses else None


def standing(offers: Iterable[Offer]) -> list[Offer]:
    """The offers that stand, the nearest place first."""
    stand: list[Offer] = []
    for offer in sorted(offers, key=lambda o: (o.dated, o.specificity, o.order)):
        stand = [earlier for earlier in stand if earlier.specificity > offer.specificity]
        stand.append(offer)
    return sorted(stand, key=lambda o: -o.specificity)


def windows_of(offers: Iterable[Offer], year: int, own_end: date) -> tuple[MakeUpTerms, ...]:
    """The windows of the offers, in order of opening. `own_end` is the last day of the year's own study (B-08)."""
    made = [
        _terms(offer, clause, window, year, own_end)
        for offer in offers
        for clause, rule in offer.clauses
        for window in rule.windows
    ]
    return tuple(sorted(made, key=lambda window: (window.begins, window.ends, window.channel)))


def never_of(offers: Iterable[Offer]) -> Sourced[None] | None:
    """The clause that says there is no make-up, if one stands."""
    for offer in offers:
        for clause, rule in offer.clauses:
            if rule.never:
                notice = offer.notice
                return Sourced(None, clause.id, notice.label, notice.place, clause.article, clause.text)
    return None


def _terms(offer: Offer, clause: Clause, window: MakeUpWindow, year: int, own_end: date) -> MakeUpTerms:
    issued = offer.dated
    since = day_of(window.since, year, issued) if window.since else max(day_after(own_end), issued)
    until = day_of(window.until, year, issued) if window.until else None
    assert since is not None, "the parser refuses days that do not exist"
    gate = window.prerequisite
    return MakeUpTerms(
        channel=window.channel,
        act=window.act,
        since=since,
        until=until,
        begins=begins(since),
        ends=ends(until),
        modes=frozenset(window.modes) or None,
        categories=frozenset(window.categories) or None,
        prerequisite_category=gate.category if gate else None,
        prerequisite_minimum=gate.minimum if gate else Decimal(0),
        prerequisite_clause=(gate.clause or clause.id) if gate else None,
        conditions=window.conditions,
        once=window.once,
        fee=window.fee,
        requirement=_requirement(offer, clause, window),
        providers=_providers(offer.notice, window, clause),
        needs=needs_of(window.registration) if window.registration is not None else None,
        clause=clause.id,
        document=offer.notice.label,
        place=offer.notice.place,
        text=clause.text,
    )


def _requirement(offer: Offer, clause: Clause, window: MakeUpWindow) -> tuple[RequirementTerms, ...]:
    """The minima by which a made-up year is judged where they are others than the year's own (A-08)."""
    asked = window.requirement
    if asked is None:
        return ()
    minima: list[tuple[Category | None, Decimal | None]] = [(None, asked.total)]
    if asked.categories is not None:
        minima += sorted(asked.categories.items())
    return tuple(
        RequirementTerms(
            kind="category" if category else "total",
            category=category,
            minimum=to_cents(minimum),
            clause=clause.id,
            document=offer.notice.label,
            text=clause.text,
        )
        for category, minimum in minima
        if minimum is not None
    )


def _providers(notice: Notice, window: MakeUpWindow, clause: Clause) -> ProviderTerms:
    lists: Mapping[str, Providers] = {
        c.id: rule for c in notice.clauses for rule in c.rules if isinstance(rule, Providers)
    }
    if window.providers_of is None:
        return ProviderTerms(names=None, codes=frozenset(), clause=clause.id)
    return provider_terms(lists[window.providers_of], clause.id)
