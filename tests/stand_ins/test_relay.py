"""The relay's stand-in keeps the contract: one winner between fetching and recalling, mail until it is acknowledged, repeats
that change nothing; and it misbehaves when told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.handover import Handover
from services.cli.demo import fictitious
from services.stand_ins.relay.app import build_app

SHANXI, LIAONING, JINCHENG, SHUANGTA = "140000", "210000", "140500", "211302"
NOON = datetime(2025, 6, 1, 4, tzinfo=UTC)


def offer(transfer_id: str = "t-1", **changes: Any) -> dict[str, Any]:
    someone = fictitious.person(1)
    body = {
        "transfer_id": transfer_id,
        "from_authority": SHANXI,
        "from_place": JINCHENG,
        "to_authority": LIAONING,
        "to_place": SHUANGTA,
        "employer": None,
        "student": True,
        "evidence": [{"sha256": "ab" * 32, "media_type": "application/pdf"}],
        "accepted_at": NOON.isoformat(),
        "person": {"id_type": "resident_id", "id_number": someone.id_number, "name": someone.name},
    }
    return body | changes


def handover(transfer_id: str = "t-1", sequence: int = 0) -> dict[str, Any]:
    return Handover(
        transfer_id=transfer_id,
        sequence=sequence,
        from_authority=SHANXI,
        from_place=JINCHENG,
        to_place=SHUANGTA,
        left_at=NOON,
    ).model_dump(mode="json")


class Relay:
    """Talks to the stand-in as an end would."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def does(self, method: str, path: str, body: Any = None, **params: Any) -> dict[str, Any]:
        answer = await self.client.request(method, path, json=body, params=params)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def offers(self, transfer_id: str = "t-1") -> dict[str, Any]:
        return await self.does("PUT", f"/v1/exchanges/{transfer_id}", offer(transfer_id))

    async def steps(self, *steps: str, transfer_id: str = "t-1", **more: Any) -> str:
        for step in steps:
            path = f"/v1/exchanges/{transfer_id}/steps"
            state: str = (await self.does("POST", path, {"step": step, **more}))["state"]
        return state

    async def hands_over(self, sequence: int = 0) -> str:
        path = f"/v1/exchanges/t-1/handovers/{sequence}"
        state: str = (await self.does("PUT", path, handover(sequence=sequence)))["state"]
        return state

    async def mail(self, authority: str, **params: Any) -> list[dict[str, Any]]:
        exchanges: list[dict[str, Any]] = (await self.does("GET", "/v1/mail", authority=authority, **params))[
            "exchanges"
        ]
        return exchanges

    async def reads(self, authority: str) -> None:
        for each in await self.mail(authority):
            body = {"authority": authority, "revision": each["revision"]}
            await self.does("POST", f"/v1/exchanges/{each['transfer_id']}/acknowledgements", body)

    async def misbehaves(self, **faults: Any) -> None:
        await self.does("PUT", "/stand-in/faults", faults)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    transport = httpx.ASGITransport(build_app("secret"))
    headers = {"Authorization": "Bearer secret"}
    async with httpx.AsyncClient(transport=transport, base_url="http://relay", headers=headers) as client:
        yield Relay(client)


class TestToken:
    async def test_nobody_without_the_relay_s_token(self, relay: Relay):
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer other"}):
            answer = await relay.client.get("/v1/mail", params={"authority": SHANXI}, headers=headers)
            assert answer.status_code == 401


class TestExchange:
    async def test_goes_its_way(self, relay: Relay):
        """S2C-15 to S2C-18."""
        assert (await relay.offers())["state"] == "offered"
        assert await relay.steps("receipt", "confirmation") == "confirmed"
        assert await relay.hands_over() == "handed_over"
        assert await relay.steps("completion") == "completed"

    async def test_is_fetched_or_recalled_whichever_comes_first(self, relay: Relay):
        """S2C-16."""
        await relay.offers("t-1")
        assert await relay.steps("receipt", "recall") == "fetched"
        await relay.offers("t-2")
        assert await relay.steps("recall", "receipt", transfer_id="t-2") == "recalled"

    async def test_a_step_out_of_order_changes_nothing(self, relay: Relay):
        await relay.offers()
        assert await relay.steps("completion", "cancellation", "refusal") == "offered"
        assert await relay.hands_over() == "offered"

    async def test_a_refusal_says_why_and_is_final(self, relay: Relay):
        """S2C-18."""
        await relay.offers()
        await relay.steps("receipt")
        await relay.steps("refusal", reason="evidence_unclear")
        assert await relay.steps("confirmation") == "refused"
        (told,) = await relay.mail(SHANXI)
        assert (told["state"], told["reason"]) == ("refused", "evidence_unclear")

    @pytest.mark.parametrize("steps", [("receipt",), ("receipt", "confirmation")])
    async def test_the_origin_may_cancel_until_it_has_handed_over(self, relay: Relay, steps: tuple[str, ...]):
        await relay.offers()
        await relay.steps(*steps)
        assert await relay.steps("cancellation", reason="blocked") == "cancelled"
        assert await relay.steps("confirmation") == "cancelled"
        assert await relay.hands_over() == "cancelled"

    async def test_an_offer_repeated_is_the_first_one(self, relay: Relay):
        await relay.offers()
        await relay.steps("receipt")
        assert (await relay.offers())["state"] == "fetched"

    async def test_an_id_of_another_transfer_is_refused(self, relay: Relay):
        await relay.offers()
        answer = await relay.client.put("/v1/exchanges/t-1", json=offer(from_authority="110000"))
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:xuefen:problem:offer-contradicts")

    async def test_what_nobody_offered_is_not_found(self, relay: Relay):
        answer = await relay.client.post("/v1/exchanges/t-9/steps", json={"step": "receipt"})
        assert answer.status_code == 404


class TestMail:
    async def test_lists_what_is_new_until_it_is_acknowledged(self, relay: Relay):
        await relay.offers()
        assert [each["state"] for each in await relay.mail(LIAONING)] == ["offered"]
        await relay.steps("receipt")
        (fetched,) = await relay.mail(LIAONING)
        assert fetched["offer"]["person"]["name"]
        await relay.reads(LIAONING)
        assert await relay.mail(LIAONING) == []

    async def test_tells_the_origin_how_it_goes_but_not_who_moves(self, relay: Relay):
        await relay.offers()
        assert await relay.mail(SHANXI) == []
        await relay.steps("receipt", "confirmation")
        (told,) = await relay.mail(SHANXI)
        assert (told["state"], told["offer"], told["handovers"]) == ("confirmed", None, [])

    async def test_forgets_the_person_once_they_are_taken_in(self, relay: Relay):
        await relay.offers()
        await relay.steps("receipt")
        await relay.reads(LIAONING)
        await relay.steps("confirmation")
        await relay.hands_over()
        (told,) = await relay.mail(LIAONING)
        assert told["offer"] is None
        assert [each["sequence"] for each in told["handovers"]] == [0]

    async def test_brings_late_supplements_after_the_end(self, relay: Relay):
        await relay.offers()
        await relay.steps("receipt", "confirmation")
        await relay.hands_over()
        await relay.steps("completion")
        await relay.reads(LIAONING)
        for _ in range(2):
            assert await relay.hands_over(1) == "completed"
        (told,) = await relay.mail(LIAONING)
        assert [each["sequence"] for each in told["handovers"]] == [0, 1]
        await relay.reads(LIAONING)
        await relay.hands_over(1)
        assert await relay.mail(LIAONING) == []

    async def test_pages(self, relay: Relay):
        for number in range(5):
            await relay.offers(f"t-{number}")
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = await relay.does("GET", "/v1/mail", authority=LIAONING, limit=2, **after)
            seen += [each["transfer_id"] for each in page["exchanges"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert seen == [f"t-{number}" for number in range(5)]


class TestMisbehaviour:
    async def test_refuses_before_anything_is_done_and_says_when_to_come_back(self, relay: Relay):
        await relay.misbehaves(refused_percent=100)
        answer = await relay.client.put("/v1/exchanges/t-1", json=offer())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        await relay.misbehaves()
        assert await relay.mail(LIAONING) == []

    async def test_loses_an_answer_after_the_deed(self, relay: Relay):
        await relay.misbehaves(lost_percent=100)
        assert (await relay.client.put("/v1/exchanges/t-1", json=offer())).status_code == 502
        await relay.misbehaves()
        assert [each["transfer_id"] for each in await relay.mail(LIAONING)] == ["t-1"]

    async def test_repeats_what_was_acknowledged(self, relay: Relay):
        await relay.offers()
        await relay.steps("receipt")
        await relay.reads(LIAONING)
        await relay.misbehaves(repeated_percent=100)
        assert [each["state"] for each in await relay.mail(LIAONING)] == ["fetched"]

    async def test_shuffles_the_mail(self, relay: Relay):
        for number in range(6):
            await relay.offers(f"t-{number}")
        await relay.misbehaves(shuffled=True, seed=1)
        ids = [each["transfer_id"] for each in await relay.mail(LIAONING)]
        assert ids != sorted(ids)
        assert sorted(ids) == [f"t-{number}" for number in range(6)]
