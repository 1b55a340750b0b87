"""Histories of logs: a restore to an earlier moment begins another, and nobody who kept a position misses anything."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import asyncpg
import httpx
import pytest

from services.kit.database import Database
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.event_store import EventStore
from services.kit.feed import CloudEvent
from services.kit.follower import AheadOfFeedError, FeedFollower, InOneTransaction
from services.kit.histories import NOTHING, AnotherHistoryError, Chain, History, Mark, begin_new, chains
from services.kit.migrations import upgrade_from
from services.kit.provision import provision
from tests.conftest import KIT_VERSIONS, PASSWORDS, FreshDatabase, outside_loop, reachable
from tests.kit.given import noted

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
FIRST, SECOND, THIRD, LOST = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "dddddddddddd"
RESTORED_TWICE = Chain(500, (History(FIRST, 0), History(SECOND, 100), History(THIRD, 300)))


class TestChain:
    @pytest.mark.parametrize(
        ("position", "history"), [(1, FIRST), (100, FIRST), (101, SECOND), (300, SECOND), (301, THIRD)]
    )
    def test_an_event_keeps_the_history_it_was_recorded_in(self, position: int, history: str) -> None:
        assert RESTORED_TWICE.at(position) == history

    @pytest.mark.parametrize(
        ("mark", "back"),
        [
            (Mark(90, FIRST), 90),
            (Mark(240, FIRST), 100),
            (Mark(240, SECOND), 240),
            (Mark(340, SECOND), 300),
            (Mark(240, LOST), 100),
        ],
        ids=["behind the restore", "beyond it", "of the one between", "beyond both", "lost itself"],
    )
    def test_another_history_is_told_what_both_have_in_common(self, mark: Mark, back: int) -> None:
        with pytest.raises(AnotherHistoryError) as refused:
            RESTORED_TWICE.must_be_current(mark)
        assert refused.value.extensions == {"history": THIRD, "position": back, "known": True}

    def test_of_a_log_that_was_never_restored_nothing_is_in_common(self) -> None:
        with pytest.raises(AnotherHistoryError) as refused:
            Chain(500, (History(FIRST, 0),)).must_be_current(Mark(240, LOST))
        assert refused.value.extensions == {"history": FIRST, "position": 0, "known": False}

    @pytest.mark.parametrize("mark", [Mark(499, THIRD), Mark(499)])
    def test_who_keeps_the_one_that_goes_on_or_none_may_read(self, mark: Mark) -> None:
        RESTORED_TWICE.must_be_current(mark)
        NOTHING.must_be_current(Mark(0))


class Seen:
    """What a consumer was told, with its checkpoint in its database."""

    def __init__(self, database: Database, log: str, http: httpx.AsyncClient) -> None:
        self.events: list[str] = []

        async def apply(_: object, events: Sequence[CloudEvent]) -> None:
            self.events += [event.id for event in events]

        once = InOneTransaction(database, "seen", log=f"{log}-of-consumer", source=log, apply=apply)
        self.consumer = once
        self.follower = FeedFollower(http, log, once)


async def restore(fresh: FreshDatabase, log: str, position: int, *, elsewhere: bool) -> None:
    """The log as it was at an earlier moment; in another place, as far as can be seen, or in the same."""
    admin = await asyncpg.connect(fresh.admin_dsn)
    try:
        await admin.execute("set search_path = kit")
        await admin.execute("delete from events where log = $1 and position > $2", log, position)
        place = "'another'" if elsewhere else "server"
        await admin.execute(
            f"update logs set position = $2, server = {place} where log = $1",
            log,
            position,
        )
    finally:
        await admin.close()


async def history_of(database: Database, log: str) -> str:
    async with database.acquire() as conn:
        return (await chains(conn, [log]))[log].current


class TestRestore:
    @pytest.mark.parametrize("told", [False, True], ids=["noticed by itself", "told by the operator"])
    async def test_whoever_followed_misses_nothing_of_what_the_log_went_on_with(
        self,
        client: Client,
        event_tables: FreshDatabase,
        database: Database,
        store: EventStore,
        log: str,
        told: bool,
    ) -> None:
        await noted(database, store, log, 10)
        async with client("feed:read") as http:
            seen = Seen(database, log, http)
            await seen.follower.catch_up()
            before = await history_of(database, log)
            assert seen.events == [f"{log}/{before}/{position}" for position in range(1, 11)]

            await restore(event_tables, log, 6, elsewhere=not told)
            again = await Database.connect(event_tables.app_dsn, schema="kit", application_name="kit.again")
            try:
                if told:
                    async with again.acquire() as conn:
                        await begin_new(conn)
            finally:
                await again.close()
            await noted(database, store, log, 8)  # the new history has grown past where we are
            after = await history_of(database, log)

            assert await seen.follower.catch_up() == 14
            assert after != before
            assert seen.events[10:] == [f"{log}/{after}/{position}" for position in range(7, 15)]
            assert await seen.consumer.load_checkpoint() == Mark(14, after)

    async def test_a_batch_of_the_history_we_left_is_not_taken_in(
        self, client: Client, database: Database, store: EventStore, log: str
    ) -> None:
        await noted(database, store, log, 4)
        async with client("feed:read") as http:
            seen = Seen(database, log, http)
            await seen.follower.catch_up()
            await seen.consumer.go_back(Mark(2, FIRST))
            await seen.consumer.handle([], Mark(9, SECOND))
            assert await seen.consumer.load_checkpoint() == Mark(2, FIRST)

    async def test_a_position_of_a_deployment_nothing_is_known_of_stops_whoever_follows(
        self, client: Client, database: Database, store: EventStore, log: str
    ) -> None:
        await noted(database, store, log, 4)
        async with client("feed:read") as http:
            seen = Seen(database, log, http)
            await seen.follower.catch_up()
            await seen.consumer.go_back(Mark(2, LOST))
            with pytest.raises(AheadOfFeedError):
                await seen.follower.step()

    async def test_the_feed_and_the_list_of_logs_tell_the_history(
        self, client: Client, database: Database, store: EventStore, log: str
    ) -> None:
        await noted(database, store, log, 2)
        history = await history_of(database, log)
        async with client("feed:read") as http:
            page = await http.get(f"/v1/logs/{log}/feed", params={"history": history})
            assert page.headers["Xuefen-History"] == history
            assert {event["history"] for event in page.json()} == {history}
            assert (await http.get("/v1/logs")).json()["items"][:1] == [
                {"log": log, "head": 2, "history": history}
            ]
            other = await http.get(f"/v1/logs/{log}/feed", params={"after": 2, "history": LOST})
        assert other.status_code == 409
        assert other.json()["type"] == "urn:xuefen:problem:another-history"
        assert (other.json()["position"], other.json()["history"]) == (0, history)


class TestPostgres:
    def test_a_restore_up_to_a_moment_is_noticed_by_the_timeline(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """The files of a backup are put back, and PostgreSQL recovers them: the promotion of a standby looks the same."""
        root = reachable(tmp_path_factory.mktemp("restored"))
        server = EmbeddedPostgres(root / "data", settings={"log_min_messages": "fatal"})
        store, passwords = EventStore(), {key: PASSWORDS[key] for key in ("kit", "kit_owner")}

        async def write(dsn: str, count: int) -> str:
            database = await Database.connect(dsn, schema="kit", application_name="kit.restored")
            try:
                await noted(database, store, "a", count)
                return await history_of(database, "a")
            finally:
                await database.close()

        server.start()
        try:
            dsns = outside_loop(lambda: provision(server.dsn, "restored", passwords=passwords))
            upgrade_from(KIT_VERSIONS, dsns["kit_owner"], schema="kit")
            first = outside_loop(lambda: write(dsns["kit"], 3))
            assert outside_loop(lambda: write(dsns["kit"], 2)) == first
            server.stop()
            data = server.data_dir
            (data / "recovery.signal").touch()
            with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
                settings.write("restore_command = 'false'\n")
            server.start()
            address = re.sub(r":\d+/", f":{server.port}/", dsns["kit"])
            assert outside_loop(lambda: write(address, 2)) != first
        finally:
            server.remove()
