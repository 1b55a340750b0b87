"""Refusals of a move: callers that are not the transfer service, places and parts that do not belong together."""

from typing import Any

import pytest

from tests.kit.http import bearer
from tests.ledger.moving.mover import DALIAN, JINCHENG, LIAONING, SHENYANG, Mover
from tests.ledger.world import Somebody, World

CALLS = [
    ("PUT", "/v1/departures/transfer-x"),
    ("DELETE", "/v1/departures/transfer-x"),
    ("POST", "/v1/departures/transfer-x/leave"),
    ("GET", "/v1/departures/transfer-x/supplements"),
    ("POST", "/v1/arrivals/transfer-x"),
]


async def on_the_way(world: World, mover: Mover) -> tuple[Somebody, dict[str, Any]]:
    """Somebody who has left Shenyang for Jincheng, and what was handed over."""
    who = await world.collects(SHENYANG)
    transfer_id = mover.transfer_id()
    await mover.guards(transfer_id, who, JINCHENG)
    return who, (await mover.leaves(transfer_id, who, JINCHENG)).json()


def code_of(response: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["type"].rpartition(":")[2]


class TestCallers:
    @pytest.mark.parametrize("binding", [{"place": LIAONING}, {"place": "100000"}, {"organization": "o-1"}])
    @pytest.mark.parametrize(("method", "path"), CALLS)
    async def test_only_the_transfer_service_carries_people(
        self, world: World, method: str, path: str, binding: dict[str, str]
    ):
        """Not an official of any place, and not an organization, whatever their token says they may."""
        content = b"{}" if method in ("PUT", "POST") else None
        headers = bearer("transfer:carry", **binding) | {"Content-Type": "application/json"}
        before = await world.count_events()
        response = await world.client.request(method, path, content=content, headers=headers)
        assert code_of(response) == (403, "carrier-token-needed")
        assert await world.count_events() == before


class TestDepartures:
    async def test_to_no_place_at_all_is_refused(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        assert code_of(await mover.guards(mover.transfer_id(), who, "199999")) == (422, "place-unknown")
        assert code_of(await mover.leaves(mover.transfer_id(), who, "199999")) == (422, "place-unknown")

    async def test_of_tomorrow_is_refused(self, world: World, mover: Mover):
        who = await world.collects(SHENYANG)
        tomorrow = world.now.replace(day=world.now.day + 1)
        response = await mover.leaves(mover.transfer_id(), who, JINCHENG, tomorrow)
        assert code_of(response) == (422, "moment-implausible")

    async def test_somebody_who_has_left_cannot_leave_again(self, world: World, mover: Mover):
        who, _ = await on_the_way(world, mover)
        assert code_of(await mover.guards(mover.transfer_id(), who, DALIAN)) == (404, "person-unknown")
        assert code_of(await mover.leaves(mover.transfer_id(), who, DALIAN)) == (404, "person-unknown")


class TestArrivals:
    async def test_under_another_transfer_are_refused(self, world: World, mover: Mover):
        who, handover = await on_the_way(world, mover)
        response = await world.client.post(
            "/v1/arrivals/another", json=mover.arriving(who, JINCHENG, handover), headers=mover.headers
        )
        assert code_of(response) == (422, "arrival-unclear")

    @pytest.mark.parametrize("place", [SHENYANG, DALIAN])
    async def test_at_another_authority_are_refused(self, world: World, mover: Mover, place: str):
        who, handover = await on_the_way(world, mover)
        assert code_of(await mover.arrives(who, place, handover)) == (422, "arrival-unclear")

    async def test_with_a_year_twice_are_refused(self, world: World, mover: Mover):
        who, handover = await on_the_way(world, mover)
        handover["accounts"] = [{"year": 2025}, {"year": 2025}]
        assert code_of(await mover.arrives(who, JINCHENG, handover)) == (422, "arrival-unclear")

    async def test_under_an_id_number_that_is_somebody_else_s_are_refused(self, world: World, mover: Mover):
        """The registry must say who is who; nothing is stored until it has."""
        who, handover = await on_the_way(world, mover)
        other = Somebody("person-of-another-id", who.person)
        assert (await mover.arrives(who, JINCHENG, handover)).status_code == 200
        handover["transfer_id"] = mover.transfer_id()
        assert code_of(await mover.arrives(other, JINCHENG, handover)) == (409, "identity-held")

    async def test_of_a_supplement_for_somebody_unknown_here_are_refused(self, world: World, mover: Mover):
        _, handover = await on_the_way(world, mover)
        nobody = Somebody("person-nobody", world.stranger())
        supplement = handover | {"sequence": 1}
        assert code_of(await mover.arrives(nobody, JINCHENG, supplement)) == (409, "arrival-missing")

    async def test_name_no_value_that_was_sent(self, world: World, mover: Mover):
        who, handover = await on_the_way(world, mover)
        body = mover.arriving(who, JINCHENG, handover)
        body["profile"]["name_hash"] = "张三"
        response = await world.client.post(
            f"/v1/arrivals/{handover['transfer_id']}", json=body, headers=mover.headers
        )
        assert response.status_code == 422
        assert "张三" not in response.text
