"""Erasure: a person's key and its share are destroyed, and with them name, number, contact and evidence files.

The database forgets the wrapped key in the transaction of the event; the share in the file beside it is overwritten
once that is committed, so that a backup taken before and restored with today's keys does not open either. What is
still to be destroyed is a row until it is done."""

import asyncio
from typing import Literal
from uuid import UUID

from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.key_shares import KeyShares
from services.registry.personal_data.evidence import EvidenceStore, key_subject
from services.registry.personal_data.vault import Vault
from services.registry.store.commands import Commands, Unit, command
from services.registry.store.merge_chains import must_not_be_merged, parts_of
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.person import Person

SCOPE = "person:erase"
ErasureReason = Literal[
    "own_request", "consent_withdrawn", "purpose_ended", "unlawful", "deceased", "legal_order"
]
"""Why: the person asks, withdraws consent, the purpose has ended, unlawful processing (个人信息保护法 47), death, or an
order."""

_FILES = """
delete from evidence where log = $1 and person_id = any($2::text[]) returning evidence_id, stored_as
"""
_DOOMED = "select share from doomed_shares where log = $1 order by share limit 1000"
_DONE = "delete from doomed_shares where log = $1 and share = any($2::bigint[])"


class Erasures(Commands):
    """Carries out erasures, to the end."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        *,
        vault: Vault,
        shares: KeyShares | None,
        files: EvidenceStore,
        clock: Clock,
    ) -> None:
        super().__init__(database, store, clock=clock)
        self._vault = vault
        self._shares = shares
        self._files = files

    async def erase(
        self, key: CommandKey, by: Actor, person_id: UUID, reason: ErasureReason, authority: str
    ) -> StoredAnswer:
        """Erase, by the authority that decided it, with every profile that is part of the person's. Answered when the share
        is destroyed too.

        Raises what `Person.erase` does, and PersonMergedError.
        """
        stored: list[str] = []
        answer = await self._erase(key, by, person_id, reason, authority, stored)
        await self.finish()
        await asyncio.to_thread(self._files.delete, stored)
        return answer

    @command()
    async def _erase(
        self, unit: Unit, by: Actor, person_id: UUID, reason: ErasureReason, authority: str, stored: list[str]
    ) -> dict[str, object]:
        person = await unit.get(Person, person_id)
        await must_not_be_merged(unit.conn, person.id, person.merged_into)
        people = [person, *[await unit.get(Person, each) for each in await parts_of(unit.conn, person.id)]]
        for each in people:
            each.erase(reason=reason, authority=authority, by=by, at=unit.now)
        rows = await unit.conn.fetch(_FILES, LOG, [str(each.id) for each in people])
        stored[:] = [row["stored_as"] for row in rows]
        files = [key_subject(row["evidence_id"]) for row in rows]
        await self._vault.destroy(unit.conn, [*(str(each.id) for each in people), *files])
        unit.keep(*people)
        return {"person_id": str(person.id), "reason": reason, "erased_at": unit.now}

    async def finish(self) -> int:
        """Destroy every share that is doomed, also those a crash left over; answers how many. Safe to repeat."""
        done = 0
        while True:
            async with self._database.acquire() as conn:
                shares = [row["share"] for row in await conn.fetch(_DOOMED, LOG)]
            if not shares:
                return done
            if self._shares is not None:
                await asyncio.to_thread(self._shares.destroy, shares)
            async with self._database.transaction() as conn:
                await conn.execute(_DONE, LOG, shares)
            done += len(shares)
