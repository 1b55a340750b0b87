"""A standing: what one person's year comes to on a day, as a row; and what rows add up to. Pure functions of facts,
notices and a day."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import Struct

from contracts.divisions import authority_of
from services.kit.clock import local_date
from services.ledger.policy import Account, Assessment, Credit, Policy, PolicyBook, next_change_on
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import JudgedYears, judge, side_of

_POLICY_BYTES = 16
_encode = msgspec.json.Encoder(order="deterministic").encode


class Standing(Struct, frozen=True, kw_only=True):
    """The status of one person's year at their place, with what it is made of.

    `made_up`: make-up study is among what met the year. `late`: something was registered late. `met_on` is the day of
    the registration with which the year was met. `turns_on` is the first day on which the passing of days alone may
    change the row. `provisional`: judged by the nation's rule until a notice is out (B-20). `policy` is the beginning of
    the hash of what it was judged by.
    """

    person_id: str
    year: int
    place: str
    employer: str | None
    status: str
    total: Decimal
    by_category: str
    made_up: bool
    late: bool
    met_on: date | None
    turns_on: date | None
    provisional: bool
    policy: bytes | None


def policy_mark(policy: Policy | None) -> bytes | None:
    """The beginning of the policy's hash: two policies with one mark judge alike."""
    return bytes.fromhex(policy.hash.removeprefix("sha256:"))[:_POLICY_BYTES] if policy is not None else None


def is_judged(years: JudgedYears, profile: Profile, account: Account | None, year: int) -> bool:
    """Whether the log judges the person for the year: there is an account, or the place is judged for it.

    Of somebody who moves between authorities each year is counted by one of them alone (A-13, B-12).
    """
    if account is None and year not in years.owed_by(profile):
        return False
    return not profile.is_moving or _is_ours(years.book, profile, account, year)


def _is_ours(book: PolicyBook, profile: Profile, account: Account | None, year: int) -> bool:
    """Of who left, what was judged by then stays, and whatever study for such a year comes late (B-12)."""
    place = profile.person.place
    judged = profile.judgement(year)
    if judged is not None and authority_of(judged.place) == authority_of(place):
        return True
    if profile.left is not None and account is None:
        return judged is None and year in profile.left.stays
    return side_of(profile, year, book.resolve(place, year)) == "here"


def standing_of(
    book: PolicyBook,
    profile: Profile,
    account: Account | None,
    year: int,
    on: date,
    earlier: Account | None = None,
) -> Standing:
    """Judge one person's year as of the end of a day; `earlier` is the account of the year before."""
    judged = judge(book, profile, account, year, on, earlier, worded=False)
    policy = book.resolve(profile.person.place, year)
    counted = _counted(account, judged)
    compliant = judged.status == "compliant"
    return Standing(
        person_id=profile.person.person_id,
        year=year,
        place=profile.person.place,
        employer=profile.employer,
        status=judged.status,
        total=judged.total,
        by_category=_encode(judged.by_category).decode(),
        made_up=compliant and any(credit.make_up for credit in counted),
        late=any(credit.late for credit in counted),
        met_on=_met_on(book, profile, counted, year, on, earlier) if compliant and counted else None,
        turns_on=next_change_on(policy, account, judged, earlier),
        provisional=judged.provisional,
        policy=policy_mark(policy),
    )


def _counted(account: Account | None, judged: Assessment) -> list[Credit]:
    """The credits that stand, in order of registration."""
    if account is None:
        return []
    left_out = {(item.completion_id, item.provider_id) for item in judged.not_counted}
    standing = [
        credit
        for credit in account.credits
        if credit.state == "registered" and (credit.completion_id, credit.provider) not in left_out
    ]
    return sorted(standing, key=lambda credit: (credit.registered_at, credit.credit_id))


def _met_on(
    book: PolicyBook,
    profile: Profile,
    counted: list[Credit],
    year: int,
    on: date,
    earlier: Account | None,
) -> date | None:
    """The day of the registration without which, and without those after it, the year would not be met."""
    fewest, enough = 0, len(counted)
    while fewest < enough:
        tried = (fewest + enough) // 2
        account = Account(person_id=profile.person.person_id, year=year, credits=counted[:tried])
        if judge(book, profile, account, year, on, earlier, worded=False).status == "compliant":
            enough = tried
        else:
            fewest = tried + 1
    return local_date(counted[fewest - 1].registered_at) if fewest else None


CountKey = tuple[int, str, str]
"""Year, place and status."""
MetKey = tuple[int, str, date]
"""Year, place and the day on which it was met."""
Counted = tuple[int, int, int, int, Decimal]
"""Persons, those among them who made it up, have something late, are judged provisionally; and credits."""
_ZERO = Decimal(0)


class Tally:
    """Differences of counts, gathered row by row: persons, made up, late, provisional and credits; and those who met the
    year by day."""

    def __init__(self) -> None:
        self._counts: dict[CountKey, Counted] = defaultdict(lambda: (0, 0, 0, 0, _ZERO))
        self._met: dict[MetKey, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def add(self, rows: Iterable[Standing], sign: int = 1) -> None:
        """Count rows in, or out with a sign of -1."""
        for row in rows:
            key = (row.year, row.place, row.status)
            persons, made_up, late, provisional, credits = self._counts[key]
            self._counts[key] = (
                persons + sign,
                made_up + sign * row.made_up,
                late + sign * row.late,
                provisional + sign * row.provisional,
                credits + sign * row.total,
            )
            if row.met_on is not None:
                day = (row.year, row.place, row.met_on)
                self._met[day] = (self._met[day][0] + sign, self._met[day][1] + sign * row.made_up)

    def counts(self) -> list[tuple[CountKey, Counted]]:
        """What changed, in order of key, so that nobody waits for anybody in a circle."""
        return sorted(item for item in self._counts.items() if any(item[1]))

    def met(self) -> list[tuple[MetKey, tuple[int, int]]]:
        """Likewise, of those who met the year by day."""
        return sorted(item for item in self._met.items() if any(item[1]))
