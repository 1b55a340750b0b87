"""Details on request: where each credit comes from, what to do next, for one and for many, now and as of a moment."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.kit.http import bearer
from tests.ledger.world import Somebody, World

LIAONING, SHUANGTA, CHAOYANG = "210000", "211302", "211300"
LISTED = "北京东奥时代教育科技有限公司"


@pytest.fixture(autouse=True)
def in_june(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


async def claims(world: World, who: Somebody, form: str = "book") -> str:
    body = {
        "person_id": who.person_id,
        "year": 2025,
        "form": form,
        "happened_on": "2025-05-05",
        "role": "sole",
        "fact": {"isbn": f"978-{who.person_id}"},
    }
    headers = bearer("claim:submit", subject="clerk", place=CHAOYANG)
    response = await world.client.post(
        "/v1/claims", json=body, headers=headers | {"Idempotency-Key": f"claim-{who.person_id}"}
    )
    assert response.status_code == 201, response.text
    claim_id: str = response.json()["claim_id"]
    return claim_id


async def reviews(world: World, claim_id: str, step: str, **body: Any) -> None:
    headers = bearer("claim:review", subject="reviewer", place=CHAOYANG)
    response = await world.client.post(
        f"/v1/claims/{claim_id}/{step}",
        json=body or None,
        headers=headers | {"Idempotency-Key": f"{step}-{claim_id}"},
    )
    assert response.status_code == 200, response.text


async def asks(world: World, who: Somebody, *include: str, **params: str) -> Any:
    response = await world.client.get(
        f"/v1/persons/{who.person_id}/compliance/2025",
        params={"include": list(include), **params},
        headers=world.official(LIAONING),
    )
    assert response.status_code == 200, response.text
    return response.json()


class TestCredits:
    async def test_each_credit_says_by_which_route_it_came_and_from_whom(self, world: World):
        """S1-09, S0-18: a provider's report, and an approved claim."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        [reported] = await provider.posts(provider.completion(who, 2025, "30.00"))
        claim_id = await claims(world, who)
        for step in ("acceptance", "approval"):
            await reviews(world, claim_id, step)
        answer = await asks(world, who, "credits")
        by_route = {each["route"]: each for each in answer["credits"]}
        assert set(by_route) == {"provider", "claim"}
        assert by_route["provider"]["credit_id"] == reported["credit_id"]
        assert by_route["provider"]["provider_id"] == provider.organization_id
        assert by_route["provider"]["place"] == SHUANGTA
        assert (by_route["claim"]["claim_id"], by_route["claim"]["form"]) == (claim_id, "book")
        assert by_route["claim"]["provider_id"] is None
        assert "next_steps" not in answer

    async def test_what_was_taken_back_is_not_among_them(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        kept, gone = await provider.posts(
            provider.completion(who, 2025, "30.00"), provider.completion(who, 2025, "20.00")
        )
        await provider.withdraws(gone["id"])
        assert [each["credit_id"] for each in (await asks(world, who, "credits"))["credits"]] == [
            kept["credit_id"]
        ]

    async def test_a_provider_sees_its_own_alone(self, world: World):
        one = await world.provides(LISTED, accredited=[LIAONING])
        two = await world.provides("上海国家会计学院", accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        for provider in (one, two):
            await provider.posts(provider.completion(who, 2025, "30.00"))
        response = await world.client.get(
            f"/v1/persons/{who.person_id}/compliance/2025",
            params={"include": ["credits", "next_steps"]},
            headers=one.headers(),
        )
        assert [each["provider_id"] for each in response.json()["credits"]] == [one.organization_id]
        assert response.json()["total"] == "60.00"


class TestNextSteps:
    async def test_follow_a_claim_through_its_review(self, world: World):
        """S0-12: with the reviewer, returned, approved."""
        who = await world.collects(SHUANGTA)
        claim_id = await claims(world, who)
        steps = (await asks(world, who, "next_steps"))["next_steps"]
        assert (steps[-1]["code"], steps[-1]["subject"]) == ("await_claim", claim_id)
        await reviews(world, claim_id, "acceptance")
        await reviews(world, claim_id, "return", reason="evidence_unclear")
        steps = (await asks(world, who, "next_steps"))["next_steps"]
        assert (steps[0]["code"], steps[0]["subject"]) == ("amend_claim", claim_id)
        assert all(step["clause"] for step in steps)

    async def test_say_that_a_name_differs_to_officials_and_not_to_providers(self, world: World):
        """S0-23."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        await provider.posts(provider.completion(who, 2025, "10.00"))
        record = provider.completion(who, 2025, "30.00", id=f"misnamed-{who.person_id}")
        record["person"] = record["person"] | {"name": "别人"}
        [held] = await provider.posts(record)
        assert held["reason"] == "name_differs"
        answer = await asks(world, who, "next_steps")
        first, *others = answer["next_steps"]
        assert (first["code"], first["subject"]) == ("correct_identity", record["id"])
        assert (first["credits"], first["category"], first["clause"]) == ("30.00", "professional", "S1-06")
        assert [(step["category"], step["credits"]) for step in others] == [
            ("professional", "20.00"),
            ("public", "30.00"),
        ]
        assert "另有30学分待登记：报送的姓名与信息采集不一致" in answer["explanation_zh"]
        response = await world.client.get(
            f"/v1/persons/{who.person_id}/compliance/2025",
            params={"include": "next_steps"},
            headers=provider.headers(),
        )
        assert {step["code"] for step in response.json()["next_steps"]} == {"study"}

    async def test_say_what_was_held_before_its_person_was_there_and_bears_another_name(self, world: World):
        """S0-23: the record came as one of a stranger; by now it is one of another name."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        record = provider.completion(person, 2025, "40.00")
        record["person"] = record["person"] | {"name": "别人"}
        [held] = await provider.posts(record)
        assert held["reason"] == "not_collected"
        who = await world.collects(SHUANGTA, person=person)
        [first, *_] = (await asks(world, who, "next_steps"))["next_steps"]
        assert (first["code"], first["subject"], first["credits"]) == (
            "correct_identity",
            record["id"],
            "40.00",
        )

    async def test_say_what_was_reported_to_another_authority(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING, "140000"])
        who = await world.collects(SHUANGTA)
        record = provider.completion(who, 2025, "90.00", authority="140000")
        [held] = await provider.posts(record)
        assert held["reason"] == "profile_elsewhere"
        answer = await asks(world, who, "next_steps")
        first, *others = answer["next_steps"]
        assert (first["code"], first["subject"], first["credits"]) == (
            "correct_report",
            record["id"],
            "90.00",
        )
        assert [(step["category"], step["credits"]) for step in others] == [("public", "30.00")]

    async def test_what_would_be_refused_is_no_credit_that_waits(self, world: World):
        """S1-16: online study of February is refused whatever name it bears."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        record = provider.completion(who, 2025, "90.00", completed_at="2025-02-10T12:00:00+08:00")
        record["person"] = record["person"] | {"name": "别人"}
        await provider.posts(record)
        answer = await asks(world, who, "next_steps")
        assert "held" not in answer or answer["held"] == []
        assert {step["code"] for step in answer["next_steps"]} == {"study"}

    async def test_are_what_they_were_when_asked_about_an_earlier_moment(self, world: World):
        """Design 11: claims and waiting records as of then."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        claim_id = await claims(world, who)
        record = provider.completion(who, 2025, "30.00", id=f"then-{who.person_id}")
        record["person"] = record["person"] | {"name": "别人"}
        await provider.posts(record)
        before = await asks(world, who, "next_steps", "credits", on="2025-12-31")
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            moment = await conn.fetchval("select recorded_at from logs where log = $1", LIAONING)
        for step in ("acceptance", "approval"):
            await reviews(world, claim_id, step)
        await provider.withdraws(record["id"])
        world.now = datetime.now(UTC) + timedelta(days=1)
        after = await asks(world, who, "next_steps", on="2025-12-31")
        then = await asks(world, who, "next_steps", "credits", on="2025-12-31", as_of=moment.isoformat())
        assert [step["code"] for step in before["next_steps"]] == [
            "correct_identity",
            "study",
            "study",
            "await_claim",
        ]
        assert then["next_steps"] == before["next_steps"]
        assert then["credits"] == before["credits"] == []
        assert after["next_steps"] != before["next_steps"]

    async def test_are_given_for_many_at_once_in_order(self, world: World):
        who = [await world.collects(SHUANGTA), await world.collects(SHUANGTA, qualified_on=date(2025, 2, 1))]
        claim_id = await claims(world, who[0])
        body = {"year": 2025, "persons": [each.person_id for each in who], "include": ["next_steps"]}
        response = await world.client.post(
            "/v1/compliance/query", json=body, headers=world.official(LIAONING)
        )
        first, second = response.json()["results"]
        assert first["next_steps"][-1]["subject"] == claim_id
        assert second["next_steps"] == []
        plain = await world.client.post(
            "/v1/compliance/query", json=body | {"include": []}, headers=world.official(LIAONING)
        )
        assert all("next_steps" not in each for each in plain.json()["results"])

    async def test_a_detail_that_there_is_not_is_refused(self, world: World):
        who = await world.collects(SHUANGTA)
        response = await world.client.get(
            f"/v1/persons/{who.person_id}/compliance/2025",
            params={"include": "everything"},
            headers=world.official(LIAONING),
        )
        assert response.status_code == 422


class TestPurpose:
    async def test_says_by_which_clause_the_year_counts_for_it_and_how_much(self, world: World):
        """S0-21: an important condition of exam entry; S1-20 names promotion, and no exam entry."""
        world.now = datetime(2024, 6, 1, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        answer = await world.asks(who, 2024, purpose="exam_entry")
        assert answer["purpose"]["met"] is False
        assert (answer["purpose"]["named"], answer["purpose"]["clause"]) == (True, "S0-21")
        assert answer["purpose"]["weight"] == "重要条件"
        later = await world.asks(who, 2025, purpose="promotion")
        assert later["purpose"]["clause"] == "S1-20"
        unnamed = await world.asks(who, 2025, purpose="exam_entry")
        assert (unnamed["purpose"]["named"], unnamed["purpose"]["clause"]) == (False, None)

    async def test_is_met_where_nothing_is_owed(self, world: World):
        who = await world.collects(SHUANGTA, qualified_on=date(2025, 2, 1))
        answer = await world.asks(who, 2025, purpose="annual")
        assert (answer["status"], answer["purpose"]["met"]) == ("not_required", True)
        assert "purpose" not in await world.asks(who, 2025)

    async def test_is_answered_for_many(self, world: World):
        who = [await world.collects(SHUANGTA) for _ in range(2)]
        body = {"year": 2025, "persons": [each.person_id for each in who], "purpose": "promotion"}
        response = await world.client.post(
            "/v1/compliance/query", json=body, headers=world.official(LIAONING)
        )
        assert [each["purpose"]["clause"] for each in response.json()["results"]] == ["S1-20", "S1-20"]


class TestMadeUp:
    async def test_a_year_met_by_make_up_says_so(self, world: World):
        """S3B-05, A-08."""
        world.now = datetime(2026, 5, 1, 4, tzinfo=UTC)
        provider = await world.provides("晋财网络培训中心", accredited=["140000"])
        who = await world.collects("140403")
        before = await world.asks(who, 2025)
        assert (before["status"], before["made_up"], before["make_up"]["open"]) == ("deficient", False, True)
        await provider.posts(provider.completion(who, 2025, "90.00"))
        after = await world.asks(who, 2025)
        assert (after["status"], after["made_up"]) == ("compliant", True)
