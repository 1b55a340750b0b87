"""A person's own view: where each of their cases stands, in plain words (S2C-08, S2C-09)."""

from typing import Any
from uuid import UUID

import asyncpg

from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.errors import NotFoundError
from services.registry.actors import Actor
from services.registry.people.case_words import NEXT, REASONS, STANDS
from services.registry.people.change_items import sealed_field
from services.registry.personal_data.audit import Audit
from services.registry.personal_data.vault import Vault
from services.registry.tables import LOG
from services.registry.worklists.deadlines import due_of

LIST_MAX = 200

_CASES = """
select 'collection' as kind, collection_id as case_id, person_id, version, place, state, submitted_at, decided_at, reason
  from collections where log = $1 and submitted_by = $2 and ($3::text is null or collection_id = $3)
 union all
select 'change', change_id, person_id, version, place, state, submitted_at, decided_at, reason
  from changes where log = $1 and submitted_by = $2 and ($3::text is null or change_id = $3)
 order by submitted_at desc, case_id limit $4
"""
_AWAITING = ("submitted", "initially_passed")


class OwnView:
    """Reads the cases that the caller handed in."""

    def __init__(self, database: Database, *, vault: Vault, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._clock = clock

    async def cases(self, by: Actor) -> list[dict[str, Any]]:
        """The caller's cases, newest first, without what was written about them."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_CASES, LOG, by.subject, None, LIST_MAX)
        return [self._told(row) for row in rows]

    async def case(self, by: Actor, case_id: UUID) -> dict[str, Any]:
        """One of them, with the reviewer's note. Raises NotFoundError for a case of somebody else."""
        async with self._audit.reading(by, "own-case", case_id) as reading:
            row = await reading.conn.fetchrow(_CASES, LOG, by.subject, str(case_id), 1)
            if row is None:
                raise NotFoundError
            reading.record.about(row["person_id"], row["place"], ["note"])
            person_id = UUID(row["person_id"])
            if row["kind"] == "collection":
                note = await self._vault.open_note(reading.conn, person_id, version=row["version"])
            else:
                field = f"{sealed_field(case_id)}:note"
                note = (await self._vault.open_texts(reading.conn, person_id, [field])).get(field)
        told = row["state"] in ("returned", "reversed")
        return self._told(row) | {"note": note if told else None}

    def _told(self, row: asyncpg.Record) -> dict[str, Any]:
        kind, state, reason = row["kind"], row["state"], row["reason"]
        stands, following, why = STANDS[kind, state], NEXT.get((kind, state)), REASONS.get(reason or "")
        waiting = state in _AWAITING
        return {
            "case_id": row["case_id"],
            "kind": kind,
            "state": state,
            "submitted_at": row["submitted_at"],
            "decided_at": row["decided_at"],
            "due": due_of(kind, row["submitted_at"], self._clock()) if waiting else None,
            "stands_zh": stands.zh,
            "stands_en": stands.en,
            "next_zh": following and following.zh,
            "next_en": following and following.en,
            "reason": reason,
            "reason_zh": why and why.zh,
            "reason_en": why and why.en,
        }
