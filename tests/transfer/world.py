"""A running transfer service with a clock that tests move, callers by name, and short words for histories."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI

from contracts.envelope import PublishedEvent
from services.cli.demo.fictitious import uscc
from services.kit.database import Database
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.observability import operations_app
from services.transfer.app import build_app
from services.transfer.composition import Transfers
from services.transfer.process.process import Process
from services.transfer.reactions import react
from services.transfer.tables import LOG
from services.transfer.worker import process_of
from tests.conftest import AUDIT_KEY
from tests.kit.http import bearer, calling, verifier
from tests.transfer.neighbours import Neighbours
from tests.transfer.scenarios import (
    LIAONING,
    LONGCHENG,
    NOW,
    OPENED,
    SHA256,
    SHANXI,
    SHUANGTA,
    TAIYUAN,
    collected,
)

_KEYS = itertools.count(1)
_PEOPLE = itertools.count(1)


class World:
    """The service under test, over HTTP and from inside."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, neighbours: Neighbours) -> None:
        self.app = app
        self.transfers: Transfers = app.state.transfers
        self.client = client
        self.neighbours = neighbours
        self.now = NOW
        self.opened = OPENED

    def process(self) -> Process:
        """A worker's share of the process, new as after a restart."""
        return process_of(self.transfers, self.authorities, lambda: self.opened)

    authorities: Sequence[str] = (LIAONING, SHANXI)

    async def learn(self, *facts: PublishedEvent) -> None:
        """What the registry published, as the worker takes it."""
        await self.transfers.path.store(LOG, lambda unit: react(unit, facts))

    async def person(self, place: str = SHUANGTA) -> str:
        """A new person collected at a place."""
        person_id = f"person-{next(_PEOPLE)}"
        await self.learn(collected(person_id, place))
        return person_id

    async def readiness(self) -> httpx.Response:
        """What the operator's port says of whether it can serve."""
        async with calling(operations_app(self.app)) as operator:
            return await operator.get("/readyz")

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        by: Mapping[str, str],
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A command with a key of its own unless one is given; an empty one leaves the header out."""
        key = f"key-{next(_KEYS)}" if key is None else key
        keyed = {"Idempotency-Key": key} if key else {}
        all_headers = {**by, **keyed, **(headers or {})}
        if body is None:
            return await self.client.post(path, headers=all_headers)
        return await self.client.post(path, headers=all_headers, json=body)

    async def get(self, path: str, *, by: Mapping[str, str], **params: Any) -> httpx.Response:
        """A question."""
        return await self.client.get(path, headers=dict(by), params=params)

    async def requested(self, person_id: str | None = None, **changes: Any) -> str:
        """The id of a transfer somebody has asked for."""
        person_id = person_id or await self.person()
        answer = await self.post("/v1/transfers", request_body(person_id, **changes), by=CLERK)
        assert answer.status_code == 201, answer.text
        transfer_id: str = answer.json()["transfer_id"]
        return transfer_id

    async def accepted(self, person_id: str | None = None, **changes: Any) -> str:
        """The id of a transfer that the origin has accepted."""
        transfer_id = await self.requested(person_id, **changes)
        answer = await self.post(f"/v1/transfers/{transfer_id}/acceptance", by=ORIGIN)
        assert answer.status_code == 200, answer.text
        return transfer_id

    async def completed(self, person_id: str | None = None) -> str:
        """The id of a transfer that the destination has approved."""
        transfer_id = await self.accepted(person_id)
        answer = await self.post(f"/v1/transfers/{transfer_id}/approval", by=DESTINATION)
        assert answer.status_code == 200, answer.text
        return transfer_id

    async def events(self, transfer_id: str) -> list[str]:
        """The topics of a transfer's stream, without the service's name."""
        async with self.transfers.database.acquire() as conn:
            streams = await self.transfers.store.load(conn, LOG, [transfer_id])
        return [event.topic.removeprefix("transfer.") for event in streams.get(transfer_id, [])]

    async def log(self, after: int = 0) -> Sequence[RecordedEvent]:
        """Everything stored."""
        async with self.transfers.database.acquire() as conn:
            return await self.transfers.store.read(conn, LOG, after=after, limit=10_000)

    async def home(self, person_id: str) -> tuple[str, str | None]:
        """Place and employer of a person as this service knows them."""
        async with self.transfers.database.acquire() as conn:
            row = await conn.fetchrow(
                "select place, employer from homes where log = $1 and person_id = $2", LOG, person_id
            )
        assert row is not None
        return row["place"], row["employer"]


CLERK = bearer("transfer:request", subject="clerk-n", place="100000")
ORIGIN = bearer("transfer:review", subject="clerk-o", place=SHUANGTA)
DESTINATION = bearer("transfer:review", subject="clerk-d", place=LONGCHENG)
FAR_DESK = bearer("transfer:review", subject="clerk-f", place=TAIYUAN)


async def signed_in(world: World, arrival: str) -> dict[str, str]:
    """The token that a portal has for the person of an arrival."""
    view = await world.get(f"/v1/transfers/{arrival}", by=FAR_DESK)
    return bearer("transfer:confirm", subject=view.json()["person_id"])


def request_body(person_id: str, **changes: Any) -> dict[str, Any]:
    """A good request from 双塔区 to 龙城区."""
    evidence = [{"name": "工作证明.pdf", "sha256": SHA256, "media_type": "application/pdf"}]
    body = {"person_id": person_id, "to_place": LONGCHENG, "employer": uscc(1), "evidence": evidence}
    return {**body, **changes}


def code(answer: httpx.Response) -> str:
    """The code of a problem."""
    return str(answer.json()["type"]).removeprefix("urn:xuefen:problem:")


def pointers(answer: httpx.Response) -> set[str]:
    """The fields a problem names."""
    return {error["pointer"] for error in answer.json()["errors"]}


@asynccontextmanager
async def running(dsn: str) -> AsyncIterator[World]:
    """The service on a database, as long as the block lasts."""
    world: World
    neighbours = Neighbours()

    @asynccontextmanager
    async def opener(store: EventStore) -> AsyncIterator[Transfers]:
        database = await Database.connect(dsn, schema="transfer", application_name="test-transfer")
        transfers = Transfers(database, store, OPENED, neighbours.peers, clock=now, audit_key=AUDIT_KEY)
        await transfers.prepare()
        yield transfers
        await transfers.close()

    def now() -> datetime:
        return world.now

    app = build_app(verifier(), opener)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            world = World(app, client, neighbours)
            yield world
    await neighbours.close()
