"""Rosters under review: decided by another, as a whole or row by row, registered once, strangers waited for."""

import asyncio
from datetime import date

import pytest

from services.ledger.counting import rebuild as rebuilding
from tests.ledger.cases.training import Training, beijing, held_training, problem_of, transcript
from tests.ledger.policy.drafts import draft
from tests.ledger.world import World

HEPING, CHAOYANG, LIAONING, DALIAN, SHANXI, XIAODIAN = (
    "210102", "211300", "210000", "210203", "140000", "140105",
)  # fmt: skip


@pytest.fixture
async def training(world: World) -> Training:
    """Given a training of two days that was approved and has just ended."""
    return await held_training(world)


class TestReview:
    async def test_approved_rows_are_credits_of_each_day(self, training: Training):
        """S1-15, S3B-10: the route, who taught, who decided, and the day are kept."""
        world, who = training.world, await training.world.collects(HEPING)
        [row] = await training.approved(training.row(who, "r-1"))
        lines = await transcript(world, who)
        assert sorted(row["credit_ids"]) == sorted(line["credit_id"] for line in lines)
        assert {(line["route"], line["mode"], line["credits"], line["late"]) for line in lines} == {
            ("roster", "face_to_face", "5.00", False)
        }
        assert {line["provider_id"] for line in lines} == {training.provider.organization_id}
        answer = await world.asks(who, 2025, include="credits")
        assert answer["total"] == "10.00"
        assert {one["clause"] for one in answer["credits"]} == {"S1-15"}

    async def test_rows_are_decided_one_by_one(self, training: Training):
        one, two, three = [await training.world.collects(HEPING) for _ in range(3)]
        rows = [training.row(who, f"r-{n}") for n, who in enumerate((one, two, three))]
        roster_id = (await training.uploads(*rows)).json()["roster_id"]
        first = await training.reviews(roster_id, rows=["r-0"])
        assert (first.json()["state"], len(first.json()["results"])) == ("open", 1)
        refused = await training.reviews(roster_id, "refusal", rows=["r-1"], reason="not_attended")
        assert refused.json()["results"][0]["reason"] == "not_attended"
        again = await training.reviews(roster_id, rows=["r-0", "r-2"])
        assert (again.status_code, again.json()["rows"]) == (409, ["r-0"])
        assert problem_of(await training.reviews(roster_id, rows=["r-9"])) == "roster-row-unknown"
        assert (await training.reviews(roster_id)).json()["state"] == "reviewed"
        assert problem_of(await training.reviews(roster_id)) == "roster-decided"
        seen = await training.world.client.get(f"/v1/rosters/{roster_id}", headers=training.headers())
        assert [row["state"] for row in seen.json()["rows"]] == ["registered", "refused", "registered"]
        assert [(await training.world.asks(who, 2025))["total"] for who in (one, two, three)] == [
            "10.00",
            "0.00",
            "10.00",
        ]

    @pytest.mark.parametrize("place", [CHAOYANG, DALIAN, SHANXI])
    async def test_an_official_of_another_place_does_not_see_it(self, training: Training, place: str):
        roster_id = (await training.uploads(training.row(training.world.stranger(), "r-1"))).json()[
            "roster_id"
        ]
        assert (await training.reviews(roster_id, place=place)).status_code == 404
        other = await training.world.provides("无关学校")
        headers = training.headers(organization=other.organization_id)
        seen = await training.world.client.get(f"/v1/rosters/{roster_id}", headers=headers)
        assert seen.status_code == 404

    async def test_nobody_reviews_what_they_uploaded(self, training: Training):
        roster_id = (await training.uploads(training.row(training.world.stranger(), "r-1"))).json()[
            "roster_id"
        ]
        response = await training.reviews(roster_id, subject=training.provider.organization_id)
        assert (response.status_code, problem_of(response)) == (403, "own-filing")
        assert (await training.reviews(roster_id, "refusal")).status_code == 422

    async def test_two_reviewers_at_once_register_once(self, training: Training):
        who = await training.world.collects(HEPING)
        roster_id = (await training.uploads(training.row(who, "r-1"))).json()["roster_id"]
        answers = await asyncio.gather(
            *(training.reviews(roster_id, subject=f"reviewer-{n}") for n in range(4))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert (await training.world.asks(who, 2025))["total"] == "10.00"

    async def test_the_hours_are_converted_by_the_policy(self, world: World):
        """A-07, S1-10: fifty hours are thirty public credits, forty-nine none."""
        days = [date(2025, 6, day) for day in range(2, 7)]
        training = Training(world, await world.provides("干部学校"), HEPING, days)
        sessions = [
            {"on": day.isoformat(), "starts": "08:00", "ends": "18:00", "hours": "10"} for day in days
        ]
        await training.held(sessions=sessions, conversion="public_hours", category="public")
        world.now = beijing(2025, 6, 6, 18)
        who, short = await world.collects(HEPING), await world.collects(HEPING)
        response = await training.uploads(
            training.row(who, "r-1"), training.row(short, "r-2", sessions=None, hours="49"), partial="true"
        )
        assert [row["outcome"] for row in response.json()["results"]] == ["accepted", "rejected"]
        assert response.json()["results"][1]["problem"]["clause"] == "S1-10"
        await training.reviews(response.json()["roster_id"])
        [line] = await transcript(world, who)
        assert (line["credits"], line["category"]) == ("30.00", "public")


class TestStrangers:
    async def test_wait_and_are_registered_when_they_arrive(self, training: Training):
        """S1-06, B-19."""
        world, person = training.world, training.world.stranger()
        uploaded = await training.uploads(training.row(person, "r-1"))
        [row] = uploaded.json()["results"]
        assert (row["outcome"], row["reason"]) == ("held", "not_collected")
        reviewed = await training.reviews(uploaded.json()["roster_id"])
        assert reviewed.json()["results"][0]["outcome"] == "held"
        who = await world.collects(HEPING, person=person)
        assert (await world.asks(who, 2025))["total"] == "10.00"
        seen = await world.client.get(
            f"/v1/rosters/{uploaded.json()['roster_id']}", headers=training.headers()
        )
        assert (seen.json()["rows"][0]["state"], len(seen.json()["rows"][0]["credit_ids"])) == (
            "registered",
            2,
        )

    async def test_whoever_arrives_before_the_review_is_registered_by_it(self, training: Training):
        person = training.world.stranger()
        roster_id = (await training.uploads(training.row(person, "r-1"))).json()["roster_id"]
        who = await training.world.collects(HEPING, person=person)
        assert (await training.world.asks(who, 2025))["total"] == "0.00"
        assert (await training.reviews(roster_id)).json()["results"][0]["outcome"] == "registered"

    async def test_a_name_that_differs_and_a_profile_elsewhere_wait(self, training: Training):
        """S0-23, design 15."""
        named = training.row(await training.world.collects(HEPING), "r-1")
        named["person"] = named["person"] | {"name": "另名"}
        away = training.row(await training.world.collects(XIAODIAN), "r-2")
        response = await training.uploads(named, away)
        reviewed = await training.reviews(response.json()["roster_id"])
        for answer in (response, reviewed):
            assert [(row["reason"], row["clause"]) for row in answer.json()["results"]] == [
                ("name_differs", "S1-06"),
                ("profile_elsewhere", "S1-06"),
            ]

    async def test_a_review_and_an_arrival_at_once_register_once(self, training: Training):
        world, person = training.world, training.world.stranger()
        roster_id = (await training.uploads(training.row(person, "r-1"))).json()["roster_id"]
        _, who = await asyncio.gather(training.reviews(roster_id), world.collects(HEPING, person=person))
        assert (await world.asks(who, 2025))["total"] == "10.00"


class TestOneFactCountsOnce:
    """A-15: the same filing and day by whatever route."""

    async def test_two_rows_of_one_person_count_each_day_once(self, training: Training):
        who = await training.world.collects(HEPING)
        first = (await training.uploads(training.row(who, "r-1", sessions=[1]))).json()["roster_id"]
        second = (await training.uploads(training.row(who, "r-2"))).json()["roster_id"]
        third = (await training.uploads(training.row(who, "r-3"))).json()["roster_id"]
        outcomes = [(await training.reviews(each)).json()["results"][0] for each in (first, second, third)]
        assert [len(row["credit_ids"]) for row in outcomes] == [1, 1, 0]
        assert (outcomes[2]["outcome"], outcomes[2]["reason"]) == ("refused", "fact-counted")
        assert (await training.world.asks(who, 2025))["total"] == "10.00"

    async def test_a_claim_for_the_same_day_is_refused_naming_the_credit(self, training: Training):
        world, who = training.world, await training.world.collects(HEPING)
        [row] = await training.approved(training.row(who, "r-1", sessions=[1]))
        response = await world.client.post(
            "/v1/claims",
            json={
                "person_id": who.person_id,
                "year": 2025,
                "form": "conference",
                "happened_on": "2025-09-25",
                "fact": {"filing": training.filing_id, "day": "2025-09-25"},
            },
            headers=training.headers("claim:submit") | world.official(HEPING, "claim:submit"),
        )
        assert (response.status_code, problem_of(response)) == (409, "fact-counted")
        assert response.json()["credit_id"] == row["credit_ids"][0]

    async def test_what_the_trainer_reported_as_a_completion_is_not_counted_again(self, training: Training):
        world = training.world
        provider = await world.provides("已备案公布的培训学校", accredited=[LIAONING])
        training = await Training(world, provider, HEPING, [date(2025, 9, 25)]).held()
        who = await world.collects(HEPING)
        done = beijing(2025, 9, 25, 12).isoformat()
        [posted] = await provider.posts(
            provider.completion(
                who, 2025, "5", mode="face_to_face", completed_at=done, filing=training.filing_id
            )
        )
        assert posted["outcome"] == "registered", posted
        response = await training.uploads(training.row(who, "r-1"))
        problem = response.json()["results"][0]["problem"]
        assert problem["credit_id"] == posted["credit_id"]

    @pytest.mark.parametrize("place", [HEPING, "120101"])
    async def test_a_report_of_what_a_roster_counts_is_a_duplicate(self, world: World, place: str):
        """Also where no notice asks for a filing; whichever came first, and over the days that the report names."""
        days = [date(2025, 9, 25), date(2025, 9, 26)]
        provider = await world.provides("某培训学校", accredited=[f"{place[:2]}0000"])
        training = await Training(world, provider, place, days).held()
        first, later = await world.collects(place), await world.collects(place)
        done = {"mode": "face_to_face", "completed_at": beijing(2025, 9, 26, 12).isoformat()}
        whole = done | {"started_on": "2025-09-25", "filing": training.filing_id}

        [row] = await training.approved(training.row(first, "r-1"))
        for fields in (done, whole, whole | {"filing": None}):
            [posted] = await provider.posts(provider.completion(first, 2025, "10", **fields))
            assert (posted["outcome"], posted["credit_id"]) == ("duplicate", row["credit_ids"][-1])

        [posted] = await provider.posts(provider.completion(later, 2025, "10", **whole))
        response = await training.uploads(training.row(later, "r-2"))
        assert response.json()["results"][0]["problem"]["credit_id"] == posted["credit_id"]
        for who in (first, later):
            assert (await world.asks(who, 2025))["total"] == "10.00"

    async def test_a_report_that_waits_gives_way_to_the_roster(self, world: World):
        """What an official approved waits for nothing; the other order is a duplicate of the credit."""
        exam = {"kind": "registration", "at": "exam", "modes": ["face_to_face"]}
        await world.ledger.publisher.publish_policy(
            draft(exam, year=2025, issued_on="2025-01-10", name="beijing-exam")
        )
        await world.ledger.policies.refresh()
        provider = await world.provides("某某培训学校", accredited=["110000"])
        training = await Training(world, provider, "110102", [date(2025, 9, 25)]).held()
        who = await world.collects("110102")
        done = {"mode": "face_to_face", "completed_at": beijing(2025, 9, 25, 12).isoformat()}
        [posted] = await provider.posts(provider.completion(who, 2025, "5", **done))
        assert posted["reason"] == "exam_pending"
        await training.approved(training.row(who, "r-1"))
        path = f"/v1/completions/{posted['id']}"
        seen = (await world.client.get(path, headers=provider.headers())).json()
        assert (seen["state"], seen["problem"]) == ("rejected", "urn:xuefen:problem:fact-counted")
        passed = {"id": "e-1", "person": who.identity, "year": 2025, "passed_at": done["completed_at"]}
        await provider.posts(passed, to="exam-passes")
        assert (await world.asks(who, 2025))["total"] == "5.00"

    async def test_a_revoked_day_may_be_reported_again(self, training: Training):
        world, who = training.world, await training.world.collects(HEPING)
        [row] = await training.approved(training.row(who, "r-1", sessions=[1]))
        [credit_id] = row["credit_ids"]
        revoked = await world.client.post(
            f"/v1/persons/{who.person_id}/credits/{credit_id}/revocation",
            json={"year": 2025, "reason": "wrong_record"},
            headers=world.official(HEPING) | {"Idempotency-Key": f"revoke-{credit_id}"},
        )
        assert revoked.status_code == 200
        await training.approved(training.row(who, "r-2", sessions=[1]))
        assert (await world.asks(who, 2025))["total"] == "5.00"


class TestFeedAndRebuild:
    async def test_the_feed_tells_of_filings_and_rosters_without_persons(self, training: Training):
        await training.approved(training.row(await training.world.collects(HEPING), "r-1"))
        headers = training.world.official(LIAONING, "feed:read")
        heads = (await training.world.client.get("/v1/logs", headers=headers)).json()
        head = next(log for log in heads["items"] if log["log"] == LIAONING)["head"]
        params = {"after": str(max(0, head - 8)), "limit": "100"}
        feed = await training.world.client.get(f"/v1/logs/{LIAONING}/feed", params=params, headers=headers)
        told = {event["type"]: event["data"] for event in feed.json()}
        assert told["cn.xuefen.ledger.roster.uploaded.v1"]["rows"] == 1
        assert told["cn.xuefen.ledger.roster.reviewed.v1"]["registered"] == 1
        assert told["cn.xuefen.ledger.filing.approved.v1"]["filing_id"] == training.filing_id

    async def test_rows_come_out_of_the_log_as_they_are(self, training: Training):
        world, person = training.world, training.world.stranger()
        await training.approved(training.row(person, "r-1"), training.row(world.stranger(), "r-2"))
        await world.collects(HEPING, person=person)
        done = await rebuilding.rebuild(
            world.ledger.databases,
            models=["filings", "rosters", "accounts", "waiting"],
            logs=[LIAONING, SHANXI],
        )
        assert [result.rows_changed for result in done] == [0] * 8
