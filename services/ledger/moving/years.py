"""Which authority judges which year of somebody who moves: a year whose window had closed at the origin stays there, an
open one goes with the person (A-13, B-12)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from services.kit.clock import local_date
from services.ledger.accounts.judging import JudgedYears, judge
from services.ledger.accounts.profile import Profile
from services.ledger.moving.events import Judgement
from services.ledger.policy import Account, Policy, PolicyBook

Side = Literal["here", "moved", "elsewhere"]
"""Who judges a year of a profile: this log, the place the person left for, or an authority they came from."""


def has_closed(policy: Policy | None, moment: datetime) -> bool:
    """Whether the year's study was over at a moment; a year without a policy is nobody's to judge, and moves."""
    return policy is not None and (not policy.ordinary or policy.study_ends <= moment)


def side_of(profile: Profile, year: int, policy: Policy | None) -> Side:
    """Who judges the year, for a profile that may have arrived, or left."""
    if profile.judgement(year) is not None:
        return "elsewhere"
    if profile.left is None:
        return "here"
    if year in profile.left.years or not has_closed(policy, profile.left.left_at):
        return "moved"
    return "here"


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
        judgement = judgement_of(book, profile, held.get(year), year, moment)
        if year in held or judgement.status != "not_required":
            judged.append(judgement)
    return tuple(judged)


def judgement_of(
    book: PolicyBook, profile: Profile, account: Account | None, year: int, moment: datetime
) -> Judgement:
    """One year as it stands at the end of the moment's day."""
    on = local_date(moment)
    answer = judge(book, profile, account, year, on)
    return Judgement(
        year=year,
        status=answer.status,
        total=answer.total,
        by_category=answer.by_category,
        place=profile.person.place,
        judged_on=on,
        policy=answer.policy,
    )
