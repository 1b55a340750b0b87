"""A year is closed once its windows have ended; from then on only make-up and corrections with authority enter."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.kit import events as codec
from services.ledger.streams.publishing import publish
from services.ledger.streams.year import YearClosed
from tests.ledger.officials.closing.closing import (
    CHAOYANG,
    LIAONING,
    SHANXI,
    SHUANGTA,
    closes,
    corrects,
    posts_one,
    problem_of,
)
from tests.ledger.world import Provider, World


class TestCloseYear:
    async def test_is_refused_while_a_window_is_open_and_names_the_day(self, world: World):
        world.now = datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)
        response = await closes(world, LIAONING, 2025)
        assert response.status_code == 409, response.text
        assert response.json()["type"] == "urn:xuefen:problem:year-not-over"
        assert response.json()["last_day"] == "2025-12-31"
        world.now = datetime(2025, 12, 31, 16, tzinfo=UTC)
        assert (await closes(world, LIAONING, 2025, key="again")).status_code == 201

    async def test_looks_at_the_windows_of_every_place_under_it(self, world: World):
        """S0-06: Chaoyang's 2024 lasts until 31 January 2025, a month longer than the calendar year."""
        world.now = datetime(2025, 1, 20, 4, tzinfo=UTC)
        refused = await closes(world, CHAOYANG, 2024)
        assert refused.json()["last_day"] == "2025-01-31"
        world.now = datetime(2025, 2, 1, 4, tzinfo=UTC)
        assert (await closes(world, CHAOYANG, 2024, key="again")).status_code == 201

    async def test_is_decided_once_and_published(self, world: World):
        """S2A-08: the log says who closed which year, and the feed that it is closed."""
        first = await closes(world, LIAONING, 2025)
        assert first.status_code == 201, first.text
        assert (await closes(world, LIAONING, 2025)).json() == first.json()
        again = await closes(world, LIAONING, 2025, key="another")
        under = await closes(world, SHUANGTA, 2025, by=LIAONING)
        for response in (again, under):
            assert response.status_code == 409
            assert response.json()["type"] == "urn:xuefen:problem:year-already-closed"
            assert response.json()["place"] == LIAONING
        recorded = [each for each in await world.events(LIAONING) if each.topic == YearClosed.TOPIC]
        assert len(recorded) == 1
        event = codec.decode(recorded[0].topic, recorded[0].state)
        assert isinstance(event, YearClosed)
        assert (event.place, event.year, event.decided_by) == (LIAONING, 2025, "official-1")
        said = publish(recorded[0])
        assert said is not None
        assert said["type"] == "cn.xuefen.ledger.year.closed.v1"
        assert said["data"]["last_day"] == "2025-12-31"

    async def test_names_the_clause_that_speaks_of_the_archive(self, world: World):
        """S2A-08: Jincheng's notice says what follows the end of registration."""
        world.now = datetime(2025, 4, 1, 4, tzinfo=UTC)
        response = await closes(world, "140500", 2024)
        assert response.json()["clause"] == "S2A-08"

    async def test_needs_a_notice(self, world: World):
        """B-20."""
        response = await closes(world, "210200", 2025)
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:year-undecided"

    async def test_is_shown_to_officials_of_the_place(self, world: World):
        async def shown() -> Any:
            headers = world.official(SHUANGTA, "compliance:read")
            return (await world.client.get(f"/v1/years/{SHUANGTA}/2025", headers=headers)).json()

        assert (await shown())["state"] == "open"
        await closes(world, LIAONING, 2025)
        answer = await shown()
        assert (answer["state"], answer["closed_at_place"], answer["last_day"]) == (
            "closed", LIAONING, "2025-12-31",
        )  # fmt: skip


class TestAfterTheClose:
    async def test_late_registration_ends(self, world: World, provider: Provider):
        """B-07: until the close late registration is accepted and marked; afterwards it is refused."""
        who = await world.collects(SHUANGTA)
        before = await posts_one(provider, who)
        assert (before["outcome"], before["late"]) == ("registered", True)
        await closes(world, LIAONING, 2025)
        after = await posts_one(provider, who)
        assert after["outcome"] == "rejected"
        assert problem_of(after) == "year-closed"
        assert "2026年1月20日" in after["problem"]["detail"]

    async def test_binds_the_place_and_what_lies_under_it_alone(self, world: World, provider: Provider):
        here, there = await world.collects(SHUANGTA), await world.collects("210102")
        await closes(world, CHAOYANG, 2025)
        assert problem_of(await posts_one(provider, here)) == "year-closed"
        assert (await posts_one(provider, there))["outcome"] == "registered"

    async def test_other_years_go_on(self, world: World, provider: Provider):
        world.now = datetime(2025, 4, 10, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        record = provider.completion(who, 2025, "30.00")
        await closes(world, CHAOYANG, 2024)
        [outcome] = await provider.posts(record)
        assert outcome["outcome"] == "registered", outcome

    async def test_make_up_enters_in_its_window(self, world: World, provider: Provider):
        """S1-17: 2024 is made up with the providers of the province until 31 March 2025, closed or not."""
        world.now = datetime(2025, 2, 10, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        await closes(world, CHAOYANG, 2024)
        [outcome] = await provider.posts(provider.completion(who, 2024, "30.00"))
        assert (outcome["outcome"], outcome.get("make_up")) == ("registered", True), outcome

    async def test_what_waited_for_its_person_is_refused_when_they_arrive(
        self, world: World, provider: Provider
    ):
        person = world.stranger()
        record = provider.completion(person, 2025, "30.00", completed_at="2025-06-01T10:00:00+08:00")
        assert (await provider.posts(record))[0]["outcome"] == "held"
        await closes(world, LIAONING, 2025)
        who = await world.collects(SHUANGTA, person=person)
        assert (await world.asks(who, 2025))["total"] == "0.00"
        said = [publish(each) for each in await world.events(LIAONING)]
        rejected = [each for each in said if each and each["type"].endswith("held-completion.rejected.v1")]
        assert rejected[0]["data"]["problem"] == "year-closed"

    async def test_what_waited_in_the_account_is_in_the_year_already(self, world: World):
        """B-05, S2B-07: study below the total was accepted before the close, and counts once make-up completes it."""
        world.now = datetime(2025, 3, 1, 4, tzinfo=UTC)
        star = await world.provides("会计之星", accredited=[SHANXI])
        who = await world.collects("140502")
        [held] = await star.posts(star.completion(who, 2024, "60.00"))
        assert held["reason"] == "below_total"
        world.now = datetime(2025, 4, 1, 4, tzinfo=UTC)
        assert (await closes(world, "140500", 2024)).status_code == 201
        response = await corrects(
            world, who, "140500", "140500-1", year=2024, credits="30.00", completed_on="2025-03-01"
        )
        assert response.status_code == 201, response.text
        assert (await world.asks(who, 2024))["total"] == "90.00"

    async def test_whoever_was_given_more_time_still_studies(self, world: World, provider: Provider):
        """A-14: a deferral is an authority's word that for this person the year goes on."""
        who = await world.collects(SHUANGTA)
        await closes(world, LIAONING, 2025)
        granted = await world.client.post(
            f"/v1/persons/{who.person_id}/deferrals",
            json={"year": 2025, "reason": "illness", "until": "2026-06-30"},
            headers=world.official(LIAONING, "exemption:write") | {"Idempotency-Key": "defer"},
        )
        assert granted.status_code == 201, granted.text
        outcome = await posts_one(provider, who, completed_at="2026-01-15T10:00:00+08:00")
        assert outcome["outcome"] == "registered"

    async def test_enrolments_and_exams_are_of_no_use_any_more(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        person = provider.completion(who, 2025, "1.00")["person"]
        await closes(world, LIAONING, 2025)
        for to, fields in (
            ("enrolments", {"mode": "online", "enrolled_on": "2025-12-01"}),
            ("exam-passes", {"passed_at": "2025-12-01T10:00:00+08:00"}),
        ):
            record = {"id": f"late-{to}", "person": person, "year": 2025} | fields
            [outcome] = await provider.posts(record, to=to)
            assert problem_of(outcome) == "year-closed", to

    async def test_a_provider_takes_nothing_back_any_more(self, world: World, provider: Provider):
        """What is wrong in a closed year is its authority's to revoke, with a reason."""
        who = await world.collects(SHUANGTA)
        registered = await posts_one(provider, who)
        await closes(world, LIAONING, 2025)
        refused = await provider.withdraws(registered["id"])
        assert refused.json()["type"] == "urn:xuefen:problem:year-closed"
        revoked = await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{registered['credit_id']}/revocation",
            json={"year": 2025, "reason": "wrong_record"},
            headers=world.official(LIAONING) | {"Idempotency-Key": "revoke"},
        )
        assert revoked.status_code == 200
        assert (await world.asks(who, 2025))["total"] == "0.00"


class TestCorrectYear:
    async def test_is_marked_with_its_reason_and_counts(self, world: World):
        """B-07: afterwards only as a correction by an authority."""
        who = await world.collects(SHUANGTA)
        early = await corrects(world, who, CHAOYANG, "early")
        assert early.json()["type"] == "urn:xuefen:problem:year-not-closed"
        await closes(world, LIAONING, 2025)
        response = await corrects(world, who, CHAOYANG, "decision-7")
        assert response.status_code == 201, response.text
        assert (await world.asks(who, 2025))["total"] == "30.00"
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(LIAONING)
        )
        [line] = transcript.json()["credits"]
        assert (line["route"], line["correction"]) == ("correction", "reported_late")

    async def test_one_decision_counts_once(self, world: World):
        """A-15."""
        who = await world.collects(SHUANGTA)
        await closes(world, LIAONING, 2025)
        await corrects(world, who, CHAOYANG, "decision-8")
        again = await corrects(world, who, CHAOYANG, "another-key", reference="decision-8")
        assert again.status_code == 409
        assert again.json()["type"] == "urn:xuefen:problem:fact-counted"

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"credits": "0.00"}, "credits-not-positive"),
            ({"credits": "9999.00"}, "credits-above-limit"),
            ({"completed_on": "2026-02-01"}, "completed-in-future"),
            ({"corrects": "210000-nothing"}, "credit-unknown"),
            ({"reason": "because"}, "invalid-request"),
            ({"category": "astrology"}, "category-unknown"),
        ],
    )
    async def test_is_checked_like_any_credit(self, world: World, fields: dict[str, str], problem: str):
        who = await world.collects(SHUANGTA)
        await closes(world, LIAONING, 2025)
        response = await corrects(world, who, CHAOYANG, "decision-9", **fields)
        assert response.json()["type"] == f"urn:xuefen:problem:{problem}"
