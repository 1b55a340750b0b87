"""The credits of a place's year as the accounts hold them, a page of people at a time: what a reconciliation counts."""

from datetime import date
from decimal import Decimal

import msgspec
from msgspec import Struct

from contracts.divisions import authority_of, contains
from services.kit.clock import local_date
from services.kit.database import Databases
from services.kit.views import view
from services.ledger.policy import Account

PEOPLE_MAX = 1_000
"""People of one page."""

_decode = msgspec.json.Decoder(Account).decode

_PAGE = """
select person_id, state from accounts
 where log = $1 and year = $2 and person_id > $3 order by person_id limit $4
"""


class ListedCredit(Struct, frozen=True, kw_only=True):
    """A credit that is registered and has not ended, as awarded; `place` is where it was registered."""

    credit_id: str
    person_id: str
    place: str
    category: str
    credits: Decimal
    mode: str
    completed_on: date
    make_up: bool
    route: str
    recognised: bool


class CreditPage(Struct, frozen=True, kw_only=True):
    """The credits of a page of people, by person; `next_after` names the person to resume after, null at the end."""

    place: str
    year: int
    credits: list[ListedCredit]
    next_after: str | None


class CreditListing:
    """Reads; writes nothing. A page reads the accounts by their key and never the log."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def page(self, place: str, year: int, after: str, limit: int) -> CreditPage:
        """The credits registered at a place and below it for a year, of at most `limit` people after one.

        Who moved to another authority since is listed where the credits were registered.
        """
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            rows = await conn.fetch(_PAGE, log, year, after, limit)
        credits = [line for row in rows for line in _lines(_decode(row["state"]), place)]
        last = rows[-1]["person_id"] if len(rows) == limit else None
        return CreditPage(place=place, year=year, credits=credits, next_after=last)


def _lines(account: Account, place: str) -> list[ListedCredit]:
    return [
        view(
            ListedCredit,
            credit,
            person_id=account.person_id,
            completed_on=local_date(credit.completed_at),
            recognised=credit.recognised_at is not None,
        )
        for credit in account.credits
        if credit.state == "registered" and contains(place, credit.place)
    ]
