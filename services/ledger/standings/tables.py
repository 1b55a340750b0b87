"""The tables of standings: rows of persons and years, what they add up to, and how far the judging has come."""

from services.kit.event_store import table_sql

_STANDINGS = """
create table standings (
    log text collate "C" not null,
    person_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    employer text collate "C",
    status text collate "C" not null,
    total numeric(10, 2) not null,
    by_category text collate "C" not null,
    made_up boolean not null,
    late boolean not null,
    met_on date,
    turns_on date,
    policy bytea,
    primary key (log, person_id, year)
)"""

_COUNTS = """
create table standing_counts (
    log text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    status text collate "C" not null,
    persons integer not null,
    made_up integer not null,
    late integer not null,
    credits numeric(16, 2) not null,
    primary key (log, year, place, status)
)"""

_MET = """
create table standings_met (
    log text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    met_on date not null,
    persons integer not null,
    made_up integer not null,
    primary key (log, year, place, met_on)
)"""

_PROGRESS = """
create table standing_progress (
    log text collate "C" not null,
    judged_on date not null,
    own_notices bigint not null,
    national_notices bigint not null,
    primary key (log)
)"""

_SWEEPS = """
create table standing_sweeps (
    log text collate "C" not null,
    cause text collate "C" not null,
    first_place text collate "C" not null,
    last_place text collate "C" not null,
    after_place text collate "C" not null,
    after_person text collate "C" not null,
    primary key (log, cause)
)"""

TABLES = {
    "standings": _STANDINGS,
    "standing_counts": _COUNTS,
    "standings_met": _MET,
    "standing_progress": _PROGRESS,
    "standing_sweeps": _SWEEPS,
}
"""By name. The first three follow from accounts, profiles, notices and the day; the others say what was judged by."""


def standing_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create the tables, with the indexes of places, employers and days that are to come.

    Rows are rewritten at every credit: room on their pages keeps those updates off the indexes.
    """
    statements: list[str] = []
    for table, ddl in TABLES.items():
        statements += table_sql(table, ddl, partitions=partitions)
        if table in ("standings", "standing_counts"):
            rewritten = [f"{table}_{number}" for number in range(partitions)] or [table]
            statements += [f"alter table {each} set (fillfactor = 70)" for each in rewritten]
    return [
        *statements,
        "create index standings_of_place on standings (log, year, place)",
        "create index standings_of_employer on standings (log, employer, year) where employer is not null",
        "create index standings_turning on standings (log, turns_on) where turns_on is not null",
    ]
