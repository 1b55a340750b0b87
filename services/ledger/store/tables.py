"""The ledger's read models as tables. Each is led by the log, so that it partitions, spreads over servers or
distributes unchanged (no key, unique constraint or index starts with anything else)."""

from services.kit.event_store import table_sql

_ACCOUNTS = """
create table accounts (
    log text collate "C" not null,
    person_id text collate "C" not null,
    year integer not null,
    version integer not null,
    state bytea not null,
    primary key (log, person_id, year)
)"""

_PROFILES = """
create table profiles (
    log text collate "C" not null,
    person_id text collate "C" not null,
    place text collate "C" not null,
    employer text collate "C",
    identity_hash text collate "C" not null,
    version integer not null,
    state bytea not null,
    left_at timestamptz,
    primary key (log, person_id),
    unique (log, identity_hash)
)"""

_FORMER_IDENTITIES = """
create table former_identities (
    log text collate "C" not null,
    identity_hash text collate "C" not null,
    person_id text collate "C" not null,
    primary key (log, identity_hash)
)"""

_PROVIDERS = """
create table providers (
    log text collate "C" not null,
    organization_id text collate "C" not null,
    version integer not null,
    state bytea not null,
    primary key (log, organization_id)
)"""

_WAITING = """
create table waiting (
    log text collate "C" not null,
    identity_hash text collate "C" not null,
    version integer not null,
    state bytea not null,
    primary key (log, identity_hash)
)"""

_NOTICES = """
create table notices (
    log text collate "C" not null,
    stream_id text collate "C" not null,
    version integer not null,
    notice_hash text collate "C",
    draft_hash text collate "C",
    primary key (log, stream_id)
)"""

_REGISTRATIONS_DAILY = """
create table registrations_daily (
    log text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    category text collate "C" not null,
    mode text collate "C" not null,
    provider_id text collate "C" not null,
    day date not null,
    records integer not null,
    credits numeric(14, 2) not null,
    primary key (log, year, place, category, mode, provider_id, day)
)"""

READ_MODELS: dict[str, str] = {
    "accounts": _ACCOUNTS,
    "profiles": _PROFILES,
    "former_identities": _FORMER_IDENTITIES,
    "providers": _PROVIDERS,
    "waiting": _WAITING,
    "notices": _NOTICES,
    "registrations_daily": _REGISTRATIONS_DAILY,
}


def read_model_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create every read model, hash-partitioned by log when partitions > 0.

    Account rows are rewritten at every credit: room on their pages keeps those updates off the index.
    """
    statements: list[str] = []
    for table, ddl in READ_MODELS.items():
        statements += table_sql(table, ddl, partitions=partitions)
    rewritten = [f"accounts_{number}" for number in range(partitions)] or ["accounts"]
    statements += [f"alter table {table} set (fillfactor = 70)" for table in rewritten]
    return [
        *statements,
        "create index profiles_of_place on profiles (log, place, person_id)",
        "create index profiles_of_employer on profiles (log, employer, person_id) where employer is not null",
        "create index waiting_of_identity on waiting (identity_hash)",
        "create index former_identities_of_person on former_identities (log, person_id)",
    ]


_CLAIMS = """
create table claims (
    log text collate "C" not null,
    claim_id text collate "C" not null,
    person_id text collate "C" not null,
    fact text collate "C" not null,
    organization_id text collate "C",
    collective text collate "C",
    place text collate "C" not null,
    status text collate "C" not null,
    submitted_at timestamptz not null,
    version integer not null,
    state bytea not null,
    primary key (log, claim_id)
)"""


def claim_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `claims`, with the indexes of its queues, of a person's and of an organization's."""
    return [
        *table_sql("claims", _CLAIMS, partitions=partitions),
        "create index claims_queue on claims (log, status, submitted_at, claim_id)",
        "create index claims_of_person on claims (log, person_id, submitted_at, claim_id)",
        """create index claims_of_organization on claims (log, organization_id, submitted_at, claim_id)
            where organization_id is not null""",
        "create index claims_of_list on claims (log, collective) where collective is not null",
    ]
