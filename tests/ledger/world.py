"""A ledger to play on: the real application over a real database, with a clock that stands where it is put.

Facts of the registry arrive as its feed would bring them; providers and officials call over HTTP.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from contracts import registry, transfer
from contracts.divisions import AUTHORITIES, authority_of
from contracts.identity import IdentityHashers
from services.cli.demo import fictitious
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.observability import operations_app
from services.ledger.app import build_app
from services.ledger.composition import SCHEMA, Ledger
from services.ledger.policy import Notice, notice_as_data
from services.ledger.reactions.reactions import SourceEvent
from tests.conftest import AUDIT_KEY, FreshDatabase, FreshDatabaseFactory
from tests.kit.http import bearer, calling, verifier

IDENTITY_KEY = b"an identity key of 32 bytes or so"
DIGEST_KEY = b"a key of digests, of 32 bytes....."
PROVIDER_SCOPES = ("completion:write", "enrolment:write", "compliance:read", "transcript:read")
EMPLOYER_SCOPES = ("employee:read", "compliance:read", "transcript:read", "claim:submit")
OFFICIAL_SCOPES = (
    "credit:revoke",
    "credit:correct",
    "exemption:write",
    "policy:write",
    "compliance:read",
    "employee:read",
    "transcript:read",
    "statistics:read",
)


async def connect(fresh: FreshDatabase, size_max: int = 6) -> Databases:
    """The databases of a fresh ledger, some of its logs on a second server in the layout `spread`."""
    default = await Database.connect(fresh.app_dsn, schema=SCHEMA, application_name="test", size_max=size_max)
    others: dict[str, Database] = {}
    for dsn in set(fresh.by_log.values()):
        others[dsn] = await Database.connect(dsn, schema=SCHEMA, application_name="test", size_max=size_max)
    return Databases(default, {log: others[dsn] for log, dsn in fresh.by_log.items()})


class World:
    """One ledger, its clock, and everybody who talks to it."""

    def __init__(self, fresh: FreshDatabase) -> None:
        self.fresh = fresh
        self.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        self.identity_keys = [IDENTITY_KEY]
        self.app: FastAPI = build_app(verifier(), self._open)
        self.ledger: Ledger
        self.client: httpx.AsyncClient
        self._position = 0
        self._people = 0
        self._moves = 0
        self._records = 0

    @asynccontextmanager
    async def _open(self, store: EventStore) -> AsyncIterator[Ledger]:
        databases = await connect(self.fresh)
        ledger = Ledger(
            databases,
            IdentityHashers(lambda: self.identity_keys, look_seconds=0),
            digest_key=DIGEST_KEY,
            audit_key=AUDIT_KEY,
            store=store,
            clock=lambda: self.now,
        )
        try:
            await ledger.prepare()
            yield ledger
        finally:
            await ledger.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["World"]:
        """The application started, with a client."""
        async with self.app.router.lifespan_context(self.app):
            self.ledger = self.app.state.ledger
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
                self.client = client
                yield self

    async def readiness(self) -> httpx.Response:
        """What the operator's port says of whether it can serve."""
        async with calling(operations_app(self.app)) as operator:
            return await operator.get("/readyz")

    async def hears(self, *facts: Any) -> None:
        """The registry's feed brings facts."""
        events = []
        for fact in facts:
            self._position += 1
            events.append(SourceEvent(self._position, fact))
        await self.ledger.reactions.handle("registry", events, self._position)

    async def moves(self, who: "Somebody", from_place: str, to_place: str) -> None:
        """The transfer service's feed says that somebody moved."""
        self._moves += 1
        fact = transfer.ProfileTransferred(
            transfer_id=f"transfer-{self._moves}",
            person_id=who.person_id,
            from_place=from_place,
            to_place=to_place,
            from_authority=authority_of(from_place),
            to_authority=authority_of(to_place),
            employer=fictitious.uscc(self._moves),
            transferred_at=self.now,
            end="within",
        )
        event = SourceEvent(self._moves, fact)
        await self.ledger.reactions.handle("transfer", [event], self._moves)

    def stranger(self) -> fictitious.FictitiousPerson:
        """Somebody nobody has collected yet."""
        self._people += 1
        return fictitious.person(self._people)

    async def collects(
        self,
        place: str,
        *,
        person: fictitious.FictitiousPerson | None = None,
        qualified_on: date | None = date(2018, 9, 1),
        working_since: date | None = None,
        student: bool = False,
        employer: str | None = None,
    ) -> "Somebody":
        """The registry collects a person."""
        person = person or self.stranger()
        self._records += 1
        person_id = f"person-{self._records:06d}"
        collected = self.collection(person_id, person, place, qualified_on, working_since, student)
        await self.hears(collected.model_copy(update={"employer": employer}))
        return Somebody(person_id, person)

    def collection(
        self,
        person_id: str,
        person: fictitious.FictitiousPerson,
        place: str,
        qualified_on: date | None = date(2018, 9, 1),
        working_since: date | None = None,
        student: bool = False,
    ) -> registry.InfoCollected:
        """The fact that the registry publishes of a collected person."""
        hasher = self.ledger.hashers.current
        level: registry.Level = "junior"
        qualification = (
            registry.Qualification(level=level, obtained_on=qualified_on) if qualified_on else None
        )
        return registry.InfoCollected(
            person_id=person_id,
            identity_hash=hasher.person("resident_id", person.id_number),
            name_hash=hasher.name("resident_id", person.id_number, person.name),
            place=place,
            employer=None,
            student=student,
            qualification=qualification,
            level=level if qualified_on else None,
            working_since=working_since,
            affiliation=None,
            groups=(),
            graduated_on=None,
            birth_month=None,
            collected_at=self.now,
        )

    async def provides(
        self,
        name: str,
        *,
        accredited: Sequence[str] = (),
        years: Sequence[int] = tuple(range(2020, 2028)),
        modes: Sequence[str] = ("online", "face_to_face"),
    ) -> "Provider":
        """The registry knows a provider, accredited at places."""
        self._records += 1
        organization_id = f"organization-{self._records:04d}"
        facts: list[Any] = [
            registry.OrganizationRegistered(
                organization_id=organization_id,
                name=name,
                uscc=fictitious.uscc(self._records),
                kind="online_provider",
            )
        ]
        facts += [
            registry.ProviderAccredited(
                organization_id=organization_id,
                place=place,
                years=tuple(years),
                modes=tuple(modes),
                published=True,
            )
            for place in accredited
        ]
        await self.hears(*facts)
        return Provider(self, organization_id)

    async def employs(self, employer: str, *scopes: str) -> dict[str, str]:
        """The registry knows an employer by its credit code; the headers of its account."""
        self._records += 1
        organization_id = f"organization-{self._records:04d}"
        await self.hears(
            registry.OrganizationRegistered(
                organization_id=organization_id, name="某某有限公司", uscc=employer, kind="employer"
            )
        )
        return bearer(*(scopes or EMPLOYER_SCOPES), subject=organization_id, organization=organization_id)

    def official(self, place: str, *scopes: str, subject: str = "official-1") -> dict[str, str]:
        """The headers of an official of a place."""
        return bearer(*(scopes or OFFICIAL_SCOPES), subject=subject, place=place)

    async def publishes(self, notice: Notice | Mapping[str, Any]) -> dict[str, Any]:
        """One official of a notice's place drafts it, another publishes it, unless it is in force already."""
        said = notice_as_data(notice) if isinstance(notice, Notice) else notice
        place = str(said["place"])
        drafted = await self.client.post("/v1/policies", json={"notice": said}, headers=self.official(place))
        assert drafted.status_code == 200, drafted.text
        if drafted.json()["state"] == "in_force":
            return dict(drafted.json())
        path = f"/v1/policies/{place}/notices/{said['id']}/publication"
        approved = {"notice_hash": drafted.json()["hash"]}
        by = self.official(place, subject="official-2")
        published = await self.client.post(path, json=approved, headers=by)
        assert published.status_code == 200, published.text
        answer: dict[str, Any] = published.json()
        return answer

    async def asks(
        self, who: "Somebody", year: int, *, place: str = "100000", **params: str
    ) -> dict[str, Any]:
        """An official asks whether somebody is compliant."""
        response = await self.client.get(
            f"/v1/persons/{who.person_id}/compliance/{year}", params=params, headers=self.official(place)
        )
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def events(self, log: str) -> list[Any]:
        """Everything in a log."""
        async with self.ledger.databases.of(log).acquire() as conn:
            return await self.ledger.store.read(conn, log, after=0, limit=10_000)

    async def count_events(self) -> int:
        """How many events all logs hold."""
        total = 0
        for database, logs in self.ledger.databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                total += sum((await self.ledger.store.heads(conn, logs)).values())
        return total


class Somebody:
    """A collected person."""

    def __init__(self, person_id: str, person: fictitious.FictitiousPerson) -> None:
        self.person_id = person_id
        self.person = person

    @property
    def identity(self) -> dict[str, str]:
        """Number and name as they stand on the ID document."""
        return {"id_type": "resident_id", "id_number": self.person.id_number, "name": self.person.name}


class Provider:
    """A provider that posts."""

    def __init__(self, world: World, organization_id: str) -> None:
        self.world = world
        self.organization_id = organization_id
        self._count = 0

    def headers(self, *scopes: str, **extra: str) -> dict[str, str]:
        """The provider's token."""
        claims = {"subject": self.organization_id, "organization": self.organization_id}
        return bearer(*(scopes or PROVIDER_SCOPES), **claims) | extra

    def completion(
        self, who: Somebody | fictitious.FictitiousPerson, year: int, credits: str, **fields: Any
    ) -> dict[str, Any]:
        """A completion as this provider would post it; given fields win, None leaves one out."""
        self._count += 1
        person = who.person if isinstance(who, Somebody) else who
        record: dict[str, Any] = {
            "id": f"c-{self._count:06d}",
            "person": {"id_type": "resident_id", "id_number": person.id_number, "name": person.name},
            "year": year,
            "category": "professional",
            "credits": credits,
            "mode": "online",
            "course": f"KJ-{self._count:03}",
            "completed_at": (self.world.now - timedelta(hours=1)).isoformat(),
        } | fields
        return {name: value for name, value in record.items() if value is not None}

    async def posts(
        self, *records: dict[str, Any], to: str = "completions", **headers: str
    ) -> list[dict[str, Any]]:
        """Post records; the outcomes."""
        response = await self.world.client.post(
            f"/v1/{to}", json={"records": list(records)}, headers=self.headers(**headers)
        )
        assert response.status_code == 200, response.text
        results: list[dict[str, Any]] = response.json()["results"]
        return results

    async def withdraws(
        self, record_id: str, *, kind: str = "completions", key: str = "", **body: Any
    ) -> Any:
        """Take a record back."""
        return await self.world.client.post(
            f"/v1/{kind}/{record_id}/withdrawal",
            json={"reason": "reported_in_error"} | body,
            headers=self.headers(**{"Idempotency-Key": key or f"withdraw-{record_id}"}),
        )


def make_world(fresh_database: FreshDatabaseFactory) -> Callable[[], World]:
    """A maker of worlds, each on a database of its own."""
    return lambda: World(fresh_database("ledger", logs=AUTHORITIES))
