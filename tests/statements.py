"""Statements as they are sent: which of them an engine of many machines would refuse, or could not send to one of them."""

import re
from collections.abc import Iterator
from typing import Any

from asyncpg.connection import LoggedQuery

from services.kit.watched_connection import WatchedConnection

VOLATILE = frozenset({"clock_timestamp", "timeofday", "random", "gen_random_uuid", "nextval", "setval"})
_COMMENT = re.compile(r"--[^\n]*")
_WRITE = re.compile(r"\b(?:insert into|update|delete from|merge into) ([a-z_]+)")
_LOCK = re.compile(r"\bfor (?:no key )?(?:update|share)\b")
_BY_ONE_LOG = re.compile(r"\blog = (?:\$[0-9]+\b|[a-z]+\.log\b)|\b(?:select|values) ?\(?\$1\b")


def faults_of(query: str) -> Iterator[str]:
    """Why a statement on the ledger's tables would be refused, or touch more than one log."""
    text = " ".join(_COMMENT.sub("", query).lower().split())
    written = _WRITE.findall(text.replace("do update set", "").replace("for update", ""))
    if written:
        yield from (f"{name}() in a write" for name in sorted(VOLATILE) if f"{name}(" in text)
    rewrites = "on conflict" in text or any(kind in text for kind in ("update ", "delete from", "merge into"))
    if ((written and rewrites) or _LOCK.search(text)) and not _BY_ONE_LOG.search(text):
        yield "a write or a lock that is not by one log"


class Recorder:
    """Looks at every statement that the connections of a schema send."""

    def __init__(self, schema: str) -> None:
        self.faults: set[str] = set()
        self._schema = schema
        self._seen: set[str] = set()

    def watch(self, connection: WatchedConnection, params: Any) -> None:
        """Look at what the connection sends from now on."""
        if params.server_settings.get("search_path") == self._schema:
            connection.add_query_logger(self._look)

    def _look(self, sent: LoggedQuery) -> None:
        if sent.query not in self._seen:
            self._seen.add(sent.query)
            self.faults |= {f"{fault}: {' '.join(sent.query.split())}" for fault in faults_of(sent.query)}
