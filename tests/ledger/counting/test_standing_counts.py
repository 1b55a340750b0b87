"""Persons counted by the status of a year: children of a place add up to it, at every level."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contracts.divisions import NATION
from tests.conftest import FreshDatabaseFactory
from tests.kit.tables import cells_of
from tests.ledger.counting.desk import Desk
from tests.ledger.world import World, make_world

LIAONING, CHAOYANG, SHUANGTA, SHENYANG, HEPING = "210000", "211300", "211302", "210100", "210102"
SHANXI, JINCHENG = "140000", "140500"
LISTED = "北京东奥时代教育科技有限公司"
PLACES = (SHUANGTA, SHUANGTA, "211303", CHAOYANG, HEPING, SHENYANG, LIAONING, JINCHENG, SHANXI)
"""Counties, cities that are somebody's place themselves, and provinces likewise."""
COUNTED = (
    "persons", "obliged", "compliant", "in_progress", "deficient", "undecided", "provisional", "made_up", "exempt",
    "not_required", "no_policy", "late",
)  # fmt: skip


@pytest.fixture(scope="module")
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    """A ledger where people of every level of the tree stand differently in 2025."""
    async with make_world(fresh_database)().running() as world:
        provider = await world.provides(LISTED, accredited=[LIAONING])
        people = [await world.collects(place) for place in PLACES]
        await world.collects(SHUANGTA, student=True)
        for number, who in enumerate(people[:7]):
            if number % 2 == 0:
                await provider.posts(
                    provider.completion(who, 2025, "60.00"),
                    provider.completion(who, 2025, "30.00", category="public"),
                )
        world.now += timedelta(days=1)
        await provider.posts(
            provider.completion(people[1], 2025, "60.00"),
            provider.completion(people[1], 2025, "30.00", category="public"),
        )
        response = await world.client.post(
            f"/v1/persons/{people[3].person_id}/exemptions",
            json={"year": 2025, "reason": "illness"},
            headers=world.official(LIAONING) | {"Idempotency-Key": "k"},
        )
        assert response.status_code == 201
        await Desk(world, LIAONING, SHANXI).works()
        yield world


async def asks(world: World, place: str, numbers: str = "standings", **params: Any) -> dict[str, Any]:
    response = await world.client.get(
        f"/v1/statistics/{numbers}", params={"place": place} | params, headers=world.official(NATION)
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def added(rows: list[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """What rows add up to, by year and count."""
    sums: dict[tuple[int, str], int] = {}
    for row in rows:
        for name in COUNTED:
            sums[row["year"], name] = sums.get((row["year"], name), 0) + row[name]
    return sums


class TestSums:
    @pytest.mark.parametrize("place", [NATION, LIAONING, CHAOYANG, SHENYANG, SHUANGTA, SHANXI])
    async def test_children_of_a_place_add_up_to_it(self, world: World, place: str):
        answer = await asks(world, place)
        assert added(answer["rows"]) == added(answer["totals"])
        for row in answer["rows"]:
            owing = ("compliant", "in_progress", "deficient", "undecided")
            assert row["obliged"] == sum(row[status] for status in owing)
            assert row["persons"] == row["obliged"] + row["exempt"] + row["not_required"] + row["no_policy"]

    @pytest.mark.parametrize("place", [NATION, LIAONING, CHAOYANG, SHENYANG])
    async def test_a_place_s_row_is_what_it_says_of_itself(self, world: World, place: str):
        """Sums of counties equal their city, of cities their province, of provinces the nation."""
        for row in (await asks(world, place, year=2025))["rows"]:
            if not row["own"]:
                [itself] = (await asks(world, row["place"], year=2025))["totals"]
                assert {name: itself[name] for name in COUNTED} == {name: row[name] for name in COUNTED}

    async def test_who_belongs_to_a_city_or_a_province_itself_is_counted_as_its_own(self, world: World):
        [own] = [row for row in (await asks(world, CHAOYANG, year=2025))["rows"] if row["own"]]
        assert (own["place"], own["persons"], own["exempt"]) == (CHAOYANG, 1, 1)
        [own] = [row for row in (await asks(world, LIAONING, year=2025))["rows"] if row["own"]]
        assert (own["name"], own["persons"], own["compliant"]) == ("辽宁省", 1, 1)


class TestCounts:
    async def test_are_of_everybody_by_status(self, world: World):
        """S0-03 to S0-05, S1-03, A-14, B-09."""
        [row] = (await asks(world, CHAOYANG, year=2025))["totals"]
        expected = {
            "persons": 5, "obliged": 3, "compliant": 3, "in_progress": 0, "deficient": 0, "undecided": 0, "provisional": 0,
            "made_up": 0, "exempt": 1, "not_required": 1, "no_policy": 0, "late": 0,
        }  # fmt: skip
        assert {name: row[name] for name in COUNTED} == expected
        assert row["credits"] == "270.00"

    async def test_say_the_position_the_day_and_what_is_behind(self, world: World):
        answer = await asks(world, LIAONING)
        [reached] = answer["reached"]
        assert reached["log"] == LIAONING
        assert reached["lag"] == 0
        assert reached["judged_on"] == "2025-06-02"
        assert "judging" not in reached
        assert {each["log"] for each in (await asks(world, NATION))["reached"]} >= {LIAONING, SHANXI}


class TestDays:
    async def test_tell_when_a_year_was_met(self, world: World):
        answer = await asks(world, CHAOYANG, "standings/daily", year=2025)
        assert answer["rows"] == [
            {"day": "2025-06-01", "persons": 2, "made_up": 0, "so_far": 2},
            {"day": "2025-06-02", "persons": 1, "made_up": 0, "so_far": 3},
        ]
        later = await asks(world, CHAOYANG, "standings/daily", year=2025, day_from="2025-06-02")
        assert (later["before"], later["rows"][0]["so_far"]) == (2, 3)
        ended = await asks(world, CHAOYANG, "standings/daily", year=2025, day_to="2025-06-01")
        assert [row["day"] for row in ended["rows"]] == [str(date(2025, 6, 1))]


class TestFiles:
    async def test_a_table_has_the_rows_with_a_header_in_the_language_asked_for(self, world: World):
        headers = world.official(NATION)
        params: dict[str, Any] = {"place": LIAONING, "year": 2025, "format": "csv"}
        chinese = await world.client.get("/v1/statistics/standings", params=params, headers=headers)
        rows = list(csv.reader(io.StringIO(chinese.content.decode("utf-8-sig"))))
        assert chinese.headers["content-disposition"] == 'attachment; filename="standings-210000.csv"'
        assert rows[0][:4] == ["年度", "行政区划代码", "地区", "本级"]
        asked = await asks(world, LIAONING, year=2025)
        assert [row[1] for row in rows[1:]] == [row["place"] for row in asked["rows"]]
        params["format"] = "xlsx"
        english = await world.client.get(
            "/v1/statistics/standings", params=params, headers=headers | {"Accept-Language": "en"}
        )
        sheet = cells_of(english.content)
        assert sheet[0][:4] == ["Year", "Place", "Name", "Of the place itself"]
        assert [row[4:] for row in sheet[1:]] == [row[4:] for row in rows[1:]]

    @pytest.mark.parametrize("numbers", ["standings/daily", "registrations", "registrations/daily"])
    async def test_every_count_comes_as_a_table_too(self, world: World, numbers: str):
        for name in ("csv", "xlsx"):
            response = await world.client.get(
                f"/v1/statistics/{numbers}",
                params={"place": LIAONING, "year": 2025, "format": name},
                headers=world.official(NATION),
            )
            assert response.status_code == 200
            media_type = response.headers["content-type"]
            assert len(cells_of(response.content, media_type)) >= 1

    async def test_another_format_is_refused(self, world: World):
        response = await world.client.get(
            "/v1/statistics/standings",
            params={"place": LIAONING, "format": "pdf"},
            headers=world.official(NATION),
        )
        assert response.status_code == 422
        assert response.json()["errors"][0]["parameter"] == "format"


class TestJudging:
    async def test_while_a_notice_is_taken_in_the_counts_say_so(self, world: World):
        now = world.now
        world.now = datetime(2027, 1, 1, 4, tzinfo=UTC)
        desk = Desk(world, LIAONING)
        await desk.keeper.step(LIAONING)
        assert (await asks(world, LIAONING))["reached"][0]["judging"] is True
        await desk.keeper.catch_up(LIAONING)
        assert "judging" not in (await asks(world, LIAONING))["reached"][0]
        world.now = now
