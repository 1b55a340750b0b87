"""Filings (备案): handed in before the training, decided by the bureau of the place, visible to their organization."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from services.ledger.counting import rebuild as rebuilding
from services.ledger.policy import parse_notice
from tests.kit.http import bearer
from tests.ledger.cases.training import Training, beijing, problem_of
from tests.ledger.world import World

HEPING, SHENYANG, CHAOYANG, LIAONING, DALIAN, SHANXI = (
    "210102", "210100", "211300", "210000", "210200", "140000",
)  # fmt: skip
DAYS = [date(2025, 9, 25), date(2025, 9, 26)]


@pytest.fixture(autouse=True)
def summer(world: World) -> None:
    world.now = beijing(2025, 9, 1, 10)


@pytest.fixture
async def training(world: World) -> Training:
    return Training(world, await world.provides("沈阳某会计培训学校"), HEPING, DAYS)


class TestSubmitFiling:
    async def test_waits_for_the_bureau_and_shows_its_state_to_the_organization(self, training: Training):
        """S1-14."""
        response = await training.files()
        assert (response.status_code, response.json()["state"]) == (201, "submitted")
        url = f"/v1/filings/{training.filing_id}"
        seen = (await training.world.client.get(url, headers=training.headers())).json()
        assert (seen["state"], seen["place"], len(seen["sessions"]), seen["in_time"]) == (
            "submitted",
            HEPING,
            2,
            None,
        )

    async def test_comes_before_the_first_hour(self, training: Training):
        """S1-14: the moment at which the first hour begins is too late."""
        training.world.now = beijing(2025, 9, 25, 9)
        response = await training.files()
        assert response.json()["type"] == "urn:xuefen:problem:filing-too-late"
        assert response.json()["clause"] == "S1-14"
        training.world.now -= timedelta(seconds=1)
        assert (await training.files()).status_code == 201

    async def test_says_what_the_sessions_are_worth(self, training: Training):
        plain = [{"on": "2025-09-25", "starts": "09:00", "ends": "12:00", "hours": "3"}]
        for fields in ({"sessions": plain}, {"conversion": "public_hours"}):
            response = await training.files(**fields)
            assert response.json()["type"] == "urn:xuefen:problem:filing-worth-unclear"
        assert (await training.files(sessions=plain, conversion="public_hours")).status_code == 201
        response = await training.files(sessions=plain, conversion="nobody_s_rule")
        assert response.json()["type"] == "urn:xuefen:problem:form-not-recognised"

    @pytest.mark.parametrize(
        "session",
        [
            {"on": "2025-09-25", "starts": "12:00", "ends": "09:00", "hours": "3", "credits": "5"},
            {"on": "2025-09-25", "starts": "09:00", "ends": "12:00", "hours": "0", "credits": "5"},
            {"on": "2025-09-25", "starts": "9:00", "ends": "12:00", "hours": "3", "credits": "5"},
            {"on": "2025-09-31", "starts": "09:00", "ends": "12:00", "hours": "3", "credits": "5"},
            {"on": "2025-09-26", "starts": "11:00", "ends": "13:00", "hours": "3", "credits": "5"},
        ],
    )
    async def test_a_plan_that_makes_no_sense_is_refused(self, training: Training, session: dict[str, str]):
        response = await training.files(sessions=[*training.plan()["sessions"], session])
        assert response.status_code == 422, response.text

    async def test_a_place_whose_notice_is_not_out_takes_them(self, world: World):
        """B-20: the notice comes in March, and a training is filed before it is held."""
        training = Training(world, await world.provides("外地培训学校"), DALIAN, DAYS)
        response = await training.files()
        assert response.status_code == 201, response.text

    async def test_is_for_organizations_with_the_scope(self, training: Training):
        client, plan = training.world.client, training.plan()
        assert (await client.post("/v1/filings", json=plan)).status_code == 401
        for headers in (training.headers("completion:write"), training.official()):
            assert (await client.post("/v1/filings", json=plan, headers=headers)).status_code == 403
        nobody = bearer("filing:submit", place=HEPING) | {"Idempotency-Key": "k"}
        response = await client.post("/v1/filings", json=plan, headers=nobody)
        assert response.json()["type"] == "urn:xuefen:problem:organization-token-needed"

    async def test_the_same_key_files_once(self, training: Training):
        headers = training.headers()
        answers = [
            await training.world.client.post("/v1/filings", json=training.plan(), headers=headers)
            for _ in range(2)
        ]
        assert answers[0].json()["filing_id"] == answers[1].json()["filing_id"]


class TestTheSameTraining:
    """B-27."""

    @pytest.mark.parametrize(
        "fields",
        [{}, {"title": " 政府会计 准则面授班"}, {"year": 2024}, {"expected": 41, "category": "public"}],
        ids=["as it was", "spaced", "for another year", "for others"],
    )
    async def test_is_filed_once_and_the_second_names_the_first(
        self, training: Training, fields: dict[str, Any]
    ):
        first = (await training.files()).json()["filing_id"]
        answer = await training.files(**fields)
        assert (answer.status_code, problem_of(answer)) == (409, "filing-duplicate"), answer.text
        assert answer.json()["filing_id"] == first
        await training.steps("approval")
        assert problem_of(await training.files(**fields)) == "filing-duplicate"

    async def test_may_be_filed_again_after_the_first_was_refused_or_withdrawn(self, training: Training):
        await training.files()
        await training.steps("refusal", reason="other")
        assert (await training.files()).status_code == 201
        url = f"/v1/filings/{training.filing_id}/withdrawal"
        assert (await training.world.client.post(url, headers=training.headers())).status_code == 200
        assert (await training.files()).status_code == 201

    async def test_another_title_day_hour_bureau_or_organization_makes_another(self, training: Training):
        await training.files()
        shorter = training.plan()["sessions"][:1]
        later = [shorter[0] | {"starts": "13:00", "ends": "16:00"}]
        fewer = [shorter[0] | {"hours": "2"}]
        for fields in (
            {"title": "管理会计面授班"}, {"sessions": shorter}, {"sessions": later}, {"sessions": fewer},
            {"place": SHENYANG},
        ):  # fmt: skip
            answer = await training.files(**fields)
            assert answer.status_code == 201, answer.text
        other = Training(training.world, await training.world.provides("另一家培训学校"), HEPING, DAYS)
        assert (await other.files()).status_code == 201

    async def test_is_not_what_a_returned_filing_is_amended_to(self, training: Training):
        first = (await training.files()).json()["filing_id"]
        second = (await training.files(title="管理会计面授班")).json()["filing_id"]
        await training.steps("return", reason="plan_incomplete")
        url = f"/v1/filings/{second}/amendment"
        client, headers = training.world.client, training.headers()
        answer = await client.post(url, json=training.plan(), headers=headers)
        assert (problem_of(answer), answer.json()["filing_id"]) == ("filing-duplicate", first)
        own = training.plan(title="管理会计面授班")
        assert (await client.post(url, json=own, headers=training.headers())).status_code == 200


class TestDecideFiling:
    async def test_an_official_of_the_place_approves(self, training: Training):
        """S1-14, S3B-10."""
        await training.files()
        response = await training.steps("approval", place=SHENYANG)
        assert (response.json()["state"], response.json()["in_time"]) == ("approved", True)

    async def test_an_approval_after_the_first_hour_says_so(self, training: Training):
        """B-15: what is approved at the first hour was not approved before it."""
        await training.files()
        training.world.now = beijing(2025, 9, 25, 9)
        assert (await training.steps("approval")).json()["in_time"] is False

    @pytest.mark.parametrize("place", [CHAOYANG, "210103", DALIAN, SHANXI])
    async def test_an_official_of_another_place_does_not_see_it(self, training: Training, place: str):
        await training.files()
        for step, body in (
            ("approval", {}),
            ("return", {"reason": "other"}),
            ("refusal", {"reason": "other"}),
        ):
            assert (await training.steps(step, place=place, **body)).status_code == 404
        url = f"/v1/filings/{training.filing_id}"
        seen = await training.world.client.get(url, headers=training.official(place=place))
        assert seen.status_code == 404

    async def test_nobody_decides_what_they_submitted(self, training: Training):
        await training.files()
        response = await training.steps("approval", subject=training.provider.organization_id)
        assert response.json()["type"] == "urn:xuefen:problem:own-filing"

    async def test_an_organization_does_not_decide(self, training: Training):
        await training.files()
        url = f"/v1/filings/{training.filing_id}/approval"
        assert (await training.world.client.post(url, headers=training.headers())).status_code == 403
        response = await training.world.client.post(url, headers=training.headers("filing:review"))
        assert response.json()["type"] == "urn:xuefen:problem:outside-place"

    async def test_a_returned_filing_is_amended_and_comes_back(self, training: Training):
        await training.files()
        returned = await training.steps("return", reason="plan_incomplete")
        assert (returned.json()["state"], returned.json()["reason"]) == ("returned", "plan_incomplete")
        url = f"/v1/filings/{training.filing_id}/amendment"
        moved = await training.world.client.post(
            url, json=training.plan(place=LIAONING), headers=training.headers()
        )
        assert moved.status_code == 403
        amended = await training.world.client.post(
            url, json=training.plan(expected=50), headers=training.headers()
        )
        assert amended.json()["state"] == "submitted"
        again = await training.world.client.post(url, json=training.plan(), headers=training.headers())
        assert (again.status_code, again.json()["state"]) == (409, "submitted")
        assert (await training.steps("approval")).status_code == 200

    async def test_a_refused_filing_stays_refused_and_says_why(self, training: Training):
        await training.files()
        await training.steps("refusal", reason="content_not_suitable")
        assert (await training.steps("approval")).json()["type"] == "urn:xuefen:problem:filing-state"
        url = f"/v1/filings/{training.filing_id}"
        seen = (await training.world.client.get(url, headers=training.headers())).json()
        assert (seen["state"], seen["reason"]) == ("refused", "content_not_suitable")

    async def test_an_approved_filing_is_withdrawn_before_the_training_only(self, training: Training):
        await training.files()
        await training.steps("approval")
        url = f"/v1/filings/{training.filing_id}/withdrawal"
        training.world.now = beijing(2025, 9, 25, 9)
        late = await training.world.client.post(url, headers=training.headers())
        assert late.json()["type"] == "urn:xuefen:problem:filing-too-late"
        training.world.now -= timedelta(seconds=1)
        assert (await training.world.client.post(url, headers=training.headers())).status_code == 200

    async def test_another_organization_neither_sees_nor_withdraws_it(self, training: Training):
        await training.files()
        other = await training.world.provides("另一家培训学校")
        headers = training.headers(organization=other.organization_id)
        url = f"/v1/filings/{training.filing_id}"
        assert (await training.world.client.get(url, headers=headers)).status_code == 404
        assert (await training.world.client.post(f"{url}/withdrawal", headers=headers)).status_code == 404

    async def test_two_reviewers_at_once_decide_once(self, training: Training):
        await training.files()
        answers = await asyncio.gather(
            *(training.steps("approval", subject=f"reviewer-{n}") for n in range(2)),
            *(training.steps("refusal", subject=f"reviewer-{n}", reason="other") for n in range(2, 4)),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


class TestQueue:
    async def test_is_in_order_of_submission_and_of_one_place(self, world: World):
        provider = await world.provides("按序培训学校")
        mine, other = Training(world, provider, "211402", DAYS), Training(world, provider, "211403", DAYS)
        ids = []
        for number in range(3):
            world.now += timedelta(seconds=1)
            ids.append((await mine.files(title=f"第{number}期")).json()["filing_id"])
            await other.files(title=f"第{number}期")
        seen: list[str] = []
        after: str | None = None
        while True:
            params = {"place": "211402", "limit": "2"} | ({"after": after} if after else {})
            page = await world.client.get("/v1/filings", params=params, headers=mine.official(place="211400"))
            seen += [filing["filing_id"] for filing in page.json()["items"]]
            after = page.json()["next"]
            if after is None:
                break
        assert seen == ids
        outside = mine.official(place="211403")
        answer = await world.client.get("/v1/filings", params={"place": "211402"}, headers=outside)
        assert answer.status_code == 403
        own = await world.client.get("/v1/filings", headers=mine.headers())
        assert len(own.json()["items"]) == 6

    async def test_has_due_dates_where_the_notice_sets_a_limit(self, world: World):
        """Five working days over National Day 2025, the Sunday and the Saturday worked instead included (B-18)."""
        notice = {
            "id": "heping-filing", "title": "关于培训备案办理时限的通知", "issuers": ["皇姑区财政局"],
            "place": "210105", "issued_on": "2025-01-02",
            "years": {"from": 2025, "to": 2025},
            "clauses": [
                {
                    "id": "H-01", "article": "一", "text": "培训备案自提交之日起5个工作日内办结。",
                    "rules": [{"kind": "time_limit", "subject": "filing_approval", "working_days": 5}],
                }
            ],
        }  # fmt: skip
        await world.ledger.publisher.publish_policy(parse_notice(notice))
        await world.ledger.policies.refresh()
        training = Training(world, await world.provides("限时培训学校"), "210105", [date(2025, 11, 3)])
        world.now = beijing(2025, 9, 26, 23, 59, 59)
        await training.files()
        for now, overdue in ((beijing(2025, 10, 10, 23, 59, 59), False), (beijing(2025, 10, 11), True)):
            world.now = now
            page = await world.client.get(
                "/v1/filings", params={"place": "210105"}, headers=training.official()
            )
            [filing] = page.json()["items"]
            assert (filing["due"], filing["overdue"]) == ("2025-10-10", overdue)


class TestRebuild:
    async def test_the_filings_come_out_of_the_log_as_they_are(self, training: Training):
        await training.files()
        await training.steps("approval")
        done = await rebuilding.rebuild(training.world.ledger.databases, models=["filings"], logs=[LIAONING])
        assert [result.rows_changed for result in done] == [0]
