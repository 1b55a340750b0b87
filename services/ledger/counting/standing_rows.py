"""Standings as rows: their tables, read, written and counted in one transaction, and what is still to be judged."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import Struct

from contracts.divisions import authority_of
from services.kit.clock import local_date
from services.kit.database import Connection
from services.kit.event_store import table_sql
from services.ledger.policy import Account, Assessment, Credit, Policy, PolicyBook, next_change_on
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import NOTHING_BESIDE, Beside, JudgedYears, judge, side_of

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
    return not profile.is_moving or (profile.merged is None and _is_ours(years.book, profile, account, year))


def _is_ours(book: PolicyBook, profile: Profile, account: Account | None, year: int) -> bool:
    """Of who left, what was judged by then stays, and whatever study for such a year comes late (B-12)."""
    place, judged = profile.person.place, profile.judgement(year)
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
    beside: Beside = NOTHING_BESIDE,
) -> Standing:
    """Judge one person's year as of the end of a day; `beside` are the accounts of the years that `years_beside` names."""
    judged = judge(book, profile, account, year, on, beside, worded=False)
    policy = book.resolve(profile.person.place, year)
    counted = _counted(account, judged)
    compliant = judged.status == "compliant"
    registered = [(year, credit) for credit in counted]
    if judged.periods:
        registered += [(n, credit) for n, other in beside.items() for credit in _counted(other, judged)]
        registered.sort(key=lambda one: (one[1].registered_at, one[1].credit_id))
    return Standing(
        person_id=profile.person.person_id,
        year=year,
        place=profile.person.place,
        employer=profile.person.employer,
        status=judged.status,
        total=judged.total,
        by_category=_encode(judged.by_category).decode(),
        made_up=compliant and any(credit.make_up for credit in counted),
        late=any(credit.late for credit in counted),
        met_on=_met_on(book, profile, registered, year, on, beside) if compliant and registered else None,
        turns_on=next_change_on(policy, account, judged, beside.values()),
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
    registered: Sequence[tuple[int, Credit]],
    year: int,
    on: date,
    beside: Beside,
) -> date | None:
    """The day of the registration without which, and without those after it, the year would not be met; `registered` are
    the credits by their years, in order of registration."""
    person_id = profile.person.person_id
    fewest, enough = 0, len(registered)
    while fewest < enough:
        tried = (fewest + enough) // 2
        years = {year, *(number for number, _ in registered)}
        accounts = {number: Account(person_id=person_id, year=number) for number in years}
        for number, credit in registered[:tried]:
            accounts[number].credits.append(credit)
        judged = judge(book, profile, accounts[year], year, on, {**beside, **accounts}, worded=False)
        if judged.status == "compliant":
            enough = tried
        else:
            fewest = tried + 1
    return local_date(registered[fewest - 1][1].registered_at) if fewest else None


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


_STANDINGS = """
create table standings (
    log text collate "C" not null,
    person_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    employer text collate "C",
    status text collate "C" not null,
    total numeric(10, 2) not null,
    by_category text collate "C" not null,
    made_up boolean not null,
    late boolean not null,
    met_on date,
    turns_on date,
    provisional boolean not null,
    policy bytea,
    primary key (log, person_id, year)
)"""

_COUNTS = """
create table standing_counts (
    log text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    status text collate "C" not null,
    persons integer not null,
    made_up integer not null,
    late integer not null,
    provisional integer not null,
    credits numeric(16, 2) not null,
    primary key (log, year, place, status)
)"""

_MET = """
create table standings_met (
    log text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    met_on date not null,
    persons integer not null,
    made_up integer not null,
    primary key (log, year, place, met_on)
)"""

_PROGRESS = """
create table standing_progress (
    log text collate "C" not null,
    judged_on date not null,
    own_notices bigint not null,
    national_notices bigint not null,
    primary key (log)
)"""

_SWEEPS = """
create table standing_sweeps (
    log text collate "C" not null,
    cause text collate "C" not null,
    first_place text collate "C" not null,
    last_place text collate "C" not null,
    after_place text collate "C" not null,
    after_person text collate "C" not null,
    primary key (log, cause)
)"""

TABLES = {
    "standings": _STANDINGS,
    "standing_counts": _COUNTS,
    "standings_met": _MET,
    "standing_progress": _PROGRESS,
    "standing_sweeps": _SWEEPS,
}
"""By name. The first three follow from accounts, profiles, notices and the day; the others say what was judged by."""


def standing_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create the tables, with the indexes of places, employers and days that are to come.

    Rows are rewritten at every credit: room on their pages keeps those updates off the indexes.
    """
    statements: list[str] = []
    for table, ddl in TABLES.items():
        statements += table_sql(table, ddl, partitions=partitions)
        if table in ("standings", "standing_counts"):
            rewritten = [f"{table}_{number}" for number in range(partitions)] or [table]
            statements += [f"alter table {each} set (fillfactor = 70)" for each in rewritten]
    return [
        *statements,
        "create index standings_of_place on standings (log, year, place)",
        "create index standings_of_employer on standings (log, employer, year) where employer is not null",
        "create index standings_turning on standings (log, turns_on) where turns_on is not null",
    ]


_decode_account = msgspec.json.Decoder(Account).decode

Key = tuple[str, int]
"""A person and a year."""

COLUMNS = (
    "person_id", "year", "place", "employer", "status", "total", "by_category", "made_up", "late", "met_on",
    "turns_on", "provisional", "policy",
)  # fmt: skip
_LIST = ", ".join(COLUMNS)
_OF_KEYS = """
select {columns} from unnest($2::text[], $3::int[]) as asked (person, in_year)
  join {table} t on t.log = $1 and t.person_id = asked.person and t.year = asked.in_year
"""
STANDINGS_OF_KEYS = _OF_KEYS.format(columns=", ".join(f"t.{name}" for name in COLUMNS), table="standings")
_STANDINGS_OF_PERSONS = f"select {_LIST} from standings where log = $1 and person_id = any($2::text[])"  # noqa: S608
_MARKS_OF_PERSONS = """
select person_id, year, policy from standings where log = $1 and person_id = any($2::text[])
"""
ACCOUNTS_OF_KEYS = _OF_KEYS.format(columns="t.person_id, t.year, t.state", table="accounts")
_ACCOUNTS_OF_PERSONS = "select person_id, year, state from accounts where log = $1 and person_id = any($2)"
WRITE = f"""
insert into standings (log, {_LIST})
select $1, new.* from unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[],
                             $9::boolean[], $10::boolean[], $11::date[], $12::date[], $13::boolean[], $14::bytea[]) as new
on conflict (log, person_id, year) do update
   set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[2:])}
"""  # noqa: S608
_REMOVE = """
delete from standings t using unnest($2::text[], $3::int[]) as gone (person, in_year)
 where t.log = $1 and t.person_id = gone.person and t.year = gone.in_year
"""
_COUNT = """
insert into standing_counts as c (log, year, place, status, persons, made_up, late, provisional, credits)
select $1, new.*
  from unnest($2::int[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[], $9::numeric[]) as new
on conflict (log, year, place, status) do update
   set persons = c.persons + excluded.persons, made_up = c.made_up + excluded.made_up,
       late = c.late + excluded.late, provisional = c.provisional + excluded.provisional,
       credits = c.credits + excluded.credits
"""
_UNCOUNT = """
delete from standing_counts c using unnest($2::int[], $3::text[], $4::text[]) as k (in_year, at_place, with_status)
 where c.log = $1 and c.year = k.in_year and c.place = k.at_place and c.status = k.with_status and c.persons = 0
"""
_MEET = """
insert into standings_met as m (log, year, place, met_on, persons, made_up)
select $1, new.* from unnest($2::int[], $3::text[], $4::date[], $5::int[], $6::int[]) as new
on conflict (log, year, place, met_on) do update
   set persons = m.persons + excluded.persons, made_up = m.made_up + excluded.made_up
"""
_UNMEET = """
delete from standings_met m using unnest($2::int[], $3::text[], $4::date[]) as k (in_year, at_place, on_day)
 where m.log = $1 and m.year = k.in_year and m.place = k.at_place and m.met_on = k.on_day and m.persons = 0
"""


async def read_standings(
    conn: Connection, log: str, keys: Sequence[Key], persons: Sequence[str]
) -> dict[Key, Standing]:
    """The rows of some persons' years, and all of some persons."""
    rows = []
    if keys:
        rows += await conn.fetch(STANDINGS_OF_KEYS, log, [key[0] for key in keys], [key[1] for key in keys])
    if persons:
        rows += await conn.fetch(_STANDINGS_OF_PERSONS, log, persons)
    return {(row[0], row[1]): Standing(**dict(zip(COLUMNS, row, strict=True))) for row in rows}


async def read_accounts(
    conn: Connection, log: str, keys: Sequence[Key], persons: Sequence[str]
) -> dict[Key, Account]:
    """The accounts of some persons' years, and all of some persons."""
    rows = []
    if keys:
        rows += await conn.fetch(ACCOUNTS_OF_KEYS, log, [key[0] for key in keys], [key[1] for key in keys])
    if persons:
        rows += await conn.fetch(_ACCOUNTS_OF_PERSONS, log, persons)
    return {(row[0], row[1]): _decode_account(row[2]) for row in rows}


async def read_marks(conn: Connection, log: str, persons: Sequence[str]) -> dict[Key, bytes | None]:
    """By which policy each row of some persons was judged."""
    return {(row[0], row[1]): row[2] for row in await conn.fetch(_MARKS_OF_PERSONS, log, persons)}


async def write_changes(
    conn: Connection, log: str, before: dict[Key, Standing], after: dict[Key, Standing]
) -> int:
    """Make rows that were as `before` be as `after`, and the counts with them; how many rows that changed."""
    tally = Tally()
    written = [row for key, row in sorted(after.items()) if before.get(key) != row]
    gone = sorted(key for key in before if key not in after)
    tally.add((before[key] for key in gone), -1)
    tally.add((before[row.person_id, row.year] for row in written if (row.person_id, row.year) in before), -1)
    tally.add(written)
    if written:
        await conn.execute(WRITE, log, *columns_of(written))
    if gone:
        await conn.execute(_REMOVE, log, [key[0] for key in gone], [key[1] for key in gone])
    await _write_tally(conn, log, tally)
    return len(written) + len(gone)


def columns_of(rows: Iterable[Standing]) -> list[list[object]]:
    """Rows as columns, in the order of `COLUMNS`."""
    return [list(column) for column in zip(*(msgspec.structs.astuple(row) for row in rows), strict=True)]


async def _write_tally(conn: Connection, log: str, tally: Tally) -> None:
    if counts := tally.counts():
        keys = [list(column) for column in zip(*(key for key, _ in counts), strict=True)]
        sums = [list(column) for column in zip(*(values for _, values in counts), strict=True)]
        await conn.execute(_COUNT, log, *keys, *sums)
        await conn.execute(_UNCOUNT, log, *keys)
    if met := tally.met():
        keys = [list(column) for column in zip(*(key for key, _ in met), strict=True)]
        sums = [list(column) for column in zip(*(values for _, values in met), strict=True)]
        await conn.execute(_MEET, log, *keys, *sums)
        await conn.execute(_UNMEET, log, *keys)
