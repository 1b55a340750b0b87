"""One real study counts once, whatever ids it is reported under; and a pass finds the study it is of."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from tests.ledger.officials.test_relief import asks_for
from tests.ledger.policy.drafts import draft
from tests.ledger.world import Provider, World

LIAONING, CHAOYANG, SHUANGTA = "210000", "211300", "211302"
STUDIED = {"course": "ZJ-01", "completed_at": "2025-05-20T10:00:00+08:00", "started_on": "2025-05-19"}


@pytest.fixture
async def provider(world: World) -> Provider:
    return await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])


class TestTheSameStudyUnderAnotherId:
    """B-21, A-15: person, year, provider, course and study period are its evidence key."""

    async def test_is_a_duplicate_that_names_the_first(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        [first] = await provider.posts(provider.completion(who, 2025, "33.00", **STUDIED))
        [second] = await provider.posts(provider.completion(who, 2025, "33.00", **STUDIED))
        assert (second["outcome"], second["credit_id"]) == ("duplicate", first["credit_id"])
        assert (await world.asks(who, 2025))["total"] == "33.00"

    async def test_also_in_one_batch_and_before_its_person_is_collected(
        self, world: World, provider: Provider
    ):
        person = world.stranger()
        records = [provider.completion(person, 2025, "33.00", **STUDIED) for _ in range(2)]
        assert [each["outcome"] for each in await provider.posts(*records)] == ["held", "held"]
        who = await world.collects(SHUANGTA, person=person)
        assert (await world.asks(who, 2025))["total"] == "33.00"

    async def test_while_the_first_waits_it_names_the_credit_to_come(self, world: World):
        society = await world.provides("朝阳市会计学会", accredited=[CHAOYANG])
        who = await world.collects(SHUANGTA)
        studied = STUDIED | {"completed_at": "2024-05-20T10:00:00+08:00", "started_on": None}
        records = [society.completion(who, 2024, "45.00", **studied) for _ in range(2)]
        [held, second] = await society.posts(*records)
        assert (held["reason"], second["outcome"]) == ("exam_pending", "duplicate")
        [passed] = await society.posts(_pass(society, who), to="exam-passes")
        assert passed["released"] == [held["id"]]
        assert (await world.asks(who, 2024))["total"] == "45.00"

    @pytest.mark.parametrize(
        "other", [{"course": "ZJ-02"}, {"completed_at": "2025-05-21T10:00:00+08:00"}, {"started_on": None}]
    )
    async def test_another_course_or_another_time_is_another_study(
        self, world: World, provider: Provider, other: dict[str, Any]
    ):
        who = await world.collects(SHUANGTA)
        await provider.posts(provider.completion(who, 2025, "30.00", **STUDIED))
        [second] = await provider.posts(provider.completion(who, 2025, "30.00", **(STUDIED | other)))
        assert second["outcome"] == "registered"

    async def test_what_was_taken_back_may_be_reported_again(self, world: World, provider: Provider):
        who = await world.collects(SHUANGTA)
        [first] = await provider.posts(provider.completion(who, 2025, "33.00", **STUDIED))
        await provider.withdraws(first["id"])
        [second] = await provider.posts(provider.completion(who, 2025, "30.00", **STUDIED))
        assert second["outcome"] == "registered"


class TestTheSameStudyForAnotherYear:
    """A-08, B-21: in March one studies for this year and makes the last one up, and one study is of one of them alone."""

    MARCH: ClassVar[Any] = {"course": "ZJ-01", "completed_at": "2025-03-15T10:00:00+08:00"}

    @pytest.mark.parametrize("years", [(2024, 2025), (2025, 2024)])
    @pytest.mark.parametrize("at_once", [True, False])
    async def test_is_a_duplicate_whichever_came_first(
        self, world: World, provider: Provider, years: tuple[int, int], at_once: bool
    ):
        world.now = datetime(2025, 3, 20, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        records = [provider.completion(who, year, "30.00", **self.MARCH) for year in years]
        posted = [records] if at_once else [[each] for each in records]
        first, second = [answer for batch in posted for answer in await provider.posts(*batch)]
        assert (first["outcome"], second["outcome"]) == ("registered", "duplicate")
        assert second["credit_id"] == first["credit_id"]
        assert [(await world.asks(who, year))["total"] for year in years] == ["30.00", "0.00"]

    async def test_may_be_reported_for_it_once_it_was_taken_back(self, world: World, provider: Provider):
        world.now = datetime(2025, 3, 20, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        [first] = await provider.posts(provider.completion(who, 2025, "30.00", **self.MARCH))
        await provider.withdraws(first["id"], key=f"take-back-{first['id']}")
        [second] = await provider.posts(provider.completion(who, 2024, "30.00", **self.MARCH))
        assert (second["outcome"], second["make_up"]) == ("registered", True)

    @pytest.mark.parametrize("years", [(2023, 2024), (2024, 2023)])
    async def test_also_where_an_official_heard_the_special_reason(
        self, world: World, years: tuple[int, int]
    ):
        """A-06, S0-22: then what the provider reports makes the year up."""
        world.now = datetime(2024, 6, 1, 4, tzinfo=UTC)
        society = await world.provides("朝阳市会计学会", accredited=[CHAOYANG])
        who = await world.collects(SHUANGTA)
        heard = await asks_for(world, who, "special-reasons", year=2023, reason="illness")
        assert heard.status_code < 300, heard.text
        when = "2024-05-15T10:00:00+08:00"
        fields = {"course": "ZJ-01", "completed_at": when, "exam_passed_at": when}
        outcomes = [
            (await society.posts(society.completion(who, year, "30.00", **fields)))[0]["outcome"]
            for year in years
        ]
        assert outcomes == ["registered", "duplicate"]

    async def test_of_another_course_is_another_study(self, world: World, provider: Provider):
        world.now = datetime(2025, 3, 20, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        other = self.MARCH | {"course": "ZJ-02"}
        records = [
            provider.completion(who, 2024, "30.00", **self.MARCH),
            provider.completion(who, 2025, "30.00", **other),
        ]
        assert [each["outcome"] for each in await provider.posts(*records)] == ["registered"] * 2


class TestACourseThatIsStudiedAgain:
    """B-21: the notice says what makes a course the same, and whether it counts again."""

    AGAIN: ClassVar[Any] = STUDIED | {"completed_at": "2025-09-01T10:00:00+08:00", "started_on": None}

    async def notice(self, world: World, **rule: Any) -> Provider:
        drafted = draft({"kind": "repeats"} | rule, year=2025, issued_on="2025-01-10", name="beijing-2025")
        await world.ledger.publisher.publish_policy(drafted)
        await world.ledger.policies.refresh()
        world.now = datetime(2025, 10, 1, 4, tzinfo=UTC)
        return await world.provides("某网校", accredited=["110000"])

    async def test_counts_once_a_year_where_the_notice_says_so(self, world: World):
        provider = await self.notice(world, again="never", same=["course"])
        other = await world.provides("另一网校", accredited=["110000"])
        who = await world.collects("110101")
        [first] = await provider.posts(provider.completion(who, 2025, "3.34", **STUDIED))
        again = provider.completion(who, 2025, "3.34", **self.AGAIN, repeat_of=first["id"])
        elsewhere = other.completion(who, 2025, "3.34", **self.AGAIN)
        for poster, record in ((provider, again), (other, elsewhere)):
            [answer] = await poster.posts(record)
            assert (answer["outcome"], answer["credit_id"]) == ("duplicate", first["credit_id"])
        assert (await world.asks(who, 2025))["total"] == "3.34"

    async def test_counts_again_where_the_provider_states_what_it_repeats(self, world: World):
        provider = await self.notice(world, again="stated", same=["provider", "course"])
        who = await world.collects("110101")
        [first] = await provider.posts(provider.completion(who, 2025, "3.00", **STUDIED))
        [unsaid] = await provider.posts(provider.completion(who, 2025, "3.00", **self.AGAIN))
        assert (unsaid["outcome"], unsaid["credit_id"]) == ("duplicate", first["credit_id"])
        [wrong] = await provider.posts(provider.completion(who, 2025, "3.00", **self.AGAIN, repeat_of="none"))
        assert wrong["problem"]["type"] == "urn:xuefen:problem:repeat-unknown"
        stated = provider.completion(who, 2025, "3.00", **self.AGAIN, repeat_of=first["id"])
        [taken] = await provider.posts(stated)
        assert taken["outcome"] == "registered"
        [same] = await provider.posts(stated)
        assert same["outcome"] == "duplicate"
        [other] = await provider.posts({**stated, "repeat_of": taken["id"]})
        assert (other["outcome"], other["problem"]["differs"]) == ("conflict", ["/repeat_of"])
        assert (await world.asks(who, 2025))["total"] == "6.00"

    async def test_a_repeat_after_the_window_is_a_duplicate_as_well(self, world: World, provider: Provider):
        """A-15: what counts already is never refused for another reason."""
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        who = await world.collects(SHUANGTA)
        [first] = await provider.posts(provider.completion(who, 2025, "33.00", **STUDIED))
        wrong = provider.completion(who, 2025, "999.00", **STUDIED)
        [second] = await provider.posts(wrong)
        assert (second["outcome"], second["credit_id"]) == ("duplicate", first["credit_id"])


def _pass(provider: Provider, who: Any, on: str = "2024-05-21T10:00:00+08:00") -> dict[str, Any]:
    record = provider.completion(who, 2024, "1.00")
    return {"id": "e-1", "person": record["person"], "year": 2024, "passed_at": on}


class TestAPass:
    """S0-09: it is over the year's study, in whatever mode that was."""

    async def test_of_a_classroom_provider_frees_its_study(self, world: World):
        notice = draft(
            {"kind": "modes", "allowed": ["online", "face_to_face"]},
            {"kind": "registration", "at": "exam", "modes": ["face_to_face"]},
            year=2024,
            issued_on="2024-01-10",
        )
        await world.ledger.publisher.publish_policy(notice)
        await world.ledger.policies.refresh()
        provider = await world.provides("某某培训学校", accredited=["110000"], modes=["face_to_face"])
        who = await world.collects("110101")
        studied = {"completed_at": "2024-05-20T10:00:00+08:00", "mode": "face_to_face"}
        [held] = await provider.posts(provider.completion(who, 2024, "30.00", **studied))
        assert held["reason"] == "exam_pending"
        [passed] = await provider.posts(_pass(provider, who), to="exam-passes")
        assert (passed["outcome"], passed["released"]) == ("registered", [held["id"]])
