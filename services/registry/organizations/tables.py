"""The tables of organizations: read models of their standing, yearly documents, evaluations and accounts, and beside the
log what is written in plans and reports.
"""

_ORGANIZATIONS = """
create table organizations (
    log text collate "C" not null,
    organization_id text collate "C" not null,
    name text not null,
    uscc text not null,
    kind text not null,
    affiliation text not null,
    place text collate "C" not null,
    registered_at timestamptz not null,
    primary key (log, organization_id)
)"""

_ACCREDITATIONS = """
create table accreditations (
    log text collate "C" not null,
    organization_id text collate "C" not null,
    number integer not null,
    place text collate "C" not null,
    years integer[] not null,
    modes text[] not null,
    state text not null,
    accredited_at timestamptz not null,
    published_at timestamptz,
    ended_from date,
    primary key (log, organization_id, number)
)"""

_DISQUALIFICATIONS = """
create table disqualifications (
    log text collate "C" not null,
    organization_id text collate "C" not null,
    version integer not null,
    place text collate "C" not null,
    from_date date not null,
    reason text not null,
    disqualified_at timestamptz not null,
    reinstated_from date,
    primary key (log, organization_id, version)
)"""

_YEARLY_DOCUMENTS = """
create table yearly_documents (
    log text collate "C" not null,
    document_id text collate "C" not null,
    version integer not null,
    organization_id text collate "C" not null,
    kind text not null,
    mode text not null,
    place text collate "C" not null,
    reader text collate "C" not null,
    year integer not null,
    state text not null,
    first_submitted_at timestamptz not null,
    submitted_at timestamptz not null,
    submitted_by text not null,
    decided_at timestamptz,
    decided_by text,
    reason text,
    primary key (log, document_id)
)"""

_YEARLY_CONTENTS = """
create table yearly_contents (
    log text collate "C" not null,
    document_id text collate "C" not null,
    version integer not null,
    content text not null,
    primary key (log, document_id, version)
)"""

_EVALUATIONS = """
create table evaluations (
    log text collate "C" not null,
    evaluation_id text collate "C" not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    period_from date not null,
    period_to date not null,
    scores text not null,
    evaluated_at timestamptz not null,
    correction_reason text,
    corrected_at timestamptz,
    primary key (log, evaluation_id)
)"""

_ACCOUNTS = """
create table accounts (
    log text collate "C" not null,
    client_id text collate "C" not null,
    organization_id text collate "C",
    place text collate "C",
    scopes text[] not null,
    state text not null,
    registered_at timestamptz not null,
    rotated_at timestamptz,
    overlap_until timestamptz,
    revoked_at timestamptz,
    primary key (log, client_id)
)"""

_ACCOUNT_REQUESTS = """
create table account_requests (
    log text collate "C" not null,
    request_id text collate "C" not null,
    version integer not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    scopes text[] not null,
    state text not null,
    requested_at timestamptz not null,
    requested_by text not null,
    decided_at timestamptz,
    client_id text,
    reason text,
    primary key (log, request_id)
)"""

_INDEXES = (
    "create index organizations_of_place on organizations (log, place)",
    "create index accreditations_of_place on accreditations (log, place)",
    "create index yearly_documents_of_organization on yearly_documents (log, organization_id, year)",
    "create index yearly_documents_of_reader on yearly_documents (log, reader, first_submitted_at)",
    "create index evaluations_of_organization on evaluations (log, organization_id)",
    "create index accounts_of_organization on accounts (log, organization_id)",
    "create index account_requests_of_place on account_requests (log, place, requested_at)",
)

_SECRETS = """
alter table client_secrets
    add column previous_hash text,
    add column previous_until timestamptz"""


def organization_tables_sql() -> list[str]:
    """The statements that add the tables of organizations to what came before."""
    return [
        _ORGANIZATIONS,
        _ACCREDITATIONS,
        _DISQUALIFICATIONS,
        _YEARLY_DOCUMENTS,
        _YEARLY_CONTENTS,
        _EVALUATIONS,
        _ACCOUNTS,
        _ACCOUNT_REQUESTS,
        *_INDEXES,
        _SECRETS,
    ]
