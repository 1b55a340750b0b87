"""Audit records as they are stored, and the chain over them that shows a record removed, altered or put in.

A record carries a keyed digest of its own, made by the process that wrote it. Within a second a worker seals it: a seal
holds the keyed digest of the seal before and of the record, numbered without a gap in its log. The key stands in no
database, so whoever owns one can make neither; what they cut off the end is missed by whoever kept the head elsewhere.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import structlog

from services.kit.clock import utc_now
from services.kit.database import OUTCOME_UNKNOWN, Connection, Database, Databases
from services.kit.failures import LOST_RACE, NOTHING_STORED

SHOWN = "shown"
SEAL_SECONDS = 0.5
UNSEALED_SECONDS_MAX = 60
"""A record that has no seal for longer was not seen by a worker, or its seal was removed."""

_DIGEST_BYTES = 20
_BATCH = 1000
_LOCK = 0x41554449
_LOOK_BACK = timedelta(hours=1)
_encode = msgspec.json.Encoder().encode
_log = structlog.stdlib.get_logger("services.kit.audit")

COLUMNS = "log, record_id, at, caller, organization, kind, asked, purpose, subjects, fields, count, place, result, chain"
INSERT = f"""
insert into audit_records ({COLUMNS}, tag)
select * from json_to_recordset($1) as given (
       log text, record_id text, at timestamptz, caller text, organization text, kind text, asked text, purpose text,
       subjects text[], fields text[], count integer, place text, result text, chain text[], tag text)
"""  # noqa: S608 - names of our own
"""Stores records, given as a list of what `stored_form` gave for each: one value for all is bound, not fifteen for each."""
_NAMES = (*COLUMNS.split(", "), "tag")
_TABLES = (
    """
create table audit_records (
    log text collate "C" not null,
    record_id text collate "C" not null,
    at timestamptz not null,
    caller text collate "C" not null,
    organization text,
    kind text collate "C" not null,
    asked text,
    purpose text not null,
    subjects text[] not null,
    fields text[] not null,
    count integer not null,
    place text,
    result text not null,
    chain text[] not null,
    tag text not null,
    primary key (log, record_id)
)""",
    "create index audit_records_by_subject_and_place on audit_records using gin (subjects, chain)",
    "create index audit_records_by_caller on audit_records (log, caller, record_id)",
    """
create table audit_seals (
    log text collate "C" not null,
    number bigint not null,
    record_id text collate "C" not null,
    digest text not null,
    primary key (log, number),
    unique (log, record_id)
)""",
)


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One reading, or a refusal: who asked for what, whose data it was, what for, and `shown` or the code of the problem.

    `subjects` are people of one place; `count` is of how many people, also when they are not named.
    """

    record_id: str
    at: datetime
    caller: str
    organization: str | None
    kind: str
    asked: str | None
    purpose: str
    subjects: Sequence[str]
    fields: Sequence[str]
    count: int
    place: str | None
    result: str


class Head(NamedTuple):
    """The end of a log's chain: how many records are sealed, and the digest of the last seal."""

    number: int
    digest: str


class Fault(NamedTuple):
    """What does not fit in a log: `removed`, `altered`, `unsealed`, `broken` (a seal), or `cut` (the end)."""

    log: str
    what: str
    number: int | None
    record_id: str | None


class Verified(NamedTuple):
    """What a verification found: the head of every log, how many records have a seal, and what does not fit."""

    heads: Mapping[str, Head]
    sealed: int
    faults: Sequence[Fault]


def audit_tables_sql() -> Sequence[str]:
    """The statements that create the tables of records and of their seals."""
    return _TABLES


def tag_of(key: bytes, values: Sequence[Any]) -> str:
    """The keyed digest of a record as it is stored, the columns in their order: nobody without the key makes one."""
    plain = [each.astimezone(UTC).isoformat() if isinstance(each, datetime) else each for each in values]
    return hashlib.blake2b(_encode(plain), key=key, digest_size=_DIGEST_BYTES).hexdigest()


def stored_form(key: bytes, values: Sequence[Any]) -> bytes:
    """A record, the columns in their order, as `INSERT` takes it, with its tag."""
    return _encode(dict(zip(_NAMES, (*values, tag_of(key, values)), strict=True)))


def _next_digest(key: bytes, before: str, number: int, record_id: str, tag: str) -> str:
    return tag_of(key, ["seal", before, number, record_id, tag])


_UNSEALED = """
select r.log, r.record_id, r.tag from audit_records r
 where r.record_id > $1
   and not exists (select from audit_seals s where s.log = r.log and s.record_id = r.record_id)
 order by r.record_id limit $2
"""
_LAST = "select number, digest from audit_seals where log = $1 order by number desc limit 1"
_SEAL = "insert into audit_seals (log, number, record_id, digest) values ($1, $2, $3, $4)"
_FIRST = Head(0, "")


class Sealer:
    """Seals the records of every database in the order of their ids, until cancelled; any number may run."""

    def __init__(self, databases: Databases, key: bytes) -> None:
        self._databases = databases
        self._key = key
        # At its start a worker looks at every record, later at those of the last hour.
        self._since: dict[Database, str] = {}

    async def run(self) -> None:
        """Seal every so often."""
        while True:
            try:
                await self.seal_all()
            except (*OUTCOME_UNKNOWN, *NOTHING_STORED, *LOST_RACE):
                _log.warning("audit records could not be sealed, trying again later")
            await asyncio.sleep(SEAL_SECONDS)

    async def seal_all(self) -> int:
        """Seal all that has no seal yet; answers how many."""
        sealed = 0
        for database in self._databases.all():
            while (taken := await self._seal(database)) > 0:
                sealed += taken
                if taken < _BATCH:
                    break
        return sealed

    async def _seal(self, database: Database) -> int:
        async with database.transaction() as conn:
            # Two workers would number the same place twice.
            if not await conn.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
                return 0
            rows = await conn.fetch(_UNSEALED, self._since.get(database, ""), _BATCH)
            by_log: dict[str, list[tuple[str, str]]] = {}
            for log, record_id, tag in rows:
                by_log.setdefault(log, []).append((record_id, tag))
            for log, records in by_log.items():
                await self._append(conn, log, records)
        if len(rows) < _BATCH:
            self._since[database] = _id_at(utc_now() - _LOOK_BACK)
        return len(rows)

    async def _append(self, conn: Connection, log: str, records: Sequence[tuple[str, str]]) -> None:
        last = await conn.fetchrow(_LAST, log)
        number, digest = _FIRST if last is None else tuple(last)
        seals = []
        for record_id, tag in records:
            number += 1
            digest = _next_digest(self._key, digest, number, record_id, tag)
            seals.append((log, number, record_id, digest))
        await conn.executemany(_SEAL, seals)


_CHAIN = f"""
select s.log, s.number, s.record_id as sealed_id, s.digest, r.tag,
       {", ".join(f"r.{each}" for each in COLUMNS.split(", ")[1:])}
  from audit_seals s left join audit_records r on r.log = s.log and r.record_id = s.record_id
 order by s.log, s.number
"""  # noqa: S608 - names of our own
_WITHOUT_SEAL = f"""
select {COLUMNS}, tag from audit_records r
 where not exists (select from audit_seals s where s.log = r.log and s.record_id = r.record_id)
 order by record_id
"""  # noqa: S608 - names of our own


async def verify(
    conn: Connection, key: bytes, now: datetime, kept: Mapping[str, Head] | None = None
) -> Verified:
    """Read every record and seal of a database at one moment, and say what does not fit; `kept` are heads kept elsewhere."""
    faults: list[Fault] = []
    heads: dict[str, Head] = {}
    at_kept: dict[str, str] = {}
    kept = kept or {}
    sealed = 0
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        async for row in _each(conn, _CHAIN):
            log, number, before = row["log"], row["number"], heads.get(row["log"], _FIRST)
            sealed += 1
            heads[log] = Head(number, row["digest"])
            if log in kept and number == kept[log].number:
                at_kept[log] = row["digest"]
            fault = _fault_of(key, row, before)
            if fault is not None:
                faults.append(Fault(log, fault, number, row["sealed_id"]))
        async for row in _each(conn, _WITHOUT_SEAL):
            if row["tag"] != tag_of(key, _values(row)):
                faults.append(Fault(row["log"], "altered", None, row["record_id"]))
            elif row["record_id"] < _id_at(now - timedelta(seconds=UNSEALED_SECONDS_MAX)):
                faults.append(Fault(row["log"], "unsealed", None, row["record_id"]))
    faults += [
        Fault(log, "cut", head.number, None) for log, head in kept.items() if at_kept.get(log) != head.digest
    ]
    return Verified(heads, sealed, faults)


async def _each(conn: Connection, statement: str) -> AsyncIterator[Any]:
    async for row in conn.cursor(statement, prefetch=_BATCH):
        yield row


def _fault_of(key: bytes, row: Any, before: Head) -> str | None:
    if row["record_id"] is None:
        return "removed"
    if row["tag"] != tag_of(key, _values(row)):
        return "altered"
    digest = _next_digest(key, before.digest, row["number"], row["sealed_id"], row["tag"])
    return "broken" if row["number"] != before.number + 1 or row["digest"] != digest else None


def _values(row: Any) -> list[Any]:
    return [row[name] for name in COLUMNS.split(", ")]


def _id_at(moment: datetime) -> str:
    return f"{int(moment.timestamp() * 1_000_000):014x}"
