"""Taking back, revoking, exempting, publishing: commands that name what they correct, why, and who decided."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from tests.ledger.world import Provider, Somebody, World

LIAONING, CHAOYANG, SHUANGTA, SHANXI = "210000", "211300", "211302", "140000"
LISTED = "北京东奥时代教育科技有限公司"


@pytest.fixture
async def provider(world: World) -> Provider:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    return await world.provides(LISTED, accredited=[LIAONING])


async def earned(world: World, provider: Provider, credits: str = "90.00") -> tuple[Somebody, dict[str, Any]]:
    """Given somebody with one registered completion."""
    who = await world.collects(SHUANGTA)
    [outcome] = await provider.posts(provider.completion(who, 2025, credits))
    assert outcome["outcome"] == "registered"
    return who, outcome


class TestWithdrawCompletion:
    async def test_takes_the_credits_off_and_says_why(self, world: World, provider: Provider):
        who, outcome = await earned(world, provider)
        response = await provider.withdraws(outcome["id"])
        assert response.status_code == 200, response.text
        answer = await world.asks(who, 2025)
        assert answer["total"] == "0.00"
        assert [item["why"] for item in answer["not_counted"]] == ["withdrawn"]

    async def test_is_carried_out_once_for_one_key(self, world: World, provider: Provider):
        _, outcome = await earned(world, provider)
        before = await world.count_events()
        first = await provider.withdraws(outcome["id"])
        again = await provider.withdraws(outcome["id"])
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        assert await world.count_events() == before + 1

    async def test_a_second_withdrawal_under_a_new_key_is_refused(self, world: World, provider: Provider):
        _, outcome = await earned(world, provider)
        await provider.withdraws(outcome["id"])
        again = await provider.withdraws(outcome["id"], key="another")
        assert again.status_code == 409
        assert again.json()["type"] == "urn:xuefen:problem:credit-already-ended"

    async def test_a_key_is_asked_for(self, world: World, provider: Provider):
        _, outcome = await earned(world, provider)
        response = await world.client.post(
            f"/v1/completions/{outcome['id']}/withdrawal",
            json={"reason": "refunded"},
            headers=provider.headers(),
        )
        assert response.status_code == 400

    async def test_a_provider_cannot_take_back_what_another_reported(self, world: World, provider: Provider):
        _, outcome = await earned(world, provider)
        other = await world.provides("上海国家会计学院", accredited=[LIAONING])
        response = await other.withdraws(outcome["id"])
        assert response.status_code == 404

    async def test_a_record_that_still_waits_leaves_the_waiting_room(self, world: World, provider: Provider):
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        await provider.posts(record)
        assert (await provider.withdraws(record["id"])).status_code == 200
        who = await world.collects(LIAONING, person=person)
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_a_record_that_has_left_the_waiting_room_is_taken_from_the_account(
        self, world: World, provider: Provider
    ):
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        await provider.posts(record)
        who = await world.collects(LIAONING, person=person)
        assert (await world.asks(who, 2025))["total"] == "90.00"
        assert (await provider.withdraws(record["id"])).status_code == 200
        assert (await world.asks(who, 2025))["total"] == "0.00"


class TestEnrolment:
    async def test_is_recorded_and_can_be_withdrawn(self, world: World, provider: Provider):
        """S1-07."""
        who = await world.collects(LIAONING)
        completion = provider.completion(who, 2025, "1.00")
        record = {
            "id": "e-1",
            "person": completion["person"],
            "year": 2025,
            "mode": "online",
            "tier": "junior",
            "enrolled_on": "2025-03-02",
        }
        [outcome] = await provider.posts(record, to="enrolments")
        assert outcome["outcome"] == "registered"
        [again] = await provider.posts(record, to="enrolments")
        assert again["outcome"] == "duplicate"
        assert (await provider.withdraws("e-1", kind="enrolments")).status_code == 200
        assert (await provider.withdraws("e-1", kind="enrolments", key="again")).status_code == 409


class TestRevokeCredit:
    async def revokes(self, world: World, who: Somebody, credit_id: str, place: str, key: str) -> Any:
        return await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{credit_id}/revocation",
            json={"year": 2025, "reason": "proxy_study"},
            headers=world.official(place) | {"Idempotency-Key": key},
        )

    async def test_an_authority_revokes_with_a_reason(self, world: World, provider: Provider):
        """S1-21."""
        who, outcome = await earned(world, provider)
        response = await self.revokes(world, who, outcome["credit_id"], SHUANGTA, "revoke-1")
        assert response.status_code == 200, response.text
        answer = await world.asks(who, 2025)
        assert (answer["status"], answer["total"]) == ("in_progress", "0.00")
        assert [item["why"] for item in answer["not_counted"]] == ["revoked"]
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(LIAONING)
        )
        [line] = transcript.json()["credits"]
        assert (line["state"], line["reason"], line["credits"]) == ("revoked", "proxy_study", "90.00")

    async def test_an_official_of_another_place_may_not(self, world: World, provider: Provider):
        who, outcome = await earned(world, provider)
        for place, status in (("211303", 403), ("210200", 404), (SHANXI, 404)):
            response = await self.revokes(world, who, outcome["credit_id"], place, f"outside-{place}")
            assert response.status_code == status, place

    async def test_an_unknown_credit_is_said_to_be_unknown(self, world: World, provider: Provider):
        who, _ = await earned(world, provider)
        response = await self.revokes(world, who, "210000-nothing", LIAONING, "unknown-credit")
        assert response.json()["type"] == "urn:xuefen:problem:credit-unknown"


class TestGrantExemption:
    async def test_the_year_is_exempt_and_says_why(self, world: World):
        """A-14."""
        who = await world.collects(LIAONING)
        for key, status in (("exempt-1", 201), ("exempt-2", 409)):
            response = await world.client.post(
                f"/v1/persons/{who.person_id}/exemptions",
                json={"year": 2025, "reason": "childbirth"},
                headers=world.official(LIAONING) | {"Idempotency-Key": key},
            )
            assert response.status_code == status, response.text
        answer = await world.asks(who, 2025)
        assert answer["status"] == "exempt"
        assert (await world.asks(who, 2026))["status"] != "exempt"


class TestPublishPolicy:
    NOTICE: ClassVar[dict[str, Any]] = {
        "id": "huludao-2025-1",
        "title": "关于2025年度继续教育的补充通知",
        "place": "211400",
        "years": {"from": 2025, "to": 2025},
        "document": "葫财会〔2025〕1号",
        "issuers": ["葫芦岛市财政局"],
        "issued_on": "2025-06-01",
        "clauses": [
            {
                "id": "H1-01",
                "article": "一",
                "text": "本年度总学分不少于100学分。",
                "rules": [{"kind": "requirement", "total": 100}],
            }
        ],
    }

    async def drafts(self, world: World, notice: dict[str, Any], place: str) -> Any:
        return await world.client.post("/v1/policies", json={"notice": notice}, headers=world.official(place))

    async def test_judges_at_once_and_leaves_earlier_knowledge_as_it_was(
        self, world: World, provider: Provider
    ):
        """Design 10, 11: published to a running ledger, with no release."""
        who = await world.collects("211402")
        await provider.posts(
            provider.completion(who, 2025, "60.00"),
            provider.completion(who, 2025, "30.00", category="public"),
        )
        assert (await world.asks(who, 2025))["status"] == "compliant"
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            before = await conn.fetchval("select recorded_at from logs where log = $1", LIAONING)
        await world.publishes(self.NOTICE)
        world.now = datetime.now(UTC) + timedelta(days=1)
        answer = await world.asks(who, 2025, on="2025-06-01")
        assert answer["status"] == "in_progress"
        assert answer["requirements"][0]["clause"] == "H1-01"
        earlier = await world.asks(who, 2025, on="2025-06-01", as_of=before.isoformat())
        assert earlier["status"] == "compliant"

    async def test_publishing_the_same_again_changes_nothing(self, world: World):
        notice = self.NOTICE | {"id": "huludao-2025-2", "document": "葫财会〔2025〕2号"}
        await world.publishes(notice)
        before = await world.count_events()
        again = await self.drafts(world, notice, LIAONING)
        assert again.json()["state"] == "in_force"
        assert await world.count_events() == before

    async def test_a_bureau_publishes_for_its_own_place_only(self, world: World):
        response = await self.drafts(world, self.NOTICE, CHAOYANG)
        assert response.status_code == 403

    async def test_a_wrong_field_is_named(self, world: World):
        notice = self.NOTICE | {"issued_on": "2025-13-01", "colour": "red"}
        response = await self.drafts(world, notice, LIAONING)
        assert response.status_code == 422
        assert any(error["pointer"].startswith("/notice") for error in response.json()["errors"])

    async def test_the_policy_in_force_names_the_source_of_every_value(self, world: World):
        response = await world.client.get("/v1/policies/211300/2024", headers=world.official("211300"))
        settings = {setting["setting"]: setting for setting in response.json()["settings"]}
        assert settings["requirement.total"]["clause"] == "S0-10"
        missing = await world.client.get("/v1/policies/210200/2017", headers=world.official("210200"))
        assert missing.status_code == 404
