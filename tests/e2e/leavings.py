"""The places where a run leaves something: answers, log lines, and every table of every service."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import httpx
import structlog

from services.kit.observability import configure_logging
from tests.conftest import FreshDatabase

BULK = "/v1/collections/bulk"
EVENT_TABLES = frozenset({"events", "logs", "checkpoints"})

_TABLES = "select table_name from information_schema.tables where table_schema = $1"


def shows_a_note(answer: httpx.Response) -> bool:
    """Whether it is meant to name somebody: a case returned with a note for people, or a person opened in full."""
    address, method = answer.url.path, answer.request.method
    if method == "POST":
        return answer.is_success and address.endswith("/disclosure")
    return answer.is_success and address.startswith("/v1/collections/") and BULK not in address


async def tables(fresh: FreshDatabase) -> dict[str, str]:
    """Every value of every table of a service's schema, as one text for each table."""
    found: dict[str, str] = {}
    for dsn in {fresh.admin_dsn, *fresh.by_log.values()}:
        conn = await asyncpg.connect(dsn)
        try:
            for (name,) in await conn.fetch(_TABLES, fresh.schema):
                rows = await conn.fetch(f'select * from {fresh.schema}."{name}"')
                values = [_text(value) for row in rows for value in row.values()]
                found[name] = "\n".join([found.get(name, ""), *values])
        finally:
            await conn.close()
    return found


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """All that a process would write to its log, down to the least important line."""
    root, config, stream = logging.getLogger(), structlog.get_config(), io.StringIO()
    level, before = root.level, list(root.handlers)
    configure_logging("system", level="DEBUG", stream=stream)
    [ours] = root.handlers
    # The client that plays the callers would log their addresses; it is none of ours.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        yield stream
    finally:
        root.removeHandler(ours)
        root.setLevel(level)
        for handler in before:
            root.addHandler(handler)
        logging.getLogger("httpx").setLevel(logging.NOTSET)
        structlog.configure(**config)
        structlog.contextvars.clear_contextvars()
