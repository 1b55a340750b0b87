"""Histories of logs: after a restore to an earlier moment a log goes on from there, and positions count other events.

Every log has the id of its history. A new one begins when a database was restored or promoted, at the position the log has
then; what lies up to there is common to both. Whoever keeps a position keeps the history with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import structlog

from services.kit.errors import Problem

if TYPE_CHECKING:
    from services.kit.database import Connection

PATTERN = "^[0-9a-f]{12}$"

# What a server and its files are called by themselves. A promoted standby and a restore up to a moment are on another
# timeline, a restored dump is in another database; a plain copy of the files differs in nothing and has to be told.
_WHERE = """
select to_regclass('histories') is not null as kept, pg_is_in_recovery() as following,
       (select system_identifier from pg_control_system())
       || '/' || case when pg_is_in_recovery() then '' else left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end
       || '/' || (select oid from pg_database where datname = current_database())
       || '/' || coalesce(to_regclass('logs')::oid, 0) as server
"""
_ELSEWHERE = "select log from logs where $2 or server is distinct from $1 order by log"
_HELD = "select position, history, server from logs where log = $1 for update"
_SEEN = "update logs set server = $2 where log = $1"
_RENEW = "update logs set server = $2, history = $3 where log = $1"
_KEEP = """
insert into histories (log, number, history, began)
select $1, coalesce(max(number), 0) + 1, $2, $3 from histories where log = $1 on conflict do nothing
"""
_IS_KEPT = "select exists (select from histories where log = $1)"
_CHAINS = """
select l.log, l.position, l.history, h.history, h.began
  from logs l left join histories h on h.log = l.log
 where l.log = any($1::text[]) order by l.log, h.number
"""

_log = structlog.get_logger(__name__)


class AnotherHistoryError(Problem):
    """The position belongs to another history of the log: the database was restored or promoted.

    Go back to `position`, which both have in common (`after` for the feed of an organization), and on from there with
    `history`. Where `known` is false the log was never restored: yours is of another deployment, perhaps.
    """

    code = "another-history"
    status = 409
    title_zh = "日志已从较早时点恢复，请从指定位置重新读取"
    title_en = "The log was restored to an earlier moment: go back to the position named"


class Mark(NamedTuple):
    """A position in a log that is followed, and the history it belongs to; empty when none has been heard of."""

    position: int
    history: str = ""


class History(NamedTuple):
    """A history of a log, which holds the positions above `began`."""

    name: str
    began: int


@dataclass(frozen=True)
class Chain:
    """A log's last position and its histories, the first first."""

    head: int
    histories: tuple[History, ...]

    @property
    def current(self) -> str:
        """The history that goes on; empty for a log that nobody has opened."""
        return self.histories[-1].name if self.histories else ""

    def at(self, position: int) -> str:
        """The history in which the event at a position was recorded; it stays so when another begins."""
        return next((each.name for each in reversed(self.histories) if each.began < position), "")

    def common(self, mark: Mark) -> int:
        """Up to where, at most to its position, a mark has in common with what goes on."""
        if mark.history in ("", self.current):
            return mark.position
        names = [each.name for each in self.histories]
        # A history of which nothing is known was lost itself, and branched off no earlier than the first that is known.
        first = names.index(mark.history) + 1 if mark.history in names else 1
        return min(
            [mark.position, *(each.began for each in self.histories[first:])] if len(names) > 1 else [0]
        )

    def must_be_current(self, mark: Mark) -> None:
        """Raises AnotherHistoryError for a mark of another history than the one that goes on."""
        if mark.history not in ("", self.current):
            known = len(self.histories) > 1
            raise AnotherHistoryError(history=self.current, position=self.common(mark), known=known)


NOTHING = Chain(0, ())


async def chains(conn: Connection, logs: Sequence[str]) -> dict[str, Chain]:
    """The chain of each of the logs; `NOTHING` for one that nobody has opened."""
    found: dict[str, Chain] = dict.fromkeys(logs, NOTHING)
    for log, head, current, name, began in await conn.fetch(_CHAINS, logs):
        before = found[log].histories
        found[log] = Chain(head, (*before, History(name or current, began or 0)))
    return found


async def look_where(conn: Connection, known: str | None) -> str | None:
    """Look where a new connection leads; begin new histories when that is not where the logs were written before.

    `known` is what the connection before it led to. Answers the same for this one, None where no log can be written.
    """
    row = await conn.fetchrow(_WHERE)
    assert row is not None
    if not row["kept"] or row["following"]:
        return None
    server: str = row["server"]
    if server != known:
        async with conn.transaction():
            await _renew(conn, server, every=False)
    return server


async def begin_new(conn: Connection) -> list[str]:
    """Begin a new history of every log, as after a restore that nothing can be seen of; the logs."""
    row = await conn.fetchrow(_WHERE)
    assert row is not None
    async with conn.transaction():
        return await _renew(conn, row["server"], every=True)


async def _renew(conn: Connection, server: str, *, every: bool) -> list[str]:
    renewed = []
    for (log,) in await conn.fetch(_ELSEWHERE, server, every):
        held = await conn.fetchrow(_HELD, log)
        assert held is not None, "the counter row of a log is never deleted"
        position, history, before = held
        if before == server and not every:
            continue  # another connection has looked meanwhile
        if before is None and not every:
            await conn.execute(_SEEN, log, server)
            continue
        if not await conn.fetchval(_IS_KEPT, log):
            await conn.execute(_KEEP, log, history, 0)
        name = new_history()
        await conn.execute(_KEEP, log, name, position)
        await conn.execute(_RENEW, log, server, name)
        _log.warning("log.new_history", log=log, position=position, history=name)
        renewed.append(log)
    return renewed


def new_history() -> str:
    """An id that no other history has."""
    return secrets.token_hex(6)


HISTORIES = """
create table histories (
    log text collate "C" not null,
    number integer not null,
    history text collate "C" not null,
    began bigint not null,
    primary key (log, number)
)"""
