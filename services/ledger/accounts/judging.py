"""Who is judged for which year, and by what: the same for answers, for standings and for what a draft would change."""

from datetime import date

from services.ledger.accounts.profile import Profile
from services.ledger.policy import Account, Assessment, PolicyBook, assess

JUDGED_FROM = 2018
"""The first credit year that is judged without an account: the national rule in force is of that year."""


def judge(book: PolicyBook, profile: Profile, account: Account | None, year: int, on: date) -> Assessment:
    """One person's year by the policy of the place that holds the profile (A-13)."""
    person = profile.person
    return assess(book.resolve(person.place, year), account, person, year, on)


class JudgedYears:
    """For which years the people of a place are judged although nothing is in their accounts.

    These are the years from `JUDGED_FROM` to the present one in which a notice governs the place. A year that only a
    make-up clause names, or the future, is judged for those who have an account in it.
    """

    def __init__(self, book: PolicyBook, present_year: int) -> None:
        self.book = book
        self.present_year = present_year
        self._years: dict[str, tuple[int, ...]] = {}

    def of(self, place: str) -> tuple[int, ...]:
        """The years, in order."""
        known = self._years.get(place)
        if known is None:
            known = self._years[place] = tuple(
                year
                for year in range(JUDGED_FROM, self.present_year + 1)
                if (policy := self.book.resolve(place, year)) is not None and policy.ordinary
            )
        return known
