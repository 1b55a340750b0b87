"""What a well-formed notice asks and no person could ever meet, or says and nothing would follow: warnings, never errors.

Pure: the notice is put into a book beside what is published already, and the policies that come out are looked at.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from services.ledger.policy.book import PolicyBook
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.doubted_rules import rules_in_doubt
from services.ledger.policy.doubted_years import years_in_doubt
from services.ledger.policy.language.rule import Years
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.judged import MakeUp

YEARS_MAX = 5
"""How many of the years of an open range are looked at."""
_DRAFTED = datetime(9999, 1, 1, tzinfo=UTC)


class Doubt(NamedTuple):
    """A warning: the field as a JSON pointer into the notice, a stable code, and what is doubtful in two languages."""

    pointer: str
    code: str
    zh: str
    en: str


def doubts(notice: Notice, book: PolicyBook) -> list[Doubt]:
    """Every doubt about a notice, if it were published now beside the notices of the book; each is told once."""
    drafted = book.with_notice(notice, _DRAFTED, "draft", 1)
    found = [Doubt(*doubt) for doubt in rules_in_doubt(notice)]
    for policy in _policies(notice, drafted):
        found += [Doubt(*doubt) for doubt in years_in_doubt(notice, policy)]
    return list(dict.fromkeys(found))


def _years(years: Years, first: int) -> range:
    """The years of a range; of an open one, a few from its end that is known, or from `first`."""
    if years.first is None and years.last is not None:
        return range(years.last - YEARS_MAX + 1, years.last + 1)
    first = years.first if years.first is not None else first
    last = years.last if years.last is not None else first + YEARS_MAX - 1
    return range(first, min(last, first + YEARS_MAX - 1) + 1)


def _policies(notice: Notice, book: PolicyBook) -> Iterator[Policy]:
    """The policies of the notice's place for the years it governs or makes up, as far as there are any."""
    years = set(_years(notice.years, notice.dated.year))
    for clause in notice.clauses:
        for rule in clause.rules:
            if isinstance(rule, MakeUp):
                years.update(_years(rule.years, notice.dated.year - YEARS_MAX))
    for year in sorted(years):
        policy = book.resolve(notice.place, year)
        if policy is not None:
            yield policy
