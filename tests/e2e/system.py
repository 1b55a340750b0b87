"""The three services as one system: real applications called over ASGI, one clock, one signing key, a fresh database
each, and their followers stepped by hand, so that a test says when a fact has travelled."""

import itertools
import uuid
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from contracts.divisions import AUTHORITIES
from services.cli.demo import fictitious
from services.cli.demo.fictitious import FictitiousPerson
from services.cli.sign_in import CARRIER_SCOPES, SCOPES, SERVICE_SCOPES
from services.kit.auth import TokenVerifier, issuers_of
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.follower import FeedFollower
from services.kit.key_sets import FixedKeys
from services.kit.settings import ServiceSettings, new_key_text
from services.kit.signing import new_signing_key, sign_token, signing_key_text
from services.ledger import app as ledger_app
from services.ledger import composition as ledger_parts
from services.ledger import worker as ledger_worker
from services.ledger.composition import Ledger
from services.ledger.settings import LedgerSettings
from services.registry import app as registry_app
from services.registry import worker as registry_worker
from services.registry.composition import Registry
from services.registry.settings import RegistrySettings
from services.stand_ins.relay import app as relay_app
from services.transfer import app as transfer_app
from services.transfer import worker as transfer_worker
from services.transfer.composition import Transfers
from services.transfer.peers import Peers
from services.transfer.places import OpenedAuthorities
from services.transfer.process.process import Process
from services.transfer.settings import TransferSettings
from tests.conftest import AUDIT_KEY, FreshDatabase, FreshDatabaseFactory
from tests.e2e.provider import Provider, identity

Headers = Mapping[str, str]

START = datetime(2025, 6, 1, 4, tzinfo=UTC)
"""Noon of a Sunday in Shanghai, in the middle of Liaoning's year of study."""

SERVICES = ("registry", "ledger", "transfer")
ROUTES = (("registry", "transfer"), ("registry", "ledger"), ("transfer", "registry"), ("transfer", "ledger"))
"""Who is followed by whom."""

NATION, LIAONING, CHAOYANG, SHUANGTA, SHENYANG = "100000", "210000", "211300", "211302", "210100"
LISTED = "北京东奥时代教育科技有限公司"
"""A provider that Liaoning's notice of 2025 lists (S1-22)."""

_OFFICIAL = SCOPES["official"] | {"identity:check"}
_PROVIDER = SCOPES["provider"] | {"transcript:read"}
_TEN_YEARS = 10 * 366 * 86_400


class _CarrierToken(httpx.Auth):
    """The transfer service's token."""

    def __init__(self, system: "System") -> None:
        self._system = system

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._system.token(*CARRIER_SCOPES, subject="service:transfer")
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


class System:
    """Registry, ledger and transfer service, and everybody who talks to them."""

    def __init__(self, databases: Mapping[str, FreshDatabase], **settings: Any) -> None:
        """`settings` are given to every service, as if they stood in the environment of each."""
        self.databases = databases
        self.now = START
        self.key = new_signing_key()
        self.people = itertools.count(1)
        keys: dict[str, Any] = {"identity_key": new_key_text(), "digest_key": new_key_text()}
        keys["audit_key"] = keys["identity_key"]
        settings = keys | settings
        self.registry_settings = RegistrySettings(
            registry_database_url=databases["registry"].app_dsn,
            key_encryption_key=new_key_text(),
            signing_key=signing_key_text(self.key),
            **settings,
        )
        self.ledger_settings = LedgerSettings(
            ledger_database_url=databases["ledger"].app_dsn,
            ledger_databases=databases["ledger"].by_log,
            **settings,
        )
        self.transfer_settings = TransferSettings(
            transfer_database_url=databases["transfer"].app_dsn,
            **{name: value for name, value in settings.items() if name in TransferSettings.model_fields},
        )
        self.apps: dict[str, FastAPI] = {
            "registry": registry_app.create_app(self.registry_settings, self.clock),
            "ledger": ledger_app.build_app(self._verifier(self.ledger_settings), self._open_ledger),
            "transfer": transfer_app.build_app(self._verifier(self.transfer_settings), self._open_transfers),
        }
        self.relay = relay_app.build_app()
        self.clients: dict[str, httpx.AsyncClient] = {}
        self._codes = itertools.count(1)
        self._registered: dict[str, str] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["System"]:
        """The three applications started, with a client of each."""
        async with AsyncExitStack() as stack:
            for service, app in self.apps.items():
                await stack.enter_async_context(app.router.lifespan_context(app))
                transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                client = httpx.AsyncClient(transport=transport, base_url=f"http://{service}")
                self.clients[service] = await stack.enter_async_context(client)
            yield self

    def clock(self) -> datetime:
        """The moment it is in every service."""
        return self.now

    @property
    def registry(self) -> Registry:
        registry: Registry = self.apps["registry"].state.registry
        return registry

    @property
    def ledger(self) -> Ledger:
        ledger: Ledger = self.apps["ledger"].state.ledger
        return ledger

    @property
    def transfers(self) -> Transfers:
        transfers: Transfers = self.apps["transfer"].state.transfers
        return transfers

    def _verifier(self, settings: ServiceSettings) -> TokenVerifier:
        """Who a service trusts by its settings; the registry's key set is handed over instead of fetched."""
        own = FixedKeys.of(self.key)
        return TokenVerifier(issuers_of(settings, own=own), now=lambda: self.clock().timestamp())

    @asynccontextmanager
    async def _open_ledger(self, store: EventStore) -> AsyncIterator[Ledger]:
        databases = await ledger_parts.connect(self.ledger_settings, "api")
        ledger = Ledger(
            databases,
            self.ledger_settings.hashers,
            digest_key=self.ledger_settings.digest_key_bytes,
            audit_key=AUDIT_KEY,
            store=store,
            clock=self.clock,
        )
        try:
            await ledger.prepare()
            yield ledger
        finally:
            await ledger.close()

    @asynccontextmanager
    async def _open_transfers(self, store: EventStore) -> AsyncIterator[Transfers]:
        opened = OpenedAuthorities.from_file(self.transfer_settings.transfer_opened_authorities_file)
        told = self.transfer_settings
        database = await Database.connect_checked(
            told.transfer_database_url,
            service="transfer",
            process="api",
            size_max=told.transfer_pool_size,
            waits=told.waits("api"),
        )
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(self._carrier(each))
                for each in ("registry", "ledger", "relay")
            ]
            transfers = Transfers(
                database, store, opened, Peers.of(*clients), clock=self.clock, audit_key=AUDIT_KEY
            )
            try:
                await transfers.prepare()
                yield transfers
            finally:
                await transfers.close()

    def _carrier(self, service: str) -> httpx.AsyncClient:
        """What the transfer service calls somebody with; its token is made for each request, as the clock runs."""
        app = self.relay if service == "relay" else self.apps[service]
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=f"http://{service}", auth=_CarrierToken(self))

    def process(self) -> Process:
        """The transfer worker's share of the process, new as after a restart."""
        settings = self.transfer_settings
        return transfer_worker.process_of(
            self.transfers,
            settings.authorities,
            lambda: OpenedAuthorities.from_file(settings.transfer_opened_authorities_file),
        )

    async def carry(self) -> None:
        """Let everything published arrive, and the transfer worker do all there is to do, until nothing is left."""
        done = 1
        while done:
            await self.follow()
            done = await self.process().step()

    def follower(
        self, source: str, consumer: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> FeedFollower:
        """The consumer's own follower of a service's log, new as after a restart of its worker."""
        client = self.feed_client(source, consumer, transport)
        if consumer == "ledger":
            return ledger_worker.follower(self.ledger, client, source)
        if consumer == "registry":
            return registry_worker.follow_transfers(self.registry.database, self.registry.store, client)
        return transfer_worker.follow_registry(self.transfers, client)

    def feed_client(
        self, source: str, consumer: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> httpx.AsyncClient:
        """What the consumer's worker calls a service with."""
        token = self.token(*SERVICE_SCOPES, subject=f"service:{consumer}")
        return httpx.AsyncClient(
            transport=transport or httpx.ASGITransport(self.apps[source]),
            base_url=f"http://{source}",
            headers={"Authorization": f"Bearer {token}"},
        )

    async def follow(self) -> None:
        """Let every published fact arrive everywhere."""
        moved = True
        while moved:
            moved = False
            for source, consumer in ROUTES:
                while await self.follower(source, consumer).step():
                    moved = True

    def token(self, *scopes: str, subject: str = "somebody", **claims: Any) -> str:
        """A token of the registry's own issuer, good as long as any test's clock runs."""
        return sign_token(
            self.key,
            issuer=self.registry_settings.issuer,
            subject=subject,
            scopes=scopes,
            lifetime_seconds=_TEN_YEARS,
            now=lambda: self.clock().timestamp(),
            **claims,
        )

    def official(self, place: str, *scopes: str, subject: str = "") -> dict[str, str]:
        """The headers of an official of a place."""
        token = self.token(*(scopes or _OFFICIAL), subject=subject or f"bureau-{place}", place=place)
        return {"Authorization": f"Bearer {token}"}

    def reader(self) -> dict[str, str]:
        """The headers of somebody who may read feeds, and nothing else."""
        return {"Authorization": f"Bearer {self.token('feed:read', subject='reader')}"}

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: Headers | None = None,
        **extra: Any,
    ) -> httpx.Response:
        """One request with an Idempotency-Key of its own."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} | dict(by or {})
        return await self.clients[service].request(method, path, json=body, headers=headers, **extra)

    async def relays(self, method: str, path: str, body: Any = None) -> Any:
        """The relay's stand-in, told something."""
        transport = httpx.ASGITransport(self.relay)
        headers = {"Authorization": "Bearer anybody"}
        async with httpx.AsyncClient(transport=transport, base_url="http://relay", headers=headers) as client:
            answer = await client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def does(self, *request: Any, **options: Any) -> Any:
        """The body of the answer to a request that succeeds."""
        answer = await self.call(*request, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def stranger(self) -> FictitiousPerson:
        """Somebody nobody has collected yet."""
        return fictitious.person(next(self.people))

    async def submits(self, person: FictitiousPerson, place: str = SHUANGTA, **fields: Any) -> dict[str, Any]:
        """A person's information is handed in by an official of the place (S2C-01)."""
        body = {
            "person": identity(person),
            "place": place,
            "qualifications": [{"level": "junior", "obtained_on": date(2018, 9, 1).isoformat()}],
        } | fields
        outcome: dict[str, Any] = await self.does(
            "registry", "POST", "/v1/collections", body, by=self.official(place)
        )
        return outcome

    async def collects(self, person: FictitiousPerson, place: str = SHUANGTA, **fields: Any) -> str:
        """A person's information is handed in and passed by two other officials (S2C-08); the person's id."""
        case = await self.submits(person, place, **fields)
        await self.passes(case["collection_id"], place)
        person_id: str = case["person_id"]
        return person_id

    async def passes(self, collection_id: str, place: str) -> None:
        """A collection passes its two reviews, by two officials of a place (S2C-08)."""
        for step in ("initial", "final"):
            path = f"/v1/collections/{collection_id}/{step}-review"
            by = self.official(place, subject=f"{step}-reviewer")
            await self.does("registry", "POST", path, {"decision": "pass"}, by=by)

    async def provides(self, name: str = LISTED, places: Sequence[str] = (LIAONING,)) -> Provider:
        """A provider is registered, accredited at places, given a client, and signs in by itself."""
        nation = self.official(NATION, *_OFFICIAL, "client:write")
        body: dict[str, Any] = {"name": name, "uscc": self.uscc(), "kind": "provider", "place": NATION}
        organization_id = (await self.does("registry", "POST", "/v1/organizations", body, by=nation))[
            "organization_id"
        ]
        for place in places:
            body = {"place": place, "years": list(range(2023, 2027)), "modes": ["online", "face_to_face"]}
            path = f"/v1/organizations/{organization_id}/accreditations"
            await self.does("registry", "POST", path, body, by=self.official(place))
        body = {"scopes": sorted(_PROVIDER), "organization_id": organization_id}
        client = await self.does("registry", "POST", "/v1/clients", body, by=nation)
        provider = Provider(self, organization_id, client["client_id"], client["client_secret"])
        await provider.signs_in()
        return provider

    async def transfers_to(self, person_id: str, place: str, to_place: str, **fields: Any) -> str:
        """A transfer is requested, accepted by the origin and approved by the destination (S2C-10 to S2C-12)."""
        evidence = [{"name": "工作证明.pdf", "sha256": "ab" * 32, "media_type": "application/pdf"}]
        body = {
            "person_id": person_id,
            "to_place": to_place,
            "employer": self.uscc(),
            "evidence": evidence,
        } | fields
        portal = {"Authorization": f"Bearer {self.token('transfer:request', subject=person_id)}"}
        transfer_id: str = (await self.does("transfer", "POST", "/v1/transfers", body, by=portal))[
            "transfer_id"
        ]
        for desk, step in ((place, "acceptance"), (to_place, "approval")):
            await self.does("transfer", "POST", f"/v1/transfers/{transfer_id}/{step}", by=self.official(desk))
        return transfer_id

    async def disqualifies(self, provider: Provider, place: str, from_date: date) -> None:
        """A bureau takes a provider's standing from a day on (S0-25)."""
        body = {"place": place, "from_date": from_date.isoformat(), "reason": "false_records"}
        path = f"/v1/organizations/{provider.organization_id}/disqualification"
        await self.does("registry", "POST", path, body, by=self.official(place))

    def uscc(self) -> str:
        """A credit code nobody has used yet."""
        return fictitious.uscc(next(self._codes))

    async def asks(self, person_id: str, year: int, place: str = LIAONING) -> dict[str, Any]:
        """An official of the place asks whether somebody is compliant."""
        path = f"/v1/persons/{person_id}/compliance/{year}"
        answer: dict[str, Any] = await self.does("ledger", "GET", path, by=self.official(place))
        return answer

    async def heads(self, service: str) -> dict[str, int]:
        """The last position of every log of a service."""
        logs = await self.does(service, "GET", "/v1/logs", by=self.reader())
        return {each["log"]: each["head"] for each in logs["items"]}

    async def all_heads(self) -> dict[str, dict[str, int]]:
        """How many events there are, log by log, in the whole system."""
        return {service: await self.heads(service) for service in SERVICES}


def new_system(fresh_database: FreshDatabaseFactory, **settings: Any) -> System:
    """A system on three databases nobody has used."""
    logs = {"ledger": AUTHORITIES}
    return System({each: fresh_database(each, logs=logs.get(each, ())) for each in SERVICES}, **settings)
