"""The vault of names and ID numbers: sealed under a key of each person, and every reading of them on record.

Destroying a person's key makes them unreadable everywhere at once, without touching the log.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from contracts.identity import normalise_id_number
from services.kit.database import Connection
from services.kit.sealing import DestroyedKeyError, KeyWrapper, SubjectKey, share_of
from services.registry.store.tables import LOG
from services.registry.streams.profile import FIELDS, Identity

DETAILS = "details"
"""The sealed field that holds contact, education and certificates."""


class Texts(NamedTuple):
    """Personal texts of one person by field, as of their event number `version`."""

    subject: str
    version: int
    by_field: Mapping[str, str]


def fields_of_identity(identity: Identity) -> dict[str, str]:
    """An identity as it is sealed."""
    number = normalise_id_number(identity.id_number)
    return {"id_type": identity.id_type, "id_number": number, "name": identity.name}


class Vault:
    """Seals and opens personal data on a connection of the registry's."""

    def __init__(self, wrapper: KeyWrapper) -> None:
        self._wrapper = wrapper

    async def seal_identity(
        self, conn: Connection, person_id: UUID, version: int, identity: Identity
    ) -> None:
        """Store an identity as of the person's event number `version`; what was stored before stays."""
        await self._seal(conn, person_id, version, fields_of_identity(identity))

    async def seal_note(self, conn: Connection, person_id: UUID, version: int, note: str) -> None:
        """Store free text about a person, which may say anything, as of their event number `version`."""
        await self._seal(conn, person_id, version, {"note": note})

    async def open_identity(
        self, conn: Connection, person_id: UUID, *, version: int | None = None
    ) -> Identity | None:
        """The identity last stored (up to `version`), or None when the person's key is gone."""
        found = await self._open(conn, person_id, FIELDS, version)
        return Identity(**found) if len(found) == len(FIELDS) else None

    async def open_every_identity(self, conn: Connection, person_id: UUID) -> list[Identity]:
        """Every identity that was stored of one person, the earliest first; none when the person's key is gone."""
        subject = str(person_id)
        key = await self._key(conn, subject)
        versions: dict[int, dict[str, str]] = {}
        rows = [] if key is None else await conn.fetch(_OPEN_EVERY, LOG, subject, list(FIELDS))
        for row in rows:
            opened = versions.setdefault(row["version"], {})
            assert key is not None, "there are no rows without a key"
            opened[row["field"]] = key.open(row["sealed"], subject, row["field"], str(row["version"]))
        return [Identity(**found) for found in versions.values() if len(found) == len(FIELDS)]

    async def open_identities(self, conn: Connection, people: Sequence[UUID]) -> dict[UUID, Identity]:
        """The identities last stored of many people; those whose key is gone are absent."""
        subjects = [str(person) for person in people]
        keys = await self._keys(conn, subjects)
        found: dict[str, dict[str, str]] = {subject: {} for subject in keys}
        for row in await conn.fetch(_OPEN_MANY, LOG, sorted(keys), list(FIELDS)):
            subject, field, version = row["person_id"], row["field"], str(row["version"])
            found[subject][field] = keys[subject].open(row["sealed"], subject, field, version)
        return {
            UUID(subject): Identity(**fields)
            for subject, fields in found.items()
            if len(fields) == len(FIELDS)
        }

    async def open_note(self, conn: Connection, person_id: UUID, *, version: int) -> str | None:
        """The note stored with one event, or None."""
        key = await self._key(conn, str(person_id))
        sealed = await conn.fetchval(_NOTE, LOG, str(person_id), version) if key is not None else None
        return (
            None if key is None or sealed is None else key.open(sealed, str(person_id), "note", str(version))
        )

    async def seal_texts(
        self, conn: Connection, person_id: UUID, version: int, texts: Mapping[str, str]
    ) -> None:
        """Store further personal texts by field, as of an event number `version`."""
        await self._seal(conn, person_id, version, texts)

    async def open_texts(
        self, conn: Connection, person_id: UUID, fields: Sequence[str], *, version: int | None = None
    ) -> dict[str, str]:
        """The texts last stored (up to `version`) by field; those never stored, or without a key, are absent."""
        return await self._open(conn, person_id, fields, version)

    async def open_key(self, conn: Connection, subject: str) -> SubjectKey | None:
        """The key of a person, or of a file (`evidence:<id>`); None when it was destroyed."""
        return await self._key(conn, subject)

    async def make_key(self, conn: Connection, subject: str) -> SubjectKey:
        """A fresh key, stored wrapped."""
        key, wrapped = self._wrapper.new_key(subject)
        await conn.execute(_NEW_KEY, LOG, subject, wrapped)
        return key

    async def destroy(self, conn: Connection, subjects: Sequence[str]) -> list[int]:
        """Delete the keys of people or files and what was sealed under them, in the caller's transaction.

        The shares of the keys are doomed with it: destroy them (`Erasures`) once that is committed. Their numbers.
        """
        rows = await conn.fetch(_DESTROY_KEYS, LOG, list(subjects))
        await conn.execute(_DESTROY_FIELDS, LOG, list(subjects))
        doomed = [share for row in rows if (share := share_of(row["wrapped_key"])) is not None]
        await conn.executemany(_DOOM, [(LOG, share) for share in doomed])
        return doomed

    async def seal_all(self, conn: Connection, texts: Sequence[Texts]) -> None:
        """Store personal texts of many people, each as of an event number; who has no key is given one."""
        keys = await self._keys(conn, [each.subject for each in texts])
        fresh = {}
        for subject in dict.fromkeys(each.subject for each in texts):
            if subject not in keys:
                keys[subject], fresh[subject] = self._wrapper.new_key(subject)
        if fresh:
            await conn.executemany(_NEW_KEY, [(LOG, subject, wrapped) for subject, wrapped in fresh.items()])
        rows = [
            (
                LOG,
                each.subject,
                name,
                each.version,
                keys[each.subject].seal(text, each.subject, name, str(each.version)),
            )
            for each in texts
            for name, text in each.by_field.items()
        ]
        await conn.executemany(_SEAL, rows)

    async def _seal(self, conn: Connection, person_id: UUID, version: int, values: Mapping[str, str]) -> None:
        await self.seal_all(conn, [Texts(str(person_id), version, values)])

    async def _keys(self, conn: Connection, subjects: Sequence[str]) -> dict[str, SubjectKey]:
        """The keys of those that have one still."""
        keys = {}
        for row in await conn.fetch(_KEYS, LOG, subjects):
            with suppress(DestroyedKeyError):
                keys[row["person_id"]] = self._wrapper.unwrap(row["wrapped_key"], row["person_id"])
        return keys

    async def _open(
        self, conn: Connection, person_id: UUID, fields: Sequence[str], version: int | None
    ) -> dict[str, str]:
        key = await self._key(conn, str(person_id))
        if key is None:
            return {}
        rows = await conn.fetch(_OPEN, LOG, str(person_id), list(fields), version)
        return {
            row["field"]: key.open(row["sealed"], str(person_id), row["field"], str(row["version"]))
            for row in rows
        }

    async def _key(self, conn: Connection, subject: str) -> SubjectKey | None:
        wrapped = await conn.fetchval(_KEY, LOG, subject)
        try:
            return None if wrapped is None else self._wrapper.unwrap(wrapped, subject)
        except DestroyedKeyError:
            # A restored copy of the database still holds the key of somebody erased since.
            return None


_KEY = "select wrapped_key from person_keys where log = $1 and person_id = $2"
_NEW_KEY = "insert into person_keys (log, person_id, wrapped_key) values ($1, $2, $3)"
_SEAL = "insert into sealed_fields (log, person_id, field, version, sealed) values ($1, $2, $3, $4, $5)"
_OPEN = """
select distinct on (log, person_id, field) field, version, sealed from sealed_fields
 where log = $1 and person_id = $2 and field = any($3::text[]) and ($4::int is null or version <= $4)
 order by log, person_id, field, version desc
"""
_OPEN_EVERY = """
select field, version, sealed from sealed_fields
 where log = $1 and person_id = $2 and field = any($3::text[]) order by version
"""
_NOTE = """
select sealed from sealed_fields where log = $1 and person_id = $2 and field = 'note' and version = $3
"""
_KEYS = "select person_id, wrapped_key from person_keys where log = $1 and person_id = any($2::text[])"
_OPEN_MANY = """
select distinct on (log, person_id, field) person_id, field, version, sealed from sealed_fields
 where log = $1 and person_id = any($2::text[]) and field = any($3::text[])
 order by log, person_id, field, version desc
"""
_DESTROY_KEYS = "delete from person_keys where log = $1 and person_id = any($2::text[]) returning wrapped_key"
_DESTROY_FIELDS = "delete from sealed_fields where log = $1 and person_id = any($2::text[])"
_DOOM = "insert into doomed_shares (log, share) values ($1, $2) on conflict do nothing"
