"""A notice published to a running ledger limits what is posted from then on, with no change of code."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from services.cli.demo import fictitious
from services.ledger.counting import rebuild as rebuilding
from services.ledger.streams.publishing import publish
from tests.ledger.cases.test_claims import Desk
from tests.ledger.cases.training import Training
from tests.ledger.policy.drafts import draft
from tests.ledger.world import Provider, Somebody, World

BEIJING, DONGCHENG, SHANGHAI = "110000", "110101", "310000"


@pytest.fixture(autouse=True)
def summer(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


async def publishes(world: World, *rules: dict[str, Any], **head: Any) -> None:
    """Given a notice of Beijing for 2025."""
    notice = draft(*rules, **{"year": 2025, "issued_on": "2025-01-02", "name": "beijing-2025"} | head)
    await world.publishes(notice)


def code(problem: dict[str, Any]) -> str:
    """The problem's own code."""
    return str(problem["type"]).rpartition(":")[2]


def hourly(provider: Provider, who: Somebody, **fields: Any) -> dict[str, Any]:
    """A completion without credits, and with what is given."""
    record = provider.completion(who, 2025, "1")
    del record["credits"]
    return record | fields


async def enrols(provider: Provider, who: Somebody, number: str = "e-1", **fields: Any) -> dict[str, Any]:
    record = provider.completion(who, 2025, "1", id=number, enrolled_on="2025-03-01", **fields)
    kept = {"id", "person", "year", "mode", "enrolled_on", "paid_on", "tier"}
    [answer] = await provider.posts({k: v for k, v in record.items() if k in kept}, to="enrolments")
    return answer


async def passes(provider: Provider, who: Somebody, number: str, **fields: Any) -> dict[str, Any]:
    record = provider.completion(who, 2025, "1", id=number, passed_at="2025-05-30T12:00:00+08:00", **fields)
    kept = {"id", "person", "year", "passed_at", "of"}
    [answer] = await provider.posts({k: v for k, v in record.items() if k in kept}, to="exam-passes")
    return answer


class TestAFirmEndOfRegistering:
    """B-25: what was studied, passed and first reported in time counts, whenever it is released, for everybody alike."""

    RULES: ClassVar[Any] = (
        {"kind": "window", "act": "register", "until": "2025-06-30", "firm": True},
        {"kind": "registration", "at": "exam"},
    )

    async def test_is_judged_by_the_moment_of_the_first_report(self, world: World):
        await publishes(world, *self.RULES)
        provider = await world.provides("某网校", accredited=[BEIJING])
        collected, person, other = await world.collects(DONGCHENG), world.stranger(), world.stranger()
        studied: Any = {
            "completed_at": "2025-05-20T12:00:00+08:00",
            "exam_passed_at": "2025-05-30T12:00:00+08:00",
        }
        world.now = datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC)
        in_time = await provider.posts(
            provider.completion(collected, 2025, "30.00", **(studied | {"exam_passed_at": None})),
            provider.completion(person, 2025, "30.00", **studied),
        )
        assert [each["reason"] for each in in_time] == ["exam_pending", "not_collected"]
        world.now = datetime(2025, 6, 30, 16, tzinfo=UTC)
        [late, parked] = await provider.posts(
            provider.completion(collected, 2025, "30.00", **studied),
            provider.completion(other, 2025, "30.00", **studied),
        )
        assert code(late["problem"]) == "register-closed"
        assert parked["reason"] == "not_collected"
        assert (await passes(provider, collected, "x-1"))["released"] == [in_time[0]["id"]]
        arrived = await world.collects(DONGCHENG, person=person)
        too_late = await world.collects(DONGCHENG, person=other)
        totals = [(await world.asks(who, 2025))["total"] for who in (collected, arrived, too_late)]
        assert totals == ["30.00", "30.00", "0.00"]
        told = [
            said["data"]
            for event in await world.events(BEIJING)
            if (said := publish(event)) is not None and said["type"].endswith("held-completion.rejected.v1")
        ]
        assert [(each["problem"], each["clause"], each["reason"]) for each in told] == [
            ("register-closed", "T-01", "not_collected")
        ]


class TestHours:
    RATE: ClassVar[Any] = {"kind": "units", "hour_minutes": 45, "hour_credits": 3, "day_hours_max": 10}

    async def test_the_policy_makes_credits_of_the_hours_that_are_posted(self, world: World):
        await publishes(world, self.RATE)
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        record = hourly(provider, who, hours="12")
        [answer] = await provider.posts(record)
        assert answer["outcome"] == "registered"
        assert (answer["credits"], answer["rate_clause"], answer["cut"]) == ("30.00", "T-01", "6.00")
        found = await world.asks(who, 2025, include="credits")
        assert found["total"] == "30.00"
        assert [(one["counted"], one["rate_clause"]) for one in found["credits"]] == [("30.00", "T-01")]
        assert [(one["why"], one["credits"], one["clause"]) for one in found["not_counted"]] == [
            ("above_day", "6.00", "T-01")
        ]
        [again] = await provider.posts(record | {"hours": "12.00"})
        assert again["outcome"] == "duplicate"
        [conflict] = await provider.posts(record | {"hours": "11"})
        assert conflict["problem"]["differs"] == ["/hours"]
        [conflict] = await provider.posts(
            {k: v for k, v in record.items() if k != "hours"} | {"credits": "30"}
        )
        assert "/hours" in conflict["problem"]["differs"]

    async def test_hours_over_several_days_count_up_to_the_most_of_each(self, world: World):
        await publishes(world, self.RATE)
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        await provider.posts(hourly(provider, who, hours="40", started_on="2025-05-31"))
        assert (await world.asks(who, 2025))["total"] == "60.00"

    async def test_without_a_rate_hours_are_refused_and_credits_are_not(self, world: World):
        await publishes(world)
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        [answer] = await provider.posts(hourly(provider, who, hours="6"))
        assert (answer["outcome"], code(answer["problem"])) == ("rejected", "hours-not-converted")

    @pytest.mark.parametrize("amounts", [{}, {"hours": "6", "credits": "18"}])
    async def test_one_of_the_two_is_stated(self, world: World, amounts: dict[str, Any]):
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        [answer] = await provider.posts(hourly(provider, who, **amounts))
        assert (answer["outcome"], code(answer["problem"])) == ("rejected", "amount-unclear")

    async def test_a_filed_training_may_leave_its_credits_to_the_policy(self, world: World):
        """Six hours a day at three credits: the roster's days earn 18 each."""
        await publishes(world, self.RATE)
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某培训中心", accredited=[BEIJING])
        days = [datetime(2025, 9, 25, tzinfo=UTC).date(), datetime(2025, 9, 26, tzinfo=UTC).date()]
        training = Training(world, provider, DONGCHENG, days)
        sessions = [{"on": d.isoformat(), "starts": "09:00", "ends": "13:30", "hours": "6"} for d in days]
        too_many = [session | {"hours": "6.01"} for session in sessions]
        refused = await training.files(sessions=too_many)
        assert (refused.status_code, code(refused.json())) == (422, "hours-beyond-clock")
        await training.held(sessions=sessions)
        world.now = datetime(2025, 9, 26, 7, tzinfo=UTC)
        [row] = await training.approved(training.row(who, "r-1"))
        assert row["outcome"] == "registered"
        assert (await world.asks(who, 2025))["total"] == "36.00"


class TestWhatIsWaitedFor:
    async def test_study_waits_for_the_enrolment_and_is_freed_by_it(self, world: World):
        await publishes(world, {"kind": "enrolment", "needed": "paid", "modes": ["online"]})
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        [held] = await provider.posts(provider.completion(who, 2025, "30"))
        assert (held["outcome"], held["reason"], held["clause"]) == ("held", "enrolment_pending", "T-01")
        assert (await enrols(provider, who)).get("released") is None
        enrolled = await enrols(provider, who, "e-2", paid_on="2025-03-02")
        assert enrolled["released"] == [held["id"]]
        assert (await world.asks(who, 2025))["total"] == "30.00"

    async def test_each_condition_is_told_in_turn_and_the_last_frees_all(self, world: World):
        """An evaluation, an exam and the total together; replaying the log comes to the same accounts."""
        await publishes(world, {"kind": "registration", "at": "total", "also": ["exam", "evaluation"]})
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        first, second = [provider.completion(who, 2025, "45") for _ in range(2)]
        [held] = await provider.posts(first)
        assert held["reason"] == "exam_pending"
        await passes(provider, who, "x-1")
        assert await self.reasons(world, who) == ["evaluation_pending"]
        await passes(provider, who, "x-2", of="evaluation")
        assert await self.reasons(world, who) == ["below_total"]
        [last] = await provider.posts(second)
        assert (last["outcome"], last["released"]) == ("registered", [first["id"]])
        assert (await world.asks(who, 2025))["status"] == "compliant"
        done = await rebuilding.rebuild(world.ledger.databases, models=["accounts"], logs=[BEIJING])
        assert [result.rows_changed for result in done] == [0]

    async def test_what_a_later_notice_asks_no_more_is_freed_by_a_record_that_would_have_waited(
        self, world: World
    ):
        await publishes(world, {"kind": "registration", "at": "total", "also": ["exam"]})
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        first, second = [provider.completion(who, 2025, credits) for credits in ("80", "10")]
        [held] = await provider.posts(first)
        assert held["reason"] == "exam_pending"
        await publishes(world, {"kind": "registration", "at": "total"})
        [last] = await provider.posts(second)
        assert (last["outcome"], last["released"]) == ("registered", [first["id"]])
        assert "credit_id" in last
        assert (await world.asks(who, 2025))["total"] == "90.00"

    async def reasons(self, world: World, who: Somebody) -> list[str]:
        return [item["why"] for item in (await world.asks(who, 2025))["not_counted"]]


class TestEnrolments:
    async def test_a_closed_window_refuses_them(self, world: World):
        await publishes(world, {"kind": "window", "act": "enrol", "until": "2025-02-28"})
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        answer = await enrols(provider, who)
        assert (answer["outcome"], code(answer["problem"])) == ("rejected", "enrol-closed")
        assert answer["clause"] == "T-01"

    async def test_one_provider_a_year_is_the_first_that_enrols(self, world: World):
        """A-10; the first may end its enrolment, and another begins."""
        await publishes(world, {"kind": "provider_choice", "one_a_year": True})
        who = await world.collects(DONGCHENG)
        one, other = [await world.provides(name, accredited=[BEIJING]) for name in ("甲网校", "乙网校")]
        assert (await enrols(one, who))["outcome"] == "registered"
        assert code((await enrols(other, who))["problem"]) == "other-provider-this-year"
        [answer] = await other.posts(other.completion(who, 2025, "30"))
        assert code(answer["problem"]) == "other-provider-this-year"
        assert (await one.withdraws("e-1", kind="enrolments")).status_code == 200
        assert (await enrols(other, who, "e-9"))["outcome"] == "registered"

    async def test_a_tier_below_ones_own_is_refused(self, world: World):
        """A-09: the tier is that of the qualification the registry has on record."""
        rule = {"kind": "tiers", "names": ["junior", "intermediate", "senior"], "upward": False}
        await publishes(world, rule)
        who = await world.collects(DONGCHENG)
        provider = await world.provides("某网校", accredited=[BEIJING])
        answer = await enrols(provider, who, tier="senior")
        assert code(answer["problem"]) == "tier-too-high"
        [refused] = await provider.posts(provider.completion(who, 2025, "30", tier="senior"))
        assert code(refused["problem"]) == "tier-too-high"
        [taken] = await provider.posts(provider.completion(who, 2025, "30", tier="junior"))
        assert taken["outcome"] == "registered"


class TestClaims:
    FORM: ClassVar[Any] = {"form": "language_exam", "name": "外语考试", "per": "event"}

    async def test_a_score_is_converted_by_its_band(self, world: World):
        bands = [{"from": 60, "credits": 30}, {"from": 80, "credits": "45.5"}]
        await publishes(world, {"kind": "equivalence", "forms": [self.FORM | {"bands": bands}]})
        who = await world.collects(DONGCHENG)
        desk = Desk(world, DONGCHENG)
        asked = {"form": "language_exam", "role": None, "fact": {"reference": "外语 2025-03"}}
        missing = await desk.submits(who, **asked)
        assert (missing.status_code, code(missing.json())) == (422, "score-needed")
        approved = await desk.approved(who, **asked, score="80")
        assert (approved["credits"], approved["clause"]) == ("45.50", "T-01")

    async def test_an_application_after_its_window_is_refused_and_one_handed_in_before_is_not(
        self, world: World
    ):
        """B-08: the deadline is met by submitting."""
        await publishes(world, {"kind": "window", "act": "apply", "until": "2025-06-01"})
        who = await world.collects(DONGCHENG)
        desk = Desk(world, DONGCHENG)
        world.now = datetime(2025, 6, 1, 15, 59, 59, tzinfo=UTC)
        submitted = await desk.submits(who)
        assert submitted.status_code == 201, submitted.text
        claim_id = submitted.json()["claim_id"]
        world.now = datetime(2025, 6, 1, 16, tzinfo=UTC)
        late = await desk.submits(who, fact={"cn_number": "CN11-1", "issue": "1", "title": "另一篇"})
        assert (late.status_code, code(late.json())) == (422, "apply-closed")
        assert (await desk.steps(claim_id, "acceptance")).status_code == 200
        assert (await desk.steps(claim_id, "approval")).status_code == 200

    async def test_where_an_exam_was_sat_decides_its_route(self, world: World):
        """S2B-09, S2B-10."""
        direct = {
            "kind": "direct_registration",
            "by": "province",
            "activities": ["本市考试"],
            "forms": ["exam_subject"],
            "sat": "within",
        }
        await publishes(world, direct)
        who = await world.collects(DONGCHENG)
        desk = Desk(world, DONGCHENG)
        asked = {
            "form": "exam_subject",
            "role": None,
            "fact": {"exam": "中级", "subject": "实务", "sitting": "2025"},
        }
        here = await desk.submits(who, **asked, sat_in=BEIJING)
        assert (here.status_code, code(here.json())) == (422, "registered-directly")
        elsewhere = await desk.submits(who, **asked, sat_in=SHANGHAI)
        assert elsewhere.status_code == 201, elsewhere.text
        unknown = await desk.submits(who, **asked, sat_in="999999")
        assert (unknown.status_code, code(unknown.json())) == (422, "place-unknown")

    @pytest.mark.parametrize("reporter", ["employer", "collective"])
    async def test_a_form_goes_by_its_route_alone(self, world: World, reporter: str):
        await publishes(
            world, {"kind": "route", "name": "papers", "forms": ["paper"], "reporters": [reporter]}
        )
        employer = fictitious.uscc(int(reporter == "employer") + 700)
        who = await world.collects(DONGCHENG, employer=employer)
        answer = await Desk(world, DONGCHENG).submits(who)
        assert (answer.status_code, code(answer.json())) == (422, "route-not-open")
        paper = {"cn_number": "CN11-1234/F", "issue": "2025-03", "title": "论内部控制"}
        claim = {"person_id": who.person_id, "year": 2025, "form": "paper", "role": "sole"}
        taken = await world.client.post(
            "/v1/claims",
            json=claim | {"happened_on": "2025-03-10", "fact": paper},
            headers=await world.employs(employer, "claim:submit") | {"Idempotency-Key": f"paper-{reporter}"},
        )
        assert taken.status_code == 201, taken.text
