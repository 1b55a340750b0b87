"""Endpoints over HTTP: an organization registers, changes and ends its own, looks at deliveries and sends again."""

from typing import Any

import pytest

from tests.kit.http import bearer
from tests.sync.test_privacy import everything
from tests.sync.webhooks.conftest import LOG, OWNER, URL, Hooks

PRIVATE = "https://{}/"
KIND = "cn.xuefen.ledger.credit.revoked.v1"
OPERATIONS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "", None),
    ("PUT", "", {"url": URL, "kinds": []}),
    ("GET", "/deliveries", None),
    ("POST", "/secret", None),
    ("POST", "/pause", None),
    ("POST", "/enabling", None),
    ("POST", "/replay", {"events": [f"{LOG}/1"]}),
    ("POST", "/removal", None),
)
"""What is done with one endpoint, its removal last."""
NOBODYS = "00000000-0000-4000-8000-000000000000"


def codes(response: Any) -> tuple[int, list[str]]:
    """The status, and the codes of the faults or of the problem."""
    body = response.json()
    return response.status_code, [each["code"] for each in body.get("errors", ())] or [
        body["type"].rpartition(":")[2]
    ]


class TestRegistration:
    async def test_shows_the_secret_once_and_keeps_it_nowhere(self, hooks: Hooks) -> None:
        webhook_id, secret = await hooks.registers(URL, KIND)
        shown = await hooks.shown(webhook_id)
        assert (shown["url"], shown["kinds"], shown["status"]) == (URL, [KIND], "active")
        assert secret.startswith("whsec_")
        rotated = (await hooks.call("POST", f"/{webhook_id}/secret")).json()["secret"]
        kept = await everything(hooks.world)
        assert webhook_id in kept
        assert not any(each.removeprefix("whsec_") in kept for each in (secret, rotated))

    async def test_repeated_under_its_key_is_the_same_endpoint_with_the_same_secret(
        self, hooks: Hooks
    ) -> None:
        first, again = [
            await hooks.call("POST", key="once", json={"url": URL, "kinds": []}) for _ in range(2)
        ]
        assert first.json() == again.json()
        assert len((await hooks.call("GET")).json()["items"]) == 1

    async def test_is_for_ten_addresses_and_an_eleventh_when_one_is_removed(self, hooks: Hooks) -> None:
        ids = [(await hooks.registers(f"{URL}/{number}"))[0] for number in range(10)]
        body = {"url": URL, "kinds": []}
        assert codes(await hooks.call("POST", json=body)) == (409, ["too-many-webhooks"])
        assert (await hooks.call("POST", f"/{ids[0]}/removal")).status_code == 200
        assert (await hooks.call("POST", json=body)).status_code == 201

    async def test_and_change_refuse_an_address_that_nothing_may_be_sent_to(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        for method, path in (("POST", ""), ("PUT", f"/{webhook_id}")):
            response = await hooks.call(method, path, json={"url": PRIVATE.format("[::1]"), "kinds": []})
            assert codes(response) == (422, ["webhook-address-refused"])
            assert response.json()["pointer"] == "/url"

    async def test_refuses_a_kind_of_event_that_there_is_not(self, hooks: Hooks) -> None:
        for kind in ("cn.xuefen.ledger.year.closed.v1", "credit.earned"):
            response = await hooks.call("POST", json={"url": URL, "kinds": [kind]})
            assert codes(response) == (422, ["unknown_kind"])
            assert response.json()["errors"][0]["pointer"] == "/kinds"


class TestOwners:
    async def test_see_and_change_their_own_alone(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        unknown = (404, ["unknown-webhook"])
        for method, path, body in OPERATIONS:
            others = await hooks.call(method, f"/{webhook_id}{path}", by="organization-0002", json=body)
            nobodys = await hooks.call(method, f"/{NOBODYS}{path}", json=body)
            assert codes(others) == codes(nobodys) == unknown, (method, path)
            assert (await hooks.call(method, f"/{webhook_id}{path}", json=body)).status_code == 200
        for method, path, body in OPERATIONS:
            assert codes(await hooks.call(method, f"/{webhook_id}{path}", json=body)) == unknown

    async def test_are_organizations(self, hooks: Hooks) -> None:
        headers = bearer("completion:write", subject="official-1", place="210000") | {"Idempotency-Key": "k"}
        listed = await hooks.client.get("/v1/webhooks", headers=headers)
        registered = await hooks.client.post("/v1/webhooks", headers=headers, json={"url": URL})
        assert codes(listed) == codes(registered) == (403, ["not-an-organization"])


class TestReplay:
    async def test_sends_again_by_event_and_by_time_under_the_same_ids(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        times = []
        for number in range(3):
            times.append(hooks.world.later(minutes=1))
            hooks.publishes(hooks.earns(f"person-{number}"))
        await hooks.sends()
        for body, again in (
            ({"events": [f"{LOG}/1", f"{LOG}/3", f"{LOG}/99"]}, [1, 3]),
            ({"since": times[1].isoformat()}, [2, 3]),
            ({"since": times[0].isoformat(), "until": times[1].isoformat()}, [1]),
        ):
            hooks.receiver.messages.clear()
            response = await hooks.call("POST", f"/{webhook_id}/replay", json=body)
            hooks.world.later(minutes=1)
            assert response.json() == {"deliveries": len(again)}
            await hooks.sends()
            assert hooks.receiver.ids == [f"{LOG}/{number}" for number in again]

    @pytest.mark.parametrize("body", [{}, {"events": ["210000/1"], "since": "2026-03-02T10:00:00+08:00"}])
    async def test_names_events_or_a_time(self, hooks: Hooks, body: dict[str, Any]) -> None:
        webhook_id, _ = await hooks.registers()
        assert codes(await hooks.call("POST", f"/{webhook_id}/replay", json=body)) == (422, ["one_of"])


class TestDeliveries:
    async def test_are_looked_at_by_state_and_page_by_page(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        hooks.publishes(*(hooks.earns(f"person-{number}") for number in range(4)))
        hooks.receiver.answers[URL] = [500]
        await hooks.sends()
        await hooks.call("POST", f"/{webhook_id}/pause")
        hooks.publishes(hooks.earns("person-9"))
        await hooks.sends()
        pages, asked = [], {"limit": "2"}
        while True:
            page = (await hooks.call("GET", f"/{webhook_id}/deliveries", params=asked)).json()
            pages += [each["event_id"] for each in page["items"]]
            if page["next"] is None:
                break
            asked["after"] = page["next"]
        assert pages == [f"{LOG}/{number}" for number in (5, 4, 3, 2, 1)]
        pending = await hooks.deliveries(webhook_id, state="pending")
        assert [(each["event_id"], each["attempts"], each["reason"]) for each in pending] == [
            (f"{LOG}/5", 0, None),
            (f"{LOG}/1", 1, "status_500"),
        ]

    async def test_are_forgotten_a_month_after_they_are_over(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        hooks.publishes(hooks.earns())
        await hooks.sends()
        for days, left in ((29, 1), (2, 0)):
            hooks.world.later(days=days)
            await hooks.world.sync.webhook_deliveries.forget(hooks.world.now)
            assert len(await hooks.deliveries(webhook_id)) == left

    async def test_hold_back_while_paused_and_are_dropped_when_removed(self, hooks: Hooks) -> None:
        webhook_id, _ = await hooks.registers()
        await hooks.call("POST", f"/{webhook_id}/pause")
        hooks.publishes(hooks.earns())
        assert await hooks.sends() == 0
        await hooks.call("POST", f"/{webhook_id}/enabling")
        assert await hooks.sends() == 1
        await hooks.call("POST", f"/{webhook_id}/removal")
        hooks.publishes(hooks.earns(by=OWNER))
        assert await hooks.sends() == 0
