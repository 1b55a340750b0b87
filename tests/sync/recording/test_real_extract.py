"""The ledger's own extract of a closed year, as the archiver reads it: both sides of that route in one test (S2A-08)."""

from datetime import UTC, datetime

import httpx
import pytest

from services.sync.adapters import HttpAdapter
from services.sync.reconciling.reconcile import Reconciler
from services.sync.recording.closings import Archiver, YearNotClosedError
from services.sync.recording.following import LedgerFollowing
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.world import World as LedgerWorld
from tests.sync.world import ARCHIVE, TOKEN, World, target, world_on

JINCHENG, COUNTY = "140500", "140502"
SERVICE = bearer("feed:read", "archive:read", subject="service:sync", place="100000")


async def test_everybody_of_a_closed_year_reaches_the_archive(fresh_database: FreshDatabaseFactory, dsn: str):
    ledger = LedgerWorld(fresh_database("ledger"))
    ledger.now = datetime(2024, 11, 5, 4, tzinfo=UTC)
    async with ledger.running(), world_on(dsn, target(ARCHIVE, needs=[])) as sync:
        star = await ledger.provides("会计之星", accredited=["140000"])
        full, short = await ledger.collects(COUNTY), await ledger.collects(COUNTY)
        at = "2024-11-01T10:00:00+08:00"
        await star.posts(star.completion(full, 2024, "90.00", completed_at=at))
        ledger.now = datetime(2026, 1, 5, 4, tzinfo=UTC)
        closed = await ledger.client.post(
            f"/v1/years/{JINCHENG}/2024/close",
            headers=ledger.official(JINCHENG, "year:close") | {"Idempotency-Key": "close-1"},
        )
        assert closed.status_code == 201, closed.text
        transport = httpx.ASGITransport(ledger.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://l", headers=SERVICE) as client:
            logs = sync.sync.targets.logs()
            following = LedgerFollowing(sync.database, client, sync.sync.recorder, logs)
            while await following.step():
                pass
            archiver = Archiver(sync.database, client, sync.sync.targets.all[ARCHIVE], lambda: sync.now)
            while await archiver.step():
                pass
        await sync.deliver(ARCHIVE)
        held = {each.of("person_ref"): each.content["status"] for each in sync.held(ARCHIVE).live}
        assert held == {full.person_id: "compliant", short.person_id: "deficient"}
        async with httpx.AsyncClient(transport=transport, base_url="http://l", headers=SERVICE) as client:
            await reconciles(sync, client)


async def reconciles(sync: World, ledger: httpx.AsyncClient) -> None:
    """What arrived is the same on both sides; where nobody closed the year, or no notice governs it, that is said."""
    archive = httpx.AsyncClient(
        transport=httpx.ASGITransport(sync.app),
        base_url=f"http://stand-in/{ARCHIVE}",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    async with archive:
        reconciler = Reconciler(sync.database, ledger, sync.sync.targets.all[ARCHIVE], HttpAdapter(archive))
        found = await reconciler.compare(JINCHENG, 2024)
        assert [(each.ours.place, each.same, each.ours.people) for each in found.places] == [
            (COUNTY, True, 2)
        ]
        assert found.differences == []
        for place, year in (("140000", 2024), (JINCHENG, 2025), ("440300", 2024)):
            with pytest.raises(YearNotClosedError, match=f"{year} is not closed at {place}"):
                await reconciler.compare(place, year)
