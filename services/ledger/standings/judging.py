"""Judging again: some persons' years of one log by the notices and the day it has come to, rows and counts together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from services.kit.database import Connection
from services.ledger.accounts.judging import JudgedYears, carries_into
from services.ledger.accounts.profile import Profile
from services.ledger.accounts.profile_rows import read_profiles
from services.ledger.policy import Account
from services.ledger.standings.rows import Key, read_accounts, read_standings, write_changes
from services.ledger.standings.standing import Standing, is_judged, standing_of


async def judge_again(
    conn: Connection,
    log: str,
    years: JudgedYears,
    day: date,
    *,
    keys: Iterable[Key] = (),
    persons: Iterable[str] = (),
) -> int:
    """Judge the named persons' years, and every year of the named persons; how many rows that changed.

    Accounts and profiles are read as they are now, so a row never lags behind the events that touched it.
    """
    entire = set(persons)
    whole, single = sorted(entire), sorted({key for key in keys if key[0] not in entire})
    found = await read_profiles(conn, log, sorted({*whole, *(key[0] for key in single)}))
    single = sorted({*single, *_carried_into(years, found, single)})
    earlier = _earlier(years, found, single)
    accounts = await read_accounts(conn, log, sorted({*single, *earlier}), whole)
    before = await read_standings(conn, log, single, whole)
    wanted = set(single) | {key for key in accounts if key[0] in entire}
    after: dict[Key, Standing] = {}
    for person_id in whole:
        if person_id in found:
            wanted |= {(person_id, year) for year in years.of(found[person_id][1].person.place)}
    for person_id, year in wanted:
        if person_id in found:
            account, before_it = accounts.get((person_id, year)), accounts.get((person_id, year - 1))
            row = judged_row(years, found[person_id][1], account, year, day, before_it)
            if row is not None:
                after[person_id, year] = row
    return await write_changes(conn, log, before, after)


def _carried_into(
    years: JudgedYears, found: Mapping[str, Sequence[Any]], keys: Iterable[Key]
) -> Iterator[Key]:
    """The years after, where what these hold may carry over into them."""
    for person_id, year in keys:
        if person_id in found and carries_into(years.book, found[person_id][1], year + 1):
            yield person_id, year + 1


def _earlier(years: JudgedYears, found: Mapping[str, Sequence[Any]], keys: Iterable[Key]) -> Iterator[Key]:
    """The years before, where what they hold may carry over into these."""
    for person_id, year in keys:
        if person_id in found and carries_into(years.book, found[person_id][1], year):
            yield person_id, year - 1


def judged_row(
    years: JudgedYears,
    profile: Profile,
    account: Account | None,
    year: int,
    day: date,
    earlier: Account | None = None,
) -> Standing | None:
    """The person's standing for the year; None for a year that this log does not judge. `earlier` is the account of the year
    before, whose credits may carry over."""
    if not is_judged(years, profile, account, year):
        return None
    return standing_of(years.book, profile, account, year, day, earlier)
