"""Judging again: some persons' years of one log by the notices and the day it has come to, rows and counts together."""

from collections.abc import Iterable
from datetime import date

from services.kit.database import Connection
from services.ledger.accounts.judging import JudgedYears
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
    accounts = await read_accounts(conn, log, single, whole)
    before = await read_standings(conn, log, single, whole)
    wanted = set(single) | set(accounts)
    after: dict[Key, Standing] = {}
    for person_id in whole:
        if person_id in found:
            wanted |= {(person_id, year) for year in years.of(found[person_id][1].person.place)}
    for person_id, year in wanted:
        if person_id in found:
            row = judged_row(years, found[person_id][1], accounts.get((person_id, year)), year, day)
            if row is not None:
                after[person_id, year] = row
    return await write_changes(conn, log, before, after)


def judged_row(
    years: JudgedYears, profile: Profile, account: Account | None, year: int, day: date
) -> Standing | None:
    """The person's standing for the year; None for a year that this log does not judge."""
    if not is_judged(years, profile, account, year):
        return None
    return standing_of(years.book, profile, account, year, day)
