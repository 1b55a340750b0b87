"""Check values of secret keys, beside what was written under them: no process works with a key that is not the database's.

A key is taken into use once for each log. While it is rotated two are in use, and every process has to hold both; one that
was retired is never taken into use again. Rows are added and never changed: a name says what became of a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from services.kit.database import Connection
from services.kit.errors import NotReadyError
from services.kit.event_store import table_sql
from services.kit.settings import SettingsError

_TABLE = """
create table key_checks (
    log text collate "C" not null,
    name text collate "C" not null,
    value text collate "C" not null,
    primary key (log, name)
)"""
_KEEP = "insert into key_checks (log, name, value) values ($1, $2, $3) on conflict do nothing"
_KEPT = "select log, name, value from key_checks where log = any($1::text[]) order by log, name"
_TAKEN, _RETIRED, _FIRST_SINCE = "taken", "retired", "first-since"


@dataclass(frozen=True)
class Secret:
    """The variable that a key is given in, and that of its algorithm, where it has one: check values begin with that."""

    variable: str
    algorithm_variable: str | None = None


IDENTITY_KEY = Secret("XUEFEN_IDENTITY_KEY", "XUEFEN_IDENTITY_HASH")
DIGEST_KEY = Secret("XUEFEN_DIGEST_KEY")


@dataclass(frozen=True)
class KeysInUse:
    """The check values of a secret in one log: of the keys in use, the first of all first, and of those retired.

    `first_since` says from when on what comes in is under a key that was not the first one.
    """

    in_use: tuple[str, ...]
    retired: frozenset[str]
    first_since: dict[str, datetime]


def key_check_table_sql(partitions: int = 0) -> list[str]:
    """The statements that create the table, hash-partitioned by log when `partitions` > 0."""
    return table_sql("key_checks", _TABLE, partitions=partitions)


def check_value_of(key: bytes) -> str:
    """What tells one key from another, and nothing else."""
    return f"blake2b:{blake2b(b'key check', key=key[:64], digest_size=16).hexdigest()}"


async def keys_in_use(conn: Connection, logs: Sequence[str], secret: Secret) -> dict[str, KeysInUse]:
    """What the logs know of a secret's keys; a log that nothing was written to yet knows none."""
    first: dict[str, str] = {}
    said: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for log, name, value in await conn.fetch(_KEPT, logs):
        variable, _, rest = str(name).partition("/")
        if variable == secret.variable and not rest:
            first[log] = value
        elif variable == secret.variable:
            what, _, check = rest.partition("/")
            said.setdefault(log, {}).setdefault(what, []).append((check, value))
    found = {}
    for log, value in first.items():
        marks = said.get(log, {})
        retired = frozenset(check for check, _ in marks.get(_RETIRED, []))
        taken = [value, *(check for check, _ in marks.get(_TAKEN, []))]
        since = {check: datetime.fromisoformat(at) for check, at in marks.get(_FIRST_SINCE, [])}
        found[log] = KeysInUse(tuple(each for each in taken if each not in retired), retired, since)
    return found


async def must_hold_the_keys(
    conn: Connection, logs: Sequence[str], secret: Secret, held: Sequence[str]
) -> None:
    """Keep the first check value that is held for logs that know none yet.

    Raises SettingsError, naming the variable at fault, when one of them was written under another algorithm or key, and
    when two keys are in use of which one is not held.
    """
    await conn.executemany(_KEEP, [(log, secret.variable, held[0]) for log in sorted(logs)])
    for known in (await keys_in_use(conn, logs, secret)).values():
        for check in known.in_use:
            algorithm = check.partition(":")[0]
            if secret.algorithm_variable and algorithm != held[0].partition(":")[0]:
                raise SettingsError(f"{secret.algorithm_variable} must be {algorithm}, as in this database")
        if not set(known.in_use) & set(held):
            raise SettingsError(
                f"{secret.variable} is not the key that this database was written with: under another nothing in it would be"
                " found again. Give the key back that was there before"
            )
        if not set(known.in_use) <= set(held):
            raise SettingsError(
                f"{secret.variable} lacks one of the {len(known.in_use)} keys that are in use while it is rotated: give it"
                " all of them, one on each line"
            )


async def must_hold_all(conn: Connection, log: str, secret: Secret, held: Iterable[str]) -> None:
    """Raise NotReadyError while a key is in use that this process has not been given yet: what it would look for under its
    own alone may be there under the other."""
    known = (await keys_in_use(conn, [log], secret)).get(log)
    if known is not None and not set(known.in_use) <= set(held):
        raise NotReadyError


async def take_into_use(conn: Connection, logs: Sequence[str], secret: Secret, check: str) -> None:
    """Say that a second key is in use from now on. Raises SettingsError for one that was retired."""
    known = await keys_in_use(conn, logs, secret)
    if any(check in each.retired for each in known.values()):
        raise SettingsError(f"{secret.variable}: a key that was retired is not taken into use again")
    fresh = [log for log in sorted(logs) if log not in known or check not in known[log].in_use]
    await conn.executemany(_KEEP, [(log, f"{secret.variable}/{_TAKEN}/{check}", "") for log in fresh])


async def put_first(
    conn: Connection, logs: Sequence[str], secret: Secret, check: str, since: datetime
) -> None:
    """Say that whatever comes in is under a key from a moment on; the first moment that was said stays."""
    name = f"{secret.variable}/{_FIRST_SINCE}/{check}"
    await conn.executemany(_KEEP, [(log, name, since.isoformat()) for log in sorted(logs)])


async def retire(conn: Connection, logs: Sequence[str], secret: Secret, check: str) -> None:
    """Say that a key is in use no longer."""
    name = f"{secret.variable}/{_RETIRED}/{check}"
    await conn.executemany(_KEEP, [(log, name, "") for log in sorted(logs)])
