"""Other years of persons, where the answer for one hangs on them: the year before, whose credits may carry over, and the
years that a purpose looks at. Each year's accounts are read once, and none where nothing asks for them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from services.ledger.answers.waiting_records import parked_credits
from services.ledger.policy import (
    Account,
    Assessment,
    Missing,
    PolicyBook,
    PurposeAssessment,
    PurposeTerms,
    assess_purpose,
    purpose_terms,
)
from services.ledger.store.people import Keeper, People
from services.ledger.streams.who_judges import account_in, judge, years_beside

HomeAt = Callable[[Keeper, int], Awaitable[Keeper]]
"""A person with the account of another year, as it was known at a moment."""


class OtherYears:
    """Judges persons' years on one day by one book, for whoever may see `place`."""

    def __init__(
        self,
        people: People,
        book: PolicyBook,
        on: date,
        place: str | None,
        home_at: HomeAt | None = None,
    ) -> None:
        self._people = people
        self._book = book
        self._on = on
        self._place = place
        self._home_at = home_at
        self._accounts: dict[tuple[str, int], Account | None] = {}

    async def answers(self, homes: Mapping[str, Keeper], year: int) -> dict[str, Assessment]:
        """The answers for a year, by person; `homes` hold that year's accounts."""
        self._accounts |= {(person, year): home.account for person, home in homes.items()}
        return await self._judged(homes, year)

    async def purposes(
        self, homes: Mapping[str, Keeper], year: int, purpose: str
    ) -> dict[str, PurposeAssessment]:
        """Whether each person fulfils a purpose, asked about for a year whose answers were given before."""
        terms = {
            person: purpose_terms(self._book.policy_for(home.profile.person, year), purpose, year)
            for person, home in homes.items()
        }
        found: dict[str, dict[int, Assessment]] = {person: {} for person in homes}
        for number in sorted({number for one in terms.values() for number in one.years}):
            asked = {person: home for person, home in homes.items() if number in terms[person].years}
            await self._read(asked, number)
            for person, answer in (await self._judged(asked, number, terms)).items():
                found[person][number] = answer
        return {
            person: assess_purpose(terms[person], answers, year, self._on)
            for person, answers in found.items()
        }

    async def _judged(
        self, homes: Mapping[str, Keeper], year: int, terms: Mapping[str, PurposeTerms] | None = None
    ) -> dict[str, Assessment]:
        """The answers for a year; for a purpose without words, and without what does not count for it."""
        beside = {person: years_beside(self._book, home.profile, year) for person, home in homes.items()}
        for number in sorted({number for years in beside.values() for number in years}):
            await self._read({person: homes[person] for person in homes if number in beside[person]}, number)
        return {
            person: judge(
                self._book,
                home.profile,
                self._account(person, year, terms),
                year,
                self._on,
                {n: self._account(person, n, terms) for n in beside[person]},
                parked=parked_credits(home, self._book, year, self._on) if terms is None else (),
                worded=terms is None,
            )
            for person, home in homes.items()
        }

    def _account(self, person: str, year: int, terms: Mapping[str, PurposeTerms] | None) -> Account | None:
        account = self._accounts.get((person, year))
        return account if terms is None else terms[person].counting(account)

    async def _read(self, homes: Mapping[str, Keeper], year: int) -> None:
        wanted = {person: home for person, home in homes.items() if (person, year) not in self._accounts}
        if not wanted:
            return
        if self._home_at is not None:
            read = {person: await self._home_at(home, year) for person, home in wanted.items()}
        else:
            read = await self._people.by_id(sorted(wanted), self._place, year)
        for person, home in wanted.items():
            account = read[person].account if person in read else None
            self._accounts[person, year] = account_in(self._book, home.profile, year, account)


_ZERO = Decimal(0)


class Shortfall(NamedTuple):
    """Credits still to be earned in a category; None is any category. Shortfalls do not overlap: they add up."""

    category: str | None
    credits: Decimal


def shortfalls(answer: Assessment, account: Account | None) -> list[Shortfall]:
    """What is missing, taken apart: each category's own part, then what the total asks beyond them.

    `Assessment.missing` overlaps: 30 public credits are missing from the total, too. What waits, for whatever reason, or is
    registered and awaits recognition, is on its way and not asked for again.
    """
    coming = _coming(answer, account)
    plain = [item for item in answer.missing if item.course is None and not item.modes]
    missing = [item for item in plain if item.choice is None] or plain
    left = [(item.category, max(_ZERO, item.credits - _within(coming, item.category))) for item in missing]
    found: dict[str | None, Decimal] = {}
    for category, credits in sorted(left, key=lambda pair: _depth(pair[0]), reverse=True):
        inside = sum((part for inner, part in found.items() if _holds(category, inner)), _ZERO)
        found[category] = max(_ZERO, credits - inside)
    return [
        Shortfall(item.category, found[item.category]) for item in _in_order(missing) if found[item.category]
    ]


def _coming(answer: Assessment, account: Account | None) -> list[tuple[str, Decimal]]:
    held = [(item.category, item.credits) for item in answer.held]
    if account is None:
        return held
    recognised_later = {
        item.completion_id for item in answer.not_counted if item.why == "awaiting_recognition"
    }
    return held + [
        (credit.category, credit.credits)
        for credit in account.credits
        if credit.completion_id in recognised_later and credit.state == "registered"
    ]


def _within(coming: Sequence[tuple[str, Decimal]], category: str | None) -> Decimal:
    return sum((credits for inner, credits in coming if _holds(category, inner) or inner == category), _ZERO)


def _holds(outer: str | None, inner: str | None) -> bool:
    """Whether a category lies inside another one: any lies inside None, `professional/ethics` inside `professional`."""
    if inner is None or inner == outer:
        return False
    return outer is None or inner.startswith(f"{outer}/")


def _depth(category: str | None) -> int:
    return 0 if category is None else 1 + category.count("/")


def _in_order(missing: Sequence[Missing]) -> list[Missing]:
    """Categories as the policy lists them, the total last: it asks only for what they leave."""
    return sorted(missing, key=lambda item: item.category is None)
