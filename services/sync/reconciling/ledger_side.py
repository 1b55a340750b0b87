"""The ledger's side of a place's year: its list of credits, its extract of a closed year, and our record beside it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from contracts.divisions import authority_of, contains
from contracts.targets import content_of
from services.kit.database import Connection, Database
from services.sync.reconciling.differences import Content, Difference, Ledger, Recorded
from services.sync.recording.closings import YearNotClosedError, archive_content, extract_page
from services.sync.recording.deliveries import YearSums, last_of
from services.sync.recording.facts import year_subject
from services.sync.recording.recorder import CATEGORIES
from services.sync.targets import Target

_PAGE = 1_000
_SOURCES = "select credit_id, source from credits where log = $1 and credit_id = any($2::text[])"
_RECORDED = """
select distinct on (subject) subject, revision, action, content, state, reason, person_id, place
  from deliveries
 where log = $1 and person_id > $2 and ($3::text is null or person_id <= $3) and year = $4 and target = $5
 order by subject, revision desc
"""
_OF_SUBJECTS = """
select distinct on (subject) subject, revision, action, content, state, reason, person_id, place
  from deliveries where log = $1 and target = $2 and subject = any($3::text[])
 order by subject, revision desc
"""


class LedgerUnavailableError(Exception):
    """The ledger does not list its credits now."""


class OurSideUnknownError(Exception):
    """Nothing here knows what the ledger holds of such records: compared with nothing, all would be extra."""


class PlaceNotTakenError(Exception):
    """The system is not told of the place: compared with nothing, all it holds there would be extra (S4-11)."""


async def credit_pages(
    client: httpx.AsyncClient, place: str, year: int
) -> AsyncIterator[tuple[str, str | None, list[dict[str, Any]]]]:
    """The ledger's credits of a place's year, page by page: after whom, up to whom (None for the last), and the credits.

    Raises LedgerUnavailableError.
    """
    after = ""
    while True:
        asked = {"place": place, "year": str(year), "after": after, "limit": str(_PAGE)}
        try:
            response = await client.get("/v1/credits", params=asked)
            response.raise_for_status()
            page = msgspec.json.decode(response.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        yield after, page["next"], page["items"]
        if page["next"] is None:
            return
        after = page["next"]


async def sources_of(conn: Connection, log: str, credits: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Which system imported credits came from, by credit, as their feed told."""
    imported = [credit["credit_id"] for credit in credits if credit["route"] == "import"]
    rows = await conn.fetch(_SOURCES, log, imported) if imported else []
    return {row["credit_id"]: row["source"] for row in rows if row["source"] is not None}


async def recorded_between(
    conn: Connection, log: str, target: str, year: int, after: str, until: str | None
) -> dict[str, Recorded]:
    """Our record of every subject of the people after one and up to another, for a year."""
    return _by_subject(await conn.fetch(_RECORDED, log, after, until, year, target))


async def recorded_of(
    database: Database, log: str, target: str, subjects: Sequence[str]
) -> dict[str, Recorded]:
    """Our record of subjects."""
    async with database.acquire() as conn:
        return _by_subject(await conn.fetch(_OF_SUBJECTS, log, target, list(subjects)))


def add_to(
    ledger: Ledger,
    target: Target,
    credits: Sequence[dict[str, Any]],
    sources: dict[str, str],
    recorded: dict[str, Recorded],
    year: int,
) -> None:
    """Take in what the target should hold of a page of credits. Raises OurSideUnknownError for other records."""
    if target.record == "credit":
        for credit in credits:
            if target.takes_credit(
                place=credit["place"],
                category=credit["category"],
                mode=credit["mode"],
                source=sources.get(credit["credit_id"]),
            ):
                ledger.add(_credit(target, credit, year))
    elif target.record == "certificate":
        for content in _certificates(target, credits, recorded, year):
            ledger.add(content)
    else:
        raise OurSideUnknownError(target.record)


def _credit(target: Target, credit: dict[str, Any], year: int) -> Content:
    values = {**credit, "subject": credit["credit_id"], "person_ref": credit["person_id"], "year": year}
    values["credits"] = Decimal(credit["credits"])
    return content_of(target.kind, values)


def _certificates(
    target: Target, credits: Sequence[dict[str, Any]], recorded: dict[str, Recorded], year: int
) -> list[Content]:
    sums: dict[str, YearSums] = defaultdict(lambda: YearSums({}, {}))
    places: dict[str, str] = {}
    for credit in credits:
        if not target.takes_place(credit["place"]):
            continue
        person, category, amount = credit["person_id"], credit["category"], Decimal(credit["credits"])
        found = sums[person]
        found.registered[category] = found.registered.get(category, Decimal(0)) + amount
        if credit["recognised"]:
            found.recognised[category] = found.recognised.get(category, Decimal(0)) + amount
        places[person] = credit["place"]
    contents: list[Content] = []
    for person, found in sums.items():
        if not all(found.has(category, target.recognised) for category in CATEGORIES):
            continue
        subject = year_subject(person, year)
        before = recorded.get(subject)
        place = before.place if before is not None else places[person]
        counted = {category: found.counted(category, target.recognised) for category in CATEGORIES}
        values = {"subject": subject, "person_ref": person, "year": year, "place": place, **counted}
        contents.append(content_of(target.kind, values))
    return contents


def _by_subject(rows: Sequence[Any]) -> dict[str, Recorded]:
    return {
        row["subject"]: Recorded(
            revision=row["revision"],
            action=row["action"],
            content=json.loads(row["content"]),
            state=row["state"],
            reason=row["reason"],
            person_id=row["person_id"],
            place=row["place"],
        )
        for row in rows
    }


_CLOSED = "select place from closings where log = $1 and target = $2 and year = $3 order by place"


async def extract_of(
    client: httpx.AsyncClient, target: Target, place: str, year: int, tell: Callable[[int], None]
) -> Ledger:
    """Everybody of a closed year at a place and below. `tell` is told how many lines were read.

    Raises YearNotClosedError and ExtractUnavailableError.
    """
    ledger = Ledger(target.kind)
    for line in (await _lines(client, place, year, tell)).values():
        if target.takes_place(line["place"]) and contains(place, line["place"]):
            ledger.add(archive_content(target, line, year))
    return ledger


async def _lines(
    client: httpx.AsyncClient, place: str, year: int, tell: Callable[[int], None]
) -> dict[str, dict[str, Any]]:
    """The lines by person. People are walked by place: who moved while they were walked may have been passed by, so when
    the log moved between the first page and the last they are walked once more."""
    lines: dict[str, dict[str, Any]] = {}
    for _ in range(2):
        positions: set[int] = set()
        after: str | None = None
        while True:
            page = await extract_page(client, place, year, after)
            positions.add(page.position)
            lines |= {line["person_id"]: line for line in page.items}
            tell(len(lines))
            after = page.next
            if after is None:
                break
        if len(positions) == 1:
            break
    return lines


async def follow_people(
    database: Database,
    client: httpx.AsyncClient,
    target: Target,
    place: str,
    year: int,
    differences: Sequence[Difference],
) -> list[Difference]:
    """The differences, those that are extra at the place looked at again: of who is in another closed extract of the
    authority, that is what is right; of whom another authority has told since, nothing is to be done here.

    Raises ExtractUnavailableError.
    """
    extras = sorted({each.subject for each in differences if each.right is None})
    if not extras:
        return list(differences)
    log = authority_of(place)
    async with database.acquire() as conn:
        last = await last_of(conn, [target.name], extras)
    here = await recorded_of(database, log, target.name, extras)
    elsewhere = await _elsewhere(database, client, target, place, year)
    followed = []
    for each in differences:
        if each.right is not None:
            followed.append(each)
            continue
        latest, ours = last.get((target.name, each.subject)), here.get(each.subject)
        right = elsewhere.get(each.subject)
        if latest is not None and latest.revision > (ours.revision if ours is not None else 0):
            # What we recorded here before is no fault: it was said anew in the other authority's log.
            if each.side == "theirs":
                followed.append(replace(each, why="told_by_another"))
        elif right is not None:
            followed.append(replace(each, right=right, why=each.why if each.on_its_way else "moved"))
        else:
            followed.append(each)
    return followed


async def _elsewhere(
    database: Database, client: httpx.AsyncClient, target: Target, place: str, year: int
) -> dict[str, Content]:
    """What is right of everybody in the closed extracts of the place's authority, by subject."""
    log = authority_of(place)
    found: dict[str, Content] = {}
    try:
        return (await extract_of(client, target, log, year, _quietly)).by_subject()
    except YearNotClosedError:
        async with database.acquire() as conn:
            closed = [row["place"] for row in await conn.fetch(_CLOSED, log, target.name, year)]
    for other in closed:
        if not contains(place, other):
            found |= (await extract_of(client, target, other, year, _quietly)).by_subject()
    return found


def _quietly(_lines: int) -> None:
    pass
