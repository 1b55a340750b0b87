"""Provision of the database, the roles and the schemas that the services live in. Safe to repeat.

Each service has two roles: the owner makes and alters tables, the application's role reads and writes rows.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from services.kit.database import Connection
from services.kit.privileges import app_role, owner_role

_LOCK = "select pg_advisory_lock(hashtextextended('provision', 0))"
_ROLE_OPTIONS = "login nosuperuser nocreatedb nocreaterole noreplication"


async def provision(
    admin_dsn: str,
    database: str = "xuefen",
    *,
    passwords: Mapping[str, str],
    keep_passwords: bool = False,
) -> dict[str, str]:
    """Create what is missing and return the addresses to connect with.

    `passwords` has two entries for each service, `<service>` and `<service>_owner`; the answer has the same
    keys. With `keep_passwords` a role that exists keeps the password it has, as on a server shared with
    others. Roles belong to the whole server, the rest to the one database.
    """
    services = services_of(passwords)
    admin = await asyncpg.connect(admin_dsn)
    try:
        # Two at the same time would meet at the same role; the lock ends with the connection.
        await admin.execute(_LOCK)
        for service in services:
            for key, role in ((service, app_role(service)), (f"{service}_owner", owner_role(service))):
                await _ensure_role(admin, role, passwords[key], keep_password=keep_passwords)
        await _ensure_database(admin, database, services)
        inside = await asyncpg.connect(with_database(admin_dsn, database))
        try:
            for service in services:
                await _ensure_schema(inside, service)
        finally:
            await inside.close()
    finally:
        await admin.close()
    return addresses(admin_dsn, database, passwords)


def services_of(passwords: Mapping[str, str]) -> list[str]:
    """The services named by the keys of a mapping of passwords."""
    return sorted(key.removesuffix("_owner") for key in passwords if key.endswith("_owner"))


def addresses(admin_dsn: str, database: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """The addresses of every service's two roles, by the same keys as the passwords."""
    found = {}
    for service in services_of(passwords):
        found[service] = with_role(admin_dsn, database, app_role(service), passwords[service])
        owner = f"{service}_owner"
        found[owner] = with_role(admin_dsn, database, owner_role(service), passwords[owner])
    return found


def with_role(dsn: str, database: str, role: str, password: str) -> str:
    """The same server and options, another database and role."""
    parts = urlsplit(dsn)
    server = parts.netloc.rpartition("@")[2]
    user = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{server}", path=f"/{quote(database, safe='')}"))


def with_database(dsn: str, database: str) -> str:
    """The same server, role and options, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{quote(database, safe='')}"))


async def _ensure_role(conn: Connection, role: str, password: str, *, keep_password: bool) -> None:
    exists = await conn.fetchval("select exists (select from pg_roles where rolname = $1)", role)
    if exists and keep_password:
        return
    verb = "alter role %I with login" if exists else f"create role %I with {_ROLE_OPTIONS}"
    statement = f"select format('{verb} password %L', $1::text, $2::text)"
    await conn.execute(await conn.fetchval(statement, role, password))


async def _ensure_database(conn: Connection, database: str, services: Iterable[str]) -> None:
    exists = await conn.fetchval("select exists (select from pg_database where datname = $1)", database)
    name = await _quoted(conn, database)
    if not exists:
        await conn.execute(f"create database {name} template template0 encoding 'UTF8'")
    await conn.execute(f"revoke all on database {name} from public")
    for service in services:
        roles = f'"{app_role(service)}", "{owner_role(service)}"'
        await conn.execute(f"grant connect, temporary on database {name} to {roles}")


async def _ensure_schema(conn: Connection, service: str) -> None:
    schema = await _quoted(conn, service)
    app, owner = f'"{app_role(service)}"', f'"{owner_role(service)}"'
    if not await conn.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        await conn.execute(f"grant {owner} to current_user")
    await conn.execute(f"create schema if not exists {schema} authorization {owner}")
    await conn.execute(f"grant usage on schema {schema} to {app}")
    defaults = f"alter default privileges for role {owner} in schema {schema} grant"
    await conn.execute(f"{defaults} select, insert, update, delete on tables to {app}")
    await conn.execute(f"{defaults} usage, select on sequences to {app}")


async def _quoted(conn: Connection, name: str) -> str:
    quoted: str = await conn.fetchval("select quote_ident($1)", name)
    return quoted
