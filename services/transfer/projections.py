"""The read models of the transfer service as a function of events alone: written in the transaction of
their events, and rebuilt from the log by the same code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any

from contracts.divisions import chain_of
from services.kit import events as codec
from services.kit.aggregates import domain_event
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.transfer.cases.arrival import arrival_id
from services.transfer.cases.next_step import next_step_of
from services.transfer.cases.states import OVER, Kind, State, places_concerned
from services.transfer.profile_home import HomeRecorded, OrganizationRecorded
from services.transfer.tables import READ_MODELS

_RECORD_HOME = """
insert into homes (log, person_id, place, employer, version) values ($1, $2, $3, $4, 1)
on conflict (log, person_id) do update
   set place = excluded.place, employer = excluded.employer, version = homes.version + 1
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

Change = Callable[[Connection, str, Sequence[Any]], Awaitable[None]]


class TransfersProjection:
    """All of them as one projection, for a rebuild; live rows are written with their events, never behind."""

    name = "transfers"
    topics: frozenset[str] = frozenset()
    tables: Sequence[str] = tuple(READ_MODELS)
    inline = True

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Change the rows of the log by stored events."""
        await project(conn, log, [_decoded(event) for event in events])


async def project(conn: Connection, log: str, events: Sequence[Any]) -> None:
    """Change the rows of the log by events, in their order."""
    for topic, run in groupby(events, key=lambda event: str(event.TOPIC)):
        await _CHANGES[topic](conn, log, list(run))


def _decoded(recorded: RecordedEvent) -> Any:
    if recorded.topic in _RECORDED:
        return codec.decode(recorded.topic, recorded.state)
    return domain_event(recorded)


async def _record_homes(conn: Connection, log: str, events: Sequence[HomeRecorded]) -> None:
    await conn.executemany(
        _RECORD_HOME, [(log, event.person_id, event.place, event.employer) for event in events]
    )


async def _record_organizations(conn: Connection, log: str, events: Sequence[OrganizationRecorded]) -> None:
    await conn.executemany(
        _RECORD_ORGANIZATION, [(log, event.organization_id, event.uscc) for event in events]
    )


def _begins(kind: Kind, state: State) -> Change:
    async def begin(conn: Connection, log: str, events: Sequence[Any]) -> None:
        for event in events:
            first = State.SUSPENDED if getattr(event, "suspended", False) else state
            transfer_id, at = str(event.originator_id), event.timestamp
            places = (event.from_place, event.to_place)
            row = (
                log,
                transfer_id,
                kind.value,
                event.person_id,
                *places,
                first.value,
                next_step_of(kind, first),
                at,
            )
            await conn.execute(_ADD_TRANSFER, *row)
            await conn.execute(_LIST, log, _listed(kind, first, *places), first.value, at, transfer_id)

    return begin


def _enters(state: State) -> Change:
    async def enter(conn: Connection, log: str, events: Sequence[Any]) -> None:
        for event in events:
            await _move(conn, log, event, state)

    return enter


async def _move(conn: Connection, log: str, event: Any, state: State) -> None:
    transfer_id, at = str(event.originator_id), event.timestamp
    found = await conn.fetchrow(_KIND, log, transfer_id)
    assert found is not None, "a transfer begins with its request or its receipt"
    kind, from_place, to_place = Kind(found["kind"]), found["from_place"], found["to_place"]
    ended = at if state in OVER else None
    reason, next_step = getattr(event, "reason", None), next_step_of(kind, state)
    requested_at = await conn.fetchval(
        _MOVE_TRANSFER, log, transfer_id, state.value, at, next_step, reason, ended
    )
    before = [each.value for each in State if each is not state]
    everywhere = sorted({*chain_of(from_place), *chain_of(to_place)})
    await conn.execute(_UNLIST, log, everywhere, before, requested_at, transfer_id)
    listed = _listed(kind, state, from_place, to_place)
    await conn.execute(_LIST, log, listed, state.value, requested_at, transfer_id)


async def _arrive(conn: Connection, log: str, events: Sequence[Any]) -> None:
    """The profile is kept at the destination: after a transfer within an authority, or an arrival."""
    for event in events:
        await _move(conn, log, event, State.COMPLETED)
        transfer_id = getattr(event, "transfer_id", None) or str(event.originator_id)
        await conn.execute(_MOVE_HOME, log, event.person_id, event.to_place, event.employer, transfer_id)


async def _depart(conn: Connection, log: str, events: Sequence[Any]) -> None:
    for event in events:
        await _move(conn, log, event, State.COMPLETED)
        await conn.execute(_LEAVE_HOME, log, event.person_id, str(arrival_id(str(event.originator_id))))


async def _told(conn: Connection, log: str, events: Sequence[Any]) -> None:
    for event in events:
        await conn.execute(_STEP_DONE, log, str(event.originator_id))


async def _nothing(conn: Connection, log: str, events: Sequence[Any]) -> None:
    """Of what only the case itself has to know."""


def _listed(kind: Kind, state: State, from_place: str, to_place: str) -> list[str]:
    """Every place whose officials find the transfer in their list: the places concerned, and all above them."""
    concerned = places_concerned(kind, state, from_place, to_place)
    return sorted({above for place in concerned for above in chain_of(place)})


_RECORDED = frozenset({HomeRecorded.TOPIC, OrganizationRecorded.TOPIC})
_CHANGES: dict[str, Change] = {
    HomeRecorded.TOPIC: _record_homes,
    OrganizationRecorded.TOPIC: _record_organizations,
    "transfer.TransferRequested": _begins(Kind.WITHIN, State.REQUESTED),
    "transfer.TransferAccepted": _enters(State.ACCEPTED),
    "transfer.TransferReturned": _enters(State.RETURNED),
    "transfer.TransferExpired": _enters(State.RETURNED),
    "transfer.TransferWithdrawn": _enters(State.WITHDRAWN),
    "transfer.ProfileTransferred": _arrive,
    "transfer.DepartureRequested": _begins(Kind.OUT, State.REQUESTED),
    "transfer.DepartureResumed": _enters(State.REQUESTED),
    "transfer.DepartureBlocked": _enters(State.RETURNED),
    "transfer.DepartureAccepted": _enters(State.ACCEPTED),
    "transfer.DepartureReturned": _enters(State.RETURNED),
    "transfer.DepartureExpired": _enters(State.RETURNED),
    "transfer.DepartureWithdrawn": _enters(State.WITHDRAWN),
    "transfer.DepartureOffered": _enters(State.OFFERED),
    "transfer.DepartureFetched": _enters(State.FETCHED),
    "transfer.DepartureConfirmed": _enters(State.CONFIRMED),
    "transfer.DepartureHandedOver": _enters(State.HANDED_OVER),
    "transfer.ProfileDeparted": _depart,
    "transfer.SupplementHandedOver": _nothing,
    "transfer.ArrivalReceived": _begins(Kind.IN, State.RECEIVED),
    "transfer.ArrivalApproved": _enters(State.APPROVED),
    "transfer.ArrivalRefused": _enters(State.REFUSED),
    "transfer.ArrivalExpired": _enters(State.REFUSED),
    "transfer.ArrivalConfirmed": _enters(State.CONFIRMED),
    "transfer.ArrivalCancelled": _enters(State.CANCELLED),
    "transfer.RelayTold": _told,
    "transfer.ProfileArrived": _arrive,
}


def read_models() -> list[TransfersProjection]:
    """Every read model of the transfer service; all are written with their events."""
    return [TransfersProjection()]
