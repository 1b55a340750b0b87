"""The registry's tables: two read models, and beside the log what must not be in it: keys, sealed data,
secrets.

`projections.py` alone writes the read models. Every key leads with the log.
"""

LOG = "registry"

_COLLECTIONS = """
create table collections (
    log text collate "C" not null,
    collection_id text collate "C" not null,
    person_id text collate "C" not null,
    version integer not null,
    state text not null,
    place text not null,
    employer text,
    submitted_by text not null,
    submitted_at timestamptz not null,
    decided_at timestamptz,
    reason text,
    primary key (log, collection_id),
    unique (log, person_id)
)"""

_PEOPLE = """
create table people (
    log text collate "C" not null,
    person_id text collate "C" not null,
    identity_hash text collate "C" not null,
    name_hash text collate "C" not null,
    version integer not null,
    place text not null,
    employer text,
    student boolean not null,
    level text,
    obtained_on date,
    working_since date,
    collected_at timestamptz not null,
    primary key (log, person_id),
    unique (log, identity_hash)
)"""

_BESIDE = (
    """
create table person_keys (
    log text collate "C" not null,
    person_id text collate "C" not null,
    wrapped_key text not null,
    made_at timestamptz not null default now(),
    primary key (log, person_id)
)""",
    """
create table sealed_fields (
    log text collate "C" not null,
    person_id text collate "C" not null,
    field text collate "C" not null,
    version integer not null,
    sealed text not null,
    primary key (log, person_id, field, version)
)""",
    """
create table disclosures (
    log text collate "C" not null,
    disclosure_id text collate "C" not null,
    at timestamptz not null,
    caller text not null,
    purpose text not null,
    person_id text,
    fields text[] not null,
    count integer not null,
    primary key (log, disclosure_id)
)""",
    "create index disclosures_of_person on disclosures (log, person_id, at)",
    """
create table client_secrets (
    log text collate "C" not null,
    client_id text collate "C" not null,
    secret_hash text not null,
    label text,
    made_at timestamptz not null default now(),
    primary key (log, client_id)
)""",
)


def registry_tables_sql() -> list[str]:
    """The statements that create the registry's own tables; those of the kit come with the kit."""
    return [_COLLECTIONS, _PEOPLE, *_BESIDE]


_PERSONAL_DATA = (
    """
alter table disclosures
    add column result text not null default 'shown',
    add column what text not null default '',
    add column subject text,
    add column organization text,
    add column place text,
    add column chain text[] not null default '{}'""",
    "create index disclosures_in_order on disclosures (log, at, disclosure_id)",
    "create index disclosures_of_place on disclosures using gin (chain)",
    """
alter table people
    alter column identity_hash drop not null,
    alter column name_hash drop not null,
    add column erased_at timestamptz""",
    """
create table evidence (
    log text collate "C" not null,
    evidence_id text collate "C" not null,
    sha256 text not null,
    media_type text not null,
    size integer not null,
    stored_as text not null,
    uploaded_by text not null,
    organization text,
    uploaded_at timestamptz not null,
    person_id text collate "C",
    primary key (log, evidence_id)
)""",
    "create index evidence_of_person on evidence (log, person_id)",
    """
create table key_stores (
    log text collate "C" not null,
    store_id text not null,
    primary key (log)
)""",
    """
create table doomed_shares (
    log text collate "C" not null,
    share bigint not null,
    primary key (log, share)
)""",
    """
create table bulk_collections (
    log text collate "C" not null,
    bulk_id text collate "C" not null,
    uploaded_by text not null,
    organization text,
    place text,
    uploaded_at timestamptz not null,
    applied boolean not null,
    results jsonb not null,
    primary key (log, bulk_id)
)""",
)


def personal_data_tables_sql() -> list[str]:
    """The statements that add the audit of refusals, evidence files, erasure and uploads to the first slice."""
    return list(_PERSONAL_DATA)
