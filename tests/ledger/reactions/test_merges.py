"""Merges of profiles: one person collected twice answers as the one life, with every real fact counted once."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from contracts import registry
from contracts.divisions import authority_of
from services.kit.clock import local_date
from services.ledger.counting.rebuild import rebuild
from services.ledger.streams.publishing import publish
from tests.kit.races import at_once
from tests.ledger.answers.test_attestations import checks, issues
from tests.ledger.cases.test_claims import Desk
from tests.ledger.cases.training import beijing
from tests.ledger.counting.desk import Desk as StandingsDesk
from tests.ledger.moving.mover import DALIAN, JINCHENG, SHANXI, STAR, Mover
from tests.ledger.moving.test_guard import enrolment
from tests.ledger.officials.test_relief import asks_for
from tests.ledger.reactions.test_changes import LIAONING, LISTED, change_of
from tests.ledger.world import Provider, Somebody, World

SHENYANG = "210102"


@pytest.fixture(autouse=True)
def october(world: World) -> None:
    world.now = beijing(2025, 10, 20, 12)


def merge_of(world: World, kept: Somebody, other: Somebody, place: str = SHENYANG) -> list[Any]:
    """The facts that the registry publishes of a merge, in its order."""
    hasher = world.ledger.hashers.current

    def pair(number: Somebody, name: Somebody) -> registry.FormerIdentity:
        found = hasher.person_and_name("resident_id", number.person.id_number, name.person.name)
        until = local_date(world.now)
        return registry.FormerIdentity(identity_hash=found[0], name_hash=found[1], until=until)

    former = (pair(other, other), pair(other, kept), pair(kept, other))
    merged = registry.ProfilesMerged(
        person_id=kept.person_id,
        merged_id=other.person_id,
        change_id="change-merge",
        place=place,
        merged_at=world.now,
    )
    return [change_of(world, kept, place, cause="merge", items=("merge",), former=former), merged]


async def twice(world: World, place: str = SHENYANG) -> tuple[Somebody, Somebody]:
    """One person, collected under a permit and again under a residence permit."""
    return await world.collects(place), await world.collects(place)


async def listed(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING])


async def lines_of(world: World, who: Somebody, place: str = LIAONING) -> dict[str, dict[str, Any]]:
    """The lines of somebody's transcript, by credit."""
    path = f"/v1/persons/{who.person_id}/transcript"
    answer = (await world.client.get(path, headers=world.official(place))).json()
    return {line["credit_id"]: line for line in answer["credits"]}


async def follow_merge(world: World, kept: Somebody, other: Somebody, place: str = SHENYANG) -> None:
    await world.hears(*merge_of(world, kept, other, place))


class TestMerge:
    async def test_sixty_and_thirty_credits_become_compliant(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        await provider.posts(
            provider.completion(permit, 2025, "60.00"),
            provider.completion(residence, 2025, "30.00", category="public"),
        )
        for who in (permit, residence):
            assert (await world.asks(who, 2025))["status"] != "compliant"
        await follow_merge(world, permit, residence)
        answer = await world.asks(permit, 2025)
        assert (answer["status"], answer["total"]) == ("compliant", "90.00")

    async def test_the_same_study_counts_once_and_the_second_is_shown(self, world: World):
        """A-15, B-21."""
        permit, residence = await twice(world)
        provider = await listed(world)
        when = (world.now - timedelta(days=2)).isoformat()
        study = {"course": "KJ-TAX", "completed_at": when}
        [later] = await provider.posts(provider.completion(permit, 2025, "30.00", **study))
        world.now += timedelta(seconds=1)
        [again] = await provider.posts(provider.completion(residence, 2025, "30.00", **study))
        await follow_merge(world, residence, permit)
        answer = await world.asks(residence, 2025)
        assert answer["total"] == "30.00"
        assert [each["why"] for each in answer["not_counted"]] == ["duplicate"]
        lines = await lines_of(world, residence)
        assert lines[later["credit_id"]]["state"] == "registered"
        assert lines[again["credit_id"]]["state"] == "duplicate"
        assert lines[again["credit_id"]]["duplicate_of"] == later["credit_id"]

    async def test_two_claims_of_one_fact_count_once(self, world: World):
        permit, residence = await twice(world)
        desk = Desk(world)
        first = await desk.approved(permit)
        world.now += timedelta(seconds=1)
        second = await desk.approved(residence)
        await follow_merge(world, permit, residence)
        lines = await lines_of(world, permit)
        assert lines[first["credit_id"]]["state"] == "registered"
        assert lines[second["credit_id"]]["duplicate_of"] == first["credit_id"]

    async def test_an_open_claim_follows_and_is_refused_where_its_fact_counts(self, world: World):
        permit, residence = await twice(world)
        desk = Desk(world)
        same = (await desk.submits(residence)).json()["claim_id"]
        other = {"cn_number": "CN21-1234/F", "issue": "2025-04", "title": "论成本会计"}
        new = (await desk.submits(residence, fact=other)).json()["claim_id"]
        await desk.approved(permit)
        await follow_merge(world, permit, residence)
        answers = {}
        for claim_id in (same, new):
            await desk.steps(claim_id, "acceptance")
            answers[claim_id] = (await desk.steps(claim_id, "approval")).json()
        assert answers[same]["type"] == "urn:xuefen:problem:fact-counted"
        assert answers[new]["credit_id"] in await lines_of(world, permit)

    async def test_what_waits_in_both_reaches_the_total_together(self, world: World):
        """S2B-07: Shanxi registers once 90 credits are there."""
        world.now = beijing(2024, 9, 1, 12)
        permit, residence = await twice(world, JINCHENG)
        provider = await world.provides(STAR, accredited=[SHANXI])
        one = provider.completion(permit, 2024, "60.00")
        two = provider.completion(residence, 2024, "30.00", category="public")
        outcomes = [*await provider.posts(one), *await provider.posts(two)]
        assert {each["reason"] for each in outcomes} == {"below_total"}
        await follow_merge(world, permit, residence, JINCHENG)
        assert (await world.asks(permit, 2024))["status"] == "compliant"

    async def test_what_waited_under_a_number_nobody_had_is_released(self, world: World):
        """The provider wrote the new number with the old name."""
        permit, residence = await twice(world)
        provider = await listed(world)
        mixed = Somebody(
            "", residence.person.__class__(**vars(residence.person) | {"name": permit.person.name})
        )
        [held] = await provider.posts(provider.completion(mixed, 2025, "30.00"))
        assert held["reason"] == "name_differs"
        await follow_merge(world, permit, residence)
        assert (await world.asks(permit, 2025))["total"] == "30.00"

    async def test_exemptions_enrolments_and_passes_follow(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        record = enrolment(provider, residence, world)
        await provider.posts(record, to="enrolments")
        await asks_for(world, residence, "exemptions", reason="illness")
        await follow_merge(world, permit, residence)
        assert (await world.asks(permit, 2025))["status"] == "exempt"
        again = await provider.withdraws(record["id"], kind="enrolments")
        assert again.status_code == 200, again.text

    async def test_is_followed_once(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        await provider.posts(provider.completion(residence, 2025, "30.00"))
        await follow_merge(world, permit, residence)
        before = await world.count_events()
        await world.hears(merge_of(world, permit, residence)[1])
        assert await world.count_events() == before

    async def test_others_are_told(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        when = (world.now - timedelta(days=2)).isoformat()
        for who in (permit, residence):
            await provider.posts(provider.completion(who, 2025, "30.00", course="KJ-TAX", completed_at=when))
        await follow_merge(world, permit, residence)
        told = [event for each in await world.events(LIAONING) if (event := publish(each)) is not None]
        kinds = [event["type"].removeprefix("cn.xuefen.ledger.") for event in told]
        assert kinds[-2:] == ["accounts.merged.v1", "credit.revoked.v1"]
        assert told[-2]["data"]["merged_id"] == residence.person_id
        assert told[-1]["data"]["reason"] == "duplicate"

    async def test_a_guard_of_the_merged_profile_ends(self, world: World):
        permit, residence = await twice(world)
        mover = Mover(world)
        transfer_id = mover.transfer_id()
        assert (await mover.guards(transfer_id, residence, DALIAN)).status_code == 200
        await follow_merge(world, permit, residence)
        answer = await mover.leaves(transfer_id, residence, DALIAN)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:xuefen:problem:departure-ended")


class TestRecordsOfTheMergedProfile:
    async def test_are_taken_for_the_person_and_marked(self, world: World):
        """B-24."""
        permit, residence = await twice(world)
        provider = await listed(world)
        await follow_merge(world, permit, residence)
        [new] = await provider.posts(provider.completion(residence, 2025, "30.00"))
        assert (new["outcome"], new["person_id"], new["former_identity"]) == (
            "registered", permit.person_id, True,
        )  # fmt: skip

    async def test_are_repeated_withdrawn_and_read_back_as_before(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        record = provider.completion(residence, 2025, "30.00")
        [first] = await provider.posts(record)
        await follow_merge(world, permit, residence)
        under_new = record | {"person": permit.identity}
        for repeated in (record, under_new):
            [again] = await provider.posts(repeated)
            assert (again["outcome"], again["credit_id"]) == ("duplicate", first["credit_id"])
            assert again["person_id"] == permit.person_id
        path, headers = f"/v1/completions/{record['id']}", provider.headers()
        seen = (await world.client.get(path, headers=headers)).json()
        assert (seen["state"], seen["person_id"]) == ("registered", permit.person_id)
        assert [step["what"] for step in seen["history"]] == ["registered", "merged"]
        of_person = {"person": permit.person_id}
        page = (await world.client.get("/v1/completions", params=of_person, headers=headers)).json()
        assert [each["id"] for each in page["items"]] == [record["id"]]
        assert (await provider.withdraws(record["id"])).status_code == 200
        assert (await world.asks(permit, 2025))["total"] == "0.00"
        seen = (await world.client.get(path, headers=headers)).json()
        assert seen["state"] == "withdrawn"

    async def test_that_meet_the_merge_are_not_lost(self, world: World, monkeypatch: pytest.MonkeyPatch):
        """A first credit of a year, which no version of anything guards."""
        permit, residence = await twice(world)
        provider = await listed(world)
        record = provider.completion(residence, 2025, "30.00")
        await at_once(monkeypatch, provider.posts(record), world.hears(*merge_of(world, permit, residence)))
        assert (await world.asks(permit, 2025))["total"] == "30.00"

    async def test_a_claim_that_meets_the_merge_is_the_persons_or_refused(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        permit, residence = await twice(world)
        desk = Desk(world)
        answer, _ = await at_once(
            monkeypatch, desk.submits(residence), world.hears(*merge_of(world, permit, residence))
        )
        if answer.status_code == 409:
            assert answer.json()["merged_into"] == permit.person_id
            return
        claim_id = answer.json()["claim_id"]
        await desk.steps(claim_id, "acceptance")
        approved = (await desk.steps(claim_id, "approval")).json()
        assert approved["credit_id"] in await lines_of(world, permit)


class TestPointer:
    async def test_stands_wherever_the_other_id_is_asked_for(self, world: World):
        permit, residence = await twice(world)
        await follow_merge(world, permit, residence)
        other = f"/v1/persons/{residence.person_id}"
        official = world.official(
            LIAONING, "compliance:read", "transcript:read", "exemption:write", "credit:revoke",
            "attestation:issue", "claim:submit",
        )  # fmt: skip
        relief = {"year": 2025, "reason": "illness"}
        claim = {
            "person_id": residence.person_id, "year": 2025, "form": "paper", "role": "sole",
            "happened_on": "2025-03-10", "fact": {"cn_number": "CN21-1234/F", "issue": "3", "title": "论"},
        }  # fmt: skip
        asked: list[tuple[str, str, Any]] = [
            ("GET", f"{other}/compliance/2025", None),
            ("GET", f"{other}/transcript", None),
            ("GET", f"{other}/transcript.csv", None),
            ("POST", f"{other}/exemptions", relief),
            ("POST", f"{other}/deferrals", relief | {"until": "2026-03-31"}),
            (
                "POST",
                f"{other}/credits/{LIAONING}-{'0' * 24}/revocation",
                {"year": 2025, "reason": "cheating"},
            ),
            (
                "POST",
                "/v1/attestations",
                {"person_id": residence.person_id, "year": 2025, "purpose": "exam_entry"},
            ),
            ("POST", "/v1/claims", claim),
        ]
        for method, path, body in asked:
            headers = official | {"Idempotency-Key": str(uuid.uuid4())}
            answer = await world.client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 409, (path, answer.text)
            assert answer.json()["merged_into"] == permit.person_id, path

    async def test_stands_in_a_query_of_many(self, world: World):
        permit, residence = await twice(world)
        await follow_merge(world, permit, residence)
        body = {"persons": [residence.person_id, permit.person_id], "year": 2025}
        headers = world.official(LIAONING)
        answer = (await world.client.post("/v1/compliance/query", json=body, headers=headers)).json()
        assert answer["results"][0] is None
        assert answer["results"][1]["person_id"] == permit.person_id
        assert answer["absent"] == [{"index": 0, "problem": "person-merged", "merged_into": permit.person_id}]

    async def test_is_shown_to_nobody_who_may_not_see_the_person(self, world: World):
        permit, residence = await twice(world)
        stranger = await listed(world)
        await follow_merge(world, permit, residence)
        for path in ("compliance/2025", "transcript"):
            answer = await world.client.get(
                f"/v1/persons/{residence.person_id}/{path}", headers=stranger.headers()
            )
            assert answer.status_code == 404
            assert permit.person_id not in answer.text

    async def test_is_followed_by_what_was_attested_before(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        await provider.posts(
            provider.completion(residence, 2025, "60.00"),
            provider.completion(residence, 2025, "30.00", category="public"),
        )
        reference = (await issues(world, residence)).json()["reference"]
        await follow_merge(world, permit, residence)
        for who in (permit, residence):
            answer = await checks(world, reference, who, "attestation:current")
            assert answer.status_code == 200, answer.text


class TestCounts:
    async def test_one_person_is_counted(self, world: World):
        permit, residence = await twice(world)
        provider = await listed(world)
        await provider.posts(
            provider.completion(permit, 2025, "60.00"),
            provider.completion(residence, 2025, "30.00", category="public"),
        )
        desk = StandingsDesk(world, LIAONING)
        await desk.works()
        await follow_merge(world, permit, residence)
        await desk.works()
        rows = await desk.rows(LIAONING)
        counted = {person_id for person_id, _ in rows}
        assert counted & {permit.person_id, residence.person_id} == {permit.person_id}
        assert rows[permit.person_id, 2025].status == "compliant"
        models = ["accounts", "profiles", "former_identities", "waiting", "claims", "standings"]
        rebuilt = await rebuild(world.ledger.databases, models=models, logs=[LIAONING])
        assert [each.rows_changed for each in rebuilt] == [0] * 6, models


class TestWrongMerge:
    async def test_gives_the_number_back_and_what_came_since_is_their_own(self, world: World):
        """The inverse: credits stay where they are until an authority revokes them."""
        permit, residence = await twice(world)
        provider = await listed(world)
        record = provider.completion(residence, 2025, "30.00")
        await provider.posts(record)
        await follow_merge(world, permit, residence)
        collected = world.collection(residence.person_id, residence.person, SHENYANG)
        await world.hears(
            change_of(world, permit, SHENYANG, cause="separation", items=("merge",)),
            collected,
            change_of(world, residence, SHENYANG, cause="separation", items=("merge",)),
        )
        [later] = await provider.posts(provider.completion(residence, 2025, "20.00"))
        assert later["person_id"] == residence.person_id
        assert (await world.asks(residence, 2025))["total"] == "20.00"
        assert (await world.asks(permit, 2025))["total"] == "30.00"
        assert (await provider.withdraws(record["id"])).status_code == 200

    async def test_a_merge_and_its_end_in_one_batch_are_followed_in_order(self, world: World):
        permit, residence = await twice(world)
        collected = world.collection(residence.person_id, residence.person, SHENYANG)
        await world.hears(*merge_of(world, permit, residence), collected)
        assert (await world.asks(residence, 2025))["person_id"] == residence.person_id
        assert authority_of(SHENYANG) == LIAONING
