"""The years that stay with the authority a person leaves, as it judges them (A-13, B-12)."""

from collections.abc import Iterable
from datetime import datetime

from services.kit.clock import local_date
from services.ledger.accounts.judging import JudgedYears, judge
from services.ledger.accounts.profile import Profile
from services.ledger.moving.events import Judgement
from services.ledger.moving.sides import has_closed
from services.ledger.policy import Account, PolicyBook


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
