"""Tables of the registry: the read models, and beside the log what must not be in it: keys, sealed data, secrets.

The projections alone write the read models. Every key leads with the log.
"""

LOG = "registry"

_READ_MODELS = (
    """
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
    reviewed_by text,
    decided_by text,
    step text,
    primary key (log, collection_id),
    unique (log, person_id)
)""",
    """
create table people (
    log text collate "C" not null,
    person_id text collate "C" not null,
    identity_hash text collate "C",
    name_hash text collate "C",
    version integer not null,
    place text not null,
    employer text,
    student boolean not null,
    working_since date,
    collected_at timestamptz not null,
    erased_at timestamptz,
    student_since date,
    levels text[] not null default '{}',
    obtained date[] not null default '{}',
    jobs text[] not null default '{}',
    left_on date,
    retired_on date,
    affiliation text,
    groups text[] not null default '{}',
    graduated_on date,
    departed_to text,
    merged_into text,
    primary key (log, person_id),
    unique (log, identity_hash)
)""",
    """
create table documents (
    log text collate "C" not null,
    identity_hash text collate "C" not null,
    person_id text collate "C" not null,
    state text not null,
    generation integer not null,
    primary key (log, identity_hash)
)""",
    """
create table changes (
    log text collate "C" not null,
    change_id text collate "C" not null,
    person_id text collate "C" not null,
    number integer not null,
    version integer not null,
    submitted_version integer not null,
    state text not null,
    items text[] not null,
    place text not null,
    employer text,
    submitted_by text not null,
    submitted_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    reason text,
    primary key (log, change_id)
)""",
    """
create table worklist (
    log text collate "C" not null,
    case_id text collate "C" not null,
    kind text not null,
    step text not null,
    place text collate "C" not null,
    chain text[] not null,
    subject_id text not null,
    submitted_by text not null,
    submitted_at timestamptz not null,
    not_by text[] not null,
    primary key (log, case_id)
)""",
    """
create table exam_enrolments (
    log text collate "C" not null,
    enrolment_id text collate "C" not null,
    place text collate "C" not null,
    from_day date not null,
    until_day date not null,
    set_by text not null,
    set_at timestamptz not null,
    primary key (log, enrolment_id)
)""",
    """
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
)""",
    """
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
)""",
    """
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
)""",
    """
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
)""",
    """
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
)""",
    """
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
)""",
    """
create table account_requests (
    log text collate "C" not null,
    request_id text collate "C" not null,
    version integer not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    scope text not null,
    state text not null,
    requested_at timestamptz not null,
    requested_by text not null,
    decided_at timestamptz,
    client_id text,
    reason text,
    primary key (log, request_id)
)""",
    """
create table arrivals (
    log text collate "C" not null,
    transfer_id text collate "C" not null,
    person_id text collate "C" not null,
    primary key (log, transfer_id)
)""",
    """
create table to_complete (
    log text collate "C" not null,
    person_id text collate "C" not null,
    transfer_id text collate "C" not null,
    place text collate "C" not null,
    chain text[] not null,
    arrived_at timestamptz not null,
    primary key (log, person_id)
)""",
)
"""What can be rebuilt from the log at any time."""

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
create table client_secrets (
    log text collate "C" not null,
    client_id text collate "C" not null,
    secret_hash text not null,
    label text,
    made_at timestamptz not null default now(),
    previous_hash text,
    previous_until timestamptz,
    primary key (log, client_id)
)""",
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
    """
create table case_claims (
    log text collate "C" not null,
    case_id text collate "C" not null,
    held_by text not null,
    held_since timestamptz not null,
    held_until timestamptz not null,
    primary key (log, case_id)
)""",
    """
create table yearly_contents (
    log text collate "C" not null,
    document_id text collate "C" not null,
    version integer not null,
    content text not null,
    primary key (log, document_id, version)
)""",
)
"""What is no read model and is backed up with the log; `case_claims` says who works on a case right now."""

_INDEXES = (
    "create index evidence_of_person on evidence (log, person_id)",
    "create index people_of_employer on people (log, employer) where employer is not null",
    "create index documents_of_person on documents (log, person_id)",
    "create index changes_of_person on changes (log, person_id, number)",
    "create index changes_by_submitter on changes (log, submitted_by, submitted_at)",
    "create index collections_by_submitter on collections (log, submitted_by, submitted_at)",
    "create index worklist_in_order on worklist (log, place, submitted_at)",
    "create index organizations_of_place on organizations (log, place)",
    "create index accreditations_of_place on accreditations (log, place)",
    "create index yearly_documents_of_organization on yearly_documents (log, organization_id, year)",
    "create index yearly_documents_of_reader on yearly_documents (log, reader, first_submitted_at)",
    "create index evaluations_of_organization on evaluations (log, organization_id)",
    "create index accounts_of_organization on accounts (log, organization_id)",
    "create index account_requests_of_place on account_requests (log, place, requested_at)",
    "create index to_complete_of_place on to_complete using gin (chain)",
)


def tables_sql() -> list[str]:
    """The statements that create the registry's own tables; those of the kit come with the kit."""
    return [*_READ_MODELS, *_BESIDE, *_INDEXES]
