"""Evidence files: taken in when they are what they say they are, named by cases, and given back inert to who may see them.

A file belongs to whoever uploaded it until a case names it; from then on to the person of the case. What is handed in for a
person, as the proof of a claim that another service keeps by the file's hash, is theirs at once. Each lies in a
folder, sealed under a key of its own, kept like a person's: erasure reaches the file in every copy of the folder.
"""

import asyncio
import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from services.kit.audit import Audit
from services.kit.clock import Clock
from services.kit.database import Connection, Database
from services.kit.errors import NotFoundError, Problem
from services.registry.personal_data.vault import Vault
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.problems import PersonErasedError


def key_subject(evidence_id: str) -> str:
    """What the key of a file is stored under."""
    return f"evidence:{evidence_id}"


class MissingFileError(Exception):
    """A file that is on record is not in the folder, or is not what was put there."""


class EvidenceStore:
    """The folder. Its methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sealed: bytes) -> str:
        """Store a sealed file, durably, and give its name."""
        name = hashlib.sha256(sealed).hexdigest()
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return name

    def get(self, name: str) -> bytes:
        """A sealed file by its name. Raises MissingFileError."""
        try:
            sealed = self._path(name).read_bytes()
        except OSError:
            raise MissingFileError("not in the folder") from None
        if hashlib.sha256(sealed).hexdigest() != name:
            raise MissingFileError("not what was put there")
        return sealed

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; one that is not there is deleted already."""
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name[2:4] / name


EVIDENCE_MAX = 20
"""Files one case may name."""


class UnknownEvidenceError(Problem):
    """A file the case names was not uploaded by the caller, or belongs to another person's case."""

    code = "unknown-evidence"
    status = 422
    title_zh = "佐证材料不存在或不可引用"
    title_en = "The evidence does not exist, or is not the caller's to name"


@dataclass(frozen=True)
class Evidence:
    """A stored file: the digest is of the file as uploaded."""

    evidence_id: str
    sha256: str
    media_type: str
    size: int
    person_id: str | None


async def require_evidence(
    conn: Connection,
    ids: Sequence[str | UUID],
    caller: Actor,
    *,
    person_id: UUID | None = None,
    pointer: str = "/evidence",
) -> list[Evidence]:
    """The files a case names, in order, bound to the person in the caller's transaction when one is given.

    Raises UnknownEvidenceError with the pointer of the first that is not the caller's, or that is bound to
    somebody else.
    """
    wanted = [str(each) for each in ids]
    if not wanted:
        return []
    rows = await conn.fetch(_FIND_NAMED, LOG, sorted(set(wanted)))
    found = {row["evidence_id"]: row for row in rows}
    for index, each in enumerate(wanted):
        row = found.get(each)
        known = row is not None and may_name(caller, row["uploaded_by"], row["organization"])
        if row is None or not known or row["person_id"] not in (None, person_id and str(person_id)):
            raise UnknownEvidenceError(pointer=f"{pointer}/{index}")
    if person_id is not None:
        await conn.execute(_BIND, LOG, sorted(set(wanted)), str(person_id))
    return [evidence_of(found[each]) for each in wanted]


def evidence_of(row: object) -> Evidence:
    """The file of a row of the table."""
    fields = ("evidence_id", "sha256", "media_type", "size", "person_id")
    return Evidence(*(row[field] for field in fields))  # type: ignore[index]


def may_name(caller: Actor, uploaded_by: str, organization: str | None) -> bool:
    """Whether a file is the caller's own: their organization's, or their own when they act for none."""
    if organization is not None:
        return caller.organization == organization
    return caller.organization is None and caller.subject == uploaded_by


_FIND_NAMED = (
    "select * from evidence where log = $1 and evidence_id = any($2::text[]) order by evidence_id for update"
)
_BIND = "update evidence set person_id = $3 where log = $1 and evidence_id = any($2::text[])"


PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
MEDIA_TYPES = (PDF, JPEG, PNG)
_BEGINNING: Mapping[str, bytes] = {PDF: b"%PDF-", JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n"}
_ENDING: Mapping[str, bytes] = {PDF: b"%%EOF", JPEG: b"\xff\xd9", PNG: b"IEND\xaeB`\x82"}
_TAIL = 1024

_KNOWN = """
select * from evidence
 where log = $1 and sha256 = $2 and uploaded_by = $3 and organization is not distinct from $4
   and person_id is not distinct from $5
"""
_KEEP = """
insert into evidence
    (log, evidence_id, sha256, media_type, size, stored_as, uploaded_by, organization, uploaded_at, person_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_FIND = "select * from evidence where log = $1 and evidence_id = $2"
_FIND_OF_PERSON = """
select * from evidence where log = $1 and person_id = $2 and sha256 = $3 order by uploaded_at, evidence_id limit 1
"""
_SPOKEN_FOR = """
select p.place, o.organization_id from people p
  left join organizations o on o.log = p.log and o.uscc = p.employer
 where p.log = $1 and p.person_id = $2
"""
_PLACE = """
select place from people where log = $1 and person_id = $2
union all select place from collections where log = $1 and person_id = $2 limit 1
"""


class WrongMediaTypeError(Problem):
    """Evidence is a PDF document, or a photo as JPEG or PNG; the content must be of the type that is declared."""

    code = "evidence-media-type"
    status = 415
    title_zh = "佐证材料应为 PDF、JPEG 或 PNG，且内容与声明的类型一致"
    title_en = "Evidence is a PDF, JPEG or PNG file of the declared type"


class EvidenceMissingError(Problem):
    """The file is on record, but not in the folder as it was put there; whoever runs the service must look."""

    code = "evidence-missing"
    status = 503
    title_zh = "佐证材料文件缺失或损坏"
    title_en = "The evidence file is missing or damaged"


class WrongSizeError(Problem):
    """The file is smaller or larger than the limits, `size_min` and `size_max`, in bytes."""

    code = "evidence-size"
    status = 422
    title_zh = "佐证材料大小不在规定范围"
    title_en = "The file's size is outside the limits"

    def __init__(self, size_min: int, size_max: int) -> None:
        super().__init__(size_min=size_min, size_max=size_max)


@dataclass(frozen=True)
class Limits:
    """Bytes: of any file at most, of a document and of a photo at least."""

    size_max: int
    document_min: int
    photo_min: int

    def check(self, media_type: str, size: int) -> None:
        """Raise WrongSizeError for a file beyond the limits of its type."""
        size_min = self.document_min if media_type == PDF else self.photo_min
        if not size_min <= size <= self.size_max:
            raise WrongSizeError(size_min, self.size_max)


@dataclass(frozen=True)
class File:
    """A file as it was uploaded."""

    evidence_id: str
    media_type: str
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What keeps a browser from opening it as anything but a download."""
        ending = {PDF: "pdf", JPEG: "jpg", PNG: "png"}[self.media_type]
        return {
            "Content-Disposition": f'attachment; filename="{self.evidence_id}.{ending}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        }


def check_media_type(declared: str, content: bytes) -> str:
    """The media type of a file. Raises WrongMediaTypeError unless its first and last bytes agree with it."""
    media_type = declared.partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES or not content.startswith(_BEGINNING[media_type]):
        raise WrongMediaTypeError
    if _ENDING[media_type] not in content[-_TAIL:]:
        raise WrongMediaTypeError
    return media_type


class EvidenceFiles:
    """Takes in and gives back evidence files."""

    def __init__(
        self,
        database: Database,
        *,
        vault: Vault,
        audit: Audit,
        store: EvidenceStore,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._store = store
        self._limits = limits
        self._clock = clock

    async def upload(
        self, by: Actor, declared: str, content: bytes, person_id: UUID | None = None
    ) -> dict[str, object]:
        """Store a file for a case to name, or for a person; the same file again, while no case names it, is the same.

        Raises WrongMediaTypeError, WrongSizeError, and NotFoundError for a person whom the caller does not speak for.
        """
        person = str(person_id) if person_id is not None else None
        media_type = check_media_type(declared, content)
        self._limits.check(media_type, len(content))
        digest = hashlib.sha256(content).hexdigest()
        async with self._database.transaction() as conn:
            if person is not None:
                await _must_speak_for(conn, by, person)
            known = await conn.fetchrow(_KNOWN, LOG, digest, by.subject, by.organization, person)
            if known is not None:
                return _reference(known)
            evidence_id = str(uuid.uuid4())
            key = await self._vault.make_key(conn, key_subject(evidence_id))
            sealed = key.seal_bytes(content, key_subject(evidence_id))
            stored_as = await asyncio.to_thread(self._store.put, sealed)
            values = (digest, media_type, len(content), stored_as, by.subject, by.organization, self._clock())
            await conn.execute(_KEEP, LOG, evidence_id, *values, person)
            row = await conn.fetchrow(_FIND, LOG, evidence_id)
        assert row is not None
        return _reference(row)

    async def get(self, by: Actor, evidence_id: UUID) -> File:
        """A file, for its uploader, its person and the officials of their place. Raises NotFoundError, PersonErasedError."""
        return await self._read(by, evidence_id, _FIND, str(evidence_id))

    async def get_of_person(self, by: Actor, person_id: UUID, sha256: str) -> File:
        """The file of a person that has this hash. Raises as `get`."""
        return await self._read(by, person_id, _FIND_OF_PERSON, str(person_id), sha256)

    async def _read(self, by: Actor, subject: UUID, query: str, *wanted: str) -> File:
        async with self._audit.reading(by, "evidence", subject) as reading:
            row = await reading.conn.fetchrow(query, LOG, *wanted)
            if row is None:
                raise NotFoundError
            place = None
            if row["person_id"] is not None:
                place = await reading.conn.fetchval(_PLACE, LOG, row["person_id"])
                reading.record.about(row["person_id"], place, ["evidence"])
            own = may_name(by, row["uploaded_by"], row["organization"]) or is_own(by, row["person_id"])
            if not own and (place is None or not by.covers(place)):
                raise NotFoundError
            key = await self._vault.open_key(reading.conn, key_subject(row["evidence_id"]))
            if key is None:
                raise PersonErasedError
        try:
            sealed = await asyncio.to_thread(self._store.get, row["stored_as"])
        except MissingFileError:
            raise EvidenceMissingError from None
        content = key.open_bytes(sealed, key_subject(row["evidence_id"]))
        return File(row["evidence_id"], row["media_type"], content)


def is_own(by: Actor, person_id: str | None) -> bool:
    """Whether somebody acts in their own matters, and this is they."""
    return by.speaks_for_self and by.subject == person_id


async def _must_speak_for(conn: Connection, by: Actor, person_id: str) -> None:
    """Raise NotFoundError unless it is the caller, somebody of the caller's place, or somebody who works for the caller."""
    row = await conn.fetchrow(_SPOKEN_FOR, LOG, person_id)
    if row is None:
        raise NotFoundError
    employed = by.organization is not None and by.organization == row["organization_id"]
    if not (is_own(by, person_id) or by.covers(row["place"]) or employed):
        raise NotFoundError


def _reference(row: asyncpg.Record) -> dict[str, object]:
    return {field: row[field] for field in ("evidence_id", "sha256", "media_type", "size", "uploaded_at")}
