"""The extract for the credit archive (会计人员信用信息档案): how everybody stood in a closed year (S2A-08, S2B-16).

It is read from rows, by the key of places, and judged as of the end of a day; nothing scans the log. Every page names the
position it reflects, so a reader that finds two pages at different positions knows to read again what changed in between.
"""

from datetime import date, datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from contracts.divisions import authority_of
from services.kit.clock import Clock, local_date
from services.kit.database import Databases
from services.ledger.accounts.judging import JudgedYears, judge
from services.ledger.accounts.profile import Profile
from services.ledger.accounts.profile_rows import reach_of
from services.ledger.answers.provenance import made_up
from services.ledger.policy import Account, PolicyBook
from services.ledger.publication.shelf import PolicyShelf
from services.ledger.standings.standing import is_judged
from services.ledger.years.problems import YearNotClosedError
from services.ledger.years.years import Years

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode
_PAGE = """
select l.position, p.state, a.state from logs l
  left join lateral (
       select person_id, place, state from profiles
        where log = l.log and place between $2 and $3 and (place, person_id) > ($4, $5)
        order by place, person_id limit $6) p on true
  left join accounts a on a.log = l.log and a.person_id = p.person_id and a.year = $7
 where l.log = $1 order by p.place, p.person_id
"""


class ArchiveLine(Struct, frozen=True, kw_only=True):
    """One person's closed year. `made_up`: make-up study is among what met it; `corrected`: something entered after the
    close; `exempt` the reason of an exemption; `policy` names by content what it was judged by."""

    person_id: str
    place: str
    status: str
    total: Decimal
    by_category: dict[str, Decimal]
    made_up: bool
    corrected: bool
    exempt: str | None
    policy: str | None


class Archive(Struct, frozen=True, kw_only=True):
    """A page of the extract: judged as of the end of `on`, with all that the log held at `position`; `next` goes on."""

    place: str
    year: int
    closed_at: datetime
    on: date
    log: str
    position: int
    lines: list[ArchiveLine]
    next: str | None


class Archives:
    """Reads extracts; writes nothing."""

    def __init__(self, databases: Databases, shelf: PolicyShelf, years: Years, clock: Clock) -> None:
        self._databases = databases
        self._shelf = shelf
        self._years = years
        self._clock = clock

    async def page(
        self, place: str, year: int, *, on: date | None, after: tuple[str, str], limit: int
    ) -> Archive:
        """The persons of a place and all under it after one of them, by place and id.

        Looks at `limit` profiles; who is not judged here for the year is left out. Raises NoPolicyHereError and
        YearNotClosedError.
        """
        self._years.policy_of(place, year)
        closure = await self._years.closure(place, year)
        if closure is None:
            raise YearNotClosedError
        log, reach = authority_of(place), reach_of(place)
        async with self._databases.of(log).acquire() as conn:
            rows = await conn.fetch(_PAGE, log, reach.first, reach.last, *after, limit, year)
        day = on or local_date(self._clock())
        found = [(_decode_profile(row[1]), row[2]) for row in rows if row[1] is not None]
        judged = JudgedYears(self._shelf.book, local_date(self._clock()).year)
        lines = [
            _line(self._shelf.book, profile, account, year, day)
            for profile, state in found
            if is_judged(judged, profile, account := _decode_account(state) if state else None, year)
        ]
        last = found[-1][0].person if len(found) == limit else None
        return Archive(
            place=place,
            year=year,
            closed_at=closure.closed_at,
            on=day,
            log=log,
            position=rows[0][0] if rows else 0,
            lines=lines,
            next=f"{last.place}~{last.person_id}" if last is not None else None,
        )


def _line(book: PolicyBook, profile: Profile, account: Account | None, year: int, on: date) -> ArchiveLine:
    answer = judge(book, profile, account, year, on)
    return ArchiveLine(
        person_id=profile.person.person_id,
        place=answer.place,
        status=answer.status,
        total=answer.total,
        by_category=answer.by_category,
        made_up=made_up(account, answer),
        corrected=account is not None
        and any(credit.correction is not None and credit.state == "registered" for credit in account.credits),
        exempt=answer.exempt.reason if answer.exempt is not None else None,
        policy=answer.policy,
    )
