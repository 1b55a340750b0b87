"""A close and whatever it meets on its way are one before the other: nothing enters a year behind its close."""

import asyncio
from typing import Any

import pytest

from services.kit.idempotency import CommandKey
from services.ledger.composition import Ledger
from services.ledger.officials.closing import CloseYear
from tests.conftest import AUDIT_KEY
from tests.ledger.cases.test_claims import Desk
from tests.ledger.intake.test_interleavings import Pause
from tests.ledger.officials.closing.closing import LIAONING, SHUANGTA, closes, posts_one, problem_of
from tests.ledger.world import DIGEST_KEY, Provider, World, connect


class TestMeeting:
    """B-07: late registration ends with the close, to the commit."""

    async def test_a_batch_decided_before_a_close_that_was_stored_first_is_decided_again(
        self, world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ):
        who = await world.collects(SHUANGTA)
        with Pause().armed(monkeypatch) as pause:
            posting = asyncio.create_task(posts_one(provider, who))
            await pause.reached.wait()
            assert (await closes(world, LIAONING, 2025)).status_code == 201
            pause.released.set()
            outcome = await posting
        assert problem_of(outcome) == "year-closed"
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_a_batch_stored_while_a_close_is_decided_stands(
        self, world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ):
        who = await world.collects(SHUANGTA)
        with Pause().armed(monkeypatch) as pause:
            closing = asyncio.create_task(closes(world, LIAONING, 2025))
            await pause.reached.wait()
            outcome = await posts_one(provider, who)
            pause.released.set()
            response: Any = await closing
        assert outcome["outcome"] == "registered"
        assert response.status_code == 201, response.text
        assert (await world.asks(who, 2025))["total"] == "30.00"
        assert problem_of(await posts_one(provider, who)) == "year-closed"

    async def test_a_claim_approved_while_the_year_closes_is_refused(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        desk = Desk(world, SHUANGTA)
        who = await world.collects(SHUANGTA)
        claim_id = (await desk.submits(who)).json()["claim_id"]
        await desk.steps(claim_id, "acceptance")
        with Pause().armed(monkeypatch) as pause:
            approving = asyncio.create_task(desk.steps(claim_id, "approval"))
            await pause.reached.wait()
            assert (await closes(world, LIAONING, 2025)).status_code == 201
            pause.released.set()
            response: Any = await approving
        assert response.json()["type"] == "urn:xuefen:problem:year-closed"

    async def test_a_person_who_arrives_while_the_year_closes_gets_nothing_of_what_waited(
        self, world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ):
        person = world.stranger()
        record = provider.completion(person, 2025, "30.00", completed_at="2025-06-01T10:00:00+08:00")
        await provider.posts(record)
        with Pause().armed(monkeypatch) as pause:
            arriving = asyncio.create_task(world.collects(SHUANGTA, person=person))
            await pause.reached.wait()
            assert (await closes(world, LIAONING, 2025)).status_code == 201
            pause.released.set()
            who = await arriving
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_of_two_closes_one_wins(self, world: World):
        answers = await asyncio.gather(
            *(closes(world, LIAONING, 2025, key=f"close-{number}") for number in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]

    async def test_another_process_learns_of_the_close_when_it_appends(
        self, world: World, provider: Provider
    ):
        """It has never seen the new generation: the append finds out, and the batch is decided again."""
        who = await world.collects(SHUANGTA)
        assert (await posts_one(provider, who))["outcome"] == "registered"
        other = Ledger(
            await connect(world.fresh),
            world.ledger.hashers,
            digest_key=DIGEST_KEY,
            audit_key=AUDIT_KEY,
            clock=lambda: world.now,
        )
        try:
            await other.prepare()
            command = CloseYear(place=LIAONING, year=2025, decided_by="official-1")
            answer = await other.years.close(command, CommandKey("official-1", "close", "close"))
            assert answer.status == 201
        finally:
            await other.close()
        assert problem_of(await posts_one(provider, who)) == "year-closed"
