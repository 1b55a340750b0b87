"""Deliveries one by one: those that wait at a place, in order of age, and all of one person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from contracts.divisions import NATION, authority_of, contains
from services.kit.database import Database
from services.kit.schemas import StrictModel

State = Literal["pending", "refused", "unsynced", "delivered", "withdrawn"]
OpenState = Literal["pending", "refused", "unsynced"]
OPEN_STATES: tuple[OpenState, ...] = ("pending", "refused", "unsynced")
PAGE_MAX = 200

_FIELDS = """
select log, target, subject, revision, person_id, year, place, action, content, state, reason, reference, recorded_at,
       due_on, settled_at
"""
_OPEN = f"""{_FIELDS}
  from deliveries
 where state = any($1::text[]) and state in ('pending', 'refused', 'unsynced') and ($2::text is null or target = $2)
   and ($3::text is null or log = $3) and place like $4
   and ($5::timestamptz is null or (recorded_at, target, subject, revision) > ($5, $6, $7, $8))
 order by recorded_at, target, subject, revision limit $9
"""
_OF_PERSON = f"""{_FIELDS}
  from deliveries where person_id = $1 and ($2::text is null or log = $2)
 order by target, position, subject, revision limit $3
"""
_CURSOR = """
select recorded_at, target, subject, revision from deliveries
 where target = $1 and subject = $2 and revision = $3 limit 1
"""
_OF_PERSON_MAX = 2_000


class DeliveryView(StrictModel):
    """What a target is, or was, to be told of a subject: never a name or a number."""

    target: str
    key: str
    subject: str
    revision: int
    person_id: str
    year: int
    place: str
    action: str
    content: dict[str, str | None]
    state: State
    reason: str | None
    reference: str | None
    recorded_at: datetime
    due_on: date | None
    settled_at: datetime | None


class DeliveryPage(StrictModel):
    """Deliveries, oldest first; `next_after` asks for later ones."""

    deliveries: list[DeliveryView]
    next_after: str | None


class PersonDeliveries(StrictModel):
    """Every delivery of one person, in the order in which each target is told."""

    person_id: str
    deliveries: list[DeliveryView]


class DeliveryQueries:
    """Reads; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, place: str, states: Sequence[str], target: str | None, after: str | None, limit: int
    ) -> DeliveryPage:
        """At most `limit` open deliveries of a place and all under it, those after the one named by target and key."""
        log = None if place == NATION else authority_of(place)
        async with self._database.acquire() as conn:
            cursor: tuple[Any, ...] = (None, None, None, None)
            if after is not None:
                name, subject, revision = _cursor(after)
                found = await conn.fetchrow(_CURSOR, name, subject, revision)
                cursor = cursor if found is None else tuple(found)
            rows = await conn.fetch(_OPEN, list(states), target, log, _pattern(place), *cursor, limit)
        views = [_view(row) for row in rows]
        last = f"{views[-1].target}~{views[-1].key}" if len(views) == limit else None
        return DeliveryPage(deliveries=views, next_after=last)

    async def of_person(self, person_id: str, place: str) -> PersonDeliveries:
        """What a person's credits are delivered as, as far as they are of the place or under it."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_OF_PERSON, person_id, None, _OF_PERSON_MAX)
        seen = [_view(row) for row in rows if contains(place, row["place"])]
        return PersonDeliveries(person_id=person_id, deliveries=seen)


def _cursor(after: str) -> tuple[str, str, int]:
    target, _, key = after.partition("~")
    subject, _, revision = key.rpartition(".")
    return target, subject, int(revision)


def _pattern(place: str) -> str:
    """What the codes of a place and all under it begin with; separately planned cities are in logs of their own."""
    if place == NATION:
        return "%"
    if place.endswith("0000"):
        return f"{place[:2]}%"
    return f"{place[:4]}%" if place.endswith("00") else place


def _view(row: Any) -> DeliveryView:
    return DeliveryView(
        target=row["target"],
        key=f"{row['subject']}.{row['revision']}",
        subject=row["subject"],
        revision=row["revision"],
        person_id=row["person_id"],
        year=row["year"],
        place=row["place"],
        action=row["action"],
        content=json.loads(row["content"]),
        state=row["state"],
        reason=row["reason"],
        reference=row["reference"],
        recorded_at=row["recorded_at"],
        due_on=row["due_on"],
        settled_at=row["settled_at"],
    )
