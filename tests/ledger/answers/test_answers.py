"""The answers: as of a moment, for many, for a provider, as a transcript, as statistics."""

from datetime import UTC, datetime, timedelta

from tests.ledger.world import World

LIAONING, CHAOYANG, SHUANGTA, SHANXI = "210000", "211300", "211302", "140000"
LISTED = "北京东奥时代教育科技有限公司"


class TestCompliance:
    async def test_says_what_the_ledger_knew_at_a_moment(self, world: World):
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        world.now = datetime(2025, 6, 1, tzinfo=UTC)
        moments = []
        for _ in range(3):
            await provider.posts(provider.completion(who, 2025, "30.00"))
            async with world.ledger.databases.of(LIAONING).acquire() as conn:
                moments.append(
                    await conn.fetchrow("select recorded_at, position from logs where log = $1", LIAONING)
                )
        world.now = datetime.now(UTC) + timedelta(days=1)
        for count, (moment, position) in enumerate(moments, 1):
            answer = await world.asks(who, 2025, as_of=moment.isoformat(), on="2025-06-30")
            assert answer["total"] == f"{30 * count}.00"
            assert answer["position"] == position
        nobody = await world.client.get(
            f"/v1/persons/{who.person_id}/compliance/2025",
            params={"as_of": "2020-01-01T00:00:00Z"},
            headers=world.official(LIAONING),
        )
        assert nobody.status_code == 404
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)

    async def test_asks_no_one_about_the_future(self, world: World):
        who = await world.collects(LIAONING)
        response = await world.client.get(
            f"/v1/persons/{who.person_id}/compliance/2025",
            params={"as_of": "2099-01-01T00:00:00Z"},
            headers=world.official(LIAONING),
        )
        assert response.json()["type"] == "urn:xuefen:problem:moment-in-future"

    async def test_judges_on_a_day(self, world: World):
        who = await world.collects(LIAONING)
        assert (await world.asks(who, 2025, on="2025-12-31"))["status"] == "in_progress"
        assert (await world.asks(who, 2025, on="2026-01-01"))["status"] == "deficient"

    async def test_ninety_professional_credits_are_not_enough_where_public_ones_are_asked(self, world: World):
        """S1-03 against S3B-06."""
        provider = await world.provides(LISTED, accredited=[LIAONING, SHANXI])
        answers = {}
        for place, year in ((LIAONING, 2025), (SHANXI, 2026)):
            world.now = datetime(year, 6, 1, 4, tzinfo=UTC)
            who = await world.collects(place)
            await provider.posts(provider.completion(who, year, "90.00", authority=place))
            answers[place] = await world.asks(who, year)
        assert answers[LIAONING]["status"] == "in_progress"
        assert answers[LIAONING]["missing"] == [{"category": "public", "credits": "30.00"}]
        assert answers[SHANXI]["status"] == "compliant"
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


class TestQuery:
    async def test_answers_in_order_and_names_the_absent(self, world: World):
        people = [await world.collects(SHUANGTA) for _ in range(3)]
        elsewhere = await world.collects(SHANXI)
        ids = [people[0].person_id, elsewhere.person_id, people[2].person_id, "nobody"]
        response = await world.client.post(
            "/v1/compliance/query",
            json={"year": 2025, "persons": ids},
            headers=world.official(CHAOYANG),
        )
        body = response.json()
        assert [item and item["person_id"] for item in body["results"]] == [ids[0], None, ids[2], None]
        assert body["absent"] == [
            {"index": 1, "problem": "person-unknown"},
            {"index": 3, "problem": "person-unknown"},
        ]

    async def test_finds_people_by_id_number_in_the_body(self, world: World):
        who = await world.collects(SHUANGTA)
        for place in (LIAONING, "100000"):
            response = await world.client.post(
                "/v1/compliance/query",
                json={"year": 2025, "identities": [who.identity]},
                headers=world.official(place),
            )
            assert response.json()["results"][0]["person_id"] == who.person_id

    async def test_asks_for_one_way_of_naming_people(self, world: World):
        response = await world.client.post(
            "/v1/compliance/query", json={"year": 2025}, headers=world.official(LIAONING)
        )
        assert response.json()["type"] == "urn:xuefen:problem:query-unclear"


class TestProvidersView:
    async def test_a_provider_sees_the_answer_for_those_it_reported_and_its_own_records(self, world: World):
        who = await world.collects(LIAONING)
        one = await world.provides(LISTED, accredited=[LIAONING])
        two = await world.provides("上海国家会计学院", accredited=[LIAONING])
        path = f"/v1/persons/{who.person_id}"
        assert (await world.client.get(f"{path}/compliance/2025", headers=one.headers())).status_code == 404
        await one.posts(one.completion(who, 2025, "30.00"))
        [theirs] = await two.posts(two.completion(who, 2025, "30.00"))
        await two.withdraws(theirs["id"])
        answer = (await world.client.get(f"{path}/compliance/2025", headers=one.headers())).json()
        assert answer["total"] == "30.00"
        assert answer["not_counted"] == []
        transcript = (await world.client.get(f"{path}/transcript", headers=one.headers())).json()
        assert [line["provider_id"] for line in transcript["credits"]] == [one.organization_id]
