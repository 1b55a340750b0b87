"""Rows of collections, of people and of who is about to arrive."""

from collections.abc import Sequence
from typing import Any

from contracts.divisions import chain_of
from services.kit.database import Connection
from services.registry.store.cases import case_read_models
from services.registry.store.organizations import organization_read_models
from services.registry.store.read_model import ReadModel
from services.registry.streams.person import (
    ARRIVING,
    COLLECTED,
    DROPPED,
    ERASED,
    INITIALLY_PASSED,
    RETURNED,
    SUBMITTED,
)

_SUBMIT = """
insert into collections
    (log, collection_id, person_id, version, state, place, employer, submitted_by, submitted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_RESUBMIT = """
update collections
   set version = $3, state = $4, place = $5, employer = $6, submitted_by = $7, submitted_at = $8,
       decided_at = null, decided_by = null, reviewed_by = null, step = null, reason = null
 where log = $1 and person_id = $2
"""
_DECIDE = """
update collections set version = $3, state = $4, decided_at = $5, decided_by = $6, reason = $7, step = $8
 where log = $1 and person_id = $2
"""
_GO_ON = """
update collections set version = $3, state = $4, reviewed_by = $5 where log = $1 and person_id = $2
"""
_COLLECT = """
insert into people
    (log, person_id, version, identity_hash, name_hash, place, employer, student, student_since, levels, obtained,
     jobs, working_since, left_on, retired_on, collected_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_CHANGE = """
update people
   set version = $3, identity_hash = $4, name_hash = $5, place = $6, employer = $7, student = $8,
       student_since = $9, levels = $10, obtained = $11, jobs = $12, working_since = $13, left_on = $14,
       retired_on = $15
 where log = $1 and person_id = $2
"""
_RENEW = """
update people
   set name_hash = $3, place = $4, employer = $5, student = $6, student_since = $7, levels = $8, obtained = $9, jobs = $10,
       working_since = $11, left_on = $12, retired_on = $13
 where log = $1 and person_id = $2
"""
_ERASE = """
update people set version = $3, identity_hash = null, name_hash = null, erased_at = $4 where log = $1 and person_id = $2
"""
_ERASE_COLLECTION = "update collections set version = $3, state = $4 where log = $1 and person_id = $2"
_MOVE = """
update people
   set version = $3, place = $4, employer = $5, student = $5::text is null,
       student_since = case when student = ($5::text is null) then student_since end, departed_to = null
 where log = $1 and person_id = $2
"""
_DEPART = "update people set version = $3, departed_to = $4 where log = $1 and person_id = $2"


async def _on_submitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _SUBMIT,
        log,
        event.collection_id,
        str(event.originator_id),
        event.originator_version,
        SUBMITTED if event.transfer_id is None else ARRIVING,
        event.profile["place"],
        event.profile["employer"],
        event.submitted_by,
        event.timestamp,
    )


async def _on_dropped(conn: Connection, log: str, event: Any) -> None:
    if event.forgotten:
        person_id = str(event.originator_id)
        await conn.execute(_ERASE_COLLECTION, log, person_id, event.originator_version, DROPPED)


async def _on_resubmitted(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(
        _RESUBMIT,
        log,
        str(event.originator_id),
        event.originator_version,
        SUBMITTED,
        event.profile["place"],
        event.profile["employer"],
        event.submitted_by,
        event.timestamp,
    )


async def _on_passed(conn: Connection, log: str, event: Any) -> None:
    person_id, version = str(event.originator_id), event.originator_version
    await conn.execute(_GO_ON, log, person_id, version, INITIALLY_PASSED, event.passed_by)


async def _on_returned(conn: Connection, log: str, event: Any) -> None:
    person_id, version = str(event.originator_id), event.originator_version
    await conn.execute(
        _DECIDE,
        log,
        person_id,
        version,
        RETURNED,
        event.timestamp,
        event.returned_by,
        event.reason,
        event.step,
    )


async def _on_approved(conn: Connection, log: str, event: Any) -> None:
    person_id, version = str(event.originator_id), event.originator_version
    await conn.execute(
        _DECIDE, log, person_id, version, COLLECTED, event.timestamp, event.approved_by, None, None
    )


def _row(log: str, event: Any) -> list[Any]:
    """The columns of a person that follow from an event with the whole profile."""
    who = [log, str(event.originator_id), event.originator_version, event.identity_hash]
    return [*who, *_facts(event.profile)]


def _facts(profile: dict[str, Any]) -> list[Any]:
    return [
        profile["name_hash"],
        profile["place"],
        profile["employer"],
        profile["student"],
        profile["student_since"],
        [each["level"] for each in profile["qualifications"]],
        [each["obtained_on"] for each in profile["qualifications"]],
        profile["jobs"],
        profile["working_since"],
        profile["left_on"],
        profile["retired_on"],
    ]


async def _on_collected(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_COLLECT, *_row(log, event), event.timestamp)


async def _on_changed(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_CHANGE, *_row(log, event))


async def _on_departed(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_DEPART, log, str(event.originator_id), event.originator_version, event.to_place)


async def _on_moved(conn: Connection, log: str, event: Any) -> None:
    person_id = str(event.originator_id)
    if event.profile is not None:
        await conn.execute(_RENEW, log, person_id, *_facts(event.profile))
    await conn.execute(_MOVE, log, person_id, event.originator_version, event.place, event.employer)


async def _collection_erased(conn: Connection, log: str, event: Any) -> None:
    person_id = str(event.originator_id)
    await conn.execute(_ERASE_COLLECTION, log, person_id, event.originator_version, ERASED)


async def _on_erased(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_ERASE, log, str(event.originator_id), event.originator_version, event.timestamp)


def read_models() -> list[ReadModel]:
    """Every read model of the registry: collection cases with their states, the people collected, where they are
    now, and what the cases need."""
    return [
        ReadModel(
            "collections",
            {
                "registry.CollectionSubmitted": _on_submitted,
                "registry.CollectionResubmitted": _on_resubmitted,
                "registry.InitialReviewPassed": _on_passed,
                "registry.CollectionReturned": _on_returned,
                "registry.InfoCollected": _on_approved,
                "registry.ArrivalDropped": _on_dropped,
                "registry.PersonErased": _collection_erased,
            },
        ),
        ReadModel(
            "people",
            {
                "registry.InfoCollected": _on_collected,
                "registry.InfoChanged": _on_changed,
                "registry.ProfileMoved": _on_moved,
                "registry.ProfileDeparted": _on_departed,
                "registry.PersonErased": _on_erased,
            },
        ),
        *case_read_models(),
        *move_read_models(),
        completing_read_model(),
        *organization_read_models(),
    ]


_EXPECT = "insert into arrivals (log, transfer_id, person_id) values ($1, $2, $3)"
_DROP = "delete from arrivals where log = $1 and transfer_id = $2"


async def _expected(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_EXPECT, log, event.transfer_id, str(event.originator_id))


async def _dropped(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_DROP, log, event.transfer_id)


def move_read_models() -> list[ReadModel]:
    """Arrivals by their transfer."""
    changes = {"registry.ArrivalExpected": _expected, "registry.ArrivalDropped": _dropped}
    return [ReadModel("arrivals", changes)]


_ENTER = """
insert into to_complete (log, person_id, transfer_id, place, chain, arrived_at) values ($1, $2, $3, $4, $5, $6)
on conflict (log, person_id) do update
   set transfer_id = excluded.transfer_id, place = excluded.place, chain = excluded.chain,
       arrived_at = excluded.arrived_at
"""
_FOLLOW = "update to_complete set place = $3, chain = $4 where log = $1 and person_id = $2"
_LEAVE = "delete from to_complete where log = $1 and person_id = $2"


async def _moved(conn: Connection, log: str, event: Any) -> None:
    person_id, chain = str(event.originator_id), list(chain_of(event.place))
    if event.arrived:
        await conn.execute(_ENTER, log, person_id, event.transfer_id, event.place, chain, event.timestamp)
    else:
        await conn.execute(_FOLLOW, log, person_id, event.place, chain)


async def _completed(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_LEAVE, log, str(event.originator_id))


def completing_read_model() -> ReadModel:
    """The rows of what is to be completed."""
    return ReadModel(
        "to_complete",
        {
            "registry.ProfileMoved": _moved,
            "registry.InfoChanged": _completed,
            "registry.ProfileDeparted": _completed,
            "registry.PersonErased": _completed,
        },
    )


MODELS = tuple(read_models())


async def project(conn: Connection, log: str, events: Sequence[Any]) -> None:
    """Write the rows of events that are about to be stored."""
    for model in MODELS:
        await model.apply_decided(conn, log, events)
