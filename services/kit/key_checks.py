"""Key check values: a database remembers which secret its contents were made under, and knows another at the start.

The table is `key_checks (log, name, value)`; a value says nothing of the key, and never changes.
"""

from collections.abc import Sequence

from services.kit.database import Connection
from services.kit.event_store import table_sql
from services.kit.settings import SettingsError

_TABLE = """
create table key_checks (
    log text collate "C" not null,
    name text collate "C" not null,
    value text collate "C" not null,
    primary key (log, name)
)"""
_KEEP = """
insert into key_checks (log, name, value)
select each, $2, $3 from unnest($1::text[]) as each order by each
on conflict do nothing
"""
_KEPT = "select distinct value from key_checks where log = any($1::text[]) and name = $2 order by value"


def key_check_table_sql(partitions: int = 0) -> list[str]:
    """The statements that create the table, hash-partitioned by log when `partitions` > 0."""
    return table_sql("key_checks", _TABLE, partitions=partitions)


async def must_be_the_key(
    conn: Connection, logs: Sequence[str], variable: str, value: str, *, algorithm_variable: str
) -> None:
    """Keep the check value of a secret, an algorithm's name, a colon and text, for logs that have none yet.

    Raises SettingsError, naming the variable at fault, when one of them was written under another algorithm or key.
    """
    await conn.execute(_KEEP, logs, variable, value)
    for (kept,) in await conn.fetch(_KEPT, logs, variable):
        algorithm = str(kept).partition(":")[0]
        if algorithm != value.partition(":")[0]:
            raise SettingsError(f"{algorithm_variable} must be {algorithm}, as in this database")
        if kept != value:
            raise SettingsError(
                f"{variable} is not the key that this database was written with: under another nobody in it would be found."
                " Give the key back that was there before"
            )
