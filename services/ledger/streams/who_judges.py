"""Judges of a year: which authority judges which year of somebody who moves, who is judged at all, and by what (A-13,
B-12). The same for answers, for standings and for what a draft would change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec.structs import replace

from contracts.divisions import full_name_en, full_name_of
from services.kit.clock import local_date
from services.kit.errors import Problem
from services.ledger.policy import (
    Account,
    Assessment,
    EarlierYear,
    Policy,
    PolicyBook,
    assess,
    first_obliged_year,
)
from services.ledger.policy.judging.assessment import short_of
from services.ledger.policy.judging.periods import with_periods
from services.ledger.policy.judging.policy_day import MAKE_UP_ACTS
from services.ledger.policy.judging.release import HeldCredits
from services.ledger.policy.judging.wording import judged_words
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.policy.rules.categories import USUAL
from services.ledger.policy.rules.mutual_recognition import MutualTerms
from services.ledger.policy.rules.period import PeriodTerms
from services.ledger.streams.merge import PersonMergedError
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import Judgement

_ZERO = Decimal("0.00")


class DepartureUnderWayError(Problem):
    """A transfer to another authority, `transfer_id`, is under way: nothing that would block it may begin (S2C-14)."""

    code: ClassVar[str] = "departure-under-way"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员正在跨省调转"
    title_en: ClassVar[str] = "A transfer of this person to another authority is under way"


class YearJudgedElsewhereError(Problem):
    """Another authority (`place`) judged this year before the person moved, and takes what corrects it (A-13, B-12)."""

    code: ClassVar[str] = "year-judged-elsewhere"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "该年度由调出地判定"
    title_en: ClassVar[str] = "Another authority judges this year"


class ProfileLeftError(Problem):
    """The person has left for another authority (`to_place`), which answers for this year now (A-13)."""

    code: ClassVar[str] = "profile-left"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员已调出"
    title_en: ClassVar[str] = "The person has left for another authority"


Side = Literal["here", "moved", "elsewhere"]
"""Who judges a year of a profile: this log, the place the person left for, or an authority they came from."""


def has_closed(policy: Policy | None, moment: datetime) -> bool:
    """Whether the year's study was over at a moment. A year without a policy is nobody's to judge, and moves; so does one
    that is judged provisionally: the place has not said yet by what (B-20).

    A year that only a make-up clause names has no window of its own: it closes with the calendar year.
    """
    if policy is None or policy.provisional:
        return False
    return policy.study_ends <= moment if policy.ordinary else local_date(moment).year > policy.year


def side_of(profile: Profile, year: int, policy: Policy | None) -> Side:
    """Who judges the year, for a profile that may have arrived, or left; `policy` is the year's where the profile was."""
    if profile.judgement(year) is not None:
        return "elsewhere"
    if profile.left is None:
        return "here"
    if year in profile.left.years or not has_closed(policy, profile.left.left_at):
        return "moved"
    return "here"


Beside = Mapping[int, Account | None]
"""A person's accounts of other years that have a say in the answer for one, by year."""
NOTHING_BESIDE: Beside = {}

JUDGED_FROM = 2018
"""The first credit year that is judged without an account: the national rule in force is of that year."""


def judge(
    book: PolicyBook,
    profile: Profile,
    account: Account | None,
    year: int,
    on: date,
    beside: Beside = NOTHING_BESIDE,
    *,
    parked: Sequence[HeldCredits] = (),
    worded: bool = True,
) -> Assessment:
    """One person's year by the policy of the place that holds the profile (A-13); a year that another authority judged
    before the person came is answered as it was judged there, and one that has arrived elsewhere by the rules of there.

    `beside` are the accounts of the years that `years_beside` names: a year that is not among them is one without credits.
    `parked` and `worded` are as `assess` takes them.
    """
    person = profile.person
    if profile.left_on is not None or profile.retired_on is not None:
        person = replace(person, left_on=profile.left_on, retired_on=profile.retired_on)
    judgement = profile.judgement(year)
    if judgement is not None and book.regime == ACCOUNTING:
        return _as_judged(judgement, on)
    policy = book.policy_for(person, year)
    left = profile.left
    if left is not None and left.completed and side_of(profile, year, policy) == "moved":
        person = replace(person, place=left.to_place)
        policy = book.resolve(left.to_place, year)
    before = None
    if policy is not None and policy.carries is not None:
        before = EarlierYear(book.policy_for(person, year - 1), beside.get(year - 1))
    judged = assess(policy, account, person, year, on, before, parked=parked, worded=worded)
    if policy is None or policy.get(PeriodTerms) is None:
        return judged
    around = {n: EarlierYear(book.policy_for(person, n), other) for n, other in beside.items()}
    return with_periods(judged, policy, person, around | {year: EarlierYear(policy, account)})


def account_in(book: PolicyBook, profile: Profile, year: int, account: Account | None) -> Account | None:
    """The account of a year as the book's regime (制度) has it: of another than the accounting duty's what it takes of the
    credits, and nothing where it takes none."""
    if account is None or book.regime == ACCOUNTING:
        return account
    policy = book.policy_for(profile.person, year)
    terms = policy.get(MutualTerms) if policy is not None else None
    return terms.converted(account) if terms is not None else None


def years_beside(book: PolicyBook, profile: Profile, year: int) -> tuple[int, ...]:
    """The other years that have a say in the answer for a year, so that their accounts have to be read, too: the one before
    where credits are carried over, and those of the periods that contain a day of it."""
    policy = book.policy_for(profile.person, year)
    if policy is None:
        return ()
    periods = policy.get(PeriodTerms)
    years = set(periods.years_of(profile.person, year)) if periods is not None else set[int]()
    return tuple(sorted(years | ({year - 1} if policy.carries is not None else set())))


def _as_judged(judgement: Judgement, on: date) -> Assessment:
    """The year as it was judged elsewhere, with what can still be done about it there, on a day."""
    words = judged_words(
        judgement.year,
        judgement.status,
        judgement.total,
        [short_of(each, USUAL.names) for each in judgement.missing],
        (full_name_of(judgement.place), full_name_en(judgement.place)),
        judgement.judged_on,
    )
    asked = next((each.minimum for each in judgement.requirements if each.kind == "total"), None)
    return Assessment(
        status=judgement.status,
        year=judgement.year,
        place=judgement.place,
        on=judgement.judged_on,
        total=judgement.total,
        by_category=judgement.by_category,
        requirements=judgement.requirements,
        missing=judgement.missing,
        openings=tuple(each for each in judgement.make_up if each.until is None or each.until >= on),
        excess=max(_ZERO, judgement.total - asked) if asked is not None else _ZERO,
        explanation_zh=words[0],
        explanation_en=words[1],
        clauses=judgement.clauses,
        basis=judgement.basis,
        policy=judgement.policy,
    )


def years_away(policy: Policy | None) -> int:
    """How many years away the answers by a policy look at most, for whomever: one where credits are carried over, as many as
    the longest period touches."""
    if policy is None:
        return 0
    periods = (branch.get(PeriodTerms) for branch in policy.branches)
    reach = max((terms.reach for terms in periods if terms is not None), default=0)
    return max(reach, int(any(branch.carries is not None for branch in policy.branches)))


class JudgedYears:
    """For which years the people of a place are judged although nothing is in their accounts.

    These are the years from `JUDGED_FROM` to the present one in which a notice governs the place, or the nation. A year
    that only a make-up clause names, or the future, is judged for those who have an account in it.
    """

    def __init__(self, book: PolicyBook, present_year: int) -> None:
        self.book = book
        self.present_year = present_year
        self._years: dict[str, tuple[int, ...]] = {}
        self._by_the_nation: dict[str, dict[int, Policy]] = {}
        self._reach: dict[str, int] = {}

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

    def owed_by(self, profile: Profile) -> tuple[int, ...]:
        """The years of the profile's place, without those that the nation judges and the person does not owe yet: a row for
        each of them, for everybody in the nation, would say nothing."""
        place = profile.person.place
        years = self.of(place)
        by_the_nation = self._by_the_nation.get(place)
        if by_the_nation is None:
            policies = {year: self.book.resolve(place, year) for year in years}
            by_the_nation = self._by_the_nation[place] = {
                year: policy for year, policy in policies.items() if policy and policy.basis == "national"
            }
        if not by_the_nation:
            return years
        return tuple(
            year
            for year in years
            if (policy := by_the_nation.get(year)) is None
            or ((first := first_obliged_year(policy.duty, profile.person)) is not None and first <= year)
        )

    def hanging_on(self, profile: Profile, year: int) -> Iterator[int]:
        """The other years in whose answers what is earned for a year has a say."""
        reach = self._reach_at(profile.person.place)
        for other in range(year - reach, year + reach + 1):
            if other != year and year in years_beside(self.book, profile, other):
                yield other

    def _reach_at(self, place: str) -> int:
        """How many years away an answer at the place may look at most, for whomever."""
        if place not in self._reach:
            policies = [self.book.resolve(place, year) for year in (*self.of(place), self.present_year + 1)]
            self._reach[place] = max((years_away(policy) for policy in policies), default=0)
        return self._reach[place]


def judged_by_us(
    book: PolicyBook, profile: Profile, accounts: Iterable[Account], moment: datetime
) -> tuple[Judgement, ...]:
    """The closed years of a person as this log judges them at a moment: those with an account, and those only owed."""
    place = profile.person.place
    held = {account.year: account for account in accounts}
    owed = JudgedYears(book, local_date(moment).year).of(place)
    judged = []
    for year in sorted(held.keys() | set(owed)):
        if profile.judgement(year) is not None or not has_closed(book.resolve(place, year), moment):
            continue
        judgement = judgement_of(book, profile, held, year, moment)
        if year in held or judgement.status != "not_required":
            judged.append(judgement)
    return tuple(judged)


def judgement_of(book: PolicyBook, profile: Profile, held: Beside, year: int, moment: datetime) -> Judgement:
    """One year as it stands at the end of the moment's day; `held` are the person's accounts, this year's among them.

    A period that goes on then is left to the place the person goes to: the year is judged without it.
    """
    on = local_date(moment)
    answer = judge(book, profile, held.get(year), year, on, held)
    met = not answer.missing and answer.status == "in_progress"
    return Judgement(
        year=year,
        status="compliant" if met else answer.status,
        total=answer.total,
        by_category=answer.by_category,
        place=profile.person.place,
        judged_on=on,
        policy=answer.policy,
        requirements=answer.requirements,
        missing=answer.missing,
        make_up=tuple(each for each in answer.openings if each.act in MAKE_UP_ACTS),
        clauses=answer.clauses,
        basis=answer.basis,
    )


def must_judge(profile: Profile, year: int, book: PolicyBook, done_at: datetime | None = None) -> None:
    """The year is this log's to decide on; or what was done, at `done_at`, was done before the person left (A-13, B-12).

    Raises ProfileLeftError, YearJudgedElsewhereError and PersonMergedError.
    """
    if not profile.is_moving:
        return
    if profile.merged is not None:
        raise PersonMergedError(merged_into=profile.merged.into)
    side = side_of(profile, year, book.policy_for(profile.person, year))
    judgement = profile.judgement(year)
    if side == "elsewhere" and judgement is not None:
        raise YearJudgedElsewhereError(place=judgement.place)
    if side == "moved" and profile.left is not None and not (done_at and done_at < profile.left.left_at):
        raise ProfileLeftError(to_place=profile.left.to_place)
