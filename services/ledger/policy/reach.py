"""The reach of a notice, in places and years, so that what it changes is looked for there and nowhere else."""

from collections.abc import Iterable, Iterator

from contracts.divisions import chain_of, contains
from services.ledger.policy.book import PolicyBook
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.language.rule import Years
from services.ledger.policy.rules.make_up import MakeUp


def reaches(notice: Notice, place: str) -> bool:
    """Whether the notice speaks for a place: it lies under the notice's own and under none that is carved out."""
    return contains(notice.place, place) and not any(code in notice.excludes for code in chain_of(place))


def ranges_of(notice: Notice) -> Iterator[Years]:
    """Every range of credit years that the notice, a clause of it, or a make-up rule names."""
    yield notice.years
    for clause in notice.clauses:
        if clause.years is not None:
            yield clause.years
        yield from (rule.years for rule in clause.rules if isinstance(rule, MakeUp))


def years_of(notices: Iterable[Notice], bounds: tuple[int, int]) -> list[int]:
    """The years that notices name, in order; what a notice leaves open ends at the bounds, both included."""
    ranges = [years for notice in notices for years in ranges_of(notice)]
    return [year for year in range(bounds[0], bounds[1] + 1) if any(year in years for years in ranges)]


def bounds_of(*books: PolicyBook) -> tuple[int, int]:
    """The first and the last year that any notice of the books names with a number; (0, -1) when none does."""
    named = [
        year
        for book in books
        for entry in book
        for years in ranges_of(entry.notice)
        for year in (years.first, years.last)
        if year is not None
    ]
    return (min(named), max(named)) if named else (0, -1)


def places_with_notices(notices: Iterable[Notice], *books: PolicyBook) -> list[str]:
    """The places of the notices, what they carve out, and every place under them that has a notice of its own.

    Places in between follow the nearest of these, so whoever compares policies there has compared them all.
    """
    found: set[str] = set()
    for notice in notices:
        found.update((notice.place, *notice.excludes))
        found.update(
            entry.notice.place for book in books for entry in book if reaches(notice, entry.notice.place)
        )
    return sorted(found)
