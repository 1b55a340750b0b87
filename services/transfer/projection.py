"""The read models of the transfer service as a function of events alone: written in the transaction of
their events, and rebuilt from the log by the same code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from contracts.divisions import chain_of
from services.kit import events as codec
from services.kit.aggregates import Aggregate, domain_event
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.kit.events import Event
from services.transfer.cases.arrival import Arrival, arrival_id
from services.transfer.cases.case import Entered, Opened, ProfileMoved
from services.transfer.cases.departure import Departure
from services.transfer.cases.states import OVER, Kind, State, places_concerned, turn_of
from services.transfer.cases.transfer import Transfer
from services.transfer.places import HomeRecorded, OrganizationRecorded
from services.transfer.tables import READ_MODELS

_RECORD_HOME = """
insert into homes (log, person_id, place, employer, version, merged_into) values ($1, $2, $3, $4, 1, $5)
on conflict (log, person_id) do update
   set place = excluded.place, employer = excluded.employer, version = homes.version + 1,
       merged_into = excluded.merged_into
"""
_MOVE_HOME = """
insert into homes (log, person_id, place, employer, version, transfer_id) values ($1, $2, $3, $4, 0, $5)
on conflict (log, person_id) do update
   set place = excluded.place, employer = excluded.employer, transfer_id = excluded.transfer_id, away = false
"""
# Where both ends are here the arrival has come first, and the person is away from nowhere.
_LEAVE_HOME = """
update homes set away = true
 where log = $1 and person_id = $2
   and not exists (select from transfers where log = $1 and transfer_id = $3 and state = 'completed')
"""
_RECORD_ORGANIZATION = """
insert into organizations (log, organization_id, uscc, version) values ($1, $2, $3, 1)
on conflict (log, organization_id) do update set uscc = excluded.uscc, version = organizations.version + 1
"""
_ADD_TRANSFER = """
insert into transfers
    (log, transfer_id, kind, person_id, from_place, to_place, state, next_step, requested_at, since)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
"""
_MOVE_TRANSFER = """
update transfers set state = $3, since = $4, next_step = $5, reason = $6, ended_at = $7
 where log = $1 and transfer_id = $2
returning requested_at
"""
_KIND = "select kind, from_place, to_place from transfers where log = $1 and transfer_id = $2"
_STEP_DONE = "update transfers set next_step = null where log = $1 and transfer_id = $2"
_LIST = """
insert into worklist (log, place, state, requested_at, transfer_id)
select $1, place, $3, $4, $5 from unnest($2::text[]) as place
"""
_UNLIST = """
delete from worklist
 where log = $1 and place = any($2::text[]) and state = any($3::text[]) and requested_at = $4 and transfer_id = $5
"""

_KINDS: dict[str, Kind] = {each.TOPIC: each.kind for each in (Transfer, Departure, Arrival)}


class TransfersProjection:
    """All of them as one projection, for a rebuild; live rows are written with their events, never behind."""

    name = "transfers"
    topics: frozenset[str] = frozenset()
    tables: Sequence[str] = tuple(READ_MODELS)
    inline = True

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Change the rows of the log by stored events."""
        await project(conn, log, [_decoded(event) for event in events])


def _decoded(recorded: RecordedEvent) -> Event | Aggregate.Event:
    if recorded.topic in (HomeRecorded.TOPIC, OrganizationRecorded.TOPIC):
        return codec.decode(recorded.topic, recorded.state)
    event: Aggregate.Event = domain_event(recorded)
    return event


async def project(conn: Connection, log: str, events: Sequence[Event | Aggregate.Event]) -> None:
    """Change the rows of the log by events, in their order."""
    for kind, run in groupby(events, key=type):
        if issubclass(kind, HomeRecorded):
            homes = [
                (log, each.person_id, each.place, each.employer, each.merged_into)
                for each in run
                if isinstance(each, HomeRecorded)
            ]
            await conn.executemany(_RECORD_HOME, homes)
        elif issubclass(kind, OrganizationRecorded):
            organizations = [
                (log, each.organization_id, each.uscc)
                for each in run
                if isinstance(each, OrganizationRecorded)
            ]
            await conn.executemany(_RECORD_ORGANIZATION, organizations)
        else:
            for event in run:
                await _project_case(conn, log, event)


async def _project_case(conn: Connection, log: str, event: Any) -> None:
    """What only the case itself has to know changes no row."""
    transfer_id = str(event.originator_id)
    if isinstance(event, Opened):
        await _begin(conn, log, event, transfer_id)
    elif isinstance(event, Entered):
        await _move(conn, log, event, transfer_id)
    elif isinstance(event, Arrival.RelayTold):
        await conn.execute(_STEP_DONE, log, transfer_id)
    if isinstance(event, ProfileMoved):
        brought_by = event.transfer_id if isinstance(event, Arrival.Arrived) else transfer_id
        await conn.execute(_MOVE_HOME, log, event.person_id, event.to_place, event.employer, brought_by)
    elif isinstance(event, Departure.Departed):
        await conn.execute(_LEAVE_HOME, log, event.person_id, str(arrival_id(transfer_id)))


async def _begin(conn: Connection, log: str, event: Opened, transfer_id: str) -> None:
    kind, state, at = _KINDS[event.originator_topic], event.state, event.timestamp
    places = (event.from_place, event.to_place)
    row = (log, transfer_id, kind, event.person_id, *places, state, turn_of(kind, state).step, at)
    await conn.execute(_ADD_TRANSFER, *row)
    await conn.execute(_LIST, log, _listed(kind, state, *places), state, at, transfer_id)


async def _move(conn: Connection, log: str, event: Entered, transfer_id: str) -> None:
    state, at = event.state, event.timestamp
    found = await conn.fetchrow(_KIND, log, transfer_id)
    assert found is not None, "a transfer begins with its request or its receipt"
    kind, places = Kind(found["kind"]), (found["from_place"], found["to_place"])
    row = (state, at, turn_of(kind, state).step, vars(event).get("reason"), at if state in OVER else None)
    requested_at = await conn.fetchval(_MOVE_TRANSFER, log, transfer_id, *row)
    before = [each for each in State if each is not state]
    everywhere = sorted({above for place in places for above in chain_of(place)})
    await conn.execute(_UNLIST, log, everywhere, before, requested_at, transfer_id)
    await conn.execute(_LIST, log, _listed(kind, state, *places), state, requested_at, transfer_id)


def _listed(kind: Kind, state: State, from_place: str, to_place: str) -> list[str]:
    """Every place whose officials find the transfer in their list: the places concerned, and all above them."""
    concerned = places_concerned(kind, state, from_place, to_place)
    return sorted({above for place in concerned for above in chain_of(place)})


def read_models() -> list[TransfersProjection]:
    """Every read model of the transfer service; all are written with their events."""
    return [TransfersProjection()]
