"""Two hundred people go through all three services with every kind of error on the way, and leave no name and no number."""

import hashlib
import io
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

import pytest

from services.cli.demo import fictitious
from services.registry.personal_data.vault import Vault
from tests.conftest import FreshDatabaseFactory
from tests.e2e.canaries import Search
from tests.e2e.canary_run import CANARIES, COLLECTED, IN_BULK, MISNAMED, RETURNED, SUBMITTED, Run
from tests.e2e.leavings import EVENT_TABLES, logged, shows_a_note, tables
from tests.e2e.system import (
    SERVICES,
    new_system,
)
from tests.kit.http import metrics_of


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
            return "\n".join(answer.text for answer in self.run.answers if not shows_a_note(answer))
        if kind == "metrics":
            return await metrics_of(self.run.system.apps[service])
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
