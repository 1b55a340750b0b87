"""Privileges of the role of a running service in its schema: events, the records of the audit and check values of keys
are written once, the schema's revision is read only, everything else is its own. The owner role alone makes and alters
tables.
"""

from sqlalchemy import Connection, text

_ALLOWED = {
    "events": "select, insert",
    "logs": "select, insert, update",
    "histories": "select, insert",
    "alembic_version": "select",
    "audit_records": "select, insert",
    "audit_seals": "select, insert",
    "key_checks": "select, insert",
}
_OTHERWISE = "select, insert, update, delete"

# A partition has privileges of its own: it is treated like the table it belongs to.
_TABLES = text("""
select c.relname as name, coalesce(pg_partition_root(c.oid)::regclass, c.oid::regclass)::text as root
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = :schema and c.relkind in ('r', 'p') order by c.relname
""")
_ROLE_EXISTS = text("select exists (select from pg_roles where rolname = :role)")


def app_role(schema: str) -> str:
    """The role a running service connects as."""
    return f"xuefen_{schema}"


def owner_role(schema: str) -> str:
    """The role that owns the service's schema, used by migrations and rebuilds only."""
    return f"xuefen_{schema}_owner"


def settle_privileges(connection: Connection, schema: str) -> None:
    """Grant the service's role what it needs on every table of the schema and take away everything else.

    Does nothing where the role does not exist: then somebody else has to look after privileges.
    """
    role = app_role(schema)
    if not connection.execute(_ROLE_EXISTS, {"role": role}).scalar():
        return
    for name, root in connection.execute(_TABLES, {"schema": schema}).all():
        allowed = _ALLOWED.get(root.rpartition(".")[2].strip('"'), _OTHERWISE)
        table = f'"{schema}"."{name}"'
        connection.execute(text(f'revoke all on {table} from "{role}"'))
        connection.execute(text(f'grant {allowed} on {table} to "{role}"'))
