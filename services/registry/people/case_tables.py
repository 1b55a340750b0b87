"""The tables of cases: changes of information, who holds which document, the worklist, and its claims.

`case_claims` is the only one that is no read model: who works on a case right now is no fact worth keeping.
"""

_CASES = (
    """
alter table collections
    add column reviewed_by text,
    add column decided_by text,
    add column step text""",
    """
alter table people
    add column student_since date,
    add column levels text[] not null default '{}',
    add column obtained date[] not null default '{}',
    add column jobs text[] not null default '{}',
    add column left_on date,
    add column retired_on date""",
    """
update people set levels = array[level], obtained = array[obtained_on] where level is not null""",
    """
alter table people drop column level, drop column obtained_on""",
    """
create table documents (
    log text collate "C" not null,
    identity_hash text collate "C" not null,
    person_id text collate "C" not null,
    state text not null,
    generation integer not null,
    primary key (log, identity_hash)
)""",
    "create index documents_of_person on documents (log, person_id)",
    """
insert into documents (log, identity_hash, person_id, state, generation)
select log, substr(identity, 8), stream_id, 'current', 0 from events where topic = 'registry.CollectionSubmitted'""",
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
    "create index changes_of_person on changes (log, person_id, number)",
    "create index changes_by_submitter on changes (log, submitted_by, submitted_at)",
    "create index collections_by_submitter on collections (log, submitted_by, submitted_at)",
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
    "create index worklist_in_order on worklist (log, place, submitted_at)",
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
)


def case_tables_sql() -> list[str]:
    """The statements that add cases to the first slice."""
    return list(_CASES)
