"""Posted completions read back: what was posted, its state today, its history, and who may read it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kit import events as codec
from services.ledger.intake import posted_completions
from services.ledger.streams.waiting import RecordParked
from tests.ledger.moving.mover import (
    JINCHENG,
    LIAONING,
    LISTED,
    SHANXI,
    SHENYANG,
    SHUANGTA,
    STAR,
    Mover,
)
from tests.ledger.world import Provider, Somebody, World

DALIAN, CHAOYANG, TAIYUAN, NATION = "210200", "211300", "140100", "100000"


@pytest.fixture(autouse=True)
def today(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
async def provider(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING])


async def ask(world: World, completion_id: str, headers: dict[str, str], **asked: str) -> Any:
    return await world.client.get(f"/v1/completions/{completion_id}", headers=headers, params=asked)


async def read(provider: Provider, completion_id: str, **asked: str) -> dict[str, Any]:
    """What the provider reads back."""
    response = await ask(provider.world, completion_id, provider.headers("completion:write"), **asked)
    assert response.status_code == 200, response.text
    record: dict[str, Any] = response.json()
    return record


def steps(record: dict[str, Any]) -> list[str]:
    return [step["what"] for step in record["history"]]


async def revokes(world: World, who: Somebody, credit_id: str, place: str = LIAONING) -> None:
    response = await world.client.post(
        f"/v1/persons/{who.person_id}/credits/{credit_id}/revocation",
        json={"year": 2025, "reason": "cheating"},
        headers=world.official(place, "credit:revoke") | {"Idempotency-Key": str(uuid.uuid4())},
    )
    assert response.status_code == 200, response.text


class TestState:
    async def test_of_a_registered_one_shows_what_was_posted_and_the_credit(
        self, world: World, provider: Provider
    ) -> None:
        who = await world.collects(SHENYANG)
        posted = provider.completion(who, 2025, "30.00", title="会计准则")
        [outcome] = await provider.posts(posted)
        record = await read(provider, posted["id"])
        assert record["posted"] == {
            name: posted[name] for name in ("year", "category", "credits", "mode", "course", "title")
        } | {"completed_at": "2025-06-01T03:00:00Z"}
        assert (record["state"], record["credit_id"]) == ("registered", outcome["credit_id"])
        assert (record["log"], record["person_id"]) == (LIAONING, who.person_id)
        [step] = record["history"]
        assert (step["what"], step["position"]) == ("registered", outcome["position"])
        assert "person" not in record["posted"]

    async def test_of_a_held_one_says_why_by_which_clause_and_then_what_came_of_it(
        self, world: World, provider: Provider
    ) -> None:
        """S1-06: it waits for its person, and is registered by itself when the registry collects them."""
        person = world.stranger()
        posted = provider.completion(person, 2025, "30.00")
        await provider.posts(posted)
        held = await read(provider, posted["id"])
        assert (held["state"], held["reason"], held["clause"]) == ("held", "not_collected", "S1-06")
        assert held["person_id"] is None
        assert held["posted"]["credits"] == "30.00"
        who = await world.collects(SHENYANG, person=person)
        record = await read(provider, posted["id"])
        assert (record["state"], record["person_id"]) == ("registered", who.person_id)
        assert record["reason"] is None
        assert steps(record) == ["held", "registered"]
        assert record["posted"] == held["posted"]

    async def test_of_one_that_waits_in_the_account_follows_it_until_it_counts(self, world: World) -> None:
        """S2B-07: below 90 credits it waits; the completion that makes 90 registers it."""
        world.now = datetime(2024, 9, 1, 4, tzinfo=UTC)
        star = await world.provides(STAR, accredited=[SHANXI])
        who = await world.collects(JINCHENG)
        first = star.completion(who, 2024, "60.00")
        last = star.completion(who, 2024, "30.00", category="public")
        await star.posts(first)
        held = await read(star, first["id"])
        assert (held["state"], held["reason"], held["credits"]) == ("held", "below_total", "60.00")
        await star.posts(last)
        record = await read(star, first["id"])
        assert (record["state"], steps(record)) == ("registered", ["held", "registered"])

    async def test_of_a_withdrawn_one_says_why(self, world: World, provider: Provider) -> None:
        who = await world.collects(SHENYANG)
        registered = provider.completion(who, 2025, "30.00")
        parked = provider.completion(world.stranger(), 2025, "30.00")
        await provider.posts(registered, parked)
        for posted, before in ((registered, "registered"), (parked, "held")):
            await provider.withdraws(posted["id"], reason="wrong_year")
            record = await read(provider, posted["id"])
            assert (record["state"], record["reason"]) == ("withdrawn", "wrong_year")
            assert steps(record) == [before, "withdrawn"]

    async def test_of_a_revoked_one_says_reason_and_clause(self, world: World, provider: Provider) -> None:
        """S1-21."""
        who = await world.collects(SHENYANG)
        posted = provider.completion(who, 2025, "30.00")
        [outcome] = await provider.posts(posted)
        await revokes(world, who, outcome["credit_id"])
        record = await read(provider, posted["id"])
        assert (record["state"], record["reason"], record["clause"]) == ("revoked", "cheating", "S1-21")
        assert record["credit_id"] == outcome["credit_id"]
        assert steps(record) == ["registered", "revoked"]

    async def test_of_one_that_was_refused_after_waiting_names_the_problem(
        self, world: World, provider: Provider
    ) -> None:
        """S1-22: decided when the person arrives, by the rules of their place."""
        unlisted = await world.provides("辽宁某某网校有限公司", accredited=[LIAONING])
        person = world.stranger()
        posted = unlisted.completion(person, 2025, "30.00")
        await unlisted.posts(posted)
        await world.collects(SHENYANG, person=person)
        record = await read(unlisted, posted["id"])
        assert (record["state"], record["problem"], record["clause"]) == (
            "rejected",
            "urn:xuefen:problem:provider-not-listed",
            "S1-22",
        )

    async def test_of_a_late_one_and_of_make_up_says_so(self, world: World, provider: Provider) -> None:
        """S1-17, B-07."""
        who = await world.collects(SHUANGTA)
        for now, year, done, marks in (
            (datetime(2025, 3, 31, 15, 59, tzinfo=UTC), 2024, "2025-03-20T10:00:00+08:00", (False, True)),
            (datetime(2026, 1, 20, 4, tzinfo=UTC), 2025, "2025-12-31T23:00:00+08:00", (True, False)),
        ):
            world.now = now
            posted = provider.completion(who, year, "30.00", completed_at=done)
            await provider.posts(posted)
            record = await read(provider, posted["id"])
            assert (record["state"], record["late"], record["make_up"]) == ("registered", *marks)
        assert await pages(provider, state="late") == [[posted["id"]]]


class TestMoved:
    """S2C-14, A-13: the year moves to another authority, and the record goes on being read where it was posted."""

    async def test_says_where_to_and_what_became_of_it_there(self, world: World, provider: Provider) -> None:
        mover, who = Mover(world), await world.collects(SHENYANG)
        posted = provider.completion(who, 2025, "30.00")
        [outcome] = await provider.posts(posted)
        await mover.moves(who, JINCHENG)
        record = await read(provider, posted["id"])
        assert (record["state"], record["log"], record["moved_to"]) == ("registered", LIAONING, SHANXI)
        assert steps(record) == ["registered", "moved"]
        assert await pages(provider, state="moved") == [[posted["id"]]]
        await revokes(world, who, outcome["credit_id"], SHANXI)
        record = await read(provider, posted["id"])
        assert (record["state"], record["moved_to"]) == ("revoked", SHANXI)
        assert steps(record) == ["registered", "moved", "revoked"]
        assert record["history"][-1]["log"] == SHANXI
        assert await pages(provider, state="moved") == [[]]

    async def test_and_returned_is_where_it_was_posted_again(self, world: World, provider: Provider) -> None:
        mover, who = Mover(world), await world.collects(SHENYANG)
        posted = provider.completion(who, 2025, "30.00")
        await provider.posts(posted)
        await mover.moves(who, JINCHENG)
        await mover.moves(who, SHENYANG)
        record = await read(provider, posted["id"])
        assert (record["state"], record["moved_to"]) == ("registered", None)
        assert [step.get("authority") for step in record["history"]] == [None, SHANXI, LIAONING]

    async def test_study_registered_after_the_person_left_is_moved_by_its_supplement(
        self, world: World, provider: Provider
    ) -> None:
        mover, who = Mover(world), await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "30.00"))
        transfer_id = await mover.moves(who, JINCHENG)
        world.now += timedelta(days=1)
        done = (world.now - timedelta(days=2)).isoformat()
        late = provider.completion(who, 2025, "20.00", completed_at=done)
        await provider.posts(late)
        assert (await read(provider, late["id"]))["moved_to"] is None
        await mover.passes_on(transfer_id, who, JINCHENG)
        record = await read(provider, late["id"])
        assert (record["state"], record["moved_to"], steps(record)) == (
            "registered",
            SHANXI,
            ["registered", "moved"],
        )
        await provider.withdraws(late["id"])
        await mover.passes_on(transfer_id, who, JINCHENG, after=1)
        record = await read(provider, late["id"])
        assert (record["state"], steps(record)) == ("withdrawn", ["registered", "moved", "withdrawn"])


class TestReaders:
    async def test_learn_nothing_of_what_is_not_theirs(self, world: World, provider: Provider) -> None:
        """To another provider, an official of another place and an employer the answer is that of an id nobody posted."""
        who = await world.collects(SHENYANG)
        posted = provider.completion(who, 2025, "30.00", id=f"own-{uuid.uuid4()}")
        parked = provider.completion(world.stranger(), 2025, "30.00", id=f"own-{uuid.uuid4()}")
        await provider.posts(posted, parked)
        other = await world.provides("东北财经大学", accredited=[LIAONING])
        theirs = {"provider": provider.organization_id}
        asked = [
            (other.headers("completion:write"), {}),
            (other.headers("completion:write"), theirs),
            (other.headers("transcript:read"), theirs),
            (world.official(DALIAN), theirs),
            (world.official(TAIYUAN), theirs),
            (world.official(LIAONING), {"provider": other.organization_id}),
        ]
        for headers, query in asked:
            unknown = await ask(world, "nobody-posted-this", headers, **query)
            for record in (posted, parked):
                response = await ask(world, record["id"], headers, **query)
                assert response.status_code == unknown.status_code == 404
                assert response.json() == unknown.json()

    async def test_are_officials_of_the_place_of_its_person(self, world: World, provider: Provider) -> None:
        who = await world.collects(SHENYANG)
        posted, parked = (
            provider.completion(who, 2025, "30.00"),
            provider.completion(world.stranger(), 2025, "9.00"),
        )
        await provider.posts(posted, parked)
        query = {"provider": provider.organization_id}
        for place, registered, held in ((SHENYANG, 200, 404), (LIAONING, 200, 200), (NATION, 200, 200)):
            assert (await ask(world, posted["id"], world.official(place), **query)).status_code == registered
            assert (await ask(world, parked["id"], world.official(place), **query)).status_code == held

    async def test_among_officials_have_to_name_the_provider(self, world: World) -> None:
        response = await ask(world, "c-1", world.official(LIAONING))
        assert response.status_code == 422
        assert response.json()["errors"][0]["parameter"] == "provider"

    async def test_who_were_not_told_why_it_waits_read_what_they_were_told(self, world: World) -> None:
        """Design 15: a provider that is not accredited for the person's place learns nothing of a number by asking again."""
        who = await world.collects(SHENYANG)
        for accredited, true in ((CHAOYANG, "name_differs"), (DALIAN, "profile_elsewhere")):
            outsider = await world.provides("某某培训学校", accredited=[accredited])
            misnamed = outsider.completion(who, 2025, "30.00")
            misnamed["person"] = misnamed["person"] | {"name": "别的名字"}
            [outcome] = await outsider.posts(misnamed)
            assert outcome["reason"] == "not_collected"
            parked = [each for each in await world.events(outcome["log"]) if each.topic == RecordParked.TOPIC]
            event = codec.decode(parked[-1].topic, parked[-1].state)
            assert isinstance(event, RecordParked)
            assert event.reason == true
            record = await read(outsider, misnamed["id"])
            assert (record["reason"], record["clause"]) == ("not_collected", outcome.get("clause"))
            assert true not in str(record)


class TestAuthority:
    async def test_has_to_be_named_where_one_id_was_posted_to_several(self, world: World) -> None:
        provider = await world.provides(LISTED, accredited=[LIAONING, SHANXI])
        for place in (LIAONING, SHANXI):
            person = world.stranger()
            await provider.posts(provider.completion(person, 2025, "30.00", id="same", authority=place))
        response = await ask(world, "same", provider.headers("completion:write"))
        assert (response.status_code, response.json()["type"]) == (
            422,
            "urn:xuefen:problem:authority-unclear",
        )
        for place in (LIAONING, SHANXI):
            assert (await read(provider, "same", authority=place))["log"] == place


async def pages(caller: Provider, headers: dict[str, str] | None = None, **asked: str) -> list[list[str]]:
    """The ids on every page, to the end."""
    found: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        response = await caller.world.client.get(
            "/v1/completions", headers=headers or caller.headers("completion:write"), params=asked | after
        )
        assert response.status_code == 200, response.text
        page = response.json()
        found.append([record["id"] for record in page["items"]])
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


class TestList:
    async def test_finds_by_state_person_year_and_time(self, world: World, provider: Provider) -> None:
        who, other, stranger = (
            await world.collects(SHENYANG),
            await world.collects(SHUANGTA),
            world.stranger(),
        )
        registered = provider.completion(who, 2025, "30.00", id="a-registered")
        withdrawn = provider.completion(who, 2025, "10.00", id="b-withdrawn")
        revoked = provider.completion(other, 2025, "30.00", id="c-revoked")
        held = provider.completion(stranger, 2024, "30.00", id="d-held")
        outcomes = await provider.posts(registered, withdrawn, revoked)
        await provider.withdraws("b-withdrawn")
        await revokes(world, other, outcomes[2]["credit_id"])
        world.now += timedelta(days=1)
        await provider.posts(held)
        for asked, ids in (
            ({}, ["a-registered", "b-withdrawn", "c-revoked", "d-held"]),
            ({"state": "registered"}, ["a-registered"]),
            ({"state": "withdrawn"}, ["b-withdrawn"]),
            ({"state": "revoked"}, ["c-revoked"]),
            ({"state": "held"}, ["d-held"]),
            ({"person": who.person_id}, ["a-registered", "b-withdrawn"]),
            ({"person": who.person_id, "state": "withdrawn", "year": "2025"}, ["b-withdrawn"]),
            ({"person": "nobody"}, []),
            ({"year": "2024"}, ["d-held"]),
            ({"posted_since": world.now.isoformat()}, ["d-held"]),
            ({"posted_until": world.now.isoformat()}, ["a-registered", "b-withdrawn", "c-revoked"]),
        ):
            assert await pages(provider, **asked) == [ids], asked

    async def test_shows_each_as_it_is_read_alone(self, world: World, provider: Provider) -> None:
        who = await world.collects(SHENYANG)
        posted = provider.completion(who, 2025, "30.00"), provider.completion(world.stranger(), 2025, "9.00")
        await provider.posts(*posted)
        response = await world.client.get("/v1/completions", headers=provider.headers("completion:write"))
        assert response.json()["items"] == [await read(provider, each["id"]) for each in posted]

    async def test_goes_on_after_its_cursor_through_every_authority(self, world: World) -> None:
        provider = await world.provides(LISTED, accredited=[LIAONING, SHANXI])
        for place in (LIAONING, SHANXI):
            records = [
                provider.completion(world.stranger(), 2025, "9.00", id=f"r-{number}", authority=place)
                for number in range(3)
            ]
            await provider.posts(*records)
        assert await pages(provider, limit="2") == [["r-0", "r-1"], ["r-2", "r-0"], ["r-1", "r-2"], []]

    async def test_ends_although_a_page_that_looked_at_enough_holds_nothing(
        self, world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        who = await world.collects(SHENYANG)
        await provider.posts(*(provider.completion(world.stranger(), 2025, "9.00") for _ in range(4)))
        await provider.posts(provider.completion(who, 2025, "30.00", id="z-last"))
        monkeypatch.setattr(posted_completions, "LOOKED_AT_MAX", 2)
        monkeypatch.setattr(posted_completions, "_AT_ONCE", 2)
        assert await pages(provider, state="registered") == [[], [], ["z-last"]]

    async def test_of_a_person_holds_what_was_refused_when_they_came(self, world: World) -> None:
        unlisted = await world.provides("辽宁某某网校有限公司", accredited=[LIAONING])
        person = world.stranger()
        posted = unlisted.completion(person, 2025, "30.00")
        await unlisted.posts(posted)
        who = await world.collects(SHENYANG, person=person)
        assert await pages(unlisted, person=who.person_id, state="rejected") == [[posted["id"]]]

    async def test_shows_officials_those_of_their_place_and_nobody_another_s(
        self, world: World, provider: Provider
    ) -> None:
        here, there = await world.collects(SHENYANG), await world.collects(SHUANGTA)
        await provider.posts(
            provider.completion(here, 2025, "30.00", id="here"),
            provider.completion(there, 2025, "30.00", id="there"),
            provider.completion(world.stranger(), 2025, "30.00", id="waits"),
        )
        own = {"provider": provider.organization_id}
        for place, ids in (
            (SHENYANG, ["here"]),
            (CHAOYANG, ["there"]),
            (LIAONING, ["here", "there", "waits"]),
            (TAIYUAN, []),
        ):
            assert await pages(provider, world.official(place), **own) == [ids], place
        other = await world.provides("东北财经大学", accredited=[LIAONING])
        assert await pages(other) == [[]]
        assert await pages(other, person=here.person_id) == [[]]
        response = await world.client.get(
            "/v1/completions", headers=other.headers("completion:write"), params=own
        )
        assert response.status_code == 404
        response = await world.client.get("/v1/completions", headers=world.official(LIAONING))
        assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "provider")
