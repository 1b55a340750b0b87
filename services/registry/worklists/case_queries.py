"""What the registry answers about changes: old and new values for the reviewer, masked or for a stated purpose."""

from typing import Any
from uuid import UUID

import msgspec

from services.kit.errors import NotFoundError
from services.registry.actors import Actor
from services.registry.people.change_items import masked, sealed_field
from services.registry.personal_data.audit import ROUTINE
from services.registry.personal_data.problems import PersonErasedError
from services.registry.queries import RegistryQueries
from services.registry.tables import LOG
from services.registry.worklists.deadlines import due_of

_CHANGE = "select * from changes where log = $1 and change_id = $2"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class CaseQueries(RegistryQueries):
    """Reads cases; every reading of personal data is put on record, in the transaction that reads."""

    async def get_change(self, by: Actor, change_id: UUID) -> dict[str, Any]:
        """A change with masked values. Raises NotFoundError."""
        return await self._change(by, change_id, ROUTINE)

    async def get_change_in_full(self, by: Actor, change_id: UUID, purpose: str) -> dict[str, Any]:
        """A change with its values, for a purpose that is put on record. Raises NotFoundError, PersonErasedError."""
        change = await self._change(by, change_id, purpose)
        if change["items"] is None:
            raise PersonErasedError
        return change

    async def _change(self, by: Actor, change_id: UUID, purpose: str) -> dict[str, Any]:
        field = sealed_field(change_id)
        async with self._audit.reading(by, "change", change_id, purpose=purpose) as reading:
            conn = reading.conn
            row = await self._seen(reading, by, await conn.fetchrow(_CHANGE, LOG, str(change_id)))
            if purpose != ROUTINE and not by.covers(row["place"]):
                raise NotFoundError
            note = f"{field}:note"
            texts = await self._vault.open_texts(conn, UUID(row["person_id"]), [field, note])
            reading.record.fields = [*row["items"], "note"]
        case = _decode(texts[field]) if field in texts else None
        returned = row["state"] in ("returned", "reversed")
        return {
            "change_id": row["change_id"],
            "person_id": row["person_id"],
            "state": row["state"],
            "place": row["place"],
            "employer": row["employer"],
            "items": case and _items(row["items"], case, in_full=purpose != ROUTINE),
            "evidence": case["evidence"] if case else [],
            "submitted_at": row["submitted_at"],
            "due": due_of("change", row["submitted_at"], row["decided_at"] or self._clock()),
            "decided_at": row["decided_at"],
            "reason": row["reason"],
            "note": texts.get(note) if returned else None,
        }


def _items(names: list[str], case: dict[str, Any], *, in_full: bool) -> list[dict[str, Any]]:
    shown = []
    for name in names:
        old, new = case["old"][name], case["new"][name]
        if not in_full:
            old, new = masked(name, old), masked(name, new)
        shown.append({"item": name, "old": old, "new": new})
    return shown
