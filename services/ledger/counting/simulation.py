"""Simulation: walks through the profiles of each log place by place, in read-only transactions, and judges each year
twice. Nothing is written, and nothing can be: the transactions refuse it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.database import Connection, Databases
from services.ledger.counting.reasons import Reason, alike, reasons_of
from services.ledger.policy import Account, Notice, Person, Policy, PolicyBook
from services.ledger.policy.book_faults import places_with_notices, reaches
from services.ledger.policy.difference import Change, compare_books, compare_policies
from services.ledger.store.profiles import Reach, reach_of
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import JUDGED_FROM, judge, years_away

_REMEMBERED_MAX = 200_000


class Changed(Struct, frozen=True):
    """How many persons of a place are judged otherwise for a year, from which status to which, and why.

    With the same status on both sides other credits are missing, or another make-up is open.
    """

    place: str
    year: int
    before: str
    after: str
    reasons: tuple[Reason, ...]
    persons: int


_Found = tuple[str, str, tuple[Reason, ...]]


class Judging:
    """Counts person by person. `notices` are the draft and the publication it replaces, if it replaces one."""

    def __init__(self, before: PolicyBook, after: PolicyBook, notices: Sequence[Notice], on: date) -> None:
        self._before = before
        self._after = after
        self._notices = notices
        self._on = on
        changed = {found.year for found in compare_books(before, after, notices, through=on.year + 1)}
        self.years = sorted(changed)
        """The years whose policy changes somewhere, to the one after the day."""
        self._reach = self._reach_of_any(max((on.year + 1, *changed)))
        self._candidates = _around(changed, self._reach)
        self.years_read = _around(self._candidates, self._reach)
        self.persons = 0
        self.judged = 0
        self._touched: dict[str, tuple[int, ...]] = {}
        self._without_account: dict[tuple[Person, date | None, date | None, int], _Found | None] = {}
        self._changed: dict[tuple[str, int], tuple[Change, ...]] = {}
        self._counts: Counter[tuple[str, int, str, str, tuple[Reason, ...]]] = Counter()

    def judge(self, profile: Profile, accounts: Mapping[int, Account]) -> None:
        """Judge each year that changes for the person's place; a year without an account is one without credits."""
        self.persons += 1
        person = profile.person
        for year in self._years_of(person.place):
            self.judged += 1
            if not profile.is_moving and not any(near in accounts for near in self._near(year)):
                found = self._nothing_earned(year, profile)
            else:
                found = self._compared(year, accounts, profile)
            if found is not None:
                self._counts[person.place, year, *found] += 1

    def changed(self) -> tuple[Changed, ...]:
        """The counts so far, by place, year, status before and after."""
        made = (Changed(*key, persons=count) for key, count in self._counts.items())
        return tuple(sorted(made, key=_order))

    def concerns(self, place: str) -> bool:
        """Whether anything changes at a place."""
        return bool(self._years_of(place))

    def _years_of(self, place: str) -> tuple[int, ...]:
        known = self._touched.get(place)
        if known is None:
            known = self._touched[place] = tuple(self._differing(place))
        return known

    def _differing(self, place: str) -> Iterable[int]:
        if not any(reaches(notice, place) for notice in self._notices):
            return
        for year in self._candidates:
            reach = max(years_away(book.resolve(place, year)) for book in (self._before, self._after))
            if any(self._differs(place, near) for near in _around((year,), reach)):
                yield year

    def _near(self, year: int) -> range:
        return range(year - self._reach, year + self._reach + 1)

    def _reach_of_any(self, last: int) -> int:
        """How many years away the answers by one of the books look: as many are judged around those that change, and their
        accounts read."""
        return max(
            (
                years_away(book.resolve(place, year))
                for book in (self._before, self._after)
                for place in places_with_notices(self._notices, self._before, self._after)
                for year in range(JUDGED_FROM, last + 1)
            ),
            default=0,
        )

    def _differs(self, place: str, year: int) -> bool:
        return _hash(self._before.resolve(place, year)) != _hash(self._after.resolve(place, year))

    def _nothing_earned(self, year: int, profile: Profile) -> _Found | None:
        """Persons without an account differ in their grounds alone, and are many: each kind is judged once."""
        key = (replace(profile.person, person_id=""), profile.left_on, profile.retired_on, year)
        if key not in self._without_account:
            if len(self._without_account) >= _REMEMBERED_MAX:
                self._without_account.clear()
            self._without_account[key] = self._compared(year, {}, profile)
        return self._without_account[key]

    def _compared(self, year: int, accounts: Mapping[int, Account], profile: Profile) -> _Found | None:
        before, after = (
            judge(book, profile, accounts.get(year), year, self._on, accounts, worded=False)
            for book in (self._before, self._after)
        )
        if alike(before, after):
            return None
        return before.status, after.status, reasons_of(before, after, self._changes(before.place, year))

    def _changes(self, place: str, year: int) -> Sequence[Change]:
        """What changes from one policy of the place to the other; of the years, too, that have a say in its answer."""
        key = place, year
        if key not in self._changed:
            pairs = (
                (self._before.resolve(place, near), self._after.resolve(place, near))
                for near in dict.fromkeys((year, *self._near(year)))
            )
            compared = (compare_policies(*pair) for pair in pairs)
            self._changed[key] = tuple(
                change for found in compared if found is not None for change in found.changes
            )
        return self._changed[key]


def _around(years: Iterable[int], reach: int) -> list[int]:
    """The years and those that are so many away from one of them at most, in order."""
    return sorted({near for year in years for near in range(year - reach, year + reach + 1)})


def _hash(policy: Policy | None) -> str | None:
    return policy.hash if policy is not None else None


def _order(changed: Changed) -> tuple[object, ...]:
    return (
        changed.place,
        changed.year,
        changed.before,
        changed.after,
        tuple((reason.what, reason.clause or "") for reason in changed.reasons),
    )


BATCH = 2_000
"""Persons read at a time, unless told otherwise."""

Progress = Callable[[str, int, int], None]
"""Told the log, how many of its persons were read, and how many there are."""

_COUNT = """
select count(*) from profiles where log = $1 and place between $2 and $3 and left_at is null
"""
_POSITION = "select position from logs where log = $1"
_PROFILES = """
select place, person_id, state from profiles
 where log = $1 and (place, person_id) > ($2, $3) and place <= $4 and left_at is null
 order by place, person_id limit $5
"""
_ACCOUNTS = """
select person_id, year, state from accounts
 where log = $1 and person_id = any($2::text[]) and year = any($3::int[])
"""
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode


class Simulation(Struct, frozen=True):
    """What a draft would change on a day. `persons` were read, `judged` counts those years of theirs that the draft
    touches; `positions` says what of each log was seen."""

    notice: str
    document: str
    place: str
    on: date
    years: tuple[int, ...]
    positions: dict[str, int]
    persons: int
    judged: int
    changes: tuple[Changed, ...]

    @property
    def changed(self) -> int:
        """How many years of persons are judged otherwise."""
        return sum(change.persons for change in self.changes)


async def simulate(
    databases: Databases,
    book: PolicyBook,
    draft: Notice,
    *,
    on: date,
    progress: Progress = lambda _log, _read, _all: None,
    batch: int = BATCH,
) -> Simulation:
    """Judge everybody the draft reaches, under the book as it is and as it would be, on a day.

    The draft stands as if it were published after all others.
    """
    latest = max((entry.recorded_at for entry in book), default=datetime(2000, 1, 1, tzinfo=UTC))
    after = book.with_notice(draft, latest + timedelta(microseconds=1), authority_of(draft.place), 1)
    replaced = [
        entry.notice for entry in book if (entry.notice.place, entry.notice.id) == (draft.place, draft.id)
    ]
    judging = Judging(book, after, (draft, *replaced), on)
    positions: dict[str, int] = {}
    if judging.years:
        for database, logs in databases.grouped(logs_of(draft)).items():
            async with database.acquire() as conn:
                for log in logs:
                    async with conn.transaction(isolation="repeatable_read", readonly=True):
                        positions[log] = await conn.fetchval(_POSITION, log) or 0
                        await _judge_log(conn, log, reach_of(draft.place), judging, progress, batch)
    return Simulation(
        notice=draft.id,
        document=draft.label,
        place=draft.place,
        on=on,
        years=tuple(judging.years),
        positions=positions,
        persons=judging.persons,
        judged=judging.judged,
        changes=judging.changed(),
    )


def logs_of(notice: Notice) -> Sequence[str]:
    """The logs whose people a notice can reach: its authority's; all, for one of the nation."""
    return AUTHORITIES if notice.place == NATION else (authority_of(notice.place),)


async def _judge_log(
    conn: Connection, log: str, reach: Reach, judging: Judging, progress: Progress, batch: int
) -> None:
    total: int = await conn.fetchval(_COUNT, log, *reach)
    read, last = 0, (reach.first, "")
    profiles = await conn.prepare(_PROFILES)
    accounts = await conn.prepare(_ACCOUNTS)
    while rows := await profiles.fetch(log, *last, reach.last, batch):
        last = (rows[-1][0], rows[-1][1])
        persons = [row[1] for row in rows if judging.concerns(row[0])]
        by_person: dict[str, dict[int, Account]] = {}
        for person_id, year, state in await accounts.fetch(log, persons, judging.years_read):
            by_person.setdefault(person_id, {})[year] = _decode_account(state)
        for place, person_id, state in rows:
            if judging.concerns(place):
                judging.judge(_decode_profile(state), by_person.get(person_id, {}))
        read += len(rows)
        progress(log, read, total)
