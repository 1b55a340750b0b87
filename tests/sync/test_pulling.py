"""The platform's own history comes in through the ledger's import, once, and corrections after it (S4-06)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.divisions import AUTHORITIES
from contracts.targets import HistoricRecord, Identity
from services.sync.adapters import HttpAdapter
from services.sync.pulling import ImportUnavailableError, Puller
from services.sync.recording.following import LedgerFollowing
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.world import Somebody
from tests.ledger.world import World as LedgerWorld
from tests.sync.world import NATIONAL, TOKEN, World, target, world_on

JINCHENG, SHANXI = "140502", "140000"
SERVICE = bearer("feed:read", "registration:write", "credit:revoke", subject="service:sync", place="100000")


class Both:
    """The real ledger, and a synchronisation that pulls into it."""

    def __init__(self, ledger: LedgerWorld, sync: World) -> None:
        self.ledger = ledger
        self.sync = sync
        self.count = 0

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.ledger.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://ledger", headers=SERVICE)

    def holds(self, who: Any, **fields: Any) -> None:
        """The platform holds a credit that nobody delivered."""
        self.count += 1
        person = who.person if isinstance(who, Somebody) else who
        values: dict[str, Any] = {
            "position": len(self.sync.held().history) + 1,
            "record_id": f"QG{self.count:06d}",
            "version": 1,
            "action": "put",
            "identity": Identity(id_type="resident_id", id_number=person.id_number, name=person.name),
            "place": JINCHENG,
            "year": 2024,
            "category": "professional",
            "credits": "30.00",
            "mode": "online",
            "completed_on": "2024-06-01",
        }
        self.sync.held().history.append(HistoricRecord.model_validate(values | fields))

    async def pulls(self) -> list[str]:
        """Everything that is new; the outcomes."""
        stand_in = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.sync.app),
            base_url=f"http://stand-in/{NATIONAL}",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        async with stand_in, self.client() as ledger:
            spec = self.sync.sync.targets.all[NATIONAL]
            puller = Puller(self.sync.database, spec, HttpAdapter(stand_in), ledger, lambda: self.sync.now)
            outcomes = []
            while (page := await puller.step()) is not None:
                outcomes += [each.outcome for each in page]
        return outcomes

    async def follows(self) -> None:
        """The ledger's feed is recorded."""
        async with self.client() as client:
            following = LedgerFollowing(self.sync.database, client, self.sync.sync.recorder, AUTHORITIES[1:])
            while await following.step():
                pass

    async def total(self, who: Somebody) -> str:
        """What counts of the person's year."""
        answer = await self.ledger.asks(who, 2024)
        return str(answer["total"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ledger(fresh_database: FreshDatabaseFactory) -> AsyncIterator[LedgerWorld]:
    world = LedgerWorld(fresh_database("ledger"))
    world.now = datetime(2024, 11, 5, 4, tzinfo=UTC)
    async with world.running() as running:
        yield running


@pytest_asyncio.fixture
async def both(ledger: LedgerWorld, dsn: str) -> AsyncIterator[Both]:
    async with world_on(dsn, target(NATIONAL, source="national_platform", pull=True)) as sync:
        yield Both(ledger, sync)


class TestPull:
    async def test_brings_history_in_once_with_where_it_came_from(self, both: Both):
        """S4-06."""
        who = await both.ledger.collects(JINCHENG)
        both.holds(who)
        assert await both.pulls() == ["registered"]
        assert await both.pulls() == []
        assert await both.total(who) == "30.00"
        transcript = (
            await both.ledger.client.get(
                f"/v1/persons/{who.person_id}/transcript",
                headers=both.ledger.official(SHANXI),
            )
        ).json()
        assert [line["route"] for line in transcript["credits"]] == ["import"]

    async def test_does_not_send_back_what_it_brought(self, both: Both):
        both.holds(await both.ledger.collects(JINCHENG))
        await both.pulls()
        await both.follows()
        assert await both.sync.states() == {}

    async def test_that_was_killed_before_it_kept_the_answer_brings_nothing_twice(self, both: Both):
        who = await both.ledger.collects(JINCHENG)
        both.holds(who)
        await both.pulls()
        async with both.sync.database.transaction() as conn:
            await conn.execute("delete from pulled")
            await conn.execute("update checkpoints set position = 0")
        assert await both.pulls() == ["duplicate"]
        assert await both.total(who) == "30.00"

    async def test_a_correction_ends_the_credit_and_puts_another(self, both: Both):
        who = await both.ledger.collects(JINCHENG)
        both.holds(who, record_id="QG-corrected")
        await both.pulls()
        await both.follows()
        both.holds(who, record_id="QG-corrected", version=2, credits="12.00")
        assert await both.pulls() == ["registered"]
        assert await both.total(who) == "12.00"
        await both.follows()
        both.holds(who, record_id="QG-corrected", version=3, action="end")
        assert await both.pulls() == ["ended"]
        assert await both.total(who) == "0.00"

    async def test_a_correction_in_the_same_page_waits_until_the_feed_has_brought_the_credit(
        self, both: Both
    ):
        who = await both.ledger.collects(JINCHENG)
        both.holds(who, record_id="QG-fast")
        both.holds(who, record_id="QG-fast", version=2, credits="9.00")
        with pytest.raises(ImportUnavailableError):
            await both.pulls()
        await both.follows()
        assert await both.pulls() == ["registered"]
        assert await both.total(who) == "9.00"

    async def test_says_why_a_record_was_not_taken_and_takes_the_others(self, both: Both):
        who, stranger = await both.ledger.collects(JINCHENG), both.ledger.stranger()
        both.holds(who)
        both.holds(stranger)
        both.holds(who, place="149999")
        assert sorted(await both.pulls()) == ["registered", "rejected:person-unknown", "unknown_place"]

    async def test_keeps_no_name_and_no_number(self, both: Both):
        """S0-23: they pass through."""
        who = await both.ledger.collects(JINCHENG)
        both.holds(who)
        await both.pulls()
        async with both.sync.database.acquire() as conn:
            rows = await conn.fetch("select * from pulled")
        assert who.person.id_number not in repr(rows)
        assert who.person.name not in repr(rows)
