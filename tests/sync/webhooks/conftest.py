"""An organization's endpoints over the real API, and a receiver of theirs outside that checks every message it is sent."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest_asyncio

from services.kit.event_store import EventStore
from services.sync.app import build_app
from services.sync.composition import Sync
from services.sync.recording.following import WEBHOOKS, LedgerFollowing
from services.sync.webhooks.address import Answer, NoAnswerError
from services.sync.webhooks.sender import WebhookSender
from tests.conftest import WEBHOOK_KEY
from tests.kit.http import bearer, verifier
from tests.sync.feeds import earned
from tests.sync.world import World

OWNER, LOG = "organization-0001", "210000"
URL = "https://hooks.example/xuefen"


class Receiver:
    """Endpoints outside: each message is kept as it came, and answered as a test wants it."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Mapping[str, str], bytes]] = []
        self.answers: dict[str, list[int | str]] = {}
        """What an address answers next: a status, or a code of why it does not; 204 when nothing is left."""
        self.retry_after: str | None = None
        self.refused: str | None = None
        """The id of a message that is never taken."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.messages.append((url, headers, body))
        answers = self.answers.get(url, [])
        answer = answers.pop(0) if answers else 204
        if headers["webhook-id"] == self.refused:
            answer = 400
        if isinstance(answer, str):
            raise NoAnswerError(answer)
        return Answer(answer, self.retry_after)

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, in the order in which they came."""
        return [headers["webhook-id"] for _, headers, _ in self.messages]

    @property
    def said(self) -> list[dict[str, Any]]:
        """What the messages say."""
        return [json.loads(body) for _, _, body in self.messages]


def verifies(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of a message's signatures is of the secret: the receiver's side of Standard Webhooks, by its text."""
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [each.split(",") for each in headers["webhook-signature"].split(" ")]
    return ["v1", expected] in given


class Hooks:
    """One synchronisation with its API, its worker's step and the receiver."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self.world = world
        self.client = client
        self.receiver = Receiver()
        self._keys = 0

    async def call(
        self, method: str, path: str = "", *, by: str = OWNER, key: str | None = None, **options: Any
    ) -> httpx.Response:
        self._keys += 1
        headers = bearer("completion:write", subject=by, organization=by)
        headers |= {"Idempotency-Key": key or f"key-{self._keys}"}
        return await self.client.request(method, f"/v1/webhooks{path}", headers=headers, **options)

    async def registers(self, url: str = URL, *kinds: str, by: str = OWNER) -> tuple[str, str]:
        """An endpoint's id, and its secret."""
        response = await self.call("POST", json={"url": url, "kinds": list(kinds)}, by=by)
        assert response.status_code == 201, response.text
        answer = response.json()
        return answer["webhook"]["webhook_id"], answer["secret"]

    async def shown(self, webhook_id: str) -> dict[str, Any]:
        """The endpoint as its organization sees it."""
        response = await self.call("GET", f"/{webhook_id}")
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.json()
        return shown

    async def deliveries(self, webhook_id: str, **asked: str) -> list[dict[str, Any]]:
        """The log of deliveries, the latest first."""
        response = await self.call("GET", f"/{webhook_id}/deliveries", params=asked)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    def publishes(self, *events: Any, log: str = LOG) -> None:
        """The ledger publishes events of now."""
        self.world.ledger.publish(log, *events, at=self.world.now)

    def earns(self, person: str = "person-1", by: str = OWNER, **fields: Any) -> Any:
        """A credit that the organization reported."""
        return earned(person, "210102", provider_id=by, **fields)

    async def records(self) -> None:
        """Everything published by now becomes deliveries."""
        async with self.world.ledger.client() as client:
            recorder = self.world.sync.webhook_recorder
            following = LedgerFollowing(
                self.world.database, client, recorder, [LOG, "140000"], checkpoint=WEBHOOKS
            )
            while await following.step():
                pass

    def sender(self) -> WebhookSender:
        """A worker's sender."""
        sync = self.world.sync
        return WebhookSender(
            sync.database,
            sync.endpoints,
            self.receiver,
            WEBHOOK_KEY,
            clock=lambda: self.world.now,
            jitter=lambda: 1.0,
        )

    async def sends(self) -> int:
        """Record, and see through what may go now; how many attempts that were."""
        await self.records()
        return await self.sender().step()


@pytest_asyncio.fixture
async def hooks(world: World) -> AsyncIterator[Hooks]:
    @asynccontextmanager
    async def opener(_: EventStore) -> AsyncIterator[Sync]:
        yield world.sync

    app = build_app(verifier(), opener)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://sync") as client,
    ):
        yield Hooks(world, client)
