"""Plans and reports: what the notices ask for, until when, accepted or returned; and the calendar of duties."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.registry.organizations import duties
from services.registry.organizations.duties import Barred, Filing, Handed, duties_due_in
from tests.registry.offices import (
    CHANGZHI,
    FACE_TO_FACE_PLAN,
    LUZHOU,
    ONLINE_PLAN,
    REPORT,
    SHANXI,
    TAIYUAN,
    Offices,
)

LAST_MINUTE = datetime(2026, 12, 15, 15, 59, 59, tzinfo=UTC)
TOO_LATE = datetime(2026, 12, 15, 16, 0, 0, tzinfo=UTC)
ONLINE_FIELDS = (
    "course_contents", "teaching_forms", "faculty", "featured_courses", "welfare_courses", "incentives"
)  # fmt: skip
FACE_TO_FACE_FIELDS = ("sessions", "courses", "faculty", "attendance", "assessment")


async def handed_in(offices: Offices, provider: str, what: str, body: dict[str, Any]) -> str:
    response = await offices.hands_in(provider, what, body)
    assert response.status_code == 201, response.text
    document_id: str = response.json()["document_id"]
    return document_id


class TestPlan:
    @pytest.mark.parametrize("field", ONLINE_FIELDS)
    async def test_an_online_plan_lacks_none_of_the_items_of_the_notice(
        self, offices: Offices, field: str
    ) -> None:
        """S3B-13: 课程内容、授课形式、师资配备、特色课程、公益课程、奖励机制."""
        provider = await offices.trains("online")
        body = {key: value for key, value in ONLINE_PLAN.items() if key != field}
        response = await offices.hands_in(provider, "plans/online", body)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == f"/{field}"

    @pytest.mark.parametrize("field", FACE_TO_FACE_FIELDS)
    async def test_a_face_to_face_plan_lacks_none_of_the_items_of_the_notice(
        self, offices: Offices, field: str
    ) -> None:
        """S3B-14: 时间、地点、人数、课程、师资、考勤管理方式、结果考核方式."""
        organiser = await offices.trains("face_to_face", place=CHANGZHI, kind="organiser")
        body = {key: value for key, value in FACE_TO_FACE_PLAN.items() if key != field}
        response = await offices.hands_in(organiser, "plans/face-to-face", body)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == f"/{field}"

    @pytest.mark.parametrize("field", ["starts_on", "ends_on", "venue", "headcount"])
    async def test_a_training_that_is_planned_has_time_place_and_number(
        self, offices: Offices, field: str
    ) -> None:
        """S3B-14."""
        organiser = await offices.trains("face_to_face", place=CHANGZHI, kind="organiser")
        (session,) = FACE_TO_FACE_PLAN["sessions"]  # type: ignore[misc]
        lacking = {key: value for key, value in session.items() if key != field}  # type: ignore[attr-defined]
        response = await offices.hands_in(
            organiser, "plans/face-to-face", FACE_TO_FACE_PLAN | {"sessions": [lacking]}
        )
        assert response.json()["errors"][0]["pointer"] == f"/sessions/0/{field}"

    async def test_goes_to_the_province_when_online_and_to_the_bureau_that_filed_it_otherwise(
        self, offices: Offices
    ) -> None:
        """S3B-13 报省财政厅, S3B-14 报所属财政部门."""
        provider = await offices.trains("online", "face_to_face", place=CHANGZHI)
        online = await handed_in(offices, provider, "plans/online", ONLINE_PLAN | {"place": CHANGZHI})
        other = await handed_in(offices, provider, "plans/face-to-face", FACE_TO_FACE_PLAN)
        for document_id, reader in ((online, SHANXI), (other, CHANGZHI)):
            assert (await offices.seen(f"/v1/yearly-documents/{document_id}"))["reader"] == reader
        path = f"/v1/yearly-documents/{online}/acceptance"
        assert (await offices.call("POST", path, place=CHANGZHI)).status_code == 403
        await offices.done(path)
        await offices.done(f"/v1/yearly-documents/{other}/acceptance", place=CHANGZHI)

    async def test_is_returned_with_a_reason_and_handed_in_again_until_accepted(
        self, offices: Offices
    ) -> None:
        provider = await offices.trains("online")
        document = await handed_in(offices, provider, "plans/online", ONLINE_PLAN)
        path = f"/v1/yearly-documents/{document}"
        await offices.done(f"{path}/return", {"reason": "incomplete"})
        assert ((await offices.seen(path))["state"], (await offices.seen(path))["reason"]) == (
            "returned", "incomplete",
        )  # fmt: skip
        better = ONLINE_PLAN | {"faculty": "高校教师二十人"}
        assert await handed_in(offices, provider, "plans/online", better) == document
        seen = await offices.seen(path)
        assert (seen["state"], seen["reason"], seen["content"]) == ("submitted", None, better)
        await offices.done(f"{path}/acceptance")
        response = await offices.hands_in(provider, "plans/online", better)
        assert response.status_code == 409
        assert (response.json()["document_id"], response.json()["state"]) == (document, "accepted")

    async def test_is_decided_once(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/yearly-documents/{await handed_in(offices, provider, 'plans/online', ONLINE_PLAN)}"
        await offices.done(f"{path}/acceptance")
        for what, body in (("acceptance", None), ("return", {"reason": "other"})):
            response = await offices.call("POST", f"{path}/{what}", body=body, place=SHANXI)
            assert response.status_code == 409

    async def test_the_last_day_ends_at_midnight_in_china(self, offices: Offices) -> None:
        """S3B-13: 12月15日前, both ends included."""
        for now, late in ((LAST_MINUTE, False), (TOO_LATE, True)):
            offices.now = now
            provider = await offices.trains("online")
            document = await handed_in(offices, provider, "plans/online", ONLINE_PLAN)
            seen = await offices.seen(f"/v1/yearly-documents/{document}")
            assert (seen["due_on"], seen["late"], seen["clause"]) == ("2026-12-15", late, "S3B-13")

    async def test_handed_in_in_time_a_second_try_after_the_day_is_not_late(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        document = await handed_in(offices, provider, "plans/online", ONLINE_PLAN)
        await offices.done(f"/v1/yearly-documents/{document}/return", {"reason": "incomplete"})
        offices.now = TOO_LATE
        await handed_in(offices, provider, "plans/online", ONLINE_PLAN | {"faculty": "二十人"})
        assert not (await offices.seen(f"/v1/yearly-documents/{document}"))["late"]

    async def test_is_handed_in_by_the_organization_itself_and_for_what_it_is_filed_for(
        self, offices: Offices
    ) -> None:
        provider, other = await offices.trains("online"), await offices.trains("online")
        foreign = await offices.hands_in(provider, "plans/online", ONLINE_PLAN, organization=other)
        assert foreign.status_code == 403
        official = await offices.hands_in(
            provider, "plans/online", ONLINE_PLAN, organization=None, place=SHANXI
        )
        assert official.status_code == 403
        elsewhere = await offices.hands_in(provider, "plans/online", ONLINE_PLAN | {"place": TAIYUAN})
        assert elsewhere.json()["type"] == "urn:xuefen:problem:not-accredited"

    async def test_is_seen_by_its_organization_and_the_bureaus_concerned(self, offices: Offices) -> None:
        organiser = await offices.trains("face_to_face", place=CHANGZHI, kind="organiser")
        document = await handed_in(offices, organiser, "plans/face-to-face", FACE_TO_FACE_PLAN)
        path, stranger = f"/v1/yearly-documents/{document}", await offices.trains("online")
        for who, status in (
            ({"place": CHANGZHI}, 200),
            ({"place": SHANXI}, 200),
            ({"place": TAIYUAN}, 404),
            ({"place": LUZHOU}, 404),
            ({"place": None, "organization": organiser}, 200),
            ({"place": None, "organization": stranger}, 404),
        ):
            assert (await offices.call("GET", path, **who)).status_code == status, who

    async def test_what_is_written_in_it_is_not_in_the_log(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        body = ONLINE_PLAN | {"faculty": "独一无二的师资说明"}
        await handed_in(offices, provider, "plans/online", body)
        response = await offices.call(
            "GET", "/v1/logs/registry/feed?after=0&limit=1000", "feed:read", place="100000"
        )
        assert "独一无二" not in response.text


class TestWorklist:
    async def test_a_plan_waits_at_the_bureau_that_decides_until_it_is_decided(
        self, offices: Offices
    ) -> None:
        provider = await offices.trains("online")
        document = await handed_in(offices, provider, "plans/online", ONLINE_PLAN)

        async def waiting() -> set[str]:
            page = await offices.seen("/v1/worklists?kind=plan&limit=200")
            return {case["case_id"] for case in page["items"]}

        path = f"/v1/yearly-documents/{document}"
        assert document in await waiting()
        await offices.done(f"/v1/worklists/cases/{document}/claim", subject="official-7")
        assert (await offices.call("POST", f"{path}/acceptance", place=SHANXI)).status_code == 409
        await offices.done(f"{path}/return", {"reason": "incomplete"}, subject="official-7")
        assert document not in await waiting()
        await handed_in(offices, provider, "plans/online", ONLINE_PLAN)
        assert document in await waiting()
        await offices.done(f"{path}/acceptance")
        assert document not in await waiting()


class TestReport:
    async def test_of_a_year_is_due_with_its_end(self, offices: Offices) -> None:
        """S3B-13, S3B-14: 年终工作总结."""
        provider = await offices.trains("online")
        document = await handed_in(offices, provider, "reports", REPORT)
        seen = await offices.seen(f"/v1/yearly-documents/{document}")
        assert (seen["kind"], seen["due_on"], seen["late"]) == ("report", "2026-12-31", False)
        (line,) = (await offices.seen(f"/v1/organizations/{provider}/yearly-documents"))["items"]
        assert line["document_id"] == document


class TestDuties:
    async def test_each_mode_owes_a_plan_and_a_report_by_its_clause(self, offices: Offices) -> None:
        """S3B-13, S3B-14."""
        provider = await offices.trains("online", "face_to_face", place=CHANGZHI, name="双模")
        found = (await offices.seen(f"/v1/organizations/{provider}/duties?year=2026"))["items"]
        assert [
            (each["kind"], each["mode"], each["year"], each["due_on"], each["to"], each["clause"])
            for each in found
        ] == [
            ("plan", "face_to_face", 2027, "2026-12-15", CHANGZHI, "S3B-14"),
            ("plan", "online", 2027, "2026-12-15", SHANXI, "S3B-13"),
            ("report", "face_to_face", 2026, "2026-12-31", CHANGZHI, "S3B-14"),
            ("report", "online", 2026, "2026-12-31", SHANXI, "S3B-13"),
        ]
        assert {each["state"] for each in found} == {"due"}

    async def test_goes_from_due_to_late_to_submitted_to_done(self, offices: Offices) -> None:
        provider = await offices.trains("online")

        async def state() -> tuple[str, bool]:
            found = await offices.seen(f"/v1/organizations/{provider}/duties?year=2026")
            plan = next(each for each in found["items"] if each["kind"] == "plan")
            return plan["state"], plan["late"]

        assert await state() == ("due", False)
        offices.now = LAST_MINUTE
        assert await state() == ("due", False)
        offices.now = TOO_LATE
        assert await state() == ("late", True)
        document = await handed_in(offices, provider, "plans/online", ONLINE_PLAN)
        assert await state() == ("submitted", True)
        await offices.done(f"/v1/yearly-documents/{document}/return", {"reason": "other"})
        assert await state() == ("returned", True)
        await handed_in(offices, provider, "plans/online", ONLINE_PLAN | {"faculty": "三十人"})
        await offices.done(f"/v1/yearly-documents/{document}/acceptance")
        assert await state() == ("done", True)

    async def test_a_bureau_sees_those_who_train_at_its_place_and_under_it(self, offices: Offices) -> None:
        organiser = await offices.trains("face_to_face", place=CHANGZHI, kind="organiser")
        for place, expected in ((SHANXI, True), (CHANGZHI, True), (LUZHOU, False), (TAIYUAN, False)):
            found = await offices.seen(f"/v1/duties?place={place}&year=2026", place=place)
            assert (organiser in {each["organization_id"] for each in found["items"]}) is expected
            assert sum(found["counts"].values()) == len(found["items"])
        response = await offices.call("GET", f"/v1/duties?place={SHANXI}&year=2026", place=CHANGZHI)
        assert response.status_code == 403

    async def test_no_clause_no_duty(self, offices: Offices) -> None:
        provider = await offices.registers("provider")
        body = {"place": "210000", "years": [2026, 2027], "modes": ["online"]}
        await offices.done(f"/v1/organizations/{provider}/accreditations", body, place="210000")
        found = await offices.seen(f"/v1/organizations/{provider}/duties?year=2026", place="210000")
        assert found["items"] == []


class TestCalendar:
    """The pure rules: who is bound on the last day owes it."""

    filing = Filing(
        "o", "示例", SHANXI, (2026, 2027), ("online",), "published", datetime(2026, 1, 5, tzinfo=UTC), None
    )
    today = date(2026, 11, 2)

    def kinds(self, filing: Filing, barred: Any = (), year: int = 2026, handed: Any = ()) -> list[str]:
        return [each.kind for each in duties_due_in(year, [filing], barred, handed, self.today)]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [({}, ["plan", "report"]),
         ({"state": "filed", "published_at": None}, []),
         ({"published_at": datetime(2026, 12, 20, tzinfo=UTC)}, ["report"]),
         ({"state": "ended", "ended_from": date(2026, 12, 15)}, []),
         ({"state": "ended", "ended_from": date(2026, 12, 16)}, ["plan"]),
         ({"years": (2026,)}, ["plan", "report"]),
         ({"years": (2027,)}, ["plan"]),
         ({"years": (2025,)}, []),
         ({"modes": ("other",)}, []),
         ({"place": "210000"}, []), ({"place": "210200"}, [])],
    )  # fmt: skip
    def test_who_owes(self, changes: dict[str, Any], expected: list[str]) -> None:
        """S2B-14, S3B-12 to S3B-14."""
        filing = Filing(**(vars(self.filing) | changes))
        assert self.kinds(filing) == expected

    @pytest.mark.parametrize(
        ("place", "since", "until", "expected"),
        [(SHANXI, date(2026, 12, 15), None, []), (SHANXI, date(2026, 12, 16), None, ["plan"]),
         (SHANXI, date(2026, 5, 1), date(2026, 12, 15), ["plan", "report"]),
         (SHANXI, date(2026, 5, 1), date(2026, 12, 16), ["report"]),
         ("100000", date(2026, 5, 1), None, []), (TAIYUAN, date(2026, 5, 1), None, ["plan", "report"])],
    )  # fmt: skip
    def test_who_lost_their_standing_owes_nothing(
        self, place: str, since: date, until: date | None, expected: list[str]
    ) -> None:
        """S0-25."""
        assert self.kinds(self.filing, [Barred("o", place, since, until)]) == expected

    def test_in_2025_only_the_overall_report_was_owed(self) -> None:
        """S2B-12."""
        filing = Filing(
            **(vars(self.filing) | {"years": (2025,), "published_at": datetime(2025, 1, 5, tzinfo=UTC)})
        )
        (duty,) = duties_due_in(2025, [filing], [], [], self.today)
        assert (duty.kind, duty.clause, duty.due_on) == ("report", "S2B-12", date(2025, 12, 31))

    def test_one_duty_for_two_filings_of_the_same(self) -> None:
        found = duties_due_in(2026, [self.filing, self.filing], [], [], self.today)
        assert len(found) == 2

    def test_another_years_plan_does_not_count(self) -> None:
        handed = Handed(
            "d", "o", "plan", "online", SHANXI, 2026, "accepted", datetime(2025, 12, 1, tzinfo=UTC)
        )
        found = duties_due_in(2026, [self.filing], [], [handed], self.today)
        assert [each.state for each in found] == ["due", "due"]

    def test_every_rule_names_its_clause_and_a_real_day(self) -> None:
        for rule in duties.rules():
            assert rule.clause.startswith("S")
            assert rule.due_on(rule.from_year)
