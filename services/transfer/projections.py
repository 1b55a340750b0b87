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
from services.transfer.home import HomeRecorded, OrganizationRecorded
from services.transfer.tables import READ_MODELS
from services.transfer.transfer import TransferState, places_concerned

_RECORD_HOME = """
insert into homes (log, person_id, place, employer, version) values ($1, $2, $3, $4, 1)
on conflict (log, person_id) do update
   set place = excluded.place, employer = excluded.employer, version = homes.version + 1
"""
_MOVE_HOME = """
update homes set place = $3, employer = $4, transfer_id = $5 where log = $1 and person_id = $2
"""
_RECORD_ORGANIZATION = """
insert into organizations (log, organization_id, uscc, version) values ($1, $2, $3, 1)
on conflict (log, organization_id) do update set uscc = excluded.uscc, version = organizations.version + 1
"""
_ADD_TRANSFER = """
insert into transfers (log, transfer_id, person_id, from_place, to_place, state, requested_at, since)
values ($1, $2, $3, $4, $5, $6, $7, $7)
"""
_MOVE_TRANSFER = """
update transfers set state = $3, since = $4 where log = $1 and transfer_id = $2
returning from_place, to_place, requested_at
"""
_LIST = """
insert into worklist (log, place, state, requested_at, transfer_id)
select $1, place, $3, $4, $5 from unnest($2::text[]) as place
"""
_UNLIST = """
delete from worklist
 where log = $1 and place = any($2::text[]) and state = any($3::text[]) and requested_at = $4 and transfer_id = $5
"""


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


async def _request(conn: Connection, log: str, events: Sequence[Any]) -> None:
    for event in events:
        transfer_id, state, at = str(event.originator_id), TransferState.REQUESTED.value, event.timestamp
        places = (event.from_place, event.to_place)
        await conn.execute(_ADD_TRANSFER, log, transfer_id, event.person_id, *places, state, at)
        await conn.execute(_LIST, log, _listed(state, *places), state, at, transfer_id)


def _move_to(state: TransferState) -> Callable[[Connection, str, Sequence[Any]], Awaitable[None]]:
    async def move(conn: Connection, log: str, events: Sequence[Any]) -> None:
        for event in events:
            await _move(conn, log, event, state)

    return move


async def _move(conn: Connection, log: str, event: Any, state: TransferState) -> None:
    transfer_id = str(event.originator_id)
    row = await conn.fetchrow(_MOVE_TRANSFER, log, transfer_id, state.value, event.timestamp)
    assert row is not None, "a transfer begins with its request"
    from_place, to_place, requested_at = row
    before = [each.value for each in TransferState if each is not state]
    everywhere = sorted({*chain_of(from_place), *chain_of(to_place)})
    await conn.execute(_UNLIST, log, everywhere, before, requested_at, transfer_id)
    listed = _listed(state, from_place, to_place)
    await conn.execute(_LIST, log, listed, state.value, requested_at, transfer_id)


async def _arrive(conn: Connection, log: str, events: Sequence[Any]) -> None:
    for event in events:
        await _move(conn, log, event, TransferState.COMPLETED)
        arrival = (event.to_place, event.employer, str(event.originator_id))
        await conn.execute(_MOVE_HOME, log, event.person_id, *arrival)


def _listed(state: str, from_place: str, to_place: str) -> list[str]:
    """Every place whose officials find the transfer in their list: the places concerned, and all above them."""
    concerned = places_concerned(state, from_place, to_place)
    return sorted({above for place in concerned for above in chain_of(place)})


_RECORDED = frozenset({HomeRecorded.TOPIC, OrganizationRecorded.TOPIC})
_CHANGES: dict[str, Callable[[Connection, str, Sequence[Any]], Awaitable[None]]] = {
    HomeRecorded.TOPIC: _record_homes,
    OrganizationRecorded.TOPIC: _record_organizations,
    "transfer.TransferRequested": _request,
    "transfer.TransferAccepted": _move_to(TransferState.ACCEPTED),
    "transfer.TransferReturned": _move_to(TransferState.RETURNED),
    "transfer.TransferWithdrawn": _move_to(TransferState.WITHDRAWN),
    "transfer.ProfileTransferred": _arrive,
}


def read_models() -> list[TransfersProjection]:
    """Every read model of the transfer service; all are written with their events."""
    return [TransfersProjection()]
