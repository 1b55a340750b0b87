"""What the credit archive should hold of a place's year: the ledger's extract of it, once the year is closed (S2A-08).

A record is of a person's year, and its place follows the person: who is not in the extract of one place may be in that of
another, and is moved, not ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx

from contracts.divisions import authority_of, contains
from services.kit.database import Database
from services.sync.reconciling.differences import Content, Difference, Ledger
from services.sync.reconciling.ledger_side import recorded_of
from services.sync.recording.deliveries import last_of
from services.sync.recording.extracts import YearNotClosedError, archive_content, extract_page
from services.sync.targets import Target

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
            lines |= {line["person_id"]: line for line in page.lines}
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
