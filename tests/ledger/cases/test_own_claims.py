"""Claims of one's own: what one would come to; a person or an employer hands it in, sees it, corrects it, withdraws it."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from services.cli.demo import fictitious
from tests.kit.http import bearer
from tests.ledger.cases.test_claims import LIAONING, PAPER, SHENYANG, Desk
from tests.ledger.world import Somebody, World


@pytest.fixture(autouse=True)
def year_2025(world: World) -> None:
    world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def own(who: Somebody) -> dict[str, str]:
    """The headers of somebody who acts in their own matters."""
    return bearer("claim:submit", subject=who.person_id) | {"Idempotency-Key": str(uuid.uuid4())}


def paper(who: Somebody, **fields: Any) -> dict[str, Any]:
    body = {
        "person_id": who.person_id,
        "year": 2025,
        "form": "paper",
        "role": "sole",
        "happened_on": "2025-03-10",
    }
    return body | {"fact": PAPER} | fields


async def listed(world: World, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await world.client.get("/v1/claims", headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


class TestConversion:
    async def test_says_what_handing_in_would_come_to_and_stores_nothing(self, world: World):
        who = await world.collects(SHENYANG)
        before = len(await world.events(LIAONING))
        for _ in range(2):
            answer = await world.client.post("/v1/claim-conversions", json=paper(who), headers=own(who))
            assert answer.json() == {
                "credits": "30.00", "category": "any", "clause": "N-08", "make_up": False, "provisional": False,
                "discretionary": False,
            }  # fmt: skip
        assert len(await world.events(LIAONING)) == before
        assert await listed(world, own(who)) == []

    async def test_is_refused_as_handing_in_would_be(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        first = (await desk.submits(who)).json()["claim_id"]
        again = await world.client.post("/v1/claim-conversions", json=paper(who), headers=own(who))
        assert (again.status_code, again.json()["claim_id"]) == (409, first)
        other = await world.client.post(
            "/v1/claim-conversions", json=paper(who), headers=own(await world.collects(SHENYANG))
        )
        assert other.json()["type"] == "urn:xuefen:problem:not-spoken-for"

    async def test_of_a_change_does_not_meet_the_claim_that_it_changes(self, world: World):
        who = await world.collects(SHENYANG)
        sent = await world.client.post("/v1/claims", json=paper(who), headers=own(who))
        params = {"claim_id": sent.json()["claim_id"]}
        answer = await world.client.post(
            "/v1/claim-conversions", params=params, json=paper(who, role="first"), headers=own(who)
        )
        assert answer.status_code == 200, answer.text


class TestForms:
    async def forms(self, world: World, who: Somebody, headers: dict[str, str]) -> dict[str, Any]:
        params = {"person_id": who.person_id, "year": "2025"}
        answer = await world.client.get("/v1/claims/forms", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return {each["form"]: each for each in answer.json()["items"]}

    async def test_say_what_a_claim_of_each_has_to_say(self, world: World):
        who = await world.collects(SHENYANG)
        forms = await self.forms(world, who, own(who))
        written = forms["paper"]
        assert (written["name"], written["clause"]) == ("会计类论文", "N-08")
        assert (written["needs"], written["facts"]) == (["role"], ["cn_number", "issue", "title"])
        assert forms["conference"]["needs"] == ["quantity"]

    async def test_leave_out_what_the_authority_registers_itself(self, world: World):
        """S0-13."""
        world.now = datetime(2024, 10, 20, 4, tzinfo=UTC)
        who = await world.collects("211302")
        params = {"person_id": who.person_id, "year": "2024"}
        answer = await world.client.get("/v1/claims/forms", params=params, headers=own(who))
        assert "exam_subject" not in {each["form"] for each in answer.json()["items"]}

    async def test_every_form_that_is_listed_is_converted_from_what_it_asks_for(self, world: World):
        who = await world.collects(SHENYANG)
        given = {"role": "sole", "quantity": "50", "category": "professional"}
        for name, form in (await self.forms(world, who, own(who))).items():
            body = {"person_id": who.person_id, "year": 2025, "form": name, "happened_on": "2025-03-10"}
            modes = {"mode": form["modes"][0]} if form["modes"] else {}
            body |= {field: (given | modes)[field] for field in form["needs"]}
            body["fact"] = dict.fromkeys(form["facts"], "2025")
            answer = await world.client.post("/v1/claim-conversions", json=body, headers=own(who))
            assert answer.status_code == 200, (name, answer.text)

    async def test_are_of_nobody_but_oneself(self, world: World):
        who, other = await world.collects(SHENYANG), await world.collects(SHENYANG)
        params = {"person_id": who.person_id, "year": "2025"}
        answer = await world.client.get("/v1/claims/forms", params=params, headers=own(other))
        assert answer.json()["type"] == "urn:xuefen:problem:not-spoken-for"


class TestOwn:
    async def test_a_person_hands_in_sees_corrects_and_withdraws_their_own(self, world: World, desk: Desk):
        who = await world.collects(SHENYANG)
        sent = await world.client.post("/v1/claims", json=paper(who), headers=own(who))
        assert sent.status_code == 201, sent.text
        claim_id = sent.json()["claim_id"]
        await desk.steps(claim_id, "return", reason="evidence_missing")
        [returned] = await listed(world, own(who))
        assert (returned["state"], returned["reason"]) == ("returned", "evidence_missing")
        proof = {"sha256": "a" * 64, "media_type": "image/jpeg"}
        again = paper(who, evidence=[proof]) | {"fact": {}}
        corrected = await world.client.post(f"/v1/claims/{claim_id}/amendment", json=again, headers=own(who))
        assert corrected.json()["state"] == "submitted"
        [waiting] = await listed(world, own(who))
        assert waiting["evidence"] == [proof]
        twice = await world.client.post("/v1/claims", json=paper(who), headers=own(who))
        assert twice.status_code == 409, "a change without facts leaves the fact as it was"
        withdrawn = await world.client.post(f"/v1/claims/{claim_id}/withdrawal", headers=own(who))
        assert withdrawn.json()["state"] == "withdrawn"

    async def test_another_fact_is_said_anew(self, world: World):
        who = await world.collects(SHENYANG)
        sent = await world.client.post("/v1/claims", json=paper(who), headers=own(who))
        path = f"/v1/claims/{sent.json()['claim_id']}/amendment"
        changed = paper(who, happened_on="2025-03-11") | {"fact": {}}
        answer = await world.client.post(path, json=changed, headers=own(who))
        assert answer.json()["type"] == "urn:xuefen:problem:fact-unclear"

    async def test_the_clerks_of_an_employer_share_theirs_and_the_person_sees_them(self, world: World):
        code = fictitious.uscc(977)
        who = await world.collects(SHENYANG, employer=code)
        employer = await world.employs(code)
        sent = await world.client.post(
            "/v1/claims", json=paper(who), headers=employer | {"Idempotency-Key": str(uuid.uuid4())}
        )
        assert sent.status_code == 201, sent.text
        claim_id = sent.json()["claim_id"]
        organization = f"organization-{world._records:04d}"
        colleague = bearer("claim:submit", subject="colleague", organization=organization)
        for headers in (employer, colleague, own(who)):
            assert [each["claim_id"] for each in await listed(world, headers)] == [claim_id]
        key = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/v1/claims/{claim_id}/withdrawal"
        refused = await world.client.post(path, headers=own(who))
        assert refused.json()["type"] == "urn:xuefen:problem:not-spoken-for"
        assert (await world.client.post(path, headers=colleague | key)).status_code == 200

    async def test_those_of_others_are_not_there(self, world: World, desk: Desk):
        claim_id = (await desk.submits(await world.collects(SHENYANG))).json()["claim_id"]
        stranger = await world.collects(SHENYANG)
        employer = await world.employs(fictitious.uscc(978))
        for headers in (own(stranger), employer):
            assert await listed(world, headers) == []
            assert (await world.client.get(f"/v1/claims/{claim_id}", headers=headers)).status_code == 404
