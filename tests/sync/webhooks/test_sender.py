"""Webhooks on their way: signed, in order, at least once, again after failures, and ended where nobody takes them."""

import asyncio
from datetime import timedelta

import pytest
from xuefen_client import webhooks

from tests.sync.feeds import earned, revoked
from tests.sync.webhooks.conftest import LOG, OWNER, URL, Hooks, verifies

OTHER_URL = "https://other.example/hooks"


class TestMessages:
    async def test_are_the_events_of_the_feed_signed_by_standard_webhooks(self, hooks: Hooks) -> None:
        _, secret = await hooks.registers()
        hooks.publishes(hooks.earns(completion_id="c-1"))
        await hooks.sends()
        [(url, headers, body)] = hooks.receiver.messages
        [event] = hooks.receiver.said
        assert url == URL
        assert headers["webhook-id"] == event["id"] == f"{LOG}/1"
        assert headers["webhook-timestamp"] == str(int(hooks.world.now.timestamp()))
        assert event["type"] == "cn.xuefen.ledger.credit.earned.v1"
        assert (event["data"]["completion_id"], event["data"]["provider_id"]) == ("c-1", OWNER)
        assert verifies(secret, headers, body)
        assert not verifies(secret, headers, body + b" ")
        assert not verifies(secret, dict(headers) | {"webhook-timestamp": "0"}, body)
        believed = webhooks.verify(secret, headers, body, now=hooks.world.now.timestamp())
        assert (believed.log, believed.position, believed.data) == (LOG, 1, event["data"])

    async def test_go_to_every_endpoint_that_wants_their_kind_and_to_nobody_elses(self, hooks: Hooks) -> None:
        await hooks.registers(URL, "cn.xuefen.ledger.credit.revoked.v1")
        await hooks.registers(OTHER_URL)
        await hooks.registers("https://stranger.example/", by="organization-0002")
        credit = hooks.earns()
        hooks.publishes(credit, revoked(credit), earned("person-9", "210102", provider_id=None))
        await hooks.sends()
        sent = sorted(
            (url, event["type"].split(".")[4])
            for (url, *_), event in zip(hooks.receiver.messages, hooks.receiver.said, strict=True)
        )
        assert sent == [(URL, "revoked"), (OTHER_URL, "earned"), (OTHER_URL, "revoked")]

    async def test_are_of_what_was_recorded_since_the_endpoint_was_registered(self, hooks: Hooks) -> None:
        hooks.publishes(hooks.earns())
        hooks.world.later(seconds=1)
        await hooks.registers()
        hooks.publishes(hooks.earns())
        await hooks.sends()
        assert hooks.receiver.ids == [f"{LOG}/2"]

    async def test_are_signed_by_both_secrets_while_they_overlap(self, hooks: Hooks) -> None:
        webhook_id, old = await hooks.registers()
        new = (await hooks.call("POST", f"/{webhook_id}/secret")).json()["secret"]
        for later, signed_by in ((timedelta(), {old, new}), (timedelta(hours=25), {new})):
            hooks.world.now += later
            hooks.publishes(hooks.earns())
            await hooks.sends()
            _, headers, body = hooks.receiver.messages[-1]
            assert {each for each in (old, new) if verifies(each, headers, body)} == signed_by
        assert old != new


class TestOrder:
    async def test_of_each_person_and_of_each_record_is_kept_through_failures(self, hooks: Hooks) -> None:
        """A record that waits names nobody, and its credit names the record too: the one goes before the other."""
        await hooks.registers()
        first, second = hooks.earns("person-1"), hooks.earns("person-2")
        hooks.publishes(first, second, revoked(first), revoked(second))
        hooks.receiver.answers[URL] = [500, 204, 204]
        await hooks.sends()
        assert hooks.receiver.ids == [f"{LOG}/1", f"{LOG}/2", f"{LOG}/4"]
        hooks.world.later(seconds=10)
        await hooks.sends()
        assert hooks.receiver.ids[3:] == [f"{LOG}/1", f"{LOG}/3"]

    async def test_is_of_time_also_where_a_person_moved_between_authorities(self, hooks: Hooks) -> None:
        await hooks.registers()
        credit = hooks.earns("person-1")
        hooks.publishes(credit, log=LOG)
        hooks.world.later(seconds=1)
        hooks.publishes(revoked(credit), log="140000")
        await hooks.sends()
        assert hooks.receiver.ids == [f"{LOG}/1", "140000/1"]


class TestFailures:
    @pytest.mark.parametrize("failure", [500, 301, "timeout"])
    async def test_are_tried_again_under_the_same_id_ever_more_slowly(
        self, hooks: Hooks, failure: int | str
    ) -> None:
        webhook_id, _ = await hooks.registers()
        hooks.publishes(hooks.earns())
        hooks.receiver.answers[URL] = [failure] * 3
        waits = []
        for _ in range(4):
            await hooks.sends()
            [delivery] = await hooks.deliveries(webhook_id)
            if delivery["state"] == "delivered":
                break
            assert await hooks.sends() == 0
            assert delivery["reason"] == (failure if isinstance(failure, str) else f"status_{failure}")
            waits.append(seconds := (await _next_at(hooks, webhook_id)))
            hooks.world.later(seconds=seconds)
        assert waits == [5, 10, 20]
        assert (delivery["state"], delivery["attempts"], delivery["answer"]) == ("delivered", 4, 204)
        assert set(hooks.receiver.ids) == {f"{LOG}/1"}

    async def test_wait_as_long_as_the_endpoint_asks(self, hooks: Hooks) -> None:
        await hooks.registers()
        hooks.publishes(hooks.earns())
        hooks.receiver.answers[URL], hooks.receiver.retry_after = [503], "600"
        await hooks.sends()
        hooks.world.later(seconds=599)
        assert await hooks.sends() == 0
        hooks.world.later(seconds=1)
        assert await hooks.sends() == 1

    async def test_of_one_endpoint_hold_up_no_other(self, hooks: Hooks) -> None:
        await hooks.registers(URL)
        await hooks.registers(OTHER_URL)
        hooks.receiver.answers[URL] = ["timeout"] * 100
        hooks.publishes(*(hooks.earns(f"person-{number}") for number in range(20)))
        await hooks.sends()
        assert sum(url == OTHER_URL for url, *_ in hooks.receiver.messages) == 20

    async def test_for_days_disable_the_endpoint_which_says_so_before_and_after(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        hooks.publishes(hooks.earns())
        hooks.receiver.answers[URL] = [500] * 200
        began = hooks.world.now
        await hooks.sends()
        shown = await hooks.shown(webhook_id)
        assert shown["failing_since"] == began.isoformat().replace("+00:00", "Z")
        assert shown["disables_at"] == (began + timedelta(days=5)).isoformat().replace("+00:00", "Z")
        while hooks.world.now < began + timedelta(days=5):
            hooks.world.later(hours=1)
            assert (await hooks.shown(webhook_id))["status"] == "active"
            await hooks.sends()
        shown = await hooks.shown(webhook_id)
        assert (shown["status"], shown["reason"]) == ("disabled", "failing")
        hooks.world.later(days=1)
        hooks.publishes(hooks.earns())
        assert await hooks.sends() == 0
        hooks.receiver.answers.clear()
        assert (await hooks.call("POST", f"/{webhook_id}/enabling")).status_code == 200
        assert await hooks.sends() == 2
        shown = await hooks.shown(webhook_id)
        assert (shown["status"], shown["failing_since"], shown["reason"]) == ("active", None, None)

    async def test_of_one_message_alone_give_it_up_and_let_go_what_waits_behind_it(
        self, hooks: Hooks
    ) -> None:
        webhook_id, _ = await hooks.registers()
        spoilt = hooks.earns("person-1")
        hooks.publishes(spoilt, revoked(spoilt))
        hooks.receiver.refused = f"{LOG}/1"
        for attempt in range(12):
            hooks.publishes(hooks.earns("person-2"))
            await hooks.sends()
            assert (f"{LOG}/2" in hooks.receiver.ids) == (attempt == 11)
            hooks.world.later(hours=2)
        states = {each["event_id"]: each["state"] for each in await hooks.deliveries(webhook_id)}
        assert states[f"{LOG}/1"] == "failed"
        assert states[f"{LOG}/2"] == "delivered"

    async def test_end_at_once_where_the_endpoint_is_gone(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        hooks.publishes(hooks.earns())
        hooks.receiver.answers[URL] = [410]
        await hooks.sends()
        shown = await hooks.shown(webhook_id)
        assert (shown["status"], shown["reason"]) == ("disabled", "gone")


class TestWorkers:
    async def test_share_the_messages_and_one_that_was_killed_loses_none(self, hooks: Hooks) -> None:
        await hooks.registers()
        hooks.publishes(*(hooks.earns(f"person-{number}") for number in range(30)))
        await hooks.records()
        await asyncio.gather(*(hooks.sender().step() for _ in range(3)))
        assert sorted(hooks.receiver.ids) == sorted(f"{LOG}/{number}" for number in range(1, 31))
        hooks.publishes(hooks.earns("person-0"))
        await hooks.records()
        [endpoint_id] = await hooks.world.sync.webhook_deliveries.due(hooks.world.now)
        _, taken = await hooks.world.sync.webhook_deliveries.take(endpoint_id, 10, hooks.world.now)
        assert len(taken) == 1
        assert await hooks.sends() == 0
        hooks.world.later(seconds=61)
        assert await hooks.sends() == 1


async def _next_at(hooks: Hooks, webhook_id: str) -> float:
    """Seconds until the endpoint is tried again."""
    health = await hooks.world.sync.webhook_deliveries.health([webhook_id])
    next_at = health[webhook_id].next_at
    assert next_at is not None
    return (next_at - hooks.world.now).total_seconds()
