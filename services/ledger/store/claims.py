"""Claims as rows: found, written in the transaction of their events, and listed as queues."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.kit.command import Question
from services.kit.database import Connection
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams import claim as claims
from services.ledger.streams.claim import OPEN, Claim

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claim).decode

_FIND = "select log, version, state from claims where log = any($1::text[]) and claim_id = $2"
OPEN_CLAIM_OF_FACT = Question(
    "claims",
    "claim_id",
    {"person_id": "text", "fact": "text"},
    where="status in ('submitted', 'accepted', 'returned')",
)
"""Is there an open claim of this person for this fact?"""
_OPEN_OF_PERSON = "select state from claims where log = $1 and person_id = $2 and status = any($3::text[])"
_OF_IDS = "select log, version, state from claims where log = $1 and claim_id = any($2::text[])"
_WRITE = """
insert into claims (log, claim_id, person_id, fact, collective, place, status, submitted_at, version, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (log, claim_id) do update
   set fact = excluded.fact, place = excluded.place, status = excluded.status, submitted_at = excluded.submitted_at,
       version = excluded.version, state = excluded.state
"""
_QUEUE = """
select state from claims
 where log = $1 and status = any($2::text[]) and place like $3 and (submitted_at, claim_id) > ($4, $5)
 order by submitted_at, claim_id limit $6
"""


_OF_LIST = "select log, version, state from claims where log = $1 and collective = $2"


class ClaimEntry(Struct):
    """A claim where it lives."""

    log: str
    version: int
    claim: Claim


async def find_claim(conn: Connection, logs: Sequence[str], claim_id: str) -> ClaimEntry | None:
    """A claim by id in some logs of one engine."""
    row = await conn.fetchrow(_FIND, logs, claim_id)
    return None if row is None else ClaimEntry(row[0], row[1], _decode(row[2]))


async def claims_of_list(conn: Connection, log: str, collective: str) -> list[ClaimEntry]:
    """The claims of an employer's list, in its order."""
    rows = await conn.fetch(_OF_LIST, log, collective)
    found = [ClaimEntry(row[0], row[1], _decode(row[2])) for row in rows]
    return sorted(found, key=lambda entry: entry.claim.row or 0)


async def open_claims_of(conn: Connection, log: str, person_id: str) -> list[Claim]:
    """The open claims of a person."""
    rows = await conn.fetch(_OPEN_OF_PERSON, log, person_id, sorted(OPEN))
    return [_decode(row[0]) for row in rows]


async def read_claims(conn: Connection, log: str, claim_ids: Iterable[str]) -> dict[str, ClaimEntry]:
    """Claims by id."""
    rows = await conn.fetch(_OF_IDS, log, sorted(claim_ids))
    found = [ClaimEntry(row[0], row[1], _decode(row[2])) for row in rows]
    return {entry.claim.claim_id: entry for entry in found}


async def list_queue(
    conn: Connection, log: str, states: Sequence[str], pattern: str, after: tuple[datetime, str], limit: int
) -> list[Claim]:
    """Claims in order of submission, from places whose code matches the pattern, after a moment and id."""
    return [_decode(row[0]) for row in await conn.fetch(_QUEUE, log, states, pattern, *after, limit)]


async def append_to_claim(unit: LedgerUnit, entry: ClaimEntry | None, event: Any) -> Claim:
    """Add an event to the claim's stream and write its row; the claim as it then stands."""
    after = claims.evolve(entry.claim if entry else None, event)
    assert after is not None, "every claim begins with its submission"
    version = (entry.version if entry else 0) + 1
    unit.append(claims.stream_of(after.claim_id), version, event)
    await unit.conn.execute(
        _WRITE,
        unit.log,
        after.claim_id,
        after.person_id,
        after.fact,
        after.collective,
        after.place,
        after.state,
        after.submitted_at,
        version,
        _encode(after),
    )
    return after
