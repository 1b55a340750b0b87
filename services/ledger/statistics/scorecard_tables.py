"""The tables of providers' scorecards: sums by provider, year and place, whom they are of, and how long it took."""

from services.kit.event_store import table_sql

_SCORECARDS = """
create table scorecards (
    log text collate "C" not null,
    provider_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    records integer not null,
    credits numeric(16, 2) not null,
    persons integer not null,
    exam_passed integer not null,
    held integer not null,
    rejected integer not null,
    withdrawn integer not null,
    revoked integer not null,
    late integer not null,
    primary key (log, provider_id, year, place)
)"""

_PERSONS = """
create table scorecard_persons (
    log text collate "C" not null,
    provider_id text collate "C" not null,
    year integer not null,
    person_id text collate "C" not null,
    place text collate "C" not null,
    passed boolean not null,
    primary key (log, provider_id, year, person_id)
)"""

_DELAYS = """
create table scorecard_delays (
    log text collate "C" not null,
    provider_id text collate "C" not null,
    year integer not null,
    place text collate "C" not null,
    days integer not null,
    records integer not null,
    primary key (log, provider_id, year, place, days)
)"""

TABLES = {"scorecards": _SCORECARDS, "scorecard_persons": _PERSONS, "scorecard_delays": _DELAYS}


def scorecard_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create the tables, with an index for the scorecards of a place."""
    statements = [
        statement
        for table, ddl in TABLES.items()
        for statement in table_sql(table, ddl, partitions=partitions)
    ]
    return [*statements, "create index scorecards_of_place on scorecards (log, year, place)"]
