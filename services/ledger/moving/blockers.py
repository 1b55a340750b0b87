"""Blockers of a departure, to be finished or withdrawn before a person may leave: an enrolment whose study is not
registered, study that waits for its registration, an open claim, a roster under review (S2C-14, B-13)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from contracts.handover import Blocker
from services.kit.database import Connection
from services.ledger.policy import Account, PolicyBook
from services.ledger.store.claims import open_claims_of
from services.ledger.streams.profile import Profile
from services.ledger.streams.roster import Roster
from services.ledger.streams.who_judges import has_closed

_ACCOUNTS = "select year, version, state from accounts where log = $1 and person_id = $2 order by year"
# No index leads from a person to a roster: the rows of one are hashes in its state. Open rosters are few.
_ROSTERS = """
select state from rosters
 where log = $1 and status = 'open'
   and exists (select from unnest($2::text[]) as had (hash) where position(convert_to(hash, 'UTF8') in state) > 0)
 order by roster_id
"""
_decode_account = msgspec.json.Decoder(Account).decode
_decode_roster = msgspec.json.Decoder(Roster).decode


def blockers_in(account: Account, *, waiting: bool) -> list[Blocker]:
    """What blocks in one open year. An enrolment is registered once a credit of its provider is."""
    registered = {credit.provider for credit in account.credits if credit.state == "registered"}
    found = [
        Blocker(kind="enrolment", id=enrolled.enrolment_id, year=account.year, provider_id=enrolled.provider)
        for enrolled in account.enrolments
        if enrolled.provider not in registered
    ]
    if waiting:
        found += [
            Blocker(kind="waiting", id=item.completion_id, year=account.year, provider_id=item.provider)
            for item in account.waiting
        ]
    return found


def open_years(
    book: PolicyBook, profile: Profile, accounts: Iterable[Account], at: datetime
) -> list[Account]:
    """The accounts that would move with the person at a moment: the others stay, with all that is open in them."""
    place = profile.person.place
    return [
        account
        for account in accounts
        if profile.judgement(account.year) is None and not has_closed(book.resolve(place, account.year), at)
    ]


async def read_accounts(conn: Connection, log: str, person_id: str) -> list[tuple[int, Account]]:
    """Every account of a person in one log, each with its version, by year."""
    rows = await conn.fetch(_ACCOUNTS, log, person_id)
    return [(row[1], _decode_account(row[2])) for row in rows]


async def find_blockers(
    conn: Connection, log: str, book: PolicyBook, profile: Profile, at: datetime, *, forbidden_only: bool
) -> list[Blocker]:
    """Everything that blocks a departure now, in one order; or only what a guard forbids, enrolments and claims: study and
    rosters that come in under a guard travel with the person, or are passed on.
    """
    person_id = profile.person.person_id
    accounts = [account for _, account in await read_accounts(conn, log, person_id)]
    found = [
        blocker
        for account in open_years(book, profile, accounts, at)
        for blocker in blockers_in(account, waiting=not forbidden_only)
    ]
    found += [
        Blocker(kind="claim", id=entry.state.claim_id, year=entry.state.year)
        for entry in await open_claims_of(conn, log, person_id)
    ]
    open_rosters = [] if forbidden_only else await conn.fetch(_ROSTERS, log, sorted(profile.identities))
    for row in open_rosters:
        roster: Any = _decode_roster(row[0])
        if any(line.identity_hash in profile.identities for line in roster.open_rows):
            found.append(
                Blocker(
                    kind="roster", id=roster.roster_id, year=roster.year, provider_id=roster.organization_id
                )
            )
    return sorted(found, key=lambda each: (each.kind, each.year, each.id, each.provider_id or ""))
