"""The tables of the synchronisation. None holds a name or a number of a person: what a delivery says of somebody is
their opaque id; who that is, is asked at the moment of sending and kept nowhere."""

from services.kit.event_store import table_sql

CREDITS = """
create table credits (
    log text collate "C" not null,
    credit_id text collate "C" not null,
    person_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    category text collate "C" not null,
    credits numeric(8, 2) not null,
    mode text collate "C" not null,
    completed_on date not null,
    make_up boolean not null,
    source text collate "C",
    recognised boolean not null default false,
    ended text collate "C",
    primary key (log, credit_id)
)"""

DELIVERIES = """
create table deliveries (
    log text collate "C" not null,
    target text collate "C" not null,
    subject text collate "C" not null,
    revision integer not null,
    person_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    position bigint not null,
    action text collate "C" not null,
    content jsonb not null,
    state text collate "C" not null,
    reason text collate "C",
    reference text collate "C",
    recorded_at timestamptz not null,
    due_on date,
    settled_at timestamptz,
    primary key (log, target, subject, revision)
)"""

QUEUES = """
create table queues (
    log text collate "C" not null,
    target text collate "C" not null,
    person_id text collate "C" not null,
    state text collate "C" not null,
    next_at timestamptz not null,
    failures integer not null default 0,
    failed_at timestamptz,
    lease uuid,
    primary key (log, target, person_id)
)"""

TALLIES = """
create table tallies (
    log text collate "C" not null,
    target text collate "C" not null,
    place text collate "C" not null,
    hour timestamptz not null,
    outcome text collate "C" not null,
    records bigint not null,
    primary key (log, target, place, hour, outcome)
)"""

PULLED = """
create table pulled (
    log text collate "C" not null,
    target text collate "C" not null,
    record_id text collate "C" not null,
    version integer not null,
    year integer not null,
    outcome text collate "C" not null,
    credit_id text collate "C",
    pulled_at timestamptz not null,
    primary key (log, target, record_id, version)
)"""

FOLLOWING = """
create table following (
    log text collate "C" not null,
    head bigint not null,
    error text,
    seen_at timestamptz not null,
    primary key (log)
)"""

CLOSINGS = """
create table closings (
    log text collate "C" not null,
    target text collate "C" not null,
    place text collate "C" not null,
    year integer not null,
    after text collate "C",
    state text collate "C" not null,
    next_at timestamptz not null,
    primary key (log, target, place, year)
)"""

TABLES = {
    "closings": CLOSINGS,
    "following": FOLLOWING,
    "credits": CREDITS,
    "deliveries": DELIVERIES,
    "queues": QUEUES,
    "tallies": TALLIES,
    "pulled": PULLED,
}

INDEXES = (
    "create index credits_of_person on credits (log, person_id, year)",
    "create index deliveries_open on deliveries (log, target, person_id, position, subject, revision)"
    " where state in ('pending', 'refused', 'unsynced')",
    "create index deliveries_of_subject on deliveries (subject, target)",
    "create index credits_by_id on credits (credit_id)",
    "create index deliveries_of_person on deliveries (log, person_id, year)",
    "create index queues_ready on queues (target, next_at) where state = 'ready'",
    "create index queues_parked on queues (target, next_at) where state = 'parked'",
)


def tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create every table, hash-partitioned by log when partitions > 0, and their indexes.

    A queue's row is rewritten at every lease: room on its pages keeps the rows together.
    """
    statements: list[str] = []
    for table, ddl in TABLES.items():
        statements += table_sql(table, ddl, partitions=partitions)
    rewritten = [f"queues_{number}" for number in range(partitions)] or ["queues"]
    return [
        *statements,
        *INDEXES,
        *(f"alter table {table} set (fillfactor = 50)" for table in rewritten),
    ]
