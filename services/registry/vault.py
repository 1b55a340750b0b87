"""Where names and ID numbers are: sealed under a key of each person, and every reading of them on record.

Destroying a person's key makes them unreadable everywhere at once, without touching the log.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.identity import normalise_id_number
from services.kit.database import Connection
from services.kit.sealing import KeyWrapper, SubjectKey
from services.registry.tables import LOG

FIELDS = ("id_type", "id_number", "name")


@dataclass(frozen=True)
class Identity:
    """Who somebody is: the document's type and number, and the name as on it."""

    id_type: str
    id_number: str
    name: str

    def __repr__(self) -> str:
        """Nothing: a repr ends up in logs."""
        return "Identity(…)"

    @property
    def masked_name(self) -> str:
        """The first character and a star for each that follows."""
        return self.name[:1] + "*" * (len(self.name) - 1)

    @property
    def masked_number(self) -> str:
        """Three characters, stars, two characters; a short number shows its last only."""
        number = self.id_number
        if len(number) < 10:
            return "*" * (len(number) - 1) + number[-1:]
        return number[:3] + "*" * (len(number) - 5) + number[-2:]


@dataclass(frozen=True)
class Disclosure:
    """A reading of personal data: by whom, what for, and whose; without a person, of how many."""

    caller: str
    purpose: str
    at: datetime
    person_id: UUID | None = None
    fields: Sequence[str] = ()
    count: int = 1


class Vault:
    """Seals and opens personal data on a connection of the registry's."""

    def __init__(self, wrapper: KeyWrapper) -> None:
        self._wrapper = wrapper

    async def seal_identity(
        self, conn: Connection, person_id: UUID, version: int, identity: Identity
    ) -> None:
        """Store an identity as of the person's event number `version`; what was stored before stays."""
        number = normalise_id_number(identity.id_number)
        values = {"id_type": identity.id_type, "id_number": number, "name": identity.name}
        await self._seal(conn, person_id, version, values)

    async def seal_note(self, conn: Connection, person_id: UUID, version: int, note: str) -> None:
        """Store free text about a person, which may say anything, as of their event number `version`."""
        await self._seal(conn, person_id, version, {"note": note})

    async def open_identity(
        self, conn: Connection, person_id: UUID, *, version: int | None = None
    ) -> Identity | None:
        """The identity last stored (up to `version`), or None when the person's key is gone."""
        found = await self._open(conn, person_id, FIELDS, version)
        return Identity(**found) if len(found) == len(FIELDS) else None

    async def open_note(self, conn: Connection, person_id: UUID, *, version: int) -> str | None:
        """The note stored with one event, or None."""
        return (await self._open(conn, person_id, ("note",), version)).get("note")

    async def record(self, conn: Connection, disclosure: Disclosure) -> None:
        """Put a reading on record; commit it before anything that was read is answered."""
        person_id = None if disclosure.person_id is None else str(disclosure.person_id)
        await conn.execute(
            _RECORD,
            LOG,
            str(uuid.uuid4()),
            disclosure.at,
            disclosure.caller,
            disclosure.purpose,
            person_id,
            list(disclosure.fields),
            disclosure.count,
        )

    async def _seal(self, conn: Connection, person_id: UUID, version: int, values: Mapping[str, str]) -> None:
        key = await self._key(conn, person_id) or await self._new_key(conn, person_id)
        rows = [
            (LOG, str(person_id), field, version, key.seal(value, str(person_id), field, str(version)))
            for field, value in values.items()
        ]
        await conn.executemany(_SEAL, rows)

    async def _open(
        self, conn: Connection, person_id: UUID, fields: Sequence[str], version: int | None
    ) -> dict[str, str]:
        key = await self._key(conn, person_id)
        if key is None:
            return {}
        rows = await conn.fetch(_OPEN, LOG, str(person_id), list(fields), version)
        return {
            row["field"]: key.open(row["sealed"], str(person_id), row["field"], str(row["version"]))
            for row in rows
        }

    async def _key(self, conn: Connection, person_id: UUID) -> SubjectKey | None:
        wrapped = await conn.fetchval(_KEY, LOG, str(person_id))
        return None if wrapped is None else self._wrapper.unwrap(wrapped, str(person_id))

    async def _new_key(self, conn: Connection, person_id: UUID) -> SubjectKey:
        key, wrapped = self._wrapper.new_key(str(person_id))
        await conn.execute(_NEW_KEY, LOG, str(person_id), wrapped)
        return key


_KEY = "select wrapped_key from person_keys where log = $1 and person_id = $2"
_NEW_KEY = "insert into person_keys (log, person_id, wrapped_key) values ($1, $2, $3)"
_SEAL = "insert into sealed_fields (log, person_id, field, version, sealed) values ($1, $2, $3, $4, $5)"
_OPEN = """
select distinct on (log, person_id, field) field, version, sealed from sealed_fields
 where log = $1 and person_id = $2 and field = any($3::text[]) and ($4::int is null or version <= $4)
 order by log, person_id, field, version desc
"""
_RECORD = """
insert into disclosures (log, disclosure_id, at, caller, purpose, person_id, fields, count)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
