"""The extract for the credit archive (会计人员信用信息档案): how everybody stood in a closed year (S2A-08, S2B-16).

It is read from rows, by the key of places, and judged as of the end of a day; nothing scans the log. Every page names
the position it reflects, so a reader that finds two pages at different positions knows to read again what changed in
between."""

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from contracts.divisions import authority_of
from services.kit.clock import Clock, local_date
from services.kit.database import Databases
from services.ledger.answers.provenance import made_up
from services.ledger.counting.standing_rows import is_judged, read_accounts
from services.ledger.officials.closing import YearActs
from services.ledger.policy import Account, PolicyBook
from services.ledger.store.paging import page_of_people
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import Beside, JudgedYears, judge, years_beside
from services.ledger.streams.year import YearNotClosedError


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
    items: list[ArchiveLine]
    next: str | None


class Archives:
    """Reads extracts; writes nothing."""

    def __init__(
        self, databases: Databases, policies: PublishedPolicies, years: YearActs, clock: Clock
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._years = years
        self._clock = clock

    async def page(self, place: str, year: int, *, on: date | None, after: str | None, limit: int) -> Archive:
        """The persons of a place and all under it after one of them, by place and id.

        Looks at `limit` profiles; who is not judged here for the year is left out. Raises NoPolicyHereError and
        YearNotClosedError.
        """
        self._years.policy_of(place, year)
        closure = await self._years.closure(place, year)
        if closure is None:
            raise YearNotClosedError
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            page = await page_of_people(conn, log, place, year, after, limit)
            beside = {
                profile.person.person_id: years_beside(self._policies.book, profile, year)
                for profile, _, _ in page.people
            }
            keys = [(person, other) for person, others in beside.items() for other in others]
            accounts = await read_accounts(conn, log, keys, []) if keys else {}
        today = local_date(self._clock())
        day = on or today
        judged = JudgedYears(self._policies.book, today.year)
        lines = [
            _line(
                self._policies.book,
                profile,
                account,
                year,
                day,
                {other: accounts.get((person_id, other)) for other in beside[person_id]},
            )
            for profile, _, account in page.people
            for person_id in (profile.person.person_id,)
            if is_judged(judged, profile, account, year)
        ]
        return Archive(
            place=place,
            year=year,
            closed_at=closure.closed_at,
            on=day,
            log=log,
            position=page.position,
            items=lines,
            next=page.next,
        )


def _line(
    book: PolicyBook,
    profile: Profile,
    account: Account | None,
    year: int,
    on: date,
    beside: Beside,
) -> ArchiveLine:
    answer = judge(book, profile, account, year, on, beside)
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
