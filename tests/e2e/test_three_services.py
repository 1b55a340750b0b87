"""The three services together: what one decides, the others follow, and nothing is lost or done twice on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from contracts.divisions import AUTHORITIES
from services.cli.demo.fictitious import FictitiousPerson
from services.kit.database import Databases
from services.kit.events import UnknownEventError
from services.kit.follower import AheadOfFeedError, FeedFollower
from services.kit.histories import begin_new
from services.ledger import composition as ledger_parts
from services.ledger import worker as ledger_worker
from services.ledger.composition import Ledger
from services.ledger.reactions.reactions import AheadOfRegistryError
from services.registry import composition as registry_parts
from services.transfer import worker as transfer_worker
from tests.conftest import FreshDatabaseFactory
from tests.e2e.system import CHAOYANG, LIAONING, NATION, ROUTES, SHENYANG, SHUANGTA, System, new_system
from tests.e2e.transports import Changed, OneAtATime, of_a_newer_release, of_another_deployment

SECONDS_MAX = 10.0


class TestCollectionToCompliance:
    async def test_a_person_collected_and_a_provider_accredited_meet_in_the_ledger(
        self, system: System
    ) -> None:
        person = system.stranger()
        person_id = await system.collects(person)
        provider = await system.provides()
        await system.follow()

        granted = await provider.signs_in()
        [outcome] = await provider.posts(provider.completion(person, "30.00"))
        answer = await system.asks(person_id, 2025)

        assert granted["token_type"] == "Bearer"
        assert (outcome["outcome"], outcome["person_id"], outcome["log"]) == (
            "registered",
            person_id,
            LIAONING,
        )
        assert (answer["status"], answer["total"], answer["place"]) == ("in_progress", "30.00", SHUANGTA)
        assert answer["position"] == outcome["position"]

    async def test_a_record_waits_for_its_person_and_is_registered_when_the_feed_brings_them(
        self, system: System
    ) -> None:
        person, provider = system.stranger(), await system.provides()
        case = await system.submits(person)
        await system.follow()
        [held] = await provider.posts(provider.completion(person, "30.00"))
        await system.passes(case["collection_id"], CHAOYANG)
        await system.follow()

        assert (held["outcome"], held["reason"]) == ("held", "not_collected")
        assert (await system.asks(case["person_id"], 2025))["total"] == "30.00"

    async def test_a_returned_collection_reaches_nobody(self, system: System) -> None:
        case = await system.submits(system.stranger())
        path = f"/v1/collections/{case['collection_id']}/initial-review"
        body = {"decision": "return", "reason": "documents_unclear"}
        await system.does("registry", "POST", path, body, by=system.official(CHAOYANG))
        await system.follow()
        path = f"/v1/persons/{case['person_id']}/compliance/2025"
        answer = await system.call("ledger", "GET", path, by=system.official(LIAONING))
        assert answer.status_code == 404

    async def test_a_provider_asks_before_it_posts(self, system: System) -> None:
        """S0-23."""
        person, provider = system.stranger(), await system.provides()
        await system.collects(person)
        misspelt = FictitiousPerson(name=f"{person.name}某", id_number=person.id_number)
        answers = await provider.checks(person, misspelt, system.stranger())
        assert answers == ["match", "mismatch", "unknown"]

    async def test_an_hour_later_the_provider_signs_in_again(self, system: System) -> None:
        provider = await system.provides()
        body = {"records": [provider.completion(system.stranger(), "30.00")]}
        system.now = datetime(2025, 6, 1, 6, tzinfo=UTC)
        late = await system.call("ledger", "POST", "/v1/completions", body, by=provider.headers)
        await provider.signs_in()
        again = await system.call("ledger", "POST", "/v1/completions", body, by=provider.headers)
        assert (late.status_code, again.status_code) == (401, 200)

    async def test_a_client_without_the_right_secret_gets_no_token(self, system: System) -> None:
        provider = await system.provides()
        answer = await system.clients["registry"].post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(provider.client[0], "another secret"),
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


class TestDisqualification:
    async def test_refuses_what_is_completed_from_that_day_and_lets_the_earlier_stand(
        self, system: System
    ) -> None:
        """S0-25, A-12."""
        person, provider = system.stranger(), await system.provides()
        person_id = await system.collects(person)
        await system.follow()
        await provider.posts(provider.completion(person, "30.00"))

        await system.disqualifies(provider, LIAONING, date(2025, 6, 10))
        await system.follow()
        system.now = datetime(2025, 6, 15, 4, tzinfo=UTC)
        await provider.signs_in()
        before, since = await provider.posts(
            provider.completion(person, "5.00", completed_at="2025-06-09T23:59:59+08:00"),
            provider.completion(person, "7.00", completed_at="2025-06-10T00:00:00+08:00"),
        )

        assert before["outcome"] == "registered"
        assert (since["outcome"], since["problem"]["type"]) == (
            "rejected",
            "urn:xuefen:problem:provider-disqualified",
        )
        assert (await system.asks(person_id, 2025))["total"] == "35.00"

    async def test_of_one_city_leaves_the_rest_of_the_province(self, system: System) -> None:
        provider = await system.provides()
        here, there = system.stranger(), system.stranger()
        await system.collects(here, SHUANGTA)
        await system.collects(there, SHENYANG)
        await system.disqualifies(provider, CHAOYANG, date(2025, 5, 1))
        await system.follow()
        outcomes = await provider.posts(provider.completion(here, "5.00"), provider.completion(there, "5.00"))
        assert [each["outcome"] for each in outcomes] == ["rejected", "registered"]


class TestTransfer:
    async def test_moves_the_person_in_registry_and_ledger(self, system: System) -> None:
        person, provider = system.stranger(), await system.provides()
        person_id = await system.collects(person, CHAOYANG)
        await system.follow()
        await provider.posts(provider.completion(person, "30.00"))
        before = await system.asks(person_id, 2025)
        transcript = await credits_of(system, person_id)

        await system.transfers_to(person_id, CHAOYANG, SHENYANG)
        await system.follow()

        after = await system.asks(person_id, 2025, SHENYANG)
        assert (before["place"], after["place"]) == (CHAOYANG, SHENYANG)
        for kept in ("status", "total", "by_category", "requirements", "missing", "not_counted"):
            assert after[kept] == before[kept]
        assert await credits_of(system, person_id) == transcript
        moved = await system.does("registry", "GET", f"/v1/persons/{person_id}", by=system.official(SHENYANG))
        assert moved["place"] == SHENYANG

    async def test_gives_the_person_to_the_officials_of_the_new_place_alone(self, system: System) -> None:
        person_id = await system.collects(system.stranger(), CHAOYANG)
        await system.follow()
        await system.transfers_to(person_id, CHAOYANG, SHENYANG)
        await system.follow()
        seen = {
            (service, place): (await system.call(service, "GET", path, by=system.official(place))).status_code
            for service, path in (
                ("registry", f"/v1/persons/{person_id}"),
                ("ledger", f"/v1/persons/{person_id}/compliance/2025"),
            )
            for place in (CHAOYANG, SHENYANG)
        }
        assert seen == {
            ("registry", CHAOYANG): 404,
            ("registry", SHENYANG): 200,
            ("ledger", CHAOYANG): 403,
            ("ledger", SHENYANG): 200,
        }

    async def test_a_student_who_starts_to_work_is_one_no_longer(self, system: System) -> None:
        """S2C-10, B-09: whoever moves names an employer, or is a student and has none."""
        person_id = await system.collects(system.stranger(), CHAOYANG, student=True)
        await system.follow()
        assert (await system.asks(person_id, 2025))["status"] == "not_required"
        await system.transfers_to(person_id, CHAOYANG, SHENYANG)
        await system.follow()
        assert (await system.asks(person_id, 2025))["status"] == "in_progress"
        moved = await system.does("registry", "GET", f"/v1/persons/{person_id}", by=system.official(SHENYANG))
        assert moved["student"] is False

    async def test_a_completion_in_the_middle_of_it_is_registered(self, system: System) -> None:
        person, provider = system.stranger(), await system.provides()
        person_id = await system.collects(person, CHAOYANG)
        await system.follow()
        await system.transfers_to(person_id, CHAOYANG, SHENYANG)
        [outcome] = await provider.posts(provider.completion(person, "30.00"))
        await system.follow()
        assert outcome["outcome"] == "registered"
        assert (await system.asks(person_id, 2025, SHENYANG))["total"] == "30.00"

    async def test_one_that_arrives_before_its_person_waits_for_them(
        self, system: System, fresh_database: FreshDatabaseFactory
    ) -> None:
        """The two feeds come in side by side, and nothing says which first."""
        person_id = await system.collects(system.stranger(), CHAOYANG)
        await system.follow()
        await system.transfers_to(person_id, CHAOYANG, SHENYANG)
        async with another_ledger(system, fresh_database) as late:
            with pytest.raises(AheadOfRegistryError):
                await follower(system, late, "transfer").catch_up()
            await follower(system, late, "registry").catch_up()
            await follower(system, late, "transfer").catch_up()
            profile = (await late.people.home_of(person_id, LIAONING)).profile
        assert profile.person.place == SHENYANG


@pytest.fixture(scope="module")
async def small(fresh_database: FreshDatabaseFactory) -> AsyncIterator[System]:
    """A system of its own with a short history, all of it followed."""
    async with new_system(fresh_database).running() as system:
        provider = await system.provides()
        await system.disqualifies(provider, CHAOYANG, date(2025, 5, 1))
        await history(system)
        await system.follow()
        yield system


class TestRestarts:
    async def test_a_restart_at_every_position_and_two_workers_at_once_come_out_the_same(
        self, small: System, fresh_database: FreshDatabaseFactory
    ) -> None:
        async with another_ledger(small, fresh_database) as other:
            for source in ("registry", "transfer"):
                for _ in range((await small.heads(source))[source]):
                    feed = small.apps[source]
                    pair = [follower(small, other, source, OneAtATime(feed)) for _ in range(2)]
                    await asyncio.gather(*(each.step() for each in pair))
            recorded = await streams(other)
            assert {name.partition("/")[2].partition(":")[0] for name in recorded} == {"profile", "provider"}
            assert recorded == await streams(small.ledger)
            for table in ("providers", "profiles"):
                assert await rows(other.databases, table) == await rows(small.ledger.databases, table)

    @pytest.mark.parametrize(("source", "consumer"), ROUTES)
    async def test_a_feed_delivered_again_from_any_position_changes_nothing(
        self, small: System, source: str, consumer: str
    ) -> None:
        """A worker may be killed between the effects of a batch and the position of its reader."""
        before = await everything(small)
        head = (await small.heads(source))[source]
        for position in range(head):
            await rewind(small, source, consumer, position)
            assert await small.follower(source, consumer).catch_up() == head
        assert await everything(small) == before


class TestFollowersThatStop:
    @pytest.mark.parametrize(("source", "consumer"), ROUTES)
    async def test_at_an_event_of_a_newer_release_and_say_so(
        self, system: System, source: str, consumer: str
    ) -> None:
        await history(system)
        reached = (await system.heads(source))[source]
        before = await system.heads(consumer)
        newer = Changed(system.apps[source], of_a_newer_release)
        with capture_logs() as logs, pytest.raises(UnknownEventError, match="adopted"):
            await asyncio.wait_for(system.follower(source, consumer, newer).run(), SECONDS_MAX)
        stopped = [each for each in logs if each["event"] == "follower.stopped"]
        assert [(each["log_level"], each["log"]) for each in stopped] == [("critical", source)]
        assert await system.heads(consumer) == before

        await system.follow()
        assert await system.follower(source, consumer).catch_up() >= reached

    async def test_when_they_are_ahead_of_the_log(self, fresh_database: FreshDatabaseFactory) -> None:
        async with new_system(fresh_database).running() as doomed:
            await history(doomed)
            await doomed.follow()
            for source, consumer in ROUTES:
                other = Changed(doomed.apps[source], of_another_deployment)
                await doomed.follower(source, consumer, other).step()
                with capture_logs() as logs, pytest.raises(AheadOfFeedError):
                    await asyncio.wait_for(doomed.follower(source, consumer).run(), SECONDS_MAX)
                assert "follower.stopped" in [each["event"] for each in logs]

    @pytest.mark.parametrize(("source", "consumer"), ROUTES)
    async def test_but_not_of_one_that_was_restored_which_they_go_back_in(
        self, system: System, source: str, consumer: str
    ) -> None:
        """The consumer has seen a hundred events that the restore has taken back; what comes instead is not missed."""
        await history(system)
        await system.follow()
        ahead = Changed(system.apps[source], of_another_deployment)
        await system.follower(source, consumer, ahead).step()
        database = system.registry.database if source == "registry" else system.transfers.database
        async with database.acquire() as conn:
            assert await begin_new(conn) == [source]
        await history(system)
        await system.follow()
        reached = (await system.heads(source))[source]
        assert await system.follower(source, consumer).catch_up() == reached

    async def test_the_feed_says_so_with_a_problem(self, system: System) -> None:
        for service, log in (("registry", "registry"), ("transfer", "transfer"), ("ledger", LIAONING)):
            path = f"/v1/logs/{log}/feed?after=1000000"
            answer = await system.call(service, "GET", path, by=system.reader())
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:xuefen:problem:ahead-of-log")


async def history(system: System) -> str:
    """Somebody is collected and moves, and somebody else is collected; followed as far as the transfer asks for it."""
    person_id = await system.collects(system.stranger(), CHAOYANG)
    await system.follower("registry", "transfer").catch_up()
    await system.transfers_to(person_id, CHAOYANG, SHENYANG)
    await system.collects(system.stranger())
    return person_id


@asynccontextmanager
async def another_ledger(system: System, fresh_database: FreshDatabaseFactory) -> AsyncIterator[Ledger]:
    """A ledger of the same deployment that has followed nothing yet."""
    fresh = fresh_database("ledger", logs=AUTHORITIES)
    settings = system.ledger_settings.model_copy(
        update={"ledger_database_url": fresh.app_dsn, "ledger_databases": fresh.by_log}
    )
    ledger = Ledger(
        await ledger_parts.connect(settings, "late"),
        settings.hashers,
        digest_key=settings.digest_key_bytes,
        audit_key=settings.audit_key_bytes,
        clock=system.clock,
    )
    await ledger.prepare()
    try:
        yield ledger
    finally:
        await ledger.close()


def follower(
    system: System, ledger: Ledger, source: str, transport: httpx.AsyncBaseTransport | None = None
) -> FeedFollower:
    """That ledger's follower of a service's log."""
    return ledger_worker.follower(ledger, system.feed_client(source, "ledger", transport), source)


async def streams(ledger: Ledger) -> dict[str, list[tuple[str, bytes]]]:
    """What a ledger recorded of people and providers, stream by stream: what of it came first is nobody's matter."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for log in (NATION, LIAONING):
        async with ledger.databases.of(log).acquire() as conn:
            for event in await ledger.store.read(conn, log, after=0, limit=10_000):
                if event.stream_id.startswith(("profile:", "provider:")):
                    found.setdefault(f"{log}/{event.stream_id}", []).append((event.topic, event.state))
    return found


async def rows(databases: Databases, table: str) -> list[str]:
    """All rows of a table, of whatever log, as text."""
    found: list[str] = []
    for database in databases.all():
        async with database.acquire() as conn:
            found += [row[0] for row in await conn.fetch(f"select t::text from {table} t")]
    return sorted(found)


async def everything(system: System) -> tuple[Any, ...]:
    """Every position and every row that a feed could have changed."""
    return (
        await system.all_heads(),
        [
            await rows(system.ledger.databases, table)
            for table in ("profiles", "providers", "accounts", "waiting")
        ],
        [await rows(system.registry.databases, table) for table in ("people", "collections")],
        [await rows(system.transfers.databases, table) for table in ("homes", "organizations", "transfers")],
    )


async def rewind(system: System, source: str, consumer: str, position: int) -> None:
    """Set a follower back, as if it had been killed before it saved how far it had come."""
    database, name = {
        "ledger": (system.ledger.databases.of(NATION), "follow-reader"),
        "registry": (system.registry.database, registry_parts.CHECKPOINT),
        "transfer": (system.transfers.database, transfer_worker.CHECKPOINT),
    }[consumer]
    statement = "update checkpoints set position = $3 where name = $1 and source = $2"
    async with database.acquire() as conn:
        assert await conn.execute(statement, name, source, position) == "UPDATE 1"


async def credits_of(system: System, person_id: str) -> Any:
    """Every credit of a person as awarded."""
    path = f"/v1/persons/{person_id}/transcript"
    return (await system.does("ledger", "GET", path, by=system.official(LIAONING)))["credits"]
