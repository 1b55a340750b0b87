"""Two hundred people go through all three services with every kind of error on the way, and leave no name and no number."""

import hashlib
import io
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx
import pytest
import structlog

from services.cli.demo import fictitious
from services.kit.observability import configure_logging
from services.registry.vault import Vault
from tests.conftest import FreshDatabase, FreshDatabaseFactory
from tests.e2e.canaries import Search
from tests.e2e.canary_run import BULK, CANARIES, COLLECTED, IN_BULK, MISNAMED, RETURNED, SUBMITTED, Run
from tests.e2e.system import (
    SERVICES,
    new_system,
)

_TABLES = "select table_name from information_schema.tables where table_schema = $1"
EVENT_TABLES = frozenset({"events", "logs", "checkpoints"})


class Left:
    """Everything the run has left, by where it was left."""

    def __init__(self, run: Run, logs: io.StringIO) -> None:
        self.run = run
        self._logs = logs

    async def of(self, where: str) -> str:
        kind, _, service = where.partition(" of ")
        if kind == "log lines":
            return self._logs.getvalue()
        if kind == "answers":
            return "\n".join(answer.text for answer in self.run.answers if not _shows_a_note(answer))
        if kind == "metrics":
            return (await self.run.system.clients[service].get("/metrics")).text
        if kind == "feeds":
            return await self._feeds(service)
        wanted = kind == "events"
        fresh = self.run.system.databases[service]
        return "\n".join(
            text for name, text in (await tables(fresh)).items() if (name in EVENT_TABLES) is wanted
        )

    async def _feeds(self, service: str) -> str:
        system, pages = self.run.system, []
        for log, head in (await system.heads(service)).items():
            if head:
                path = f"/v1/logs/{log}/feed?limit=1000"
                answer = await system.clients[service].get(path, headers=system.reader())
                assert int(answer.headers["Xuefen-Next-After"]) == head
                pages.append(answer.text)
        return "\n".join(pages)


def _shows_a_note(answer: httpx.Response) -> bool:
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


@pytest.fixture(scope="module")
async def left(fresh_database: FreshDatabaseFactory) -> AsyncIterator[Left]:
    """The run, played once, and what it left."""
    with logged() as stream:
        async with new_system(fresh_database).running() as system:
            run = Run(system)
            await run.play()
            yield Left(run, stream)


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(CANARIES)


PLACES = [
    "log lines",
    "answers",
    *(f"{kind} of {service}" for kind in ("events", "feeds", "tables", "metrics") for service in SERVICES),
]


class TestCanaries:
    def test_go_through_every_kind_of_answer(self, left: Left) -> None:
        statuses = {answer.status_code for answer in left.run.answers}
        assert {200, 201, 400, 401, 403, 404, 409, 422, 500} <= statuses
        assert left.run.outcomes == {"registered", "duplicate", "conflict", "held", "rejected"}

    @pytest.mark.parametrize("where", PLACES)
    async def test_leave_no_name_and_no_number(self, left: Left, search: Search, where: str) -> None:
        text = await left.of(where)
        assert text
        assert search.traces(text) == set()

    async def test_are_kept_by_the_registry_under_seal(self, left: Left) -> None:
        system = left.run.system
        vault = Vault(system.registry_settings.wrapper)
        assert len(left.run.ids) == 60 + len(IN_BULK)
        async with system.registry.database.acquire() as conn:
            for person in [*COLLECTED, *MISNAMED, *RETURNED, *SUBMITTED, *IN_BULK]:
                sealed = await vault.open_identity(conn, UUID(left.run.ids[person.id_number]))
                assert sealed is not None
                assert (sealed.name, sealed.id_number) == (person.name, person.id_number)


class TestSearch:
    @pytest.mark.parametrize(
        "planted",
        [
            f'"name": "{CANARIES[0].name}"',
            json.dumps({"name": CANARIES[0].name}),
            f"/v1/persons/{quote(CANARIES[0].name)}",
            f"x{CANARIES[0].id_number}y",
            hashlib.md5(CANARIES[0].id_number.encode()).hexdigest().upper(),
            f"sha256:{b64encode(hashlib.sha256(CANARIES[0].id_number.encode()).digest()).decode()}",
            hashlib.sha1(f"{CANARIES[0].id_number}{CANARIES[0].name}".encode()).hexdigest(),
        ],
    )
    def test_would_find_one(self, search: Search, planted: str) -> None:
        assert search.traces(f"2025 {planted} 会计")

    def test_finds_nothing_where_there_is_nothing(self, search: Search) -> None:
        stranger = fictitious.person(500)
        assert not search.traces(f"{stranger.name} {stranger.id_number} {hashlib.sha256(b'x').hexdigest()}")
