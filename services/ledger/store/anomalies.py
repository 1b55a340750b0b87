"""Anomalies as rows, and the study of each person's day that they are noticed in."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from services.kit.database import Connection
from services.kit.event_store import table_sql
from services.ledger.store.profiles import reach_of
from services.ledger.streams.anomaly import Kind, Studied

Status = Literal["open", "cleared", "gone"]
DayKey = tuple[str, date]
"""A person and a day."""

_DAYS = """
create table study_days (
    log text collate "C" not null,
    person_id text collate "C" not null,
    day date not null,
    state bytea not null,
    primary key (log, person_id, day)
)"""
_ANOMALIES = """
create table anomalies (
    log text collate "C" not null,
    anomaly_id text collate "C" not null,
    place text collate "C" not null,
    status text collate "C" not null,
    noticed_at timestamptz not null,
    state bytea not null,
    primary key (log, anomaly_id)
)"""
TABLES = ("study_days", "anomalies")


class StudyDay(Struct):
    """What was registered of one person for one day, and where they belonged at the last of it."""

    place: str
    studied: list[Studied]


class Anomaly(Struct, frozen=True, kw_only=True):
    """An anomaly as it stands: `open`, `cleared` by an official, or `gone` with the credits it was about."""

    anomaly_id: str
    person_id: str
    place: str
    kind: Kind
    day: date
    credit_ids: tuple[str, ...]
    minutes: int
    noticed_at: datetime
    status: Status = "open"
    finding: str | None = None
    reference: str | None = None
    cleared_ids: tuple[str, ...] = ()
    cleared_at: datetime | None = None


_encode = msgspec.json.Encoder().encode
_decode_day = msgspec.json.Decoder(StudyDay).decode
_decode = msgspec.json.Decoder(Anomaly).decode

_READ_DAYS = """
select d.person_id, d.day, d.state from unnest($2::text[], $3::date[]) as asked (person, on_day)
  join study_days d on d.log = $1 and d.person_id = asked.person and d.day = asked.on_day
"""
_DAYS_OF = "select person_id, day, state from study_days where log = $1 and person_id = any($2::text[])"
_WRITE_DAYS = """
insert into study_days (log, person_id, day, state)
select $1, new.* from unnest($2::text[], $3::date[], $4::bytea[]) as new
on conflict (log, person_id, day) do update set state = excluded.state
"""
_READ = "select anomaly_id, state from anomalies where log = $1 and anomaly_id = any($2::text[])"
_FIND = "select log, state from anomalies where log = any($1::text[]) and anomaly_id = $2"
_WRITE = """
insert into anomalies (log, anomaly_id, place, status, noticed_at, state)
select $1, new.* from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[]) as new
on conflict (log, anomaly_id) do update
   set place = excluded.place, status = excluded.status, noticed_at = excluded.noticed_at, state = excluded.state
"""
_QUEUE = """
select state from anomalies
 where log = $1 and status = $2 and place between $3 and $4 and (noticed_at, anomaly_id) > ($5, $6)
 order by noticed_at, anomaly_id limit $7
"""


def anomaly_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create both tables, with the index of the reviewers' queue."""
    return [
        *table_sql("study_days", _DAYS, partitions=partitions),
        *table_sql("anomalies", _ANOMALIES, partitions=partitions),
        "create index anomalies_queue on anomalies (log, status, noticed_at, anomaly_id)",
    ]


async def read_days(
    conn: Connection, log: str, keys: Sequence[DayKey], persons: Sequence[str]
) -> dict[DayKey, StudyDay]:
    """Some days of some persons, and all of some persons."""
    rows = await conn.fetch(_READ_DAYS, log, [key[0] for key in keys], [key[1] for key in keys])
    if persons:
        rows += await conn.fetch(_DAYS_OF, log, persons)
    return {(row[0], row[1]): _decode_day(row[2]) for row in rows}


async def write_days(conn: Connection, log: str, days: Sequence[tuple[DayKey, StudyDay]]) -> None:
    """Write days in the order of their keys."""
    if days:
        await conn.execute(
            _WRITE_DAYS,
            log,
            [person_id for (person_id, _), _ in days],
            [day for (_, day), _ in days],
            [_encode(study) for _, study in days],
        )


async def read_anomalies(conn: Connection, log: str, ids: Sequence[str]) -> dict[str, Anomaly]:
    """Anomalies by id; those that were never noticed are absent."""
    return {row[0]: _decode(row[1]) for row in await conn.fetch(_READ, log, ids)}


async def write_anomalies(conn: Connection, log: str, anomalies: Sequence[Anomaly]) -> None:
    """Write anomalies in the order of their ids."""
    rows = sorted(anomalies, key=lambda anomaly: anomaly.anomaly_id)
    if rows:
        await conn.execute(
            _WRITE,
            log,
            [row.anomaly_id for row in rows],
            [row.place for row in rows],
            [row.status for row in rows],
            [row.noticed_at for row in rows],
            [_encode(row) for row in rows],
        )


async def find_anomaly(conn: Connection, logs: Sequence[str], anomaly_id: str) -> tuple[str, Anomaly] | None:
    """An anomaly by id, with its log."""
    row = await conn.fetchrow(_FIND, logs, anomaly_id)
    return (row[0], _decode(row[1])) if row is not None else None


async def list_anomalies(
    conn: Connection, log: str, place: str, status: Status, after: tuple[datetime, str], limit: int
) -> list[Anomaly]:
    """The anomalies of a place and all under it, in the order in which they were noticed."""
    rows = await conn.fetch(_QUEUE, log, status, *reach_of(place), *after, limit)
    return [_decode(row[0]) for row in rows]
