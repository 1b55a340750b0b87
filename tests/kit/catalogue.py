"""A schema as PostgreSQL's catalogue describes it: the keys that keep scale open are held by a test."""

from collections.abc import Collection

from services.kit.database import Connection

_INDEXES = """
select t.relname as table, i.relname as name, k.attname as first
  from pg_index x
  join pg_class i on i.oid = x.indexrelid
  join pg_class t on t.oid = x.indrelid
  join pg_namespace n on n.oid = t.relnamespace
  join pg_am m on m.oid = i.relam
  left join pg_attribute k on k.attrelid = t.oid and k.attnum = x.indkey[0]
 where n.nspname = $1 and not t.relispartition and m.amname <> 'gin' order by 1, 2
"""
"""An inverted index keeps no order, and is never a key: it has no first column."""
_FOREIGN_KEYS = """
select t.relname as table, c.conname as name, a.attname as first, b.attname as referenced
  from pg_constraint c
  join pg_class t on t.oid = c.conrelid
  join pg_namespace n on n.oid = t.relnamespace
  join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
  join pg_attribute b on b.attrelid = c.confrelid and b.attnum = c.confkey[1]
 where n.nspname = $1 and c.contype = 'f' and not t.relispartition order by 1, 2
"""
_TABLES = """
select c.relname as table,
       exists (select from pg_index where indrelid = c.oid and indisprimary) as has_key,
       exists (select from pg_constraint where conrelid = c.oid and contype = 'x') as excludes,
       exists (select from pg_trigger where tgrelid = c.oid and not tgisinternal) as has_trigger
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relkind in ('r', 'p') order by 1
"""


async def faults(
    conn: Connection,
    schema: str,
    *,
    besides: Collection[str] = ("alembic_version",),
    across: Collection[str] = (),
) -> list[str]:
    """Everything in a schema that would keep its tables from being split by log; `besides` are tables left out, `across`
    indexes for what is asked of all logs.
    """
    found = []
    for row in await conn.fetch(_TABLES, schema):
        if row["table"] in besides:
            continue
        if not row["has_key"]:
            found.append(f"{row['table']} has no primary key")
        if row["excludes"]:
            found.append(f"{row['table']} has an exclusion constraint")
        if row["has_trigger"]:
            found.append(f"{row['table']} has a trigger")
    found += [
        f"index {row['name']} of {row['table']} begins with {row['first']}"
        for row in await conn.fetch(_INDEXES, schema)
        if row["table"] not in besides and row["first"] != "log" and row["name"] not in across
    ]
    found += [
        f"foreign key {row['name']} of {row['table']} begins with {row['first']}"
        for row in await conn.fetch(_FOREIGN_KEYS, schema)
        if row["table"] not in besides and (row["first"], row["referenced"]) != ("log", "log")
    ]
    return found


async def assert_keys_lead_with_log(
    conn: Connection,
    schema: str,
    *,
    besides: Collection[str] = ("alembic_version",),
    across: Collection[str] = (),
) -> None:
    """Every primary key, unique constraint, index and foreign key begins with `log`, and there are no triggers."""
    found = await faults(conn, schema, besides=besides, across=across)
    assert not found, found
