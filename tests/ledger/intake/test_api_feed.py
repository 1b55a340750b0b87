"""The feed of an organization's own events: over every authority, in order, each once, and nobody else's."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.divisions import AUTHORITIES
from services.kit.histories import chains
from services.kit.projection import ProjectionRunner
from services.ledger.store.organization_events import OrganizationEvents
from services.ledger.streams.publishing import TOLD
from tests.kit.http import bearer
from tests.ledger.intake.test_posted_completions import revokes
from tests.ledger.moving.mover import JINCHENG, LIAONING, LISTED, SHANXI, SHENYANG, Mover
from tests.ledger.world import Provider, World

HELD, EARNED = "completion.held.v1", "credit.earned.v1"
WITHDRAWN, REVOKED = "credit.withdrawn.v1", "credit.revoked.v1"


@pytest.fixture(autouse=True)
def today(world: World) -> None:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
async def provider(world: World) -> Provider:
    return await world.provides(LISTED, accredited=[LIAONING, SHANXI])


async def ask(world: World, headers: dict[str, str], **asked: str) -> httpx.Response:
    """One batch, after the worker has seen everything."""
    runner = ProjectionRunner(
        world.ledger.databases, world.ledger.store, OrganizationEvents(), lambda: AUTHORITIES
    )
    for log in AUTHORITIES:
        await runner.catch_up(log)
    return await world.client.get("/v1/feed", headers=headers, params=asked)


async def read(provider: Provider, **asked: str) -> tuple[list[Any], dict[str, str]]:
    """The events of one batch, and the question after it."""
    response = await ask(provider.world, provider.headers("completion:write"), **asked)
    assert response.status_code == 200, response.text
    after = response.headers["Xuefen-Next-After"]
    return response.json(), asked | ({"after": after} if after else {})


def kinds(events: list[Any]) -> list[tuple[str, str]]:
    """The completion and the kind of each event."""
    return [
        (event["data"]["completion_id"], event["type"].removeprefix("cn.xuefen.ledger.")) for event in events
    ]


class TestEvents:
    async def test_tell_what_became_of_each_record_at_every_authority(
        self, world: World, provider: Provider
    ) -> None:
        stranger = world.stranger()
        here, there = await world.collects(SHENYANG), world.stranger()
        outcomes = await provider.posts(
            provider.completion(here, 2025, "30.00", id="taken-back", authority=LIAONING),
            provider.completion(stranger, 2025, "30.00", id="waiting", authority=LIAONING),
            provider.completion(here, 2025, "20.00", id="revoked", authority=LIAONING),
        )
        await provider.posts(provider.completion(there, 2025, "30.00", id="elsewhere", authority=SHANXI))
        await provider.withdraws("taken-back", authority=LIAONING)
        await revokes(world, here, outcomes[2]["credit_id"])
        found = await world.collects(SHENYANG, person=stranger)
        events, _ = await read(provider)
        assert sorted(kinds(events)) == sorted(
            [
                ("taken-back", EARNED),
                ("waiting", HELD),
                ("revoked", EARNED),
                ("elsewhere", HELD),
                ("taken-back", WITHDRAWN),
                ("revoked", REVOKED),
                ("waiting", EARNED),
            ]
        )
        held = next(event["data"] for event in events if kinds([event]) == [("waiting", HELD)])
        assert (held["person_id"], held["reason"], held["clause"]) == (None, "not_collected", "S1-06")
        assert kinds(events)[-1] == ("waiting", EARNED)
        assert events[-1]["data"]["person_id"] == found.person_id
        assert [event["time"] for event in events] == sorted(event["time"] for event in events)

    async def test_follow_the_record_when_its_year_moves(self, world: World, provider: Provider) -> None:
        """S2C-14: what another authority revokes is told to whoever reported it."""
        who = await world.collects(SHENYANG)
        [outcome] = await provider.posts(
            provider.completion(who, 2025, "30.00", id="moves", authority=LIAONING)
        )
        await Mover(world).moves(who, JINCHENG)
        await revokes(world, who, outcome["credit_id"], SHANXI)
        events, _ = await read(provider)
        assert [(event["log"], *kinds([event])[0]) for event in events] == [
            (LIAONING, "moves", EARNED),
            (SHANXI, "moves", REVOKED),
        ]

    async def test_of_a_record_whose_true_reason_may_not_be_told_say_what_was_answered(
        self, world: World
    ) -> None:
        """Design 15."""
        who = await world.collects(SHENYANG)
        outsider = await world.provides("某某培训学校", accredited=["211300"])
        misnamed = outsider.completion(who, 2025, "30.00")
        misnamed["person"] = misnamed["person"] | {"name": "别的名字"}
        await outsider.posts(misnamed)
        [event], _ = await read(outsider)
        assert event["data"]["reason"] == "not_collected"


class TestPages:
    @pytest.mark.parametrize("limit", ["1", "2", "3"])
    async def test_hold_every_event_once_from_wherever_they_are_resumed(
        self, world: World, provider: Provider, limit: str
    ) -> None:
        here, there = await world.collects(SHENYANG), world.stranger()
        for who, log in ((here, LIAONING), (there, SHANXI), (here, LIAONING)):
            await provider.posts(*(provider.completion(who, 2025, "10.00", authority=log) for _ in range(2)))
        whole, _ = await read(provider)
        asked, found = {"limit": limit}, list[Any]()
        while True:
            events, asked = await read(provider, **asked)
            if not events:
                break
            found += events
        assert [event["id"] for event in found] == [event["id"] for event in whole]
        assert len(whole) == 6
        await provider.posts(provider.completion(here, 2025, "10.00", id="later", authority=LIAONING))
        events, _ = await read(provider, **asked)
        assert kinds(events) == [("later", EARNED)]

    async def test_end_where_nothing_is_of_the_organization(self, world: World, provider: Provider) -> None:
        who = await world.collects(SHENYANG)
        await provider.posts(provider.completion(who, 2025, "30.00", authority=LIAONING))
        other = await world.provides("东北财经大学", accredited=[LIAONING])
        assert await read(other) == ([], {})

    @pytest.mark.parametrize(
        ("after", "refused"),
        [
            ("210000.999999.{history}", (409, "ahead-of-log")),
            ("219999.1.{history}", (404, "unknown-log")),
            ("210000", (422, "invalid-request")),
            ("210000.0.{history}", (422, "invalid-request")),
            ("210000.1.{history}~", (422, "invalid-request")),
        ],
    )
    async def test_go_on_after_what_was_given_alone(
        self, provider: Provider, after: str, refused: tuple[int, str]
    ) -> None:
        async with provider.world.ledger.databases.of(LIAONING).acquire() as conn:
            history = (await chains(conn, [LIAONING]))[LIAONING].current
        asked = after.format(history=history)
        response = await ask(provider.world, provider.headers("completion:write"), after=asked)
        assert (response.status_code, response.json()["type"].rpartition(":")[2]) == refused


class TestReaders:
    @pytest.mark.parametrize(
        "headers",
        [
            bearer("completion:write", subject="official-1", place=LIAONING),
            bearer("completion:write", subject="service:sync"),
            bearer("feed:read", subject="service:sync"),
            bearer("transcript:read", subject="o", organization="organization-0001"),
        ],
    )
    async def test_are_organizations_that_report(self, world: World, headers: dict[str, str]) -> None:
        assert (await ask(world, headers)).status_code == 403


def test_every_published_event_of_something_reported_is_found() -> None:
    """An event whose published form names its owner is one that the worker keeps."""
    owned = {
        each.stored.TOPIC
        for each in TOLD
        if {"provider_id", "organization_id"} & set(each.published.model_fields)
    }
    assert owned == set(OrganizationEvents.topics)
