"""Outcomes of posted completions: registered, held, rejected, repeated."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.ledger.moving.mover import Mover
from tests.ledger.world import Provider, Somebody, World

SHANXI, JINCHENG, CHAOYANG, LIAONING, DALIAN = "140000", "140500", "211300", "210000", "210200"
LISTED = "北京东奥时代教育科技有限公司"
CHAOYANG_SOCIETY = "朝阳市会计学会"

FILING = "5f0c1f1e-7c1b-4a53-9a3c-0d5f2d3b7a11"


async def transcript_of(world: World, who: Somebody) -> Any:
    path = f"/v1/persons/{who.person_id}/transcript"
    answer = await world.client.get(path, headers=world.official(CHAOYANG))
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestReportCompletion:
    async def test_registers_a_completion_of_a_listed_provider(self, world: World):
        """S1-09, S1-22."""
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        [outcome] = await provider.posts(provider.completion(who, 2025, "30.00"))
        assert outcome["outcome"] == "registered"
        assert outcome["person_id"] == who.person_id
        assert outcome["log"] == LIAONING
        answer = await world.asks(who, 2025)
        assert answer["total"] == "30.00"
        assert answer["status"] == "in_progress"
        assert answer["position"] == outcome["position"]

    async def test_answers_the_same_again_for_the_same_record(self, world: World):
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        record = provider.completion(who, 2025, "30.00")
        [first] = await provider.posts(record)
        [again] = await provider.posts(record)
        assert again["outcome"] == "duplicate"
        assert again["credit_id"] == first["credit_id"]
        assert again["first"] == {
            "outcome": "registered",
            "log": LIAONING,
            "position": first["position"],
        }
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_says_to_a_repeat_where_the_completion_stands_today(self, world: World):
        """Registered, held, registered since and taken back; also when it comes again with other content."""
        who, person = await world.collects(LIAONING), world.stranger()
        provider = await world.provides(LISTED, accredited=[LIAONING])
        counted, waits = provider.completion(who, 2025, "30.00"), provider.completion(person, 2025, "30.00")
        [first, _] = await provider.posts(counted, waits)
        again, held = await provider.posts(counted, waits)
        assert again["present"] == {"state": "registered", "clause": "S1-09", "credit_id": first["credit_id"]}
        assert held["present"] == {"state": "held", "reason": "not_collected", "clause": "S1-06"}
        await world.collects(LIAONING, person=person)
        await provider.withdraws(counted["id"])
        again, registered = await provider.posts(counted | {"credits": "31.00"}, waits)
        assert (again["outcome"], again["present"]["state"]) == ("conflict", "withdrawn")
        assert again["present"]["reason"] == "reported_in_error"
        assert (registered["first"]["outcome"], registered["present"]["state"]) == ("held", "registered")

    async def test_names_a_bad_record_by_its_id(self, world: World):
        """Of the wrong form, or refused at the door: whoever posted it finds it by its own id."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        good = provider.completion(world.stranger(), 2025, "30.00")
        bad = [good | {"id": "b-1", "year": 1}, good | {"id": "b-2", "authority": "999999"}]
        outcomes = await provider.posts(*bad, good)
        assert [(each["id"], each["outcome"]) for each in outcomes] == [
            ("b-1", "rejected"),
            ("b-2", "rejected"),
            (good["id"], "held"),
        ]

    async def test_names_what_differs_when_an_id_comes_again_with_other_content(self, world: World):
        who = await world.collects(LIAONING)
        other = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        record = provider.completion(who, 2025, "30.00")
        await provider.posts(record)
        [conflict] = await provider.posts(record | {"credits": "31.00", "course": "ZJ-02"})
        assert conflict["outcome"] == "conflict"
        assert conflict["problem"]["differs"] == ["/credits", "/course"]
        someone_else = provider.completion(other, 2025, "30.00") | {
            name: record[name] for name in ("id", "course", "completed_at")
        }
        [conflict] = await provider.posts(someone_else)
        assert conflict["problem"]["differs"] == ["/person/id_number"]

    async def test_rejects_a_provider_the_notice_does_not_list(self, world: World):
        """S1-22."""
        who = await world.collects(LIAONING)
        provider = await world.provides("辽宁某某网校有限公司", accredited=[LIAONING])
        [outcome] = await provider.posts(provider.completion(who, 2025, "30.00"))
        assert outcome["outcome"] == "rejected"
        assert outcome["problem"]["type"] == "urn:xuefen:problem:provider-not-listed"
        assert outcome["clause"] == "S1-22"

    async def test_holds_a_stranger_and_registers_when_the_registry_collects_them(self, world: World):
        """S1-06, S3B-02."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        record = provider.completion(person, 2025, "90.00")
        [held] = await provider.posts(record)
        assert (held["outcome"], held["reason"], held["clause"]) == ("held", "not_collected", "S1-06")
        who = await world.collects(LIAONING, person=person)
        assert (await world.asks(who, 2025))["total"] == "90.00"
        [again] = await provider.posts(record)
        assert again["outcome"] == "duplicate"
        assert again["first"]["outcome"] == "held"

    async def test_holds_a_name_that_is_not_the_one_on_the_document(self, world: World):
        """S0-23."""
        who = await world.collects(LIAONING)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        record = provider.completion(who, 2025, "30.00")
        record["person"] = record["person"] | {"name": "别的名字"}
        [held] = await provider.posts(record)
        assert (held["outcome"], held["reason"]) == ("held", "name_differs")
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_what_waits_under_another_name_goes_on_waiting_when_the_person_is_collected(
        self, world: World
    ):
        """S0-23: only what was posted under the name on the document becomes the person's."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        person = world.stranger()
        theirs = provider.completion(person, 2025, "30.00")
        misnamed = provider.completion(person, 2025, "40.00")
        misnamed["person"] = misnamed["person"] | {"name": "别的名字"}
        held = await provider.posts(misnamed, theirs)
        assert [each["reason"] for each in held] == ["not_collected", "not_collected"]
        who = await world.collects(LIAONING, person=person)
        assert (await world.asks(who, 2025))["total"] == "30.00"
        assert (await provider.withdraws(misnamed["id"])).status_code == 200
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_holds_a_person_whose_profile_is_elsewhere(self, world: World):
        """Design 17."""
        who = await world.collects(SHANXI)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        [held] = await provider.posts(provider.completion(who, 2025, "30.00"))
        assert (held["outcome"], held["reason"]) == ("held", "profile_elsewhere")

    async def test_waits_for_the_total_where_the_notice_says_so(self, world: World):
        """S2B-07: 89.99 waits, 90 registers everything."""
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        who = await world.collects(JINCHENG)
        provider = await world.provides("会计之星", accredited=[SHANXI])
        first = provider.completion(who, 2024, "89.99")
        [held] = await provider.posts(first)
        assert (held["outcome"], held["reason"]) == ("held", "below_total")
        answer = await world.asks(who, 2024)
        assert answer["total"] == "0.00"
        assert [item["why"] for item in answer["not_counted"]] == ["below_total"]
        [outcome] = await provider.posts(provider.completion(who, 2024, "0.01"))
        assert outcome["outcome"] == "registered"
        assert outcome["released"] == [first["id"]]
        answer = await world.asks(who, 2024)
        assert (answer["status"], answer["total"]) == ("compliant", "90.00")

    async def test_waits_for_the_exam_where_the_notice_says_so(self, world: World):
        """S0-11."""
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        who = await world.collects(CHAOYANG)
        provider = await world.provides(CHAOYANG_SOCIETY, accredited=[CHAOYANG])
        record = provider.completion(who, 2024, "90.00", filing=FILING)
        [held] = await provider.posts(record)
        assert (held["outcome"], held["reason"]) == ("held", "exam_pending")
        [waiting] = (await transcript_of(world, who))["waiting"]
        exam = {
            "id": "exam-1",
            "person": record["person"],
            "year": 2024,
            "passed_at": world.now.isoformat(),
        }
        [passed] = await provider.posts(exam, to="exam-passes")
        assert passed["outcome"] == "registered"
        assert passed["released"] == [record["id"]]
        assert (await world.asks(who, 2024))["status"] == "compliant"
        [credit] = (await transcript_of(world, who))["credits"]
        assert waiting["filing"] == credit["filing"] == FILING

    async def test_takes_dalian_by_the_nations_rule_and_not_by_the_notice_of_liaoning(self, world: World):
        """S1-01, B-20."""
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        who = await world.collects(DALIAN)
        provider = await world.provides(LISTED, accredited=[DALIAN])
        [outcome] = await provider.posts(provider.completion(who, 2025, "30.00"))
        assert outcome["outcome"] == "registered"
        answer = await world.asks(who, 2025)
        assert (answer["status"], answer["basis"], answer["provisional"]) == ("in_progress", "national", True)
        assert answer["explanation_zh"].endswith("暂按国家规定判定。")
        assert answer["explanation_en"].endswith("judged by the national rule, provisionally.")

    async def test_owes_nothing_before_the_first_obliged_year(self, world: World):
        """S1-02."""
        who = await world.collects(LIAONING, qualified_on=date(2025, 3, 1))
        assert (await world.asks(who, 2025))["status"] == "not_required"
        assert (await world.asks(who, 2025))["first_obliged_year"] == 2026


class TestOfSomebodyWhoMoved:
    """What was studied before goes by the authority that judges its year; the ledger that holds it says so."""

    @pytest.fixture
    async def provider(self, world: World) -> Provider:
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        return await world.provides(LISTED, accredited=[LIAONING, SHANXI])

    async def test_a_year_that_is_judged_elsewhere_takes_nothing(self, world: World, provider: Provider):
        who = await world.collects(JINCHENG)
        await Mover(world).moves(who, CHAOYANG)
        [outcome] = await provider.posts(provider.completion(who, 2024, "30.00", authority=LIAONING))

        assert (outcome["outcome"], outcome["problem"]["type"]) == (
            "rejected",
            "urn:xuefen:problem:year-judged-elsewhere",
        )
