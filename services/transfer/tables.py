"""The transfer service's tables. The first four are read models, written with their events and rebuilt from the log.

`remarks` is not: it holds what people typed, which may name somebody and therefore stays out of the log. Neither is
`leases`: which worker is carrying what right now is no fact worth keeping.
"""

from services.kit.event_store import table_sql

LOG = "transfer"

_HOMES = """
create table homes (
    log text collate "C" not null,
    person_id text collate "C" not null,
    place text collate "C" not null,
    employer text collate "C",
    version integer not null,
    transfer_id text collate "C",
    away boolean not null default false,
    merged_into text collate "C",
    primary key (log, person_id)
)"""

_ORGANIZATIONS = """
create table organizations (
    log text collate "C" not null,
    organization_id text collate "C" not null,
    uscc text collate "C" not null,
    version integer not null,
    primary key (log, organization_id)
)"""

_TRANSFERS = """
create table transfers (
    log text collate "C" not null,
    transfer_id text collate "C" not null,
    kind text collate "C" not null,
    person_id text collate "C" not null,
    from_place text collate "C" not null,
    to_place text collate "C" not null,
    state text collate "C" not null,
    reason text collate "C",
    next_step text collate "C",
    requested_at timestamptz not null,
    since timestamptz not null,
    ended_at timestamptz,
    primary key (log, transfer_id)
)"""

_INDEXES = (
    "create unique index transfers_open on transfers (log, person_id) where ended_at is null and kind <> 'in'",
    "create index transfers_of_person on transfers (log, person_id, requested_at)",
    "create index transfers_in_state on transfers (log, kind, state, since) where ended_at is null",
    "create index transfers_next_step on transfers (log, since) where next_step is not null",
)

_WORKLIST = """
create table worklist (
    log text collate "C" not null,
    place text collate "C" not null,
    state text collate "C" not null,
    requested_at timestamptz not null,
    transfer_id text collate "C" not null,
    primary key (log, place, state, requested_at, transfer_id)
)"""

_REMARKS = """
create table remarks (
    log text collate "C" not null,
    transfer_id text collate "C" not null,
    part text collate "C" not null,
    content text not null,
    primary key (log, transfer_id, part)
)"""

_LEASES = """
create table leases (
    log text collate "C" not null,
    transfer_id text collate "C" not null,
    free_at timestamptz not null,
    attempts integer not null,
    primary key (log, transfer_id)
)"""

READ_MODELS: dict[str, str] = {
    "homes": _HOMES,
    "organizations": _ORGANIZATIONS,
    "transfers": _TRANSFERS,
    "worklist": _WORKLIST,
}


def tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create every table, hash-partitioned by log when partitions > 0."""
    statements: list[str] = []
    for table, ddl in {**READ_MODELS, "remarks": _REMARKS, "leases": _LEASES}.items():
        statements += table_sql(table, ddl, partitions=partitions)
    return [*statements, *_INDEXES]
