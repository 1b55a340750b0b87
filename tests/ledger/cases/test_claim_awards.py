"""Proven study: claimed with a certificate, in its own year, as make-up by application, and in a window for what was studied
in its year."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.kit.http import bearer
from tests.ledger.cases.test_claims import Desk
from tests.ledger.world import World

SHUANGTA, CHAOYANG, SHENYANG, JIANGMEN = "211302", "211300", "210102", "440703"


@pytest.fixture(autouse=True)
def year_2025(world: World) -> None:
    world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


class TestProvenStudy:
    """S1-12, S1-18, S0-22: study with proof, and the make-up that goes by application."""

    CERTIFICATE = {"provider": "某培训中心", "certificate": "2025-0001"}  # noqa: RUF012

    async def study(self, world: World, desk: Desk, place: str, year: int, on: str, **fields: Any) -> Any:
        who = await world.collects(place, qualified_on=date(2015, 9, 1))
        said = {"form": "study", "role": None, "mode": "face_to_face", "category": "professional"}
        return await desk.submits(
            who,
            **(said | {"year": year, "happened_on": on, "quantity": "60", "fact": self.CERTIFICATE} | fields),
        )

    async def test_face_to_face_study_is_claimed_with_proof(self, world: World, desk: Desk):
        """S1-12."""
        answer = (await self.study(world, desk, SHENYANG, 2025, "2025-05-20")).json()
        assert (answer["credits"], answer["clause"]) == ("60.00", "S1-12")

    async def test_online_study_is_reported_and_not_claimed(self, world: World, desk: Desk):
        response = await self.study(world, desk, SHENYANG, 2025, "2025-05-20", mode="online")
        assert response.json()["type"] == "urn:xuefen:problem:mode-not-claimed"

    async def test_last_year_is_made_up_by_application_from_the_first_of_april(
        self, world: World, desk: Desk
    ):
        """S1-18: through 31 March the providers register by themselves (S1-17)."""
        world.now = datetime(2025, 3, 31, 15, 59, 59, tzinfo=UTC)
        early = await self.study(world, desk, SHENYANG, 2024, "2025-03-20", mode="other")
        assert early.json()["clause"] == "S1-18"
        assert early.status_code == 422
        world.now = datetime(2025, 3, 31, 16, tzinfo=UTC)
        in_time = await self.study(world, desk, SHENYANG, 2024, "2025-03-20", mode="other")
        assert (in_time.status_code, in_time.json()["clause"]) == (201, "S1-18")

    async def test_a_year_before_is_made_up_by_application(self, world: World, desk: Desk):
        """S1-18: 2023 and earlier; the credit says it was made up."""
        who = await world.collects(SHENYANG, qualified_on=date(2015, 9, 1))
        await desk.approved(
            who,
            form="study",
            role=None,
            mode="other",
            category="professional",
            year=2023,
            happened_on="2025-05-20",
            quantity="90",
            fact=self.CERTIFICATE,
        )
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(SHENYANG)
        )
        assert [line["make_up"] for line in transcript.json()["credits"]] == [True]
        assert (await world.asks(who, 2023))["status"] == "compliant"

    async def test_a_special_reason_is_asked_for_where_the_notice_does(self, world: World):
        """S0-22, A-06, B-23: study finished by 31 December is applied for then or later; the province's own make-up asks for
        no reason, and is open from 1 April 2025 or for years before (S1-18)."""
        desk = Desk(world, CHAOYANG)
        world.now = datetime(2024, 12, 31, 15, 59, 59, tzinfo=UTC)
        asked = {"mode": "online", "quantity": "90"}
        without = await self.study(world, desk, SHUANGTA, 2023, "2024-12-01", **asked)
        assert without.json()["type"] == "urn:xuefen:problem:special-reason-needed"
        given = await self.study(world, desk, SHUANGTA, 2023, "2024-12-01", special_reason=True, **asked)
        assert (given.status_code, given.json()["clause"]) == (201, "S0-22")
        world.now = datetime(2024, 12, 31, 16, tzinfo=UTC)
        late = await self.study(world, desk, SHUANGTA, 2023, "2024-12-31", special_reason=True, **asked)
        assert (late.status_code, late.json()["clause"]) == (201, "S0-22")
        without = await self.study(world, desk, SHUANGTA, 2023, "2024-12-31", **asked)
        assert (without.status_code, without.json()["clause"]) == (201, "S1-18")
        world.now = datetime(2025, 1, 2, tzinfo=UTC)
        finished = await self.study(world, desk, SHUANGTA, 2023, "2025-01-01", special_reason=True, **asked)
        assert (finished.status_code, finished.json()["clause"]) == (201, "S1-18")

    async def test_what_was_studied_in_its_year_is_registered_by_the_person_s_own_claim(self, world: World):
        """S4-08: 补登, by the person as well as by the platform, once the public part is there (S4-07)."""
        world.now = datetime(2020, 5, 1, 4, tzinfo=UTC)
        desk = Desk(world, JIANGMEN)
        who = await world.collects(JIANGMEN, qualified_on=date(2015, 9, 1))
        said = {"form": "study", "role": None, "mode": "online", "category": "professional", "year": 2019}
        said |= {"happened_on": "2019-10-01", "quantity": "60", "fact": self.CERTIFICATE}
        too_early = await desk.submits(who, **said)
        assert too_early.json()["clause"] == "S4-07"
        public = {
            "person": {
                "id_type": "resident_id",
                "id_number": who.person.id_number,
                "name": who.person.name,
            },
            "year": 2019,
            "category": "public",
            "credits": "30.00",
            "mode": "online",
            "completed_on": "2019-10-08",
            "system": "gd_hrss",
            "record_id": "2019-0007",
        }
        await world.client.post(
            "/v1/registrations/history",
            json={"records": [public]},
            headers=bearer("registration:write", place="440000") | {"Idempotency-Key": "history"},
        )
        approved = await desk.approved(who, **said)
        assert (approved["credits"], approved["clause"]) == ("60.00", "S4-08")
        assert (await world.asks(who, 2019))["status"] == "compliant"
        world.now = datetime(2020, 9, 30, 16, tzinfo=UTC)
        late = await desk.submits(who, **(said | {"fact": self.CERTIFICATE | {"certificate": "2019-2"}}))
        assert (late.status_code, late.json()["clause"]) == (422, "S4-08")

    async def test_mode_and_category_are_asked_for(self, world: World, desk: Desk):
        response = await self.study(world, desk, SHENYANG, 2025, "2025-05-20", category=None)
        assert response.json()["pointer"] == "/category"
