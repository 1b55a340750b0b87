"""Closed years on their way to the credit archive: the ledger's extract is read page by page, what is new is delivered.

A closing is read again from the start when something enters its year afterwards; who stands as before is not sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import msgspec
from msgspec import Struct

from contracts.ledger import YearClosed
from contracts.targets import content_of
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.projection import Checkpoints
from services.sync.recording.deliveries import Delivery, add_deliveries, hold_queues, last_of
from services.sync.recording.facts import Fact, year_subject
from services.sync.targets import Target

_PAGE = 200
_NOT_CLOSED = frozenset({"urn:xuefen:problem:year-not-closed", "urn:xuefen:problem:policy-absent"})
"""What the ledger says of a year that is open, and of one that no notice governs and nobody could close."""


class ExtractUnavailableError(Exception):
    """The ledger does not give its extract now."""


class YearNotClosedError(ExtractUnavailableError):
    """The year is not closed at that place: there is no extract of it."""

    def __init__(self, place: str, year: int) -> None:
        super().__init__(f"{year} is not closed at {place}")
        self.place = place
        self.year = year


class ExtractPage(Struct, frozen=True):
    """A page: people by place and id, as of a position of the log; `next` goes on, None at the end."""

    position: int
    items: list[dict[str, Any]]
    next: str | None


async def extract_page(ledger: httpx.AsyncClient, place: str, year: int, after: str | None) -> ExtractPage:
    """A page of the extract of a place and all under it. Raises YearNotClosedError and ExtractUnavailableError.

    An answer without its lines or without saying whether more follow is none: it is never taken for an empty one.
    """
    params = {"limit": str(_PAGE)} | ({} if after is None else {"after": after})
    try:
        response = await ledger.get(f"/v1/years/{place}/{year}/archive", params=params)
        if response.is_client_error and _problem_of(response) in _NOT_CLOSED:
            raise YearNotClosedError(place, year)
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=ExtractPage)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise ExtractUnavailableError(type(error).__name__) from None


def archive_content(target: Target, line: dict[str, Any], year: int) -> dict[str, str | None]:
    """What the archive is told of a line of the extract."""
    amounts = {
        category: Decimal(line["by_category"].get(category, "0")) for category in ("professional", "public")
    }
    values = {
        "subject": year_subject(line["person_id"], year),
        "person_ref": line["person_id"],
        "year": year,
        "place": line["place"],
        "status": line["status"],
        "total": Decimal(line["total"]),
        "made_up": line["made_up"],
        **amounts,
    }
    return content_of(target.kind, values)


def _problem_of(response: httpx.Response) -> str | None:
    document = msgspec.json.decode(response.content)
    return document.get("type") if isinstance(document, dict) else None


_LEASE = timedelta(seconds=60)

_OPEN = """
insert into closings (log, target, place, year, state, next_at) values ($1, $2, $3, $4, 'waiting', $5)
on conflict (log, target, place, year) do update set state = 'waiting', after = null, next_at = excluded.next_at
"""
_REOPEN = """
update closings set state = 'waiting', after = null, next_at = $4
 where log = $1 and target = $2 and year = any($3::int[]) and state = 'done'
"""
_TAKE = """
update closings c set next_at = $2 + $3
  from (select log, place, year from closings where target = $1 and state = 'waiting' and next_at <= $2
         order by next_at limit 1 for update skip locked) as due
 where c.log = due.log and c.target = $1 and c.place = due.place and c.year = due.year
returning c.log, c.place, c.year, c.after, c.next_at
"""
_GO_ON = """
update closings set after = $6::text, state = case when $6::text is null then 'done' else 'waiting' end, next_at = $7
 where log = $1 and target = $2 and place = $3 and year = $4 and state = 'waiting' and after is not distinct from $5
   and next_at = $8
"""


class Closing(NamedTuple):
    """A closed year of a place that is being read, after which person."""

    log: str
    place: str
    year: int
    after: str | None
    leased_until: datetime


async def open_closings(
    conn: Connection, log: str, targets: Sequence[Target], facts: Sequence[Fact], now: datetime
) -> None:
    """Note the years that were closed, and look again at closed ones that something has entered (B-07)."""
    closed = [fact.event for fact in facts if isinstance(fact.event, YearClosed)]
    years = sorted(
        {
            fact.event.year
            for fact in facts
            if hasattr(fact.event, "person_id") and hasattr(fact.event, "year")
        }
    )
    for target in targets:
        if years:
            await conn.execute(_REOPEN, log, target.name, years, now)
        for event in closed:
            if target.takes_place(event.place):
                await conn.execute(_OPEN, log, target.name, event.place, event.year, now)


class Archiver:
    """Reads extracts for one target of the credit archive (S2A-08)."""

    def __init__(self, database: Database, ledger: httpx.AsyncClient, target: Target, clock: Clock) -> None:
        """`ledger` carries a token that may read extracts everywhere."""
        self._database = database
        self._ledger = ledger
        self._target = target
        self._clock = clock

    async def step(self) -> bool:
        """Read one page of one closed year; whether there was one to read. Raises ExtractUnavailableError."""
        now = self._clock()
        async with self._database.transaction() as conn:
            row = await conn.fetchrow(_TAKE, self._target.name, now, _LEASE)
        if row is None:
            return False
        closing = Closing(*row)
        page = await extract_page(self._ledger, closing.place, closing.year, closing.after)
        lines = [line for line in page.items if self._target.takes_place(line["place"])]
        async with self._database.transaction() as conn:
            # Whoever records the feed holds a queue before anything else of the person's; so do we.
            name = self._target.name
            await hold_queues(conn, closing.log, [(name, line["person_id"]) for line in lines], now)
            where = (closing.log, name, closing.place, closing.year, closing.after)
            if await conn.execute(_GO_ON, *where, page.next, now, closing.leased_until) != "UPDATE 1":
                return True
            await self._deliver(conn, closing, lines, now)
        return True

    async def _deliver(
        self, conn: Connection, closing: Closing, lines: Sequence[dict[str, Any]], now: datetime
    ) -> None:
        subjects = [year_subject(line["person_id"], closing.year) for line in lines]
        last = await last_of(conn, [self._target.name], subjects)
        position = await Checkpoints("deliveries").get(conn, closing.log, closing.log)
        changed = []
        for subject, line in zip(subjects, lines, strict=True):
            content = archive_content(self._target, line, closing.year)
            before = last.get((self._target.name, subject))
            if before is None or (before.action, dict(before.content)) != ("put", content):
                changed.append(self._delivery(closing, subject, line, content, position, now))
        await add_deliveries(conn, closing.log, changed, last, now)

    def _delivery(
        self,
        closing: Closing,
        subject: str,
        line: dict[str, Any],
        content: dict[str, str | None],
        position: int,
        now: datetime,
    ) -> Delivery:
        return Delivery(
            target=self._target,
            subject=subject,
            person_id=line["person_id"],
            year=closing.year,
            place=line["place"],
            position=position,
            action="put",
            content=content,
            reason=None,
            recorded_at=now,
        )
