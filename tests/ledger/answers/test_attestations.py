"""Attestations: yes or no, a reference, and nothing more (S0-21, S2A-10, S2A-11)."""

from datetime import UTC, date, datetime
from typing import Any

import httpx

from tests.kit.http import bearer
from tests.ledger.world import Somebody, World

LIAONING, SHENYANG, SHANXI = "210000", "210102", "140000"


async def issues(world: World, who: Somebody, place: str = SHENYANG, **fields: Any) -> Any:
    return await world.client.post(
        "/v1/attestations",
        json={"person_id": who.person_id, "year": 2025, "purpose": "exam_entry"} | fields,
        headers=bearer("attestation:issue", subject="bureau", place=place)
        | {"Idempotency-Key": f"attest-{who.person_id}-{place}"},
    )


async def checks(
    world: World, reference: str, who: Somebody, scope: str = "attestation:check", **fields: Any
) -> Any:
    body = {
        "reference": reference,
        "id_type": "resident_id",
        "id_number": who.person.id_number,
        "name": who.person.name,
    }
    headers = bearer(scope, subject="exam-office")
    return await world.client.post("/v1/attestations/check", json=body | fields, headers=headers)


class TestIssueAttestation:
    async def test_says_no_for_a_year_that_is_not_met_and_shows_no_more(self, world: World):
        world.now = datetime(2026, 1, 5, 4, tzinfo=UTC)
        who = await world.collects(SHENYANG)
        answer = (await issues(world, who)).json()
        assert answer["met"] is False
        assert set(answer) == {"reference", "year", "purpose", "met", "on", "issued_at"}

    async def test_says_yes_where_nothing_is_owed(self, world: World):
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        assert (await issues(world, who)).json()["met"] is True

    async def test_an_official_attests_for_their_own_place(self, world: World):
        who = await world.collects(SHENYANG)
        assert (await issues(world, who, place=SHANXI)).status_code == 404
        assert (await issues(world, who, place="211302")).status_code == 403

    async def test_a_person_has_their_own_year_attested_and_no_other_s(self, world: World):
        who, other = await world.collects(SHENYANG), await world.collects(SHENYANG)
        headers = bearer("attestation:own", subject=who.person_id)
        for asked, status in ((who, 201), (other, 404)):
            response = await world.client.post(
                "/v1/attestations",
                json={"person_id": asked.person_id, "year": 2025, "purpose": "award"},
                headers=headers | {"Idempotency-Key": f"own-{asked.person_id}"},
            )
            assert response.status_code == status, response.text

    async def test_a_token_that_is_bound_to_nobody_has_nothing_attested(self, world: World):
        who = await world.collects(SHENYANG)
        body = {"person_id": who.person_id, "year": 2025, "purpose": "award"}
        for binding, problem in (
            ({}, "not-an-official"),
            ({"organization": "organization-9"}, "person-unknown"),
        ):
            response = await world.client.post(
                "/v1/attestations",
                json=body,
                headers=bearer("attestation:issue", **binding) | {"Idempotency-Key": "nobody"},
            )
            assert response.json()["type"] == f"urn:xuefen:problem:{problem}"


async def revokes(world: World, reference: str, place: str = SHENYANG, key: str = "") -> Any:
    return await world.client.post(
        f"/v1/attestations/{reference}/revocation",
        json={"reason": "issued_in_error"},
        headers=bearer("attestation:issue", subject="bureau", place=place)
        | {"Idempotency-Key": key or f"revoke-{reference}"},
    )


async def prints(world: World, reference: str, headers: dict[str, str]) -> Any:
    return await world.client.get(f"/v1/attestations/{reference}", headers=headers)


class TestRevokeAttestation:
    async def test_a_check_says_that_it_was_taken_back(self, world: World):
        """A-12: nothing is edited; what was attested stays readable, and is marked."""
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        issued = (await issues(world, who)).json()
        revoked = (await revokes(world, issued["reference"])).json()
        found = (await checks(world, issued["reference"], who, scope="attestation:current")).json()
        assert (found["met"], found["still_holds"]) == (True, False)
        assert found["revoked_at"] == revoked["revoked_at"] is not None

    async def test_is_for_officials_of_the_place_and_happens_once(self, world: World):
        who = await world.collects(SHENYANG)
        reference = (await issues(world, who)).json()["reference"]
        for place in (SHANXI, "211302"):
            assert (await revokes(world, reference, place, key=f"no-{place}")).status_code == 404
        assert (await revokes(world, reference, LIAONING)).status_code == 200
        again = await revokes(world, reference, key="again")
        assert again.json()["type"] == "urn:xuefen:problem:attestation-revoked"


class TestStatement:
    async def test_says_by_which_notices_and_where_it_is_kept(self, world: World):
        """S2A-10: what a unit or a review office files."""
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        issued = (await issues(world, who)).json()
        reference = issued["reference"]
        found = (await prints(world, reference, bearer("attestation:issue", place=LIAONING))).json()
        answer = await world.asks(who, 2025)
        assert (found["policy"], found["place"]) == (answer["policy"], SHENYANG)
        assert found["authority_name"] == "辽宁省"
        [event] = [
            each for each in await world.events(LIAONING) if each.stream_id == f"attestation:{reference}"
        ]
        assert (found["log"], found["position"]) == (LIAONING, event.position)
        assert "2025年度已达到继续教育要求" in found["text_zh"]
        assert found["still_holds"] is True
        assert who.person.name not in str(found)

    async def test_is_shown_to_its_person_and_to_officials_of_the_place_alone(self, world: World):
        who, other = await world.collects(SHENYANG), await world.collects(SHENYANG)
        reference = (await issues(world, who)).json()["reference"]
        for headers, status in (
            (bearer("attestation:own", subject=who.person_id), 200),
            (bearer("attestation:own", subject=other.person_id), 404),
            (bearer("attestation:issue", place="210100"), 200),
            (bearer("attestation:issue", place=SHANXI), 404),
            (bearer("attestation:issue", organization="organization-9"), 404),
        ):
            assert (await prints(world, reference, headers)).status_code == status


class TestPurposes:
    async def test_a_purpose_that_a_notice_names_is_attested_with_its_clause(self, world: World):
        """S1-20: use and promotion."""
        who = await world.collects(SHENYANG)
        issued = (await issues(world, who, purpose="promotion")).json()
        assert issued["purpose"] == "promotion"
        found = await prints(world, issued["reference"], bearer("attestation:issue", place=LIAONING))
        assert found.json()["clause"] == "S1-20"

    async def test_a_purpose_nobody_names_is_refused(self, world: World):
        who = await world.collects(SHENYANG)
        response = await issues(world, who, purpose="a_loan")
        assert response.json()["type"] == "urn:xuefen:problem:purpose-unknown"
        assert response.json()["pointer"] == "/purpose"


class TestCheckAttestation:
    async def test_a_reference_is_checked_against_the_person(self, world: World):
        who, other = await world.collects(SHENYANG), await world.collects(SHENYANG)
        issued = (await issues(world, who)).json()
        assert (await checks(world, issued["reference"], who)).json() == issued | {"revoked_at": None}
        for response in (
            await checks(world, issued["reference"], other),
            await checks(world, issued["reference"], who, name="别人"),
            await checks(world, "210000-" + "0" * 24, who),
            await checks(world, "999999-" + "0" * 24, who),
        ):
            assert response.json()["type"] == "urn:xuefen:problem:attestation-unknown"

    async def test_what_was_attested_stays_when_the_account_moves_on(self, world: World):
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        who = await world.collects(SHENYANG)
        issued = (await issues(world, who)).json()
        await world.client.post(
            f"/v1/persons/{who.person_id}/exemptions",
            json={"year": 2025, "reason": "illness"},
            headers=world.official(LIAONING) | {"Idempotency-Key": f"exempt-{who.person_id}"},
        )
        assert (await checks(world, issued["reference"], who)).json()["met"] is False

    async def test_with_the_scope_it_also_says_whether_the_same_would_be_said_today(self, world: World):
        """S0-21: met when attested, and a year later still, or no longer."""
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        provider = await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])
        who = await world.collects(SHENYANG)
        await provider.posts(
            provider.completion(who, 2025, "60.00"),
            provider.completion(who, 2025, "30.00", category="public", id=f"public-{who.person_id}"),
        )
        issued = (await issues(world, who)).json()
        assert issued["met"] is True
        current = (await checks(world, issued["reference"], who, scope="attestation:current")).json()
        assert current["still_holds"] is True
        await provider.withdraws(f"public-{who.person_id}")
        current = (await checks(world, issued["reference"], who, scope="attestation:current")).json()
        assert (current["met"], current["still_holds"]) == (True, False)
        plain = (await checks(world, issued["reference"], who)).json()
        assert "still_holds" not in plain


async def verifies(
    world: World, reference: str, last_four: str, address: str = "203.0.113.7"
) -> httpx.Response:
    body = {"reference": reference, "last_four": last_four}
    transport = httpx.ASGITransport(world.app, client=(address, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as visitor:
        return await visitor.post("/v1/attestations/verification", json=body)


async def issues_own(world: World, who: Somebody, year: int = 2025, **claims: Any) -> str:
    headers = bearer("attestation:own", subject=who.person_id, **claims)
    body = {"person_id": who.person_id, "year": year, "purpose": "annual"}
    key = {"Idempotency-Key": f"own-{who.person_id}-{year}"}
    answer = await world.client.post("/v1/attestations", json=body, headers=headers | key)
    assert answer.status_code == 201, answer.text
    reference: str = answer.json()["reference"]
    return reference


class TestVerification:
    async def test_tells_anybody_with_the_last_four_characters_one_word(self, world: World):
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        reference = await issues_own(world, who, document=f"resident_id:{who.person.id_number}")
        told = await verifies(world, reference, who.person.id_number[-4:])

        assert (told.status_code, told.json()) == (200, {"state": "valid"})

    async def test_tells_that_it_was_taken_back(self, world: World):
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        reference = await issues_own(world, who, document=f"resident_id:{who.person.id_number}")
        await revokes(world, reference)

        assert (await verifies(world, reference, who.person.id_number[-4:])).json() == {"state": "revoked"}

    async def test_tells_that_another_would_be_said_today(self, world: World):
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        who = await world.collects(SHENYANG)
        reference = await issues_own(world, who, document=f"resident_id:{who.person.id_number}")
        provider = await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])
        for category, credits in (("professional", "60.00"), ("public", "30.00")):
            await provider.posts(provider.completion(who, 2025, credits, category=category))
        last_four = who.person.id_number[-4:]

        assert (await verifies(world, reference, last_four)).json() == {"state": "replaced"}

    async def test_answers_a_wrong_guess_like_a_reference_there_is_not_and_ends_guessing(self, world: World):
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        reference = await issues_own(world, who, document=f"resident_id:{who.person.id_number}")
        unknown = f"{reference[:7]}{'0' * 24}"
        wrong = "000X" if who.person.id_number[-4:] != "000X" else "0000"
        answers = [(await verifies(world, each, wrong)).json() for each in (reference, unknown)]
        assert answers[0] == answers[1]
        statuses = [(await verifies(world, reference, wrong)).status_code for _ in range(12)]

        assert statuses[0] == 404
        assert statuses[-1] == 429

    async def test_keeps_nobody_else_from_verifying_what_somebody_guesses_at(self, world: World):
        who = await world.collects(SHENYANG, qualified_on=date(2025, 3, 1))
        reference = await issues_own(world, who, document=f"resident_id:{who.person.id_number}")
        last_four = who.person.id_number[-4:]
        wrong = "000X" if last_four != "000X" else "0000"
        for _ in range(11):
            await verifies(world, reference, wrong, address="203.0.113.66")

        assert (await verifies(world, reference, last_four, address="203.0.113.66")).status_code == 429
        assert (await verifies(world, reference, last_four)).status_code == 200

    async def test_ends_guessing_at_many_references_from_one_line(self, world: World):
        prefix = (await issues(world, await world.collects(SHENYANG))).json()["reference"][:7]
        asked = [
            (await verifies(world, f"{prefix}{number:024d}", "0000", f"2001:db8::{number:x}")).status_code
            for number in range(102)
        ]
        assert set(asked[:100]) == {404}
        assert asked[-1] == 429

    async def test_is_not_there_for_what_an_official_attested(self, world: World):
        who = await world.collects(SHENYANG)
        reference = (await issues(world, who)).json()["reference"]

        assert (await verifies(world, reference, who.person.id_number[-4:])).status_code == 404
