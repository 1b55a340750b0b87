"""The audit: written in groups and before the answer, sealed in order, and a chain in which nothing is changed unseen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import asyncpg
import pytest
import pytest_asyncio
from fastapi import Depends

from services.kit.audit import Audit, AuditedRoute, AuditUnavailableError, Reading, Whereabouts, about, reads
from services.kit.audit_records import Head, Sealer, Verified, verify
from services.kit.auth import Caller, require
from services.kit.clock import utc_now
from services.kit.database import Database, Databases
from services.kit.errors import NotFoundError
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from tests.conftest import AUDIT_KEY, FreshDatabase, FreshDatabaseFactory
from tests.kit.http import bearer, calling, service

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
READER = Caller("reader-1", frozenset(), "210000")


@pytest.fixture(scope="module")
def fresh(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database("kit", partitions=0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(fresh: FreshDatabase) -> AsyncIterator[Database]:
    database = await Database.connect(fresh.app_dsn, schema="kit", application_name="test-audit", size_max=4)
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def owner(fresh: FreshDatabase) -> AsyncIterator[Any]:
    """The role that owns the tables, on tables that are empty."""
    conn = await asyncpg.connect(fresh.owner_dsn, server_settings={"search_path": "kit"})
    await conn.execute("truncate audit_records, audit_seals")
    yield conn
    await conn.close()


@pytest.fixture
def audit(pool: Database, owner: Any) -> Audit:
    return Audit(
        Databases(pool), lambda: NOON, key=AUDIT_KEY, where=lambda place: Whereabouts("log", [place or "all"])
    )


async def read(audit: Audit, *subjects: str, kind: str = "thing") -> None:
    reading = Reading(READER, kind)
    for each in subjects:
        reading.about(each, "210000")
    await audit.write(reading)


async def sealed(audit: Audit, count: int = 4) -> Sealer:
    sealer = Sealer(audit.databases, AUDIT_KEY)
    for number in range(count):
        await read(audit, f"subject-{number}")
    assert await sealer.seal_all() == count
    return sealer


async def verified(pool: Database, later: timedelta = timedelta(0), **kept: Head) -> Verified:
    async with pool.acquire() as conn:
        return await verify(conn, AUDIT_KEY, utc_now() + later, kept)


class TestWriting:
    async def test_takes_the_records_of_all_who_wait_at_once(self, audit: Audit, owner: Any) -> None:
        await asyncio.gather(*(read(audit, f"subject-{number}") for number in range(50)))
        assert await owner.fetchval("select count(*) from audit_records") == 50
        assert await owner.fetchval("select count(distinct xmin::text) from audit_records") < 10

    async def test_of_one_that_cannot_be_stored_keeps_nobody_else_from_reading(
        self, audit: Audit, owner: Any
    ) -> None:
        poison = Reading(READER, "\x00")
        told = await asyncio.gather(
            read(audit, "a"), audit.write(poison), read(audit, "b"), return_exceptions=True
        )
        assert [type(each) for each in told] == [type(None), AuditUnavailableError, type(None)]
        assert await owner.fetchval("select count(*) from audit_records") == 2

    async def test_is_a_record_for_each_place_and_names_nobody_of_another(
        self, audit: Audit, owner: Any
    ) -> None:
        reading = Reading(READER, "list")
        for subject, place in (("a", "210000"), ("b", "140000"), ("c", "210000"), ("a", "210000")):
            reading.about(subject, place)
        await audit.write(reading)
        rows = await owner.fetch("select place, subjects, count from audit_records order by place")
        assert [tuple(row) for row in rows] == [("140000", ["b"], 1), ("210000", ["a", "c"], 2)]


class TestChain:
    async def test_fits_when_nothing_was_changed(self, audit: Audit, pool: Database, owner: Any) -> None:
        await sealed(audit)
        found = await verified(pool)
        assert (found.sealed, found.faults) == (4, [])
        assert await verified(pool, **found.heads) == found

    async def test_goes_on_after_records_that_were_committed_late(self, audit: Audit, owner: Any) -> None:
        sealer = await sealed(audit)
        await read(audit, "late")
        assert await sealer.seal_all() == 1
        assert await sealer.seal_all() == 0

    async def test_is_one_however_many_seal(self, audit: Audit, pool: Database, owner: Any) -> None:
        await asyncio.gather(*(read(audit, f"subject-{number}") for number in range(30)))
        sealers = [Sealer(audit.databases, AUDIT_KEY) for _ in range(4)]
        await asyncio.gather(*(each.seal_all() for each in sealers))
        await sealers[0].seal_all()
        found = await verified(pool)
        assert (found.sealed, found.faults) == (30, [])

    @pytest.mark.parametrize(
        ("statement", "faults"),
        [
            ("delete from audit_records where subjects = '{subject-1}'", [("removed", 2)]),
            ("update audit_records set caller = 'somebody' where subjects = '{subject-2}'", [("altered", 3)]),
            (
                "update audit_records set result = 'not-found' where subjects = '{subject-0}'",
                [("altered", 1)],
            ),
            ("update audit_records set chain = '{}' where subjects = '{subject-3}'", [("altered", 4)]),
            (
                "update audit_records set tag = (select min(tag) from audit_records), caller = 'somebody'"
                " where subjects = '{subject-2}'",
                [("altered", 3)],
            ),
            ("delete from audit_seals where number = 2", [("broken", 3)]),
            (
                "update audit_seals set digest = repeat('0', 40) where number = 2",
                [("broken", 2), ("broken", 3)],
            ),
            (
                "with gone as (delete from audit_seals where number = 2 returning record_id)"
                " delete from audit_records using gone where audit_records.record_id = gone.record_id",
                [("broken", 3)],
            ),
            (
                "insert into audit_records select log, repeat('0', 32), at, caller, organization, kind, asked, purpose,"
                " subjects, fields, count, place, result, chain, tag from audit_records limit 1",
                [("altered", None)],
            ),
        ],
    )
    async def test_shows_what_the_owner_of_the_database_did(
        self, audit: Audit, pool: Database, owner: Any, statement: str, faults: list[tuple[str, int | None]]
    ) -> None:
        await sealed(audit)
        await owner.execute(statement)
        found = [(each.what, each.number) for each in (await verified(pool)).faults]
        assert found == faults

    async def test_shows_a_record_put_in_also_when_a_worker_has_sealed_it(
        self, audit: Audit, pool: Database, owner: Any
    ) -> None:
        sealer = await sealed(audit)
        await owner.execute(
            "insert into audit_records select log, repeat('f', 32), at, 'somebody', organization, kind, asked, purpose,"
            " subjects, fields, count, place, result, chain, tag from audit_records limit 1"
        )
        await sealer.seal_all()
        assert [(each.what, each.number) for each in (await verified(pool)).faults] == [("altered", 5)]

    async def test_shows_an_end_that_was_cut_off_to_who_kept_its_head(
        self, audit: Audit, pool: Database, owner: Any
    ) -> None:
        await sealed(audit)
        kept = (await verified(pool)).heads
        await owner.execute("delete from audit_seals where number > 2")
        await owner.execute("delete from audit_records where subjects in ('{subject-2}', '{subject-3}')")
        assert (await verified(pool)).faults == []
        assert [(each.what, each.number) for each in (await verified(pool, **kept)).faults] == [("cut", 4)]

    async def test_shows_what_no_worker_has_seen_for_a_minute(
        self, audit: Audit, pool: Database, owner: Any
    ) -> None:
        await read(audit, "a")
        assert (await verified(pool)).faults == []
        assert [each.what for each in (await verified(pool, timedelta(minutes=2))).faults] == ["unsealed"]


class Question(StrictModel):
    """A question of a number."""

    number: int


def things() -> Router:
    router = Router(route_class=AuditedRoute)

    @router.get("/things/{thing}")
    @reads("thing")
    async def get_thing(
        thing: str, caller: Annotated[Caller, Depends(require("read"))], size: int = 0
    ) -> str:
        if thing == "missing":
            raise NotFoundError
        about(thing, "210000")
        return thing

    @router.post("/questions")
    @reads("question")
    async def ask(body: Question, caller: Annotated[Caller, Depends(require("read"))]) -> int:
        return body.number

    @router.get("/nothing")
    async def get_nothing() -> str:
        return ""

    return router


@asynccontextmanager
async def asking(audit: Audit, *scopes: str) -> AsyncIterator[Callable[..., Any]]:
    app = service([things()])
    app.state.audit = audit
    async with calling(app) as client:

        async def ask(method: str, path: str, **sent: Any) -> int:
            headers = bearer(*scopes, subject="reader-1", place="210000") | sent.pop("headers", {})
            return (await client.request(method, path, headers=headers, **sent)).status_code

        yield ask


async def on_record(owner: Any) -> list[tuple[Any, ...]]:
    rows = await owner.fetch("select kind, asked, subjects, result from audit_records order by record_id")
    return [tuple(row) for row in rows]


class TestRoute:
    async def test_leaves_a_record_of_every_answer_and_of_every_refusal(
        self, audit: Audit, owner: Any
    ) -> None:
        async with asking(audit, "read") as ask:
            assert await ask("GET", "/things/a") == 200
            assert await ask("GET", "/things/missing") == 404
            assert await ask("GET", "/things/a?size=x") == 422
            assert await ask("GET", "/things/a?colour=red") == 422
            assert await ask("POST", "/questions", json={"number": "x"}) == 422
            assert (
                await ask("POST", "/questions", content=b"{", headers={"Content-Type": "application/json"})
                == 400
            )
            assert await ask("GET", "/nothing") == 200
        async with asking(audit, "write") as ask:
            assert await ask("GET", "/things/a") == 403
        assert await on_record(owner) == [
            ("thing", "a", ["a"], "shown"),
            ("thing", "missing", [], "not-found"),
            ("thing", "a", [], "invalid-request"),
            ("thing", "a", [], "invalid-request"),
            ("question", None, [], "invalid-request"),
            ("question", None, [], "malformed-body"),
            ("thing", "a", [], "insufficient-scope"),
        ]

    async def test_keeps_no_number_that_was_asked_for_in_vain(self, audit: Audit, owner: Any) -> None:
        async with asking(audit) as ask:
            for number in (
                "11010119000101000X",
                "110101900101001",
                "13800001234",
                "E12345678",
                "1380-000-1234",
                "张三",
            ):
                assert await ask("GET", f"/things/{number}") in {403, 422}
        assert {row[1] for row in await on_record(owner)} == {None}

    async def test_answers_nothing_without_a_record(self, audit: Audit, owner: Any) -> None:
        await owner.execute("revoke insert on audit_records from xuefen_kit")
        try:
            async with asking(audit, "read") as ask:
                assert await ask("GET", "/things/a") == 503
                assert await ask("GET", "/things/missing") == 503
                assert await ask("GET", "/nothing") == 200
        finally:
            await owner.execute("grant insert on audit_records to xuefen_kit")
