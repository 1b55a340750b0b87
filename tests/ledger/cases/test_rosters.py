"""Rosters: in time and of an approved training, every row answered, decided by another, registered once."""

import asyncio
import hashlib
import json
from datetime import date, timedelta

import pytest

from services.kit.idempotency import fingerprint
from tests.ledger.cases.training import (
    DAYS,
    Training,
    beijing,
    held_training,
    problem_of,
    transcript,
)
from tests.ledger.world import Somebody, World

HEPING, CHAOYANG, LIAONING, DALIAN, SHANXI, XIAODIAN = (
    "210102", "211300", "210000", "210203", "140000", "140105",
)  # fmt: skip


@pytest.fixture
async def training(world: World) -> Training:
    """Given a training of two days that was approved and has just ended."""
    return await held_training(world)


class TestBeforeARoster:
    async def test_a_training_that_was_not_approved_is_refused(self, world: World):
        """S1-14, S3B-10."""
        training = Training(world, await world.provides("未获批培训学校"), HEPING, DAYS)
        world.now = beijing(2025, 9, 1, 9)
        await training.files()
        world.now = beijing(2025, 9, 26, 13)
        row = training.row(world.stranger(), "r-1")
        response = await training.uploads(row)
        assert (response.status_code, problem_of(response)) == (409, "filing-not-approved")
        assert response.json()["clause"] == "S1-14"
        await training.steps("refusal", reason="other")
        assert problem_of(await training.uploads(row)) == "filing-not-approved"

    @pytest.mark.parametrize(("second", "status"), [(59, 201), (60, 409)])
    async def test_a_training_held_before_its_approval_is_refused(
        self, world: World, second: int, status: int
    ):
        """B-15, S1-14: approved one second before the first hour, and at it."""
        training = Training(world, await world.provides("临近获批培训学校"), HEPING, DAYS)
        world.now = beijing(2025, 9, 1, 9)
        await training.files()
        world.now = beijing(2025, 9, 25, 8, 59) + timedelta(seconds=second)
        await training.steps("approval")
        world.now = beijing(2025, 9, 26, 13)
        response = await training.uploads(training.row(world.stranger(), "r-1"))
        assert response.status_code == status
        if status == 409:
            assert (problem_of(response), response.json()["clause"]) == ("held-before-approval", "S1-14")

    async def test_a_training_that_goes_on_is_not_reported(self, training: Training):
        training.world.now = beijing(2025, 9, 26, 11, 59, 59)
        response = await training.uploads(training.row(training.world.stranger(), "r-1"))
        assert problem_of(response) == "training-not-ended"

    async def test_where_the_plan_is_handed_in_only_its_submission_counts(self, world: World):
        """S2B-13: no approval is asked for, and no day is set."""
        days = [date(2024, 11, 5)]
        training = Training(world, await world.provides("山西面授学校"), XIAODIAN, days, year=2024)
        world.now = beijing(2024, 11, 1, 9)
        await training.files()
        world.now = beijing(2025, 3, 1, 9)
        response = await training.uploads(training.row(world.stranger(), "r-1"))
        assert (response.status_code, response.json().get("due")) == (201, None)

    async def test_is_for_the_organization_with_its_scope(self, training: Training):
        client, url = training.world.client, f"/v1/filings/{training.filing_id}/rosters"
        body = {"records": [training.row(training.world.stranger(), "r-1")]}
        assert (await client.post(url, json=body)).status_code == 401
        for headers in (training.official(), training.headers("completion:write")):
            assert (await client.post(url, json=body, headers=headers)).status_code == 403
        unknown = url.replace(training.filing_id, "00000000-0000-4000-8000-000000000000")
        assert (await client.post(unknown, json=body, headers=training.headers())).status_code == 404


class TestWorkingDays:
    @pytest.mark.parametrize(
        ("place", "day", "due"),
        [
            (HEPING, date(2025, 9, 26), date(2025, 10, 16)),
            (XIAODIAN, date(2026, 2, 6), date(2026, 2, 27)),
        ],
        ids=["national-day-2025", "spring-festival-2026"],
    )
    async def test_the_tenth_working_day_is_in_time_to_its_last_second(
        self, world: World, place: str, day: date, due: date
    ):
        """S1-15, S3B-10, B-18: Sunday 28 September and Saturday 11 October 2025, Saturday 14 February 2026 are worked."""
        provider = await world.provides("期限培训学校")
        training = await Training(world, provider, place, [day], year=day.year).held()
        clause = {HEPING: "S1-15", XIAODIAN: "S3B-10"}[place]
        end = beijing(due.year, due.month, due.day) + timedelta(days=1)
        world.now = end - timedelta(seconds=1)
        response = await training.uploads(training.row(world.stranger(), "r-1"))
        assert response.status_code == 201, response.text
        answer = response.json()
        assert (answer.get("late", False), answer["due"]) == (False, due.isoformat())
        world.now = end
        refused = await training.uploads(training.row(world.stranger(), "r-2"))
        assert (refused.status_code, problem_of(refused)) == (422, "roster-late")
        assert (refused.json()["clause"], refused.json()["due"]) == (clause, due.isoformat())

    async def test_later_with_a_reason_it_is_marked_and_shown_to_the_reviewer(self, training: Training):
        """A-16."""
        world = training.world
        who = await world.collects(HEPING)
        world.now = beijing(2025, 10, 17)
        response = await training.uploads(training.row(who, "r-1"), late_reason="force_majeure")
        assert response.json()["late"] is True
        page = await world.client.get("/v1/rosters", params={"place": HEPING}, headers=training.official())
        [shown] = [each for each in page.json()["items"] if each["filing_id"] == training.filing_id]
        assert (shown["late"], shown["late_reason"], shown["due"]) == (True, "force_majeure", "2025-10-16")
        await training.reviews(shown["roster_id"])
        assert all(line["late"] for line in await transcript(world, who))

    async def test_a_reason_out_of_the_list_is_refused(self, training: Training):
        row = training.row(training.world.stranger(), "r-1")
        assert (await training.uploads(row, late_reason="because")).status_code == 422

    async def test_a_year_without_a_calendar_is_said_not_guessed(self, world: World):
        """What is in time or late whatever the calendar will be is decided; the rest is refused naming the year."""
        provider = await world.provides("跨年培训学校")
        training = await Training(world, provider, XIAODIAN, [date(2026, 12, 25)], year=2026).held()
        world.now = beijing(2027, 1, 4, 9)
        assert (await training.uploads(training.row(world.stranger(), "r-1"))).status_code == 201
        world.now = beijing(2027, 1, 11, 9)
        response = await training.uploads(training.row(world.stranger(), "r-2"))
        assert (problem_of(response), response.json()["year"]) == ("working-days-unknown", 2027)
        answer = await training.uploads(training.row(world.stranger(), "r-2"), late_reason="other")
        assert answer.json()["late"] is True


class TestReporters:
    async def test_liaoning_lets_the_trainer_report_alone(self, training: Training):
        """S1-15."""
        employer = await training.world.provides("某某机械有限公司")
        row = training.row(training.world.stranger(), "r-1")
        response = await training.uploads(row, organization=employer.organization_id)
        assert (response.status_code, problem_of(response)) == (403, "reporter-not-allowed")
        assert response.json()["clause"] == "S1-15"

    async def test_in_shanxi_an_employer_reports_its_own_people(self, world: World):
        """S3B-08, and A-15: whom the trainer reports too counts once."""
        provider, employer = await world.provides("面授机构"), await world.provides("某某煤业有限公司")
        training = await Training(world, provider, XIAODIAN, [date(2026, 3, 20)], year=2026).held()
        uscc = (await _uscc(world, employer.organization_id)) or ""
        mine, other = await _employed(world, XIAODIAN, uscc), await world.collects(XIAODIAN)
        refused = await training.uploads(
            training.row(mine, "r-1"), training.row(other, "r-2"), organization=employer.organization_id
        )
        assert [row["outcome"] for row in refused.json()["results"]] == ["accepted", "rejected"]
        assert refused.json()["results"][1]["problem"]["type"].endswith("not-employed-here")
        taken = await training.uploads(training.row(mine, "r-1"), organization=employer.organization_id)
        assert taken.status_code == 201
        assert (await training.reviews(taken.json()["roster_id"])).json()["results"][0][
            "outcome"
        ] == "registered"
        again = await training.uploads(training.row(mine, "r-1"))
        assert again.json()["results"][0]["problem"]["type"].endswith("fact-counted")
        assert (await world.asks(mine, 2026))["total"] == "5.00"


async def _uscc(world: World, organization_id: str) -> str | None:
    async with world.ledger.databases.of("100000").acquire() as conn:
        row = await conn.fetchval(
            "select state from providers where log = '100000' and organization_id = $1", organization_id
        )
    uscc: str | None = json.loads(row)["uscc"]
    return uscc


async def _employed(world: World, place: str, uscc: str) -> Somebody:
    person = world.stranger()
    person_id = f"employed-{person.id_number[-6:]}"
    fact = world.collection(person_id, person, place)
    await world.hears(fact.model_copy(update={"employer": uscc}))
    return Somebody(person_id, person)


class TestUpload:
    async def test_every_row_is_answered_and_nothing_half_applied(self, training: Training):
        world = training.world
        good, failed = await world.collects(HEPING), await world.collects(HEPING)
        bad = training.row(await world.collects(HEPING), "r-3")
        bad["person"] = bad["person"] | {"id_number": "110101199001011234"}
        rows = [
            training.row(good, "r-1"),
            training.row(failed, "r-2", passed=False),
            bad,
            training.row(good, "r-4"),
            training.row(await world.collects(HEPING), "r-1"),
            training.row(await world.collects(HEPING), "r-6", sessions=[3]),
            training.row(await world.collects(HEPING), "r-7", hours="6"),
            training.row(await world.collects(HEPING), "r 8"),
        ]
        before = await world.count_events()
        response = await training.uploads(*rows)
        assert (response.status_code, problem_of(response)) == (422, "roster-faulty")
        problems = [
            (
                row["row"],
                row.get("problem", {}).get("type", "").rpartition(":")[2],
                row.get("problem", {}).get("pointer"),
            )
            for row in response.json()["results"]
        ]
        assert problems == [
            (1, "", None),
            (2, "training-not-passed", "/records/1/passed"),
            (3, "identity-implausible", "/records/2/person/id_number"),
            (4, "row-repeated", "/records/3/person/id_number"),
            (5, "row-repeated", "/records/4/id"),
            (6, "attendance-unclear", "/records/5/sessions"),
            (7, "attendance-unclear", "/records/6/sessions"),
            (8, "invalid-request", "/records/7/id"),
        ]
        assert good.person.id_number not in response.text
        assert await world.count_events() == before
        partial = await training.uploads(*rows, partial="true")
        assert (partial.status_code, partial.json()["summary"]) == (201, {"accepted": 1, "rejected": 7})

    async def test_hours_mean_the_whole_training_where_sessions_are_counted(self, training: Training):
        who = await training.world.collects(HEPING)
        part = await training.uploads(training.row(who, "r-1", sessions=None, hours="3"))
        assert part.json()["results"][0]["problem"]["pointer"] == "/records/0/hours"
        whole = await training.uploads(training.row(who, "r-1", sessions=None, hours="6"))
        assert whole.json()["results"][0]["outcome"] == "accepted"

    async def test_the_same_roster_again_is_a_duplicate(self, training: Training):
        row = training.row(await training.world.collects(HEPING), "r-1")
        first = await training.uploads(row)
        before = await training.world.count_events()
        again = await training.uploads(row)
        assert (again.status_code, again.json()["summary"]) == (200, {"duplicate": 1})
        assert again.json()["roster_id"] == first.json()["roster_id"]
        assert await training.world.count_events() == before

    async def test_a_changed_row_is_a_conflict_that_names_the_field(self, training: Training):
        who = await training.world.collects(HEPING)
        await training.uploads(training.row(who, "r-1"))
        response = await training.uploads(training.row(who, "r-1", sessions=[1]))
        [row] = response.json()["results"]
        assert (response.status_code, row["outcome"], row["problem"]["differs"]) == (
            422,
            "conflict",
            ["/sessions"],
        )

    async def test_what_was_forgotten_comes_in_a_second_roster(self, training: Training):
        first = training.row(await training.world.collects(HEPING), "r-1")
        await training.uploads(first)
        more = await training.uploads(first, training.row(await training.world.collects(HEPING), "r-2"))
        assert (more.status_code, more.json()["summary"]) == (201, {"duplicate": 1, "accepted": 1})
        assert more.json()["roster_id"].endswith("-2")

    async def test_two_uploads_at_once_store_a_row_once(self, training: Training):
        row = training.row(await training.world.collects(HEPING), "r-1")
        answers = await asyncio.gather(*(training.uploads(row) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]

    async def test_the_same_key_gives_the_same_answer_and_no_other_query(self, training: Training):
        row = training.row(await training.world.collects(HEPING), "r-1")
        headers = training.headers()
        first, again = [await training.uploads(row, headers=headers) for _ in range(2)]
        assert first.json() == again.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        other = await training.uploads(row, headers=headers, partial="true")
        assert problem_of(other) == "idempotency-key-reused"

    async def test_nothing_of_a_person_is_stored(self, training: Training):
        """No name and no number is in an event, and what is kept of the body gives none away to whoever tries them all."""
        person = training.world.stranger()
        row = training.row(person, "r-1")
        await training.approved(row)
        path = f"/v1/filings/{training.filing_id}/rosters"
        plain = fingerprint("POST", path, json.dumps({"records": [row]}).encode())
        unkeyed = {plain, hashlib.blake2b(f"{plain}?".encode(), digest_size=32).hexdigest()}
        async with training.world.ledger.databases.of(LIAONING).acquire() as conn:
            kept = {
                each["fingerprint"] for each in await conn.fetch("select fingerprint from idempotency_keys")
            }
        assert kept
        assert kept.isdisjoint(unkeyed)
        stored = b"".join(event.state for event in await training.world.events(LIAONING))
        assert person.id_number.encode() not in stored
        assert person.name.encode() not in stored
