"""Rehash on the ledger's side: what stands under the identity key of before, and what is derived anew with it.

People follow by the registry's feed. What waits for people whom nobody has collected cannot be derived anew, as nobody here
knows whose it is: the key of before is needed until it has been decided.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION
from services.kit import events as codec
from services.kit.command import WritePath
from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.kit.projection import Checkpoints
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams import attestation as attestations
from services.ledger.streams.attestation import Attestation, AttestationRehashed, stream_of
from services.ledger.streams.waiting import ParkedRecord, WaitingRoom

PAGE_MAX = 500

_ATTESTATIONS = """
select distinct stream_id from events
 where log = $1 and stream_id > $2 and stream_id >= 'attestation:' and stream_id < 'attestation;'
 order by stream_id limit $3
"""
_ROOMS = """
select identity_hash, state from waiting where log = $1 and identity_hash > $2 order by identity_hash limit $3
"""
_ROSTERS = "select count(*) from rosters where log = $1 and status = 'open' and uploaded_at < $2"
_PROFILES = """
select person_id, identity_hash from profiles
 where log = any($1::text[]) and person_id = any($2::text[]) and left_at is null
"""
_decode_room = msgspec.json.Decoder(WaitingRoom).decode


class Backlog(Struct, frozen=True):
    """What an authority has that stands under the key of before alone: held records, and rosters that nobody has decided."""

    log: str
    held: int
    rosters: int


class LedgerRehash:
    """Derives what the ledger keeps anew, and finds what cannot be."""

    def __init__(self, databases: Databases, store: EventStore, path: WritePath[LedgerUnit]) -> None:
        self._databases = databases
        self._store = store
        self._path = path

    async def followed(self) -> int:
        """The position of the registry's log up to which every effect is stored."""
        async with self._databases.of(NATION).acquire() as conn:
            return await Checkpoints("follow-reader").get(conn, NATION, "registry")

    async def otherwise(self, people: Mapping[str, str]) -> list[str]:
        """Those of some people, by their hashes, whom a log keeps under another one."""
        found = []
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_PROFILES, list(logs), list(people))
            found += [str(row[0]) for row in rows if row[1].startswith("hs") and people[row[0]] != row[1]]
        return sorted(found)

    async def attested(self, log: str, after: str = "") -> Sequence[Attestation]:
        """Attestations of a log that anybody can verify, a page in order of their streams; none left is an empty one."""
        while True:
            async with self._databases.of(log).acquire() as conn:
                streams = [row[0] for row in await conn.fetch(_ATTESTATIONS, log, after, PAGE_MAX)]
                loaded = await self._store.load(conn, log, streams)
            found = []
            for stream_id in streams:
                each: Attestation | None = None
                for recorded in loaded[stream_id]:
                    each = attestations.evolve(
                        each, codec.decode(recorded.topic, recorded.state), recorded.position
                    )
                if each is not None and each.issued.suffix_hash is not None:
                    found.append(each)
            if found or not streams:
                return found
            after = streams[-1]

    async def rehash(self, log: str, attestation: Attestation, suffix_hash: str) -> None:
        """Let an attestation be verified by the last characters of the number as they are hashed now."""
        reference = attestation.issued.reference

        async def act(unit: LedgerUnit) -> None:
            event = AttestationRehashed(reference=reference, suffix_hash=suffix_hash)
            unit.append(stream_of(reference), attestation.version + 1, event)

        await self._path.store(log, act)

    async def backlog(self, before: datetime) -> list[Backlog]:
        """What came in before a moment and waits still, by authority; none where nothing does."""
        found = []
        for log in AUTHORITIES:
            held = sum(record.reported_at < before for record in await self._held(log))
            async with self._databases.of(log).acquire() as conn:
                rosters: int = await conn.fetchval(_ROSTERS, log, before)
            if held or rosters:
                found.append(Backlog(log, held, rosters))
        return found

    async def _held(self, log: str) -> list[ParkedRecord]:
        found: list[ParkedRecord] = []
        after = ""
        while True:
            async with self._databases.of(log).acquire() as conn:
                rows = await conn.fetch(_ROOMS, log, after, PAGE_MAX)
            found += [record for row in rows for record in _decode_room(row["state"]).records]
            if len(rows) < PAGE_MAX:
                return found
            after = rows[-1]["identity_hash"]
