"""An authority frees a person of a year, or gives more time for it, with a reason; and ends what it granted (A-14)."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from services.kit import events as codec
from services.ledger.counting import rebuild as rebuilding
from services.ledger.policy import parse_notice
from services.ledger.streams.publishing import publish
from tests.ledger.officials.closing.closing import problem_of
from tests.ledger.policy.builders import notice_text
from tests.ledger.world import Somebody, World

BEIJING, DONGCHENG = "110000", "110101"
LIAONING, CHAOYANG, SHUANGTA, LISTED = "210000", "211300", "211302", "北京东奥时代教育科技有限公司"


@pytest.fixture(autouse=True)
def june(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


async def asks_for(world: World, who: Somebody, path: str, place: str = LIAONING, **body: Any) -> Any:
    """An official grants or ends a relief of 2025."""
    return await world.client.post(
        f"/v1/persons/{who.person_id}/{path}",
        json={"year": 2025} | body,
        headers=world.official(place, "exemption:write") | {"Idempotency-Key": str(uuid.uuid4())},
    )


class TestExemption:
    async def test_ends_with_a_day_and_the_year_is_owed_again(self, world: World):
        """A-14: the answer says exempt and why, as long as it holds."""
        who = await world.collects(SHUANGTA)
        granted = await asks_for(world, who, "exemptions", reason="illness")
        assert (granted.status_code, granted.json()["until"]) == (201, None)
        ended = await asks_for(world, who, "exemptions/end", reason="returned_to_work", until="2025-05-31")
        assert ended.status_code == 200, ended.text
        assert (await world.asks(who, 2025, on="2025-05-31"))["status"] == "exempt"
        assert (await world.asks(who, 2025, on="2025-06-01"))["status"] == "in_progress"

    async def test_holds_for_a_time_when_it_says_so_and_may_be_granted_anew(self, world: World):
        who = await world.collects(SHUANGTA)
        await asks_for(world, who, "exemptions", reason="abroad", until="2025-06-30")
        again = await asks_for(world, who, "exemptions", reason="abroad")
        assert again.json()["type"] == "urn:xuefen:problem:already-exempt"
        world.now = datetime(2025, 7, 1, 4, tzinfo=UTC)
        assert (await world.asks(who, 2025))["status"] == "in_progress"
        assert (await asks_for(world, who, "exemptions", reason="childbirth")).status_code == 201
        assert (await world.asks(who, 2025))["status"] == "exempt"

    async def test_what_was_never_granted_has_no_end(self, world: World):
        who = await world.collects(SHUANGTA)
        for kind in ("exemptions", "deferrals"):
            refused = await asks_for(world, who, f"{kind}/end", reason="other")
            assert refused.json()["type"] == "urn:xuefen:problem:relief-absent"
        await asks_for(world, who, "exemptions", reason="illness", until="2025-06-30")
        later = await asks_for(world, who, "exemptions/end", reason="other", until="2025-07-01")
        assert later.json()["type"] == "urn:xuefen:problem:relief-absent"


class TestDeferral:
    async def test_leaves_the_year_in_progress_and_takes_study_until_its_last_day(self, world: World):
        """A-14: illness; the province's window for 2025 ended on 31 December (S1-16)."""
        provider = await world.provides(LISTED, accredited=[LIAONING])
        who, other = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
        granted = await asks_for(world, who, "deferrals", reason="illness", until="2026-03-31")
        assert (granted.status_code, granted.json()["until"]) == (201, "2026-03-31")
        world.now = datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC)
        studied = {"completed_at": "2026-03-31T20:00:00+08:00"}
        mine, theirs = await provider.posts(
            provider.completion(who, 2025, "30.00", **studied),
            provider.completion(other, 2025, "30.00", **studied),
        )
        assert (mine["outcome"], mine.get("late", False)) == ("registered", False)
        assert problem_of(theirs) == "window-closed"
        assert (await world.asks(who, 2025))["status"] == "in_progress"
        world.now = datetime(2026, 3, 31, 16, tzinfo=UTC)
        answer = await world.asks(who, 2025)
        assert (answer["status"], answer["total"]) == ("deficient", "30.00")
        [late] = await provider.posts(
            provider.completion(who, 2025, "30.00", completed_at="2026-04-01T00:00:00+08:00")
        )
        assert late["outcome"] == "rejected"

    async def test_must_lead_beyond_the_year_s_own_last_day(self, world: World):
        who = await world.collects(SHUANGTA)
        refused = await asks_for(world, who, "deferrals", reason="illness", until="2025-12-31")
        assert refused.status_code == 422
        assert refused.json()["type"] == "urn:xuefen:problem:deferral-not-later"
        assert refused.json()["last_day"] == "2025-12-31"

    async def test_is_granted_once_and_ends_early(self, world: World):
        who = await world.collects(SHUANGTA)
        await asks_for(world, who, "deferrals", reason="illness", until="2026-06-30")
        again = await asks_for(world, who, "deferrals", reason="illness", until="2026-09-30")
        assert (again.status_code, again.json()["until"]) == (409, "2026-06-30")
        ended = await asks_for(world, who, "deferrals/end", reason="reason_ceased", until="2026-01-31")
        assert ended.status_code == 200, ended.text
        assert (await world.asks(who, 2025, on="2026-01-31"))["status"] == "in_progress"
        assert (await world.asks(who, 2025, on="2026-02-01"))["status"] == "deficient"

    async def test_needs_a_notice_or_the_nations_rule(self, world: World):
        """B-20."""
        who = await world.collects("210200")
        asked = {"reason": "illness", "until": "2026-06-30"}
        refused = await asks_for(world, who, "deferrals", "210200", **asked, year=2017)
        assert refused.json()["type"] == "urn:xuefen:problem:policy-absent"
        assert (await asks_for(world, who, "deferrals", "210200", **asked)).status_code == 201


class TestSpecialReason:
    """S0-22, A-06: an official hears the reason first, then what the provider reports makes up the year."""

    SOCIETY = "朝阳市会计学会"

    @pytest.fixture(autouse=True)
    def in_2024(self, world: World) -> None:
        world.now = datetime(2024, 6, 1, 4, tzinfo=UTC)

    async def approves(self, world: World, who: Somebody, **body: Any) -> Any:
        return await asks_for(world, who, "special-reasons", **({"year": 2023, "reason": "illness"} | body))

    async def test_opens_the_make_up_to_what_the_provider_reports(self, world: World):
        provider = await world.provides(self.SOCIETY, accredited=[CHAOYANG])
        who, other = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
        first = provider.completion(who, 2023, "90.00", exam_passed_at="2024-05-20T04:00:00Z")
        assert problem_of((await provider.posts(first))[0]) == "make-up-by-application"
        approved = await self.approves(world, who)
        assert (approved.status_code, approved.json()["reason"]) == (201, "illness")
        mine, theirs = await provider.posts(
            provider.completion(who, 2023, "90.00", exam_passed_at="2024-05-20T04:00:00Z"),
            provider.completion(other, 2023, "90.00", exam_passed_at="2024-05-20T04:00:00Z"),
        )
        assert (mine["outcome"], mine["clause"]) == ("registered", "S0-22")
        assert problem_of(theirs) == "make-up-by-application"
        answer = await world.asks(who, 2023)
        assert (answer["status"], answer["made_up"]) == ("compliant", True)

    async def test_is_told_with_what_it_opens(self, world: World):
        who = await world.collects(SHUANGTA)
        assert (await self.approves(world, who)).status_code == 201
        answer = await world.asks(who, 2023, include="next_steps")
        steps = [(step["code"], step["until"]) for step in answer["next_steps"]]
        assert ("make_up_study", "2024-12-31") in steps
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(LIAONING)
        )
        assert [(each["kind"], each["reason"]) for each in transcript.json()["reliefs"]] == [
            ("special_reason", "illness")
        ]

    async def test_is_approved_once_and_ends_without_touching_what_was_registered(self, world: World):
        provider = await world.provides(self.SOCIETY, accredited=[CHAOYANG])
        who = await world.collects(SHUANGTA)
        nothing = await asks_for(world, who, "special-reasons/end", year=2023, reason="other")
        assert nothing.json()["type"] == "urn:xuefen:problem:relief-absent"
        await self.approves(world, who)
        again = await self.approves(world, who, reason="abroad")
        assert again.json()["type"] == "urn:xuefen:problem:special-reason-approved"
        passed = {"exam_passed_at": "2024-05-20T04:00:00Z"}
        await provider.posts(provider.completion(who, 2023, "45.00", **passed))
        ended = await asks_for(world, who, "special-reasons/end", year=2023, reason="granted_in_error")
        assert ended.status_code == 200, ended.text
        [refused] = await provider.posts(provider.completion(who, 2023, "45.00", **passed))
        assert problem_of(refused) == "make-up-by-application"
        assert (await world.asks(who, 2023))["total"] == "45.00"
        assert (await self.approves(world, who)).status_code == 201

    async def test_is_refused_where_no_make_up_asks_for_one(self, world: World):
        who = await world.collects(SHUANGTA)
        refused = await self.approves(world, who, year=2024)
        assert (refused.status_code, refused.json()["type"]) == (
            422,
            "urn:xuefen:problem:special-reason-not-asked",
        )

    async def test_is_told_to_others_and_comes_out_of_the_log_again(self, world: World):
        who = await world.collects(SHUANGTA)
        await self.approves(world, who)
        await asks_for(world, who, "special-reasons/end", year=2023, reason="other")
        events = [event for event in await world.events(LIAONING) if "SpecialReason" in event.topic]
        told = [said["type"] for event in events if (said := publish(event)) is not None]
        assert told[-2:] == [
            "cn.xuefen.ledger.special-reason.approved.v1",
            "cn.xuefen.ledger.special-reason.ended.v1",
        ]
        done = await rebuilding.rebuild(world.ledger.databases, models=["accounts"], logs=[LIAONING])
        assert [result.rows_changed for result in done] == [0]


CLAUSES = """
  - id: T-01
    article: 一
    text: 不少于90学分；病假可延至次年六月底，满六十周岁的免除，境外工作不予免除或延期。
    rules:
      - {kind: obligation, qualified: next_year}
      - {kind: requirement, total: 90}
      - {kind: relief, reasons: [illness], effect: deferred, until: Y+1-06-30}
      - {kind: relief, reasons: [age], effect: exempt}
      - {kind: relief, reasons: [abroad], effect: none}
"""


class TestWhatTheNoticeAllows:
    """A-14: where a notice speaks of a reason, what it says binds the authority; elsewhere the authority decides."""

    @pytest.fixture(autouse=True)
    async def published(self, world: World) -> None:
        text = notice_text(clauses=CLAUSES, issued_on="2025-01-10", years="{from: 2025, to: 2025}")
        await world.publishes(parse_notice(text))

    @pytest.mark.parametrize(
        ("path", "fields", "problem"),
        [
            ("exemptions", {"reason": "illness"}, "relief-not-allowed"),
            ("exemptions", {"reason": "abroad"}, "relief-not-allowed"),
            ("deferrals", {"reason": "abroad", "until": "2026-03-31"}, "relief-not-allowed"),
            ("deferrals", {"reason": "illness", "until": "2026-07-01"}, "deferral-too-long"),
        ],
    )
    async def test_more_than_that_is_refused_with_the_clause(
        self, world: World, path: str, fields: dict[str, Any], problem: str
    ):
        who = await world.collects(DONGCHENG)
        refused = await asks_for(world, who, path, place=BEIJING, **fields)
        assert refused.status_code == 422
        assert refused.json()["type"] == f"urn:xuefen:problem:{problem}"
        assert refused.json()["clause"] == "T-01"

    async def test_what_it_allows_is_granted_and_the_answer_cites_it(self, world: World):
        who = await world.collects(DONGCHENG)
        granted = await asks_for(world, who, "deferrals", place=BEIJING, reason="illness", until="2026-06-30")
        assert granted.status_code == 201, granted.text
        answer = await world.asks(who, 2025, on="2026-06-30")
        assert (answer["status"], answer["deferred"]["clause"]) == ("in_progress", "T-01")
        old = await world.collects(DONGCHENG)
        assert (await asks_for(world, old, "exemptions", place=BEIJING, reason="age")).status_code == 201

    async def test_of_other_reasons_the_authority_decides(self, world: World):
        who = await world.collects(DONGCHENG)
        assert (await asks_for(world, who, "exemptions", place=BEIJING, reason="other")).status_code == 201


class TestRecord:
    async def test_the_transcript_shows_what_was_granted_until_when(self, world: World):
        who = await world.collects(SHUANGTA)
        await asks_for(world, who, "exemptions", reason="illness", until="2025-08-31")
        await asks_for(world, who, "deferrals", reason="disaster", until="2026-06-30")
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(LIAONING)
        )
        shown = [(each["kind"], each["reason"], each["until"]) for each in transcript.json()["reliefs"]]
        assert shown == [("exemption", "illness", "2025-08-31"), ("deferral", "disaster", "2026-06-30")]

    async def test_the_feed_tells_of_each_and_rows_follow_from_events(self, world: World):
        who = await world.collects(SHUANGTA)
        for path, body in (
            ("exemptions", {"reason": "illness"}),
            ("exemptions/end", {"reason": "returned_to_work"}),
            ("deferrals", {"reason": "illness", "until": "2026-06-30"}),
            ("deferrals/end", {"reason": "reason_ceased", "until": "2026-03-31"}),
        ):
            assert (await asks_for(world, who, path, **body)).status_code in (200, 201)
        recorded = [
            each
            for each in await world.events(LIAONING)
            if getattr(codec.decode(each.topic, each.state), "person_id", "") == who.person_id
        ]
        said = [told for each in recorded if (told := publish(each)) is not None]
        assert [each["type"].removeprefix("cn.xuefen.ledger.") for each in said] == [
            "exemption.granted.v1", "exemption.ended.v1", "deferral.granted.v1", "deferral.ended.v1",
        ]  # fmt: skip
        read = "select record_send(a.*) from accounts a where log = $1 and person_id = $2"
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            before = await conn.fetch(read, LIAONING, who.person_id)
        await rebuilding.rebuild(world.ledger.databases, models=["accounts"], logs=[LIAONING])
        async with world.ledger.databases.of(LIAONING).acquire() as conn:
            assert await conn.fetch(read, LIAONING, who.person_id) == before
