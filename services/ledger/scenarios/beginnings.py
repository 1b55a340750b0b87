"""Givens of a scenario: the person, the notices there are, and the accounts as they stand before anything happens."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

import msgspec

from contracts.divisions import authority_of
from services.ledger.policy import (
    Account,
    Credit,
    Deferral,
    Exemption,
    Notice,
    Person,
    PolicyBook,
    SpecialReason,
)
from services.ledger.policy.book import Declaration
from services.ledger.policy.language.facts import Traits
from services.ledger.scenarios.scenario_file import Earned, Given, moment
from services.ledger.streams import account as accounts
from services.ledger.streams.profile import Profile

PERSON, OTHER = "somebody", "the-other-profile"
_GIVEN = {True: "given", False: "other"}
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_BOOKS_MAX = 200


class Shelf:
    """The notices a scenario may be told by: those in force, and more by name where `find` knows them."""

    def __init__(self, notices: Iterable[Notice], find: Callable[[str], Notice] | None = None) -> None:
        self._notices = tuple(notices)
        self._find = find
        self._books: dict[tuple[tuple[str, ...], tuple[str, ...]], PolicyBook] = {}

    def book(self, given: Given) -> PolicyBook:
        """The notices, without those that had not been issued yet, and with those that the scenario names.

        Raises LookupError for a name that nobody knows.
        """
        key = tuple(given.before_notices), tuple(given.notices)
        if key not in self._books:
            if len(self._books) >= _BOOKS_MAX:
                self._books.clear()
            self._books[key] = self._made(*key)
        book = self._books[key]
        if not given.no_notice:
            return book
        said = Declaration(_BEGINNING, authority_of(given.place), 1, given.place, given.year)
        return book.with_declaration(said)

    def _made(self, without: tuple[str, ...], named: tuple[str, ...]) -> PolicyBook:
        book = PolicyBook()
        kept = [notice for notice in self._notices if notice.id not in without]
        for position, notice in enumerate(kept, start=1):
            book = book.with_notice(notice, _BEGINNING, "published", position)
        for position, name in enumerate(named, start=1):
            if self._find is None:
                raise LookupError(name)
            book = book.with_notice(self._find(name), _BEGINNING, "scenario", position)
        return book


def person_of(given: Given) -> Person:
    """The person of the scenario, under an id of their own."""
    known = msgspec.structs.asdict(given.person)
    del known["left_on"], known["retired_on"]
    traits = Traits(**{name: known.pop(name) for name in Traits.__struct_fields__})
    return Person(person_id=PERSON, place=given.place, traits=traits, **known)


def profile_of(given: Given) -> Profile:
    """The person as the ledger follows them: also when they left accounting work, or retired."""
    return Profile(
        person=person_of(given),
        identity_hash="",
        name_hash="",
        left_on=given.person.left_on,
        retired_on=given.person.retired_on,
    )


def accounts_of(given: Given) -> dict[int, Account]:
    """The accounts by year: the credits of each, and what an authority granted on the first day of the scenario's year."""
    found = {given.year: accounts.empty(PERSON, given.year)} | credited(PERSON, given.credits, given.year)
    _grant(given, found[given.year])
    return found


def credited(person_id: str, credits: Iterable[Earned], year: int) -> dict[int, Account]:
    """The accounts by year of a profile that has these credits, those that name no year in `year`."""
    found: dict[int, Account] = {}
    for number, earned in enumerate(credits, start=1):
        of = earned.year or year
        account = found.setdefault(of, accounts.empty(person_id, of))
        account.credits.append(_credit(earned, f"{_GIVEN[person_id == PERSON]}-{number}"))
    return found


def _grant(given: Given, account: Account) -> None:
    granted_on = date(given.year, 1, 1)
    if given.exempt is not None:
        account.exempt = Exemption(
            reason=given.exempt, authority=given.place, granted_on=granted_on, until=given.exempt_until
        )
    if given.deferred is not None:
        account.deferred = Deferral(
            until=given.deferred.until,
            reason=given.deferred.reason,
            authority=given.place,
            granted_on=granted_on,
        )
    if given.special_reason is not None:
        account.special_reason = SpecialReason(
            reason=given.special_reason, authority=given.place, granted_on=granted_on
        )


def _credit(earned: Earned, name: str) -> Credit:
    at = moment(earned.on)
    return Credit(
        credit_id=name,
        completion_id=name,
        category=earned.category,
        credits=earned.credits,
        mode=earned.mode,
        provider=earned.provider,
        course=earned.course,
        completed_at=at,
        registered_at=at,
        make_up=earned.make_up,
        fill=tuple(earned.fill),
        state=earned.state,  # type: ignore[arg-type]
        recognised_at=moment(earned.recognised) if earned.recognised else None,
    )
