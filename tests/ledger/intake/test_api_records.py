"""A provider's year as a table: what it holds, its parts, and whose it is."""

import csv
import io
from datetime import UTC, datetime

import pytest

from tests.ledger.intake.test_posted_completions import read
from tests.ledger.moving.mover import LIAONING, LISTED, SHENYANG
from tests.ledger.world import Provider, World


@pytest.fixture(autouse=True)
def today(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
async def provider(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING])


class TestYearTable:
    async def table(self, provider: Provider, **asked: str) -> tuple[list[dict[str, str]], str | None]:
        """The rows, and what to go on after."""
        response = await provider.world.client.get(
            "/v1/completion-tables/2025", headers=provider.headers("completion:write"), params=asked
        )
        assert response.status_code == 200, response.text
        assert 'filename="completions-2025.csv"' in response.headers["content-disposition"]
        lines = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline=""))
        return list(lines), response.headers.get("Xuefen-Next-After")

    async def test_has_a_row_for_everything_posted_for_the_year_as_it_is_read_alone(
        self, world: World, provider: Provider
    ) -> None:
        who = await world.collects(SHENYANG)
        await provider.posts(
            provider.completion(who, 2025, "30.00", id="a", title="=1+1"),
            provider.completion(world.stranger(), 2025, "9.00", id="b"),
            provider.completion(world.stranger(), 2024, "9.00", id="another-year"),
        )
        await provider.withdraws("a", reason="wrong_credits")
        rows, following = await self.table(provider)
        assert following is None
        for row in rows:
            record = await read(provider, row["id"])
            told = record | record["posted"] | {"posted_credits": record["posted"]["credits"]}
            told |= {"authority": record["log"], "credits": record["credits"], "posted_hours": None}
            shown = {
                name: "" if (text := told.get(name)) is None else str(text).replace("Z", "+00:00")
                for name in row
            }
            assert {name: text.lower() for name, text in row.items()} == {
                name: f"'{text}" if text.startswith("=") else text.lower() for name, text in shown.items()
            }
        assert [(row["id"], row["state"], row["reason"]) for row in rows] == [
            ("a", "withdrawn", "wrong_credits"),
            ("b", "held", "not_collected"),
        ]

    async def test_goes_on_after_its_last_row(self, world: World, provider: Provider) -> None:
        await provider.posts(
            *(provider.completion(world.stranger(), 2025, "9.00", id=f"r-{number}") for number in range(3))
        )
        rows, following = await self.table(provider, limit="2")
        assert [row["id"] for row in rows] == ["r-0", "r-1"]
        assert following is not None
        rows, following = await self.table(provider, limit="2", after=following)
        assert ([row["id"] for row in rows], following) == (["r-2"], None)

    async def test_is_of_the_caller_s_own_organization(self, world: World, provider: Provider) -> None:
        await provider.posts(provider.completion(world.stranger(), 2025, "9.00"))
        other = await world.provides("东北财经大学", accredited=[LIAONING])
        assert await self.table(other) == ([], None)
        response = await world.client.get(
            "/v1/completion-tables/2025", headers=world.official(LIAONING, "completion:write")
        )
        assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (
            403,
            "organization-token-needed",
        )

    async def test_is_a_spreadsheet_where_that_is_wanted(self, world: World, provider: Provider) -> None:
        await provider.posts(provider.completion(world.stranger(), 2025, "9.00", id="only"))
        response = await world.client.get(
            "/v1/completion-tables/2025?format=xlsx", headers=provider.headers("completion:write")
        )
        assert response.content.startswith(b"PK")
        assert response.headers["content-disposition"].endswith('filename="completions-2025.xlsx"')
