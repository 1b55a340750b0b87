"""Who is judged for which year, and by what: the same for answers, for standings and for what a draft would change."""

from datetime import date

from msgspec.structs import replace

from contracts.divisions import full_name_of
from services.ledger.accounts.profile import Profile
from services.ledger.moving.events import Judgement
from services.ledger.moving.sides import side_of
from services.ledger.policy import Account, Assessment, Earlier, PolicyBook, assess

JUDGED_FROM = 2018
"""The first credit year that is judged without an account: the national rule in force is of that year."""


def judge(
    book: PolicyBook,
    profile: Profile,
    account: Account | None,
    year: int,
    on: date,
    earlier: Account | None = None,
    *,
    worded: bool = True,
) -> Assessment:
    """One person's year by the policy of the place that holds the profile (A-13); a year that another authority judged
    before the person came is answered as it was judged there, and one that has arrived elsewhere by the rules of there.

    `earlier` is the account of the year before, wanted where `carries_into` says so; `worded` as `assess` takes it.
    """
    person = profile.person
    if profile.left_on is not None or profile.retired_on is not None:
        person = replace(person, left_on=profile.left_on, retired_on=profile.retired_on)
    judgement = profile.judgement(year)
    if judgement is not None:
        return _as_judged(judgement)
    policy = book.resolve(person.place, year)
    left = profile.left
    if left is not None and left.completed and side_of(profile, year, policy) == "moved":
        person = replace(person, place=left.to_place)
        policy = book.resolve(left.to_place, year)
    if policy is None or policy.carries is None:
        return assess(policy, account, person, year, on, worded=worded)
    before = Earlier(book.resolve(person.place, year - 1), earlier)
    return assess(policy, account, person, year, on, before, worded=worded)


def carries_into(book: PolicyBook, profile: Profile, year: int) -> bool:
    """Whether credits of the year before may count in this one, so that its account has to be read, too."""
    policy = book.resolve(profile.person.place, year)
    return policy is not None and policy.carries is not None


def _as_judged(judgement: Judgement) -> Assessment:
    where, day = full_name_of(judgement.place), judgement.judged_on.isoformat()
    return Assessment(
        status=judgement.status,
        year=judgement.year,
        place=judgement.place,
        on=judgement.judged_on,
        total=judgement.total,
        by_category=judgement.by_category,
        explanation_zh=f"{judgement.year}年度由{where}判定（截至{day}），调入后不再变更。",
        explanation_en=f"{judgement.year} was judged by the authority of {where} as of {day}, before the person moved.",
        policy=judgement.policy,
    )


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
