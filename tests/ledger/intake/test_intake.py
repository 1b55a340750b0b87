"""Posted records, told apart and written: the same said in other words, and every log at once."""

import asyncio
from typing import Any

import pytest

from contracts.divisions import AUTHORITIES, NATION
from tests.ledger.world import World

LIAONING = "210000"
LISTED = "北京东奥时代教育科技有限公司"


class TestSameContent:
    @pytest.mark.parametrize(
        "fields",
        [
            {"credits": "30"},
            {"credits": "30.0"},
            {"completed_at": "2025-05-20T02:00:00Z"},
            {"completed_at": "2025-05-20T10:00:00.000+08:00"},
            {"authority": LIAONING},
            {"authority": "210102"},
            {"title": None, "tier": None},
        ],
    )
    @pytest.mark.parametrize("collected", [True, False], ids=["registered", "held"])
    async def test_said_in_other_words_is_a_repeat(
        self, world: World, fields: dict[str, Any], collected: bool
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who: Any = await world.collects(LIAONING) if collected else world.stranger()
        record = provider.completion(who, 2025, "30.00", completed_at="2025-05-20T10:00:00+08:00")
        await provider.posts(record)
        [again] = await provider.posts(record | fields)
        assert again["outcome"] == "duplicate"

    async def test_blanks_in_a_name_and_a_small_x_are_a_repeat(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        while not person.id_number.endswith("X"):
            person = world.stranger()
        record = provider.completion(person, 2025, "30.00")
        await provider.posts(record)
        written = {"id_number": person.id_number.lower(), "name": f"{person.name[0]} {person.name[1:]}"}
        [again] = await provider.posts(record | {"person": record["person"] | written})
        assert again["outcome"] == "duplicate"

    @pytest.mark.parametrize("collected", [True, False], ids=["registered", "held"])
    @pytest.mark.parametrize(
        ("fields", "differs"),
        [
            ({"credits": "30.01"}, ["/credits"]),
            ({"credits": "30.0", "course": "ZJ-02"}, ["/course"]),
            ({"completed_at": "2025-05-20T10:00:00Z"}, ["/completed_at"]),
            ({"title": "又一课"}, ["/title"]),
            ({"tier": "junior", "mode": "face_to_face"}, ["/mode", "/tier"]),
            ({"started_on": "2025-05-01"}, ["/started_on"]),
            ({"year": 2024}, ["/year"]),
        ],
    )
    async def test_anything_else_is_a_conflict_that_names_it(
        self, world: World, fields: dict[str, Any], differs: list[str], collected: bool
    ):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who: Any = await world.collects(LIAONING) if collected else world.stranger()
        record = provider.completion(who, 2025, "30.00", completed_at="2025-05-20T10:00:00+08:00")
        await provider.posts(record)
        [again] = await provider.posts(record | fields)
        assert again["outcome"] == "conflict"
        assert again["problem"]["differs"] == differs

    async def test_another_name_alone_is_named_as_that(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(LIAONING)
        record = provider.completion(who, 2025, "30.00")
        await provider.posts(record)
        [again] = await provider.posts(record | {"person": record["person"] | {"name": "别的名字"}})
        assert again["problem"]["differs"] == ["/person/name"]


class TestEveryLogAtOnce:
    async def test_strangers_of_every_authority_are_held_with_fewer_connections_than_logs(self, world: World):
        logs = [log for log in AUTHORITIES if log != NATION]
        provider = await world.provides(LISTED, accredited=logs)
        records = [provider.completion(world.stranger(), 2025, "30.00", authority=log) for log in logs]
        async with asyncio.timeout(10):
            outcomes = await provider.posts(*records)
        assert [(outcome["outcome"], outcome["log"]) for outcome in outcomes] == [
            ("held", log) for log in logs
        ]
