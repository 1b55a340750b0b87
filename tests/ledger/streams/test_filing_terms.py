"""Filings cited by completions: where the notice wants trainings filed before they are held, a provider's completion
cites the filing or is refused."""

from datetime import date
from typing import Any

import pytest

from tests.ledger.cases.training import Training, beijing
from tests.ledger.world import Provider, Somebody, World

HEPING, LIAONING = "210102", "210000"
HELD = date(2025, 9, 25)
NOON = beijing(2025, 9, 25, 12).isoformat()


@pytest.fixture
async def training(world: World) -> Training:
    """Given a training of one day that was filed, approved, and has just ended."""
    provider = await world.provides("已备案公布的培训学校", accredited=[LIAONING])
    return await Training(world, provider, HEPING, [HELD]).held()


async def reports(training: Training, who: Somebody, by: Provider | None = None, **fields: Any) -> Any:
    """The trainer posts a completion of the day; given fields win."""
    provider = by or training.provider
    said = {"mode": "face_to_face", "completed_at": NOON, "filing": training.filing_id} | fields
    [outcome] = await provider.posts(provider.completion(who, 2025, "5", **said))
    return outcome


def problem_of(outcome: dict[str, Any]) -> str:
    assert outcome["outcome"] == "rejected", outcome
    assert outcome["clause"] == "S1-14"
    return str(outcome["problem"]["type"].rpartition(":")[2])


class TestCiting:
    async def test_an_approved_filing_is_registered(self, training: Training):
        """S1-14."""
        who = await training.world.collects(HEPING)
        assert (await reports(training, who))["outcome"] == "registered"
        assert (await training.world.asks(who, 2025))["total"] == "5.00"

    async def test_none_is_refused_with_the_clause(self, training: Training):
        """S1-14, S3B-10: trained without a filing, nothing is registered."""
        who = await training.world.collects(HEPING)
        assert problem_of(await reports(training, who, filing=None)) == "filing-needed"

    async def test_one_that_does_not_cover_the_study_is_refused(self, training: Training):
        """S1-14: of nobody, of another organization, or of another day."""
        world = training.world
        who = await world.collects(HEPING)
        other = await world.provides("另一培训学校", accredited=[LIAONING])
        for outcome in (
            await reports(training, who, filing="00000000-0000-4000-8000-000000000000"),
            await reports(training, who, by=other),
            await reports(training, who, completed_at=beijing(2025, 9, 24, 12).isoformat()),
        ):
            assert problem_of(outcome) == "filing-not-suitable"

    async def test_one_that_was_not_approved_is_refused(self, world: World):
        """S1-14, B-15: handed in, and not decided."""
        provider = await world.provides("未经审核的培训学校", accredited=[LIAONING])
        training = Training(world, provider, HEPING, [HELD])
        world.now = beijing(2025, 9, 1, 9)
        assert (await training.files()).status_code == 201
        world.now = beijing(2025, 9, 25, 13)
        who = await world.collects(HEPING)
        assert problem_of(await reports(training, who)) == "filing-not-suitable"

    async def test_online_study_cites_nothing(self, training: Training):
        who = await training.world.collects(HEPING)
        listed = await training.world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])
        outcome = await reports(training, who, by=listed, mode="online", filing=None)
        assert outcome["outcome"] == "registered"

    async def test_what_waited_for_its_person_is_judged_by_the_filing_it_cites(self, training: Training):
        """S3B-02, S1-14: decided as on the first day when the person is collected."""
        world, one, two = training.world, training.world.stranger(), training.world.stranger()
        for person, filing in ((one, training.filing_id), (two, None)):
            record = training.provider.completion(
                person, 2025, "5", mode="face_to_face", completed_at=NOON, filing=filing
            )
            assert (await training.provider.posts(record))[0]["outcome"] == "held"
        totals = [
            (await world.asks(await world.collects(HEPING, person=person), 2025))["total"]
            for person in (one, two)
        ]
        assert totals == ["5.00", "0.00"]

    async def test_what_a_roster_counted_is_a_duplicate_that_names_it(self, training: Training):
        """A-15."""
        who = await training.world.collects(HEPING)
        [row] = await training.approved(training.row(who, "r-1"))
        outcome = await reports(training, who)
        assert (outcome["outcome"], outcome["credit_id"]) == ("duplicate", row["credit_ids"][0])
        assert (await training.world.asks(who, 2025))["total"] == "5.00"
