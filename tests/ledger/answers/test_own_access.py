"""People read their own answers and nobody else's; units those of their people, and no record of a provider."""

import pytest

from services.cli.demo import fictitious
from tests.kit.http import bearer
from tests.ledger.test_access import LIAONING, LISTED, OWN_SCOPES, REACHES, SHUANGTA
from tests.ledger.world import World

EMPLOYER, OTHER_EMPLOYER = fictitious.uscc(901), fictitious.uscc(902)


class TestPersons:
    async def test_see_themselves_and_nobody_else(self, world: World):
        me, other = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
        headers = bearer(*OWN_SCOPES, subject=me.person_id)
        for path in ("compliance/2025", "transcript"):
            mine = await world.client.get(f"/v1/persons/{me.person_id}/{path}", headers=headers)
            assert mine.json()["person_id"] == me.person_id
            theirs = await world.client.get(f"/v1/persons/{other.person_id}/{path}", headers=headers)
            assert theirs.json()["type"] == "urn:xuefen:problem:person-unknown"

    async def test_ask_nothing_that_is_for_others(self, world: World):
        me = await world.collects(SHUANGTA)
        headers = bearer(*OWN_SCOPES, subject=me.person_id)
        asked = {"year": 2025, "persons": [me.person_id]}
        response = await world.client.post("/v1/compliance/query", json=asked, headers=headers)
        assert response.json()["type"] == "urn:xuefen:problem:insufficient-scope"
        wrong = bearer("compliance:own", subject=me.person_id)
        response = await world.client.get(f"/v1/persons/{me.person_id}/transcript", headers=wrong)
        assert response.json()["type"] == "urn:xuefen:problem:insufficient-scope"


class TestEmployers:
    async def test_see_the_answers_of_their_own_people_alone(self, world: World):
        """S0-24, S2A-10: a unit sees whether its people have met the year, and no record of a provider."""
        unit = await world.employs(EMPLOYER)
        mine = await world.collects(SHUANGTA, employer=EMPLOYER)
        other = await world.collects(SHUANGTA, employer=OTHER_EMPLOYER)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        await provider.posts(provider.completion(mine, 2025, "30.00"))
        answer = await world.client.get(f"/v1/persons/{mine.person_id}/compliance/2025", headers=unit)
        assert answer.json()["total"] == "30.00"
        transcript = await world.client.get(f"/v1/persons/{mine.person_id}/transcript", headers=unit)
        assert transcript.json()["credits"] == []
        for path in ("compliance/2025", "transcript"):
            response = await world.client.get(f"/v1/persons/{other.person_id}/{path}", headers=unit)
            assert response.status_code == 404
        asked = await world.client.get(f"/v1/employers/{OTHER_EMPLOYER}/compliance/2025", headers=unit)
        assert asked.json()["type"] == "urn:xuefen:problem:employer-not-own"

    @pytest.mark.parametrize(("official", "place", "may"), REACHES)
    async def test_are_seen_by_officials_of_the_place_their_people_belong_to(
        self, world: World, official: str, place: str, may: bool
    ):
        employer = fictitious.uscc(REACHES.index((official, place, may)) + 800)
        who = await world.collects(place, employer=employer)
        path = f"/v1/employers/{employer}/compliance/2025"
        response = await world.client.get(path, headers=world.official(official))
        assert [each["person_id"] for each in response.json()["items"]] == ([who.person_id] if may else [])
