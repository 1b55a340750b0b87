"""Worklists: what awaits an official, in order, with its limit, its lane, and who works on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from services.kit.clock import local_date, utc_now
from tests.conftest import FreshDatabase
from tests.registry.scenarios import CHAOYANG, DALIAN, LIAONING, SHUANGTA, Registry, somebody

NOBODY = "00000000-0000-4000-8000-000000000000"
HARBIN, DAOLI, NANGANG = "230100", "230102", "230103"
HEILONGJIANG = "230000"


@pytest.fixture
async def admin(fresh: FreshDatabase) -> AsyncIterator[asyncpg.Connection]:
    """The superuser's connection: time passes by its hand."""
    conn = await asyncpg.connect(fresh.admin_dsn)
    await conn.execute("set search_path = registry")
    yield conn
    await conn.close()


async def cases(registry: Registry, place: str, **params: Any) -> list[dict[str, Any]]:
    """Every case of a worklist, page after page."""
    query = "".join(f"&{name}={value}" for name, value in params.items())
    path = f"/v1/worklists?place={place}{query}"
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        response = await registry.call("GET", path + after, place="100000")
        assert response.status_code == 200, response.text
        found += response.json()["items"]
        if response.json()["next"] is None:
            return found
        after = f"&after={response.json()['next']}"


async def ids(registry: Registry, place: str, **params: Any) -> list[str]:
    return [case["case_id"] for case in await cases(registry, place, **params)]


async def claim(registry: Registry, case_id: str, subject: str, **who: Any) -> Any:
    return await registry.call("POST", f"/v1/worklists/cases/{case_id}/claim", subject=subject, **who)


async def submitted_at(registry: Registry, place: str) -> str:
    """A fresh collection that awaits its initial review at a place."""
    outcome = await registry.call(
        "POST",
        "/v1/collections",
        body={"person": somebody().body, "place": place, "working_since": "2020-01-01"},
        place="100000",
    )
    assert outcome.status_code == 201, outcome.text
    collection_id: str = outcome.json()["collection_id"]
    return collection_id


class TestWorklist:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        for path in ("/v1/worklists", "/v1/worklists/counts"):
            assert (await registry.call("GET", path, anonymous=True)).status_code == 401
            assert (await registry.call("GET", path, "collection:submit")).status_code == 403

    @pytest.mark.parametrize("who", [{"place": DALIAN}, {"place": None}, {"place": SHUANGTA}])
    async def test_of_another_place(self, registry: Registry, who: dict[str, Any]) -> None:
        for path in (f"/v1/worklists?place={CHAOYANG}", f"/v1/worklists/counts?place={CHAOYANG}"):
            response = await registry.call("GET", path, **who)
            assert response.json()["type"] == "urn:xuefen:problem:outside-place"

    @pytest.mark.parametrize(
        "query", ["place=1", "kind=whatever", "after=x", "limit=0", "limit=201", "after=1.1.1"]
    )
    async def test_a_bad_question(self, registry: Registry, query: str) -> None:
        assert (await registry.call("GET", f"/v1/worklists?{query}")).status_code == 422

    async def test_is_in_order_of_submission_page_after_page(self, registry: Registry) -> None:
        """S2C-08: 按照申请提交的时间顺序逐一."""
        made = [await submitted_at(registry, place) for place in (DAOLI, NANGANG, DAOLI, NANGANG, DAOLI)]
        assert await ids(registry, HARBIN, limit=2) == made
        assert await ids(registry, HEILONGJIANG) == made
        assert await ids(registry, NANGANG) == [made[1], made[3]]

    async def test_a_resubmission_goes_to_the_end(self, registry: Registry) -> None:
        human = somebody()
        first = (await registry.submitted(human, place="211324"))["collection_id"]
        second = (await registry.submitted(somebody(), place="211324"))["collection_id"]
        assert await ids(registry, "211324") == [first, second]
        await registry.reviews(first, "initial", subject="official-2", reason="other")
        assert await ids(registry, "211324") == [second]
        await registry.submitted(human, place="211324")
        assert await ids(registry, "211324") == [second, first]

    async def test_a_case_stays_until_its_last_review_and_keeps_its_place(self, registry: Registry) -> None:
        first = (await registry.submitted(somebody(), place="211381"))["collection_id"]
        second = (await registry.submitted(somebody(), place="211381"))["collection_id"]
        await registry.reviews(first, "initial", subject="official-2")
        assert [(case["case_id"], case["step"]) for case in await cases(registry, "211381")] == [
            (first, "final"),
            (second, "initial"),
        ]
        await registry.reviews(first, "final", subject="official-3")
        assert await ids(registry, "211381") == [second]

    async def test_changes_stand_in_the_same_list(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        found = {case["case_id"]: case for case in await cases(registry, SHUANGTA, kind="change")}
        assert (found[change_id]["step"], found[change_id]["due"]["working_days"]) == ("review", 10)
        assert all(case["kind"] == "change" for case in found.values())
        await registry.reviews_change(change_id)
        assert change_id not in await ids(registry, SHUANGTA)

    async def test_only_kinds_the_caller_decides_are_in_it(self, registry: Registry) -> None:
        await registry.change_of(somebody(), {"name": "赵新名"})
        response = await registry.call("GET", f"/v1/worklists?place={SHUANGTA}", "organization:write")
        assert response.json()["items"] == []

    async def test_tells_nothing_personal(self, registry: Registry) -> None:
        human = somebody()
        await registry.submitted(human, place="211382")
        text = (await registry.call("GET", "/v1/worklists?place=211382")).text
        assert human.name not in text
        assert human.id_number not in text

    async def test_says_what_is_due_and_what_is_late(
        self, registry: Registry, admin: asyncpg.Connection
    ) -> None:
        """S2C-02."""
        late, due = [(await registry.submitted(somebody(), place="211322"))["collection_id"] for _ in "ab"]
        await admin.execute(
            "update worklist set submitted_at = submitted_at - interval '30 days' where case_id = $1", late
        )
        found = {case["case_id"]: case["due"] for case in await cases(registry, "211322")}
        assert (found[late]["late"], found[due]["late"]) == (True, False)
        assert found[due]["clause"] == "S2C-02"
        path = "/v1/worklists/counts?place=211322"
        counted = (await registry.call("GET", path, "statistics:read", subject="dashboard-1")).json()
        assert counted["total"] == {"waiting": 2, "late": 1, "fast": 0, "held": 0}


class TestFastLane:
    """S2C-06: while an exam's enrolment is open at the place, its collections go first."""

    @staticmethod
    async def opens(
        registry: Registry, at: str, from_day: date, until: date, **who: Any
    ) -> tuple[int, dict[str, Any]]:
        body = {"place": at, "from": from_day.isoformat(), "until": until.isoformat()}
        response = await registry.call("POST", "/v1/exam-enrolments", body=body, **who)
        answer: dict[str, Any] = response.json()
        return response.status_code, answer

    async def test_an_official_of_another_place_sets_nothing(self, registry: Registry) -> None:
        today = local_date(utc_now())
        status, answer = await self.opens(registry, LIAONING, today, today)
        assert (status, answer["pointer"]) == (403, "/place")

    @pytest.mark.parametrize(("start", "days"), [(0, -1), (0, 120), (40_000, 1)])
    async def test_dates_that_cannot_be(self, registry: Registry, start: int, days: int) -> None:
        day = local_date(utc_now()) + timedelta(days=start)
        status, _ = await self.opens(registry, SHUANGTA, day, day + timedelta(days=days))
        assert status == 422

    async def test_goes_first_and_keeps_its_own_order(
        self, registry: Registry, admin: asyncpg.Connection
    ) -> None:
        today = local_date(utc_now())
        made = [await submitted_at(registry, place) for place in ("220102", "220202", "220102", "220202")]
        status, answer = await self.opens(
            registry, "220200", today - timedelta(days=1), today, place="220000"
        )
        assert status == 201
        assert await ids(registry, "220000", limit=1) == [made[1], made[3], made[0], made[2]]
        lanes = [case["lane"] for case in await cases(registry, "220000")]
        assert lanes == ["fast", "fast", "ordinary", "ordinary"]
        seen = (await registry.call("GET", f"/v1/collections/{made[1]}", place="220000")).json()
        assert seen["lane"] == "fast"
        counted = (await registry.call("GET", "/v1/worklists/counts?place=220000", place="220000")).json()
        assert {row["place"]: row["fast"] for row in counted["rows"]} == {"220102": 0, "220202": 2}
        await admin.execute(
            "update exam_enrolments set until_day = $2 where enrolment_id = $1",
            answer["enrolment_id"],
            today - timedelta(days=1),
        )
        assert await ids(registry, "220000") == made

    async def test_one_to_come_opens_no_lane_yet(self, registry: Registry) -> None:
        today = local_date(utc_now())
        case = await submitted_at(registry, "220302")
        tomorrow = today + timedelta(days=1)
        await self.opens(registry, "220300", tomorrow, tomorrow, place="220000")
        assert [each["lane"] for each in await cases(registry, "220302")] == ["ordinary"]
        assert await ids(registry, "220302") == [case]
        known = (await registry.call("GET", "/v1/exam-enrolments")).json()["items"]
        assert ("220300", tomorrow.isoformat()) in [(each["place"], each["from"]) for each in known]


class TestClaim:
    """Two officials do not work the same case."""

    async def test_shows_who_holds_it(self, registry: Registry) -> None:
        case = await submitted_at(registry, "211303")
        held = (await claim(registry, case, "official-2")).json()
        assert (held["case_id"], held["held_by"]) == (case, "official-2")
        [entry] = await cases(registry, "211303")
        assert (entry["held_by"], entry["open_to_caller"]) == ("official-2", False)
        counted = (await registry.call("GET", "/v1/worklists/counts?place=211303")).json()
        assert counted["total"]["held"] == 1

    async def test_many_at_once_only_one_gets_it(self, registry: Registry) -> None:
        case = await submitted_at(registry, "211302")
        answers = await asyncio.gather(*(claim(registry, case, f"official-{n}") for n in range(2, 8)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
        refused = next(answer.json() for answer in answers if answer.status_code == 409)
        assert refused["type"] == "urn:xuefen:problem:case-held"
        assert "held_until" in refused

    async def test_while_it_is_held_nobody_else_reviews_it(self, registry: Registry) -> None:
        case = (await registry.submitted(somebody()))["collection_id"]
        await claim(registry, case, "official-2")
        other = await registry.reviews(case, "initial", subject="official-3")
        assert (other.status_code, other.json()["type"]) == (409, "urn:xuefen:problem:case-held")
        assert (await registry.reviews(case, "initial", subject="official-2")).status_code == 200
        # The hold ends with the step: the final review is another's.
        assert (await claim(registry, case, "official-3")).status_code == 200

    async def test_whoever_takes_hold_has_it_whoever_reviews_at_that_moment(self, registry: Registry) -> None:
        for _ in range(8):
            case = (await registry.submitted(somebody()))["collection_id"]
            taken, reviewed = await asyncio.gather(
                claim(registry, case, "official-2"),
                registry.reviews(case, "initial", subject="official-3"),
            )
            assert (taken.status_code, reviewed.status_code) in [(200, 409), (200, 200), (404, 200)]
            if (taken.status_code, reviewed.status_code) == (200, 200):
                # Reviewed first: what was taken hold of is its final review.
                final = await registry.reviews(case, "final", subject="official-2")
                assert final.status_code == 200

    async def test_a_change_is_held_likewise(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        await claim(registry, change_id, "official-4")
        assert (await registry.reviews_change(change_id)).status_code == 409
        assert (await registry.reviews_change(change_id, subject="official-4")).status_code == 200

    async def test_ends_by_itself(self, registry: Registry, admin: asyncpg.Connection) -> None:
        case = (await registry.submitted(somebody()))["collection_id"]
        await claim(registry, case, "official-2")
        await admin.execute(
            "update case_claims set held_until = now() - interval '1 second' where case_id = $1", case
        )
        assert (await claim(registry, case, "official-3")).json()["held_by"] == "official-3"

    async def test_is_held_longer_by_its_holder_and_released(self, registry: Registry) -> None:
        case = (await registry.submitted(somebody()))["collection_id"]
        first = (await claim(registry, case, "official-2")).json()
        second = (await claim(registry, case, "official-2")).json()
        assert second["held_since"] == first["held_since"]
        assert second["held_until"] > first["held_until"]
        path = f"/v1/worklists/cases/{case}/release"
        assert (await registry.call("POST", path, subject="official-3")).status_code == 409
        assert (await registry.call("POST", path, subject="official-2")).json()["held_by"] is None
        assert (await claim(registry, case, "official-3")).status_code == 200

    async def test_not_by_who_submitted_it_nor_by_its_initial_reviewer(self, registry: Registry) -> None:
        """S2C-08."""
        case = (await registry.submitted(somebody()))["collection_id"]
        own = await claim(registry, case, "official-1")
        assert (own.status_code, own.json()["type"]) == (403, "urn:xuefen:problem:not-for-you")
        await registry.reviews(case, "initial", subject="official-2")
        assert (await claim(registry, case, "official-2")).status_code == 403
        assert (await claim(registry, case, "official-3")).status_code == 200

    async def test_what_is_not_on_a_worklist_of_the_callers_is_not_there(self, registry: Registry) -> None:
        case = (await registry.submitted(somebody()))["collection_id"]
        assert (await claim(registry, NOBODY, "official-2")).status_code == 404
        assert (await claim(registry, case, "official-2", place=DALIAN)).status_code == 404
        path = f"/v1/worklists/cases/{case}/claim"
        assert (await registry.call("POST", path, "organization:write")).status_code == 404
        done = (await registry.collected(somebody()))["collection_id"]
        assert (await claim(registry, done, "official-4")).status_code == 404
