"""Events that others are told of transfers, in order, and what stays inside."""

from contracts.catalogue import read_event
from contracts.transfer import ProfileTransferred, TransferRequested, TransferReturned
from services.cli.demo.fictitious import uscc
from tests.kit.http import bearer
from tests.transfer.scenarios import LIAONING, LONGCHENG, NOW, SHUANGTA
from tests.transfer.world import CLERK, DESTINATION, World

READER = bearer("feed:read")


async def published(world: World, after: int) -> list[dict[str, object]]:
    answer = await world.get("/v1/logs/transfer/feed", by=READER, after=after, limit=1000)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    return list(answer.json())


async def head(world: World) -> int:
    (log,) = (await world.get("/v1/logs", by=READER)).json()["items"]
    assert log["log"] == "transfer"
    return int(log["head"])


class TestFeed:
    async def test_tells_the_whole_way_in_order(self, world: World):
        start = await head(world)
        person_id = await world.person()
        transfer_id = await world.completed(person_id)
        events = await published(world, start)
        assert [event["type"] for event in events] == [
            "cn.xuefen.transfer.transfer.requested.v1",
            "cn.xuefen.transfer.transfer.accepted.v1",
            "cn.xuefen.transfer.profile.transferred.v1",
        ]
        assert [event["position"] for event in events] == [start + 2, start + 3, start + 4]
        assert {event["source"] for event in events} == {"urn:xuefen:transfer"}
        first = read_event(str(events[0]["type"]), events[0]["data"])
        assert first == TransferRequested(
            transfer_id=transfer_id,
            person_id=person_id,
            from_place=SHUANGTA,
            to_place=LONGCHENG,
            from_authority=LIAONING,
            to_authority=LIAONING,
            requested_at=NOW,
        )
        last = read_event(str(events[-1]["type"]), events[-1]["data"])
        assert isinstance(last, ProfileTransferred)
        assert (last.to_place, last.employer, last.transferred_at) == (LONGCHENG, uscc(1), NOW)

    async def test_tells_returns_by_their_code_alone(self, world: World):
        transfer_id = await world.accepted()
        start = await head(world)
        await world.post(
            f"/v1/transfers/{transfer_id}/refusal",
            {"reason": "other", "text": "另有说明"},
            by=DESTINATION,
        )
        (event,) = await published(world, start)
        told = read_event(str(event["type"]), event["data"])
        assert isinstance(told, TransferReturned)
        assert told.reason == "other"
        assert "另有说明" not in str(event)

    async def test_tells_withdrawals(self, world: World):
        transfer_id = await world.requested()
        start = await head(world)
        await world.post(f"/v1/transfers/{transfer_id}/withdrawal", by=CLERK)
        (event,) = await published(world, start)
        assert event["type"] == "cn.xuefen.transfer.transfer.withdrawn.v1"

    async def test_homes_stay_inside_but_are_passed_over(self, world: World):
        start = await head(world)
        await world.person()
        answer = await world.get("/v1/logs/transfer/feed", by=READER, after=start)
        assert answer.json() == []
        assert answer.headers["Xuefen-Next-After"] == str(start + 1)


class TestWhatIsStored:
    async def test_no_event_holds_what_people_typed(self, world: World):
        start = await head(world)
        transfer_id = await world.accepted()
        refusal = {"reason": "other", "text": "张某所述不实"}
        await world.post(f"/v1/transfers/{transfer_id}/refusal", refusal, by=DESTINATION)
        for event in await world.log(start):
            state = event.state.decode("unicode_escape")
            assert "工作证明" not in event.state.decode()
            assert "\\u5de5" not in event.state.decode()
            assert refusal["text"] not in state
