"""Claims: submitted, converted by the policy, reviewed by somebody else, and counted once."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.kit.event_store import EventStore
from services.ledger.counting import rebuild as rebuilding
from tests.kit.http import bearer
from tests.ledger.policy.drafts import draft
from tests.ledger.world import Somebody, World

SHUANGTA, CHAOYANG, LIAONING, SHENYANG, SHANXI = "211302", "211300", "210000", "210102", "140000"
PAPER = {"cn_number": "CN21-1234/F", "issue": "2025-03", "title": "论政府会计"}


@pytest.fixture(autouse=True)
def year_2025(world: World) -> None:
    world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)


DANDONG = "210600"


class Desk:
    """Those who submit and review claims in a test."""

    def __init__(self, world: World, place: str = SHENYANG) -> None:
        self.world = world
        self.place = place

    def headers(self, place: str, subject: str) -> dict[str, str]:

        scopes = ("claim:submit", "claim:review")
        return bearer(*scopes, subject=subject, place=place) | {"Idempotency-Key": str(uuid.uuid4())}

    async def submits(self, who: Somebody, subject: str = "clerk", **fields: Any) -> Any:
        body = {
            "person_id": who.person_id,
            "year": 2025,
            "form": "paper",
            "role": "sole",
            "happened_on": "2025-03-10",
            "fact": PAPER,
        } | fields
        body = {name: value for name, value in body.items() if value is not None}
        return await self.world.client.post(
            "/v1/claims", json=body, headers=self.headers(self.place, subject)
        )

    async def steps(
        self, claim_id: str, step: str, *, place: str | None = None, subject: str = "reviewer", **body: Any
    ) -> Any:
        return await self.world.client.post(
            f"/v1/claims/{claim_id}/{step}",
            json=body or None,
            headers=self.headers(place or self.place, subject),
        )

    async def approved(self, who: Somebody, **fields: Any) -> dict[str, Any]:
        """Given a claim that was approved."""
        submitted = await self.submits(who, **fields)
        assert submitted.status_code == 201, submitted.text
        claim_id = submitted.json()["claim_id"]
        assert (await self.steps(claim_id, "acceptance")).status_code == 200
        response = await self.steps(claim_id, "approval")
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


async def _approval_of(world: World, claim_id: str) -> dict[str, Any]:
    """The stored event by which the claim was approved."""
    async with world.ledger.databases.of(LIAONING).acquire() as conn:
        streams = await EventStore().load(conn, LIAONING, [f"claim:{claim_id}"])
    (events,) = streams.values()
    stored: dict[str, Any] = msgspec.json.decode(events[-1].state)
    return stored


class TestSubmitClaim:
    async def test_the_answer_says_what_the_policy_makes_of_it(self, world: World, desk: Desk):
        """S0-17, inherited by Liaoning 2025 from the nation (B-02)."""
        who = await world.collects(SHENYANG)
        answer = (await desk.submits(who)).json()
        assert (answer["state"], answer["credits"], answer["clause"]) == ("submitted", "30.00", "N-08")
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_hours_below_the_threshold_are_refused_with_the_clause(self, world: World, desk: Desk):
        """S1-10."""
        who = await world.collects(SHENYANG)
        response = await desk.submits(
            who, form="public_hours", role=None, quantity="49", fact={"source": "辽宁省干部在线学习网"}
        )
        assert (response.status_code, response.json()["clause"]) == (422, "S1-10")

    async def test_what_the_province_registers_is_not_claimed(self, world: World):
        """S0-13."""
        world.now = datetime(2024, 10, 20, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        response = await Desk(world, CHAOYANG).submits(
            who,
            year=2024,
            form="exam_subject",
            role=None,
            happened_on="2024-05-18",
            fact={"exam": "中级", "subject": "经济法", "sitting": "2024"},
        )
        assert response.json()["type"] == "urn:xuefen:problem:registered-directly"
        assert response.json()["clause"] == "S0-13"

    async def test_what_tells_the_fact_apart_is_asked_for(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        response = await desk.submits(who, fact={"cn_number": "CN21-1234/F"})
        assert response.json()["type"] == "urn:xuefen:problem:fact-unclear"
        assert response.json()["pointer"] == "/fact/issue"

    async def test_the_same_fact_is_not_claimed_twice_at_once(self, world: World, desk: Desk):
        """A-15: letters of another width or case are the same title."""
        who = await world.collects(SHENYANG)
        first = (await desk.submits(who)).json()
        again = await desk.submits(who, fact=PAPER | {"cn_number": "ＣＮ21-1234/f"})
        assert again.status_code == 409
        assert again.json()["claim_id"] == first["claim_id"]

    async def test_an_employer_claims_for_its_own_people_only(self, world: World):
        who = await world.collects(SHENYANG)
        provider = await world.provides("某某集团有限公司")
        headers = bearer("claim:submit", subject="hr", organization=provider.organization_id)
        response = await world.client.post(
            "/v1/claims",
            json={"person_id": who.person_id, "year": 2025, "form": "paper", "happened_on": "2025-03-10"},
            headers=headers | {"Idempotency-Key": "employer-1"},
        )
        assert response.status_code == 403


class TestReviewClaim:
    async def test_approval_earns_the_credits(self, world: World, desk: Desk):
        """S1-12: ClaimApproved and CreditEarned in one transaction."""
        who = await world.collects(SHENYANG)
        answer = await desk.approved(who)
        judged = await world.asks(who, 2025)
        assert judged["total"] == "30.00"
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(SHENYANG)
        )
        [line] = transcript.json()["credits"]
        assert (line["credit_id"], line["route"], line["form"]) == (answer["credit_id"], "claim", "paper")

    async def test_a_reviewer_says_how_many_credits_within_bounds_and_why(self, world: World):
        desk = Desk(world, DANDONG)  # where no other test looks
        form = {"form": "paper", "name": "论文", "per": "paper", "between": {"from": 30, "to": 90}}
        rule = {"kind": "equivalence", "forms": [form]}
        notice = draft(rule, place=DANDONG, year=2025, issued_on="2025-01-02", name="dandong-papers")
        await world.publishes(notice)
        claim_id = (await desk.submits(await world.collects(DANDONG))).json()["claim_id"]
        await desk.steps(claim_id, "acceptance")

        unsaid = await desk.steps(claim_id, "approval")
        above = await desk.steps(claim_id, "approval", allowance={"credits": "90.01", "reason": "quality"})
        without = await desk.steps(claim_id, "approval", allowance={"credits": "60"})
        said = await desk.steps(claim_id, "approval", allowance={"credits": "60", "reason": "quality"})

        told = [
            (answer.status_code, answer.json()["type"].rpartition(":")[2])
            for answer in (unsaid, above, without)
        ]
        assert told == [
            (422, "allowance-needed"),
            (422, "credits-outside-bounds"),
            (422, "invalid-request"),
        ]
        assert (said.status_code, said.json()["credits"], said.json()["clause"]) == (200, "60.00", "T-01")
        stored = await _approval_of(world, claim_id)
        assert (stored["credits"], stored["allowed_for"]) == ("60.00", "quality")

    async def test_nobody_reviews_what_they_submitted(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        claim = (await desk.submits(who, subject="clerk")).json()
        response = await desk.steps(claim["claim_id"], "acceptance", subject="clerk")
        assert response.json()["type"] == "urn:xuefen:problem:own-claim"

    @pytest.mark.parametrize(("place", "status"), [(CHAOYANG, 404), (SHANXI, 404), ("210200", 404)])
    async def test_an_official_of_another_place_does_not_see_it(
        self, world: World, desk: Desk, place: str, status: int
    ):
        who = await world.collects(SHENYANG)
        claim = (await desk.submits(who)).json()
        response = await desk.steps(claim["claim_id"], "acceptance", place=place)
        assert response.status_code == status

    async def test_a_returned_claim_is_amended_and_comes_back(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        claim_id = (await desk.submits(who)).json()["claim_id"]
        returned = await desk.steps(claim_id, "return", reason="evidence_unclear")
        assert returned.json()["state"] == "returned"
        body = {
            "person_id": who.person_id,
            "year": 2025,
            "form": "paper",
            "role": "other",
            "happened_on": "2025-03-10",
            "fact": PAPER,
        }
        amended = await desk.steps(claim_id, "amendment", subject="clerk", **body)
        assert (amended.json()["state"], amended.json()["credits"]) == ("submitted", "10.00")

    async def test_an_accepted_claim_is_not_amended(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        claim_id = (await desk.submits(who)).json()["claim_id"]
        await desk.steps(claim_id, "acceptance")
        response = await desk.steps(claim_id, "withdrawal", subject="clerk")
        assert response.json()["state"] == "withdrawn"
        again = await desk.steps(claim_id, "approval")
        assert again.json()["type"] == "urn:xuefen:problem:claim-state"

    async def test_a_refused_claim_says_why(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        claim_id = (await desk.submits(who)).json()["claim_id"]
        await desk.steps(claim_id, "refusal", reason="not_recognised")
        response = await world.client.get(f"/v1/claims/{claim_id}", headers=desk.headers(SHENYANG, "clerk"))
        assert (response.json()["state"], response.json()["reason"]) == ("refused", "not_recognised")

    async def test_two_reviewers_at_once_approve_once(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        claim_id = (await desk.submits(who)).json()["claim_id"]
        await desk.steps(claim_id, "acceptance")
        answers = await asyncio.gather(
            *(desk.steps(claim_id, "approval", subject=f"reviewer-{n}") for n in range(4))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert (await world.asks(who, 2025))["total"] == "30.00"


class TestPerson:
    """A person signed in by a portal: bound to no place and no organization, they act for themselves alone."""

    def headers(self, subject: str) -> dict[str, str]:
        return bearer("claim:submit", subject=subject) | {"Idempotency-Key": str(uuid.uuid4())}

    async def test_hands_in_amends_until_accepted_and_follows_its_own(self, world: World, desk: Desk):
        """S0-12, S1-12: the person applies online, and may change it until a reviewer has taken it on."""
        who = await world.collects(SHENYANG)
        body = {
            "person_id": who.person_id, "year": 2025, "form": "paper", "role": "sole",
            "happened_on": "2025-03-10", "fact": PAPER,
        }  # fmt: skip
        submitted = await world.client.post("/v1/claims", json=body, headers=self.headers(who.person_id))
        assert submitted.status_code == 201, submitted.text
        path = f"/v1/claims/{submitted.json()['claim_id']}"
        amended = await world.client.post(
            f"{path}/amendment", json=body | {"role": "other"}, headers=self.headers(who.person_id)
        )
        assert (amended.status_code, amended.json()["credits"]) == (200, "10.00")
        await desk.steps(submitted.json()["claim_id"], "acceptance")
        late = await world.client.post(f"{path}/amendment", json=body, headers=self.headers(who.person_id))
        assert late.json()["type"] == "urn:xuefen:problem:claim-state"
        seen = await world.client.get(path, headers=self.headers(who.person_id))
        assert (seen.json()["state"], seen.json()["credits"]) == ("accepted", "10.00")

    async def test_claims_for_nobody_else(self, world: World):
        who, other = await world.collects(SHENYANG), await world.collects(SHENYANG)
        body = {
            "person_id": who.person_id, "year": 2025, "form": "paper", "role": "sole",
            "happened_on": "2025-03-10", "fact": PAPER,
        }  # fmt: skip
        answers = [
            await world.client.post(
                "/v1/claims", json=body | {"person_id": person_id}, headers=self.headers(by)
            )
            for by, person_id in (
                ("portal", who.person_id),
                (other.person_id, who.person_id),
                ("portal", "nobody"),
            )
        ]
        assert {(each.status_code, each.text) for each in answers} == {(403, answers[0].text)}
        assert answers[0].json()["type"] == "urn:xuefen:problem:not-spoken-for"

    async def test_does_not_see_what_another_handed_in(self, world: World, desk: Desk):
        claim_id = (await desk.submits(await world.collects(SHENYANG))).json()["claim_id"]
        seen = await world.client.get(f"/v1/claims/{claim_id}", headers=self.headers("portal"))
        assert seen.json()["type"] == "urn:xuefen:problem:claim-unknown"


class TestOneFactCountsOnce:
    async def test_a_registered_fact_is_not_claimed_again(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        first = await desk.approved(who)
        again = await desk.submits(who)
        assert again.status_code == 409
        assert again.json()["credit_id"] == first["credit_id"]

    async def test_two_claims_of_one_fact_cannot_both_be_approved(self, world: World, desk: Desk):
        """Claims that were open at once for different facts, one then amended into the other."""
        who = await world.collects(SHENYANG)
        await desk.approved(who, fact=PAPER | {"issue": "2025-04"})
        assert (await desk.submits(who, fact=PAPER | {"issue": "2025-05"})).status_code == 201
        assert (await desk.submits(who, fact=PAPER | {"issue": "2025-04"})).status_code == 409

    async def test_a_conversion_of_once_a_year_is_not_claimed_twice_under_another_name(
        self, world: World, desk: Desk
    ):
        """S1-10, B-17."""
        who = await world.collects(SHENYANG)
        hours = {"form": "public_hours", "role": None, "quantity": "50"}
        first = await desk.approved(who, **hours, fact={"source": "辽宁省干部在线学习网"})
        refused = await desk.submits(who, **hours, fact={"source": "干部在线学习网"})
        assert (refused.status_code, refused.json()["credit_id"]) == (409, first["credit_id"])

    async def test_a_revoked_fact_may_be_claimed_again(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        first = await desk.approved(who)
        revoked = await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{first['credit_id']}/revocation",
            json={"year": 2025, "reason": "false_proof"},
            headers=world.official(SHENYANG) | {"Idempotency-Key": f"revoke-{first['credit_id']}"},
        )
        assert revoked.status_code == 200
        await desk.approved(who)
        assert (await world.asks(who, 2025))["total"] == "30.00"


class TestQueue:
    async def test_is_in_order_of_submission_and_of_one_place(self, world: World):
        desk, elsewhere = Desk(world, "211402"), Desk(world, "211403")
        ids = []
        for _ in range(3):
            world.now += timedelta(seconds=1)
            ids.append((await desk.submits(await world.collects("211402"))).json()["claim_id"])
            await elsewhere.submits(await world.collects("211403"))
        seen: list[str] = []
        after: str | None = None
        while True:
            params = {"place": "211402", "limit": "2"} | ({"after": after} if after else {})
            page = await world.client.get(
                "/v1/claims", params=params, headers=desk.headers("211400", "reviewer")
            )
            seen += [claim["claim_id"] for claim in page.json()["items"]]
            after = page.json()["next"]
            if after is None:
                break
        assert seen == ids
        outside = await world.client.get(
            "/v1/claims", params={"place": "211402"}, headers=desk.headers("211403", "reviewer")
        )
        assert outside.status_code == 403


class TestRebuild:
    async def test_the_claims_come_out_of_the_log_as_they_are(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        await desk.approved(who, fact=PAPER | {"issue": "2024-12"})
        done = await rebuilding.rebuild(
            world.ledger.databases, models=["claims", "accounts"], logs=[LIAONING]
        )
        assert [result.rows_changed for result in done] == [0, 0]
