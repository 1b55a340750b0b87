"""Every route into an account after the close: refused, or let in by an official as a correction with a reason."""

from datetime import UTC, date, datetime
from typing import Any

from services.ledger.counting import rebuild as rebuilding
from tests.kit.http import bearer
from tests.ledger.cases.test_claims import Desk
from tests.ledger.cases.test_registrations import identity
from tests.ledger.cases.training import Training
from tests.ledger.officials.closing.closing import JANUARY, LIAONING, SHUANGTA, closes, corrects, posts_one
from tests.ledger.world import Provider, Somebody, World


async def corrections_of(world: World, who: Somebody) -> list[Any]:
    transcript = await world.client.get(
        f"/v1/persons/{who.person_id}/transcript", headers=world.official(LIAONING)
    )
    return [line["correction"] for line in transcript.json()["credits"]]


class TestClaims:
    async def test_a_claim_handed_in_before_the_close_is_approved_as_a_correction(self, world: World):
        """B-07, B-08: what was handed in in time is let in, marked, by the official who answers for it."""
        desk, who = Desk(world, SHUANGTA), await world.collects(SHUANGTA)
        claim_id = (await desk.submits(who)).json()["claim_id"]
        await desk.steps(claim_id, "acceptance")
        await closes(world, LIAONING, 2025)
        refused = await desk.steps(claim_id, "approval")
        assert refused.status_code == 422
        assert refused.json()["type"] == "urn:xuefen:problem:year-closed"
        approved = await desk.steps(claim_id, "approval", correction="handed_in_before_close")
        assert approved.status_code == 200, approved.text
        assert await corrections_of(world, who) == ["handed_in_before_close"]

    async def test_a_new_claim_comes_too_late(self, world: World):
        await closes(world, LIAONING, 2025)
        response = await Desk(world, SHUANGTA).submits(await world.collects(SHUANGTA))
        assert response.json()["type"] == "urn:xuefen:problem:year-closed"

    async def test_make_up_by_application_is_still_claimed(self, world: World):
        """S1-18: whoever missed 2024 applies after 1 April 2025, with proof."""
        world.now = datetime(2025, 5, 1, 4, tzinfo=UTC)
        desk, who = Desk(world, SHUANGTA), await world.collects(SHUANGTA)
        await closes(world, LIAONING, 2024)
        study = {
            "form": "study", "role": None, "year": 2024, "happened_on": "2025-04-10", "quantity": "30",
            "mode": "online", "category": "professional", "fact": {"provider": "甲", "certificate": "1"},
        }  # fmt: skip
        approved = await desk.approved(who, **study)
        assert approved["state"] == "approved"
        assert await corrections_of(world, who) == [None]

    async def test_a_claim_of_an_open_year_needs_no_reason(self, world: World):
        who = await world.collects(SHUANGTA)
        await Desk(world, SHUANGTA).approved(who)
        assert await corrections_of(world, who) == [None]


class TestLists:
    def line(self, who: Somebody) -> dict[str, Any]:
        return {
            "person": identity(who.person),
            "year": 2025,
            "category": "professional",
            "credits": "30.00",
            "mode": "online",
            "completed_on": "2025-05-01",
            "system": "old_platform",
            "record_id": f"old-{who.person_id}",
        }

    async def registers(self, world: World, key: str, who: Somebody, **body: Any) -> Any:
        response = await world.client.post(
            "/v1/registrations/history",
            json={"records": [self.line(who)]} | body,
            headers=bearer("registration:write", subject="province", place=LIAONING)
            | {"Idempotency-Key": key},
        )
        assert response.status_code == 200, response.text
        [line] = response.json()["results"]
        return line

    async def test_history_of_a_closed_year_is_taken_over_as_a_correction(self, world: World):
        """S4-06 after the close."""
        who = await world.collects(SHUANGTA)
        await closes(world, LIAONING, 2025)
        refused = await self.registers(world, "one", who)
        assert refused["problem"]["type"] == "urn:xuefen:problem:year-closed"
        taken = await self.registers(world, "two", who, correction="reported_late")
        assert taken["outcome"] == "registered"
        assert await corrections_of(world, who) == ["reported_late"]


class TestRosters:
    async def test_rows_uploaded_before_the_close_are_approved_as_corrections(
        self, world: World, provider: Provider
    ):
        training = Training(world, provider, SHUANGTA, [date(2025, 12, 26)])
        await training.held()
        world.now = datetime(2025, 12, 30, 4, tzinfo=UTC)
        one, two = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
        uploaded = await training.uploads(training.row(one, "1"), training.row(two, "2"))
        assert uploaded.status_code == 201, uploaded.text
        roster_id = uploaded.json()["roster_id"]
        world.now = JANUARY
        await closes(world, LIAONING, 2025)
        refused = (await training.reviews(roster_id, rows=["1"])).json()
        assert refused["results"][0]["reason"] == "year-closed"
        taken = await training.reviews(roster_id, rows=["2"], correction="handed_in_before_close")
        assert taken.json()["results"][0]["outcome"] == "registered", taken.text
        assert await corrections_of(world, two) == ["handed_in_before_close"]

    async def test_a_roster_that_comes_after_the_close_is_refused_row_by_row(
        self, world: World, provider: Provider
    ):
        training = Training(world, provider, SHUANGTA, [date(2025, 12, 26)])
        await training.held()
        who = await world.collects(SHUANGTA)
        world.now = JANUARY
        await closes(world, LIAONING, 2025)
        response = await training.uploads(training.row(who, "1"), late_reason="other")
        assert response.status_code == 422
        assert response.json()["results"][0]["problem"]["type"] == "urn:xuefen:problem:year-closed"


class TestRows:
    async def test_rebuilt_rows_are_the_same(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        await posts_one(provider, who)
        await closes(world, LIAONING, 2025)
        await corrects(world, who, LIAONING, "decision-1")
        database = world.ledger.databases.of(LIAONING)
        read = (
            "select record_send(y.*) from years y where log = $1 union all"
            " select record_send(a.*) from accounts a where log = $1"
        )
        async with database.acquire() as conn:
            before = await conn.fetch(read, LIAONING)
        await rebuilding.rebuild(world.ledger.databases, models=["years", "accounts"], logs=[LIAONING])
        async with database.acquire() as conn:
            assert await conn.fetch(read, LIAONING) == before
        assert len(before) == 2
