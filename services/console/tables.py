"""Tables of the console: sessions, each sealed under its own cookie, so that the table by itself opens nothing."""

_SESSIONS = """
create table sessions (
    session_hash text collate "C" primary key,
    subject text collate "C",
    sealed bytea not null,
    seen_at timestamptz not null,
    ends_at timestamptz not null
)"""


def tables_sql() -> tuple[str, ...]:
    """The statements that make the tables."""
    return (
        _SESSIONS,
        "create index sessions_of_subject on sessions (subject)",
        "create index sessions_by_end on sessions (ends_at)",
    )
