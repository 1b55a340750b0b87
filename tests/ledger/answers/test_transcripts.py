"""The transcript: what was awarded and what became of it, as JSON and as a table in which nothing runs."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from services.kit.spreadsheets import write_csv
from services.ledger.answers.transcripts import COLUMNS, table_rows, transcript_of
from services.ledger.answers.viewers import Viewer
from services.ledger.policy import Account, Person
from services.ledger.store.people import Keeper
from services.ledger.streams.profile import Profile
from tests.kit.http import bearer
from tests.kit.tables import cells_of
from tests.ledger.policy.builders import credit
from tests.ledger.world import Somebody, World

LIAONING, SHUANGTA, JINCHENG, SHANXI = "210000", "211302", "140502", "140000"
LISTED = "北京东奥时代教育科技有限公司"


@pytest.fixture(autouse=True)
def in_june(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


async def reads(world: World, who: Somebody, place: str = LIAONING, ending: str = "", **params: Any) -> Any:
    response = await world.client.get(
        f"/v1/persons/{who.person_id}/transcript{ending}", params=params, headers=world.official(place)
    )
    assert response.status_code == 200, response.text
    return response


class TestTranscript:
    async def test_an_exemption_stands_beside_the_credits(self, world: World):
        """A-14: who freed the person of the year, and why."""
        who = await world.collects(SHUANGTA)
        response = await world.client.post(
            f"/v1/persons/{who.person_id}/exemptions",
            json={"year": 2025, "reason": "illness"},
            headers=world.official(LIAONING) | {"Idempotency-Key": f"exempt-{who.person_id}"},
        )
        assert response.status_code == 201
        assert (await reads(world, who)).json()["reliefs"] == [
            {
                "year": 2025,
                "kind": "exemption",
                "reason": "illness",
                "authority": LIAONING,
                "granted_on": "2025-06-01",
                "until": None,
            }
        ]
        assert (await reads(world, who, year=2024)).json()["reliefs"] == []

    async def test_make_up_and_what_came_late_are_marked(self, world: World):
        """S1-17, B-07."""
        world.now = datetime(2025, 3, 31, 15, 59, tzinfo=UTC)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        await provider.posts(
            provider.completion(who, 2024, "30.00", completed_at="2025-03-20T10:00:00+08:00"),
        )
        world.now = datetime(2026, 1, 20, 4, tzinfo=UTC)
        await provider.posts(
            provider.completion(who, 2025, "30.00", completed_at="2025-12-31T23:00:00+08:00")
        )
        lines = (await reads(world, who)).json()["credits"]
        assert [(line["year"], line["make_up"], line["late"]) for line in lines] == [
            (2024, True, False),
            (2025, False, True),
        ]

    async def test_what_waits_is_told_with_its_reason(self, world: World):
        """S2B-07: below 90 credits nothing is registered."""
        world.now = datetime(2025, 3, 1, 4, tzinfo=UTC)
        provider = await world.provides("会计之星", accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        await provider.posts(provider.completion(who, 2024, "60.00"))
        [item] = (await reads(world, who, SHANXI)).json()["waiting"]
        assert (item["credits"], item["reason"]) == ("60.00", "below_total")


class TestTables:
    async def test_the_table_says_what_the_transcript_says(self, world: World):
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who = await world.collects(SHUANGTA)
        kept, gone = (
            provider.completion(who, 2025, "30.00", course="ZY-1"),
            provider.completion(who, 2025, "20.00", course="ZY-2"),
        )
        await provider.posts(kept, gone)
        await provider.withdraws(gone["id"])
        told = (await reads(world, who)).json()["credits"]
        response = await reads(world, who, ending=".csv")
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
        assert tuple(rows[0]) == COLUMNS
        by_id = {row[-1]: row for row in rows[1:]}
        assert set(by_id) == {line["credit_id"] for line in told}
        for line in told:
            row = dict(zip(COLUMNS, by_id[line["credit_id"]], strict=True))
            assert row["学分 credits"] == line["credits"]
            assert row["状态 state"] == line["state"]
        sheet = await reads(world, who, ending=".xlsx")
        assert cells_of(sheet.content) == rows

    def test_no_cell_is_a_formula(self):
        """What came with somebody from another authority may hold any text."""
        account = Account(
            person_id="person-1",
            year=2025,
            credits=[credit("30", on="2025-05-01", course="=1+1", place="210000")],
        )
        person = Person(person_id="person-1", place=LIAONING)
        profile = Profile(person=person, identity_hash="x", name_hash="y")
        home = Keeper(log=LIAONING, position=1, profile=profile, account=None)
        transcript = transcript_of(home, [account], Viewer(place=LIAONING), None)
        assert transcript.credits[0].course == "=1+1"
        rows = list(csv.reader(io.StringIO(write_csv(COLUMNS, table_rows(transcript)).decode("utf-8-sig"))))
        assert rows[1][COLUMNS.index("课程 course")] == "'=1+1"

    async def test_a_table_is_for_whoever_may_read_the_transcript(self, world: World):
        who, other = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
        for ending in ("", ".csv", ".xlsx"):
            mine = bearer("transcript:own", subject=who.person_id)
            own = await world.client.get(f"/v1/persons/{who.person_id}/transcript{ending}", headers=mine)
            assert own.status_code == 200
            theirs = await world.client.get(f"/v1/persons/{other.person_id}/transcript{ending}", headers=mine)
            assert theirs.status_code == 404
            outside = await world.client.get(
                f"/v1/persons/{who.person_id}/transcript{ending}", headers=world.official("211303")
            )
            assert outside.status_code == 403
