"""Attestations: yes or no, a reference, and nothing more (S0-21, S2A-10, S2A-11)."""

from datetime import UTC, date, datetime
from typing import Any

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


async def checks(world: World, reference: str, who: Somebody, **fields: Any) -> Any:
    body = {
        "reference": reference,
        "id_type": "resident_id",
        "id_number": who.person.id_number,
        "name": who.person.name,
    }
    headers = bearer("attestation:check", subject="exam-office")
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


class TestCheckAttestation:
    async def test_a_reference_is_checked_against_the_person(self, world: World):
        who, other = await world.collects(SHENYANG), await world.collects(SHENYANG)
        issued = (await issues(world, who)).json()
        assert (await checks(world, issued["reference"], who)).json() == issued
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
