"""House of the console's tests: the services in process, the issuer and the console on loopback, and people who sign in."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
import yaml
from fastapi import FastAPI
from starlette.types import ASGIApp

from contracts.sign_in import Role
from services.cli.demo.fictitious import FictitiousPerson
from services.console.app import build_app
from services.console.composition import connect, parts_of_console
from services.console.screens.table import SCREENS
from services.console.services_client import ServicesClient
from services.console.settings import ConsoleSettings
from services.console.web import Parts
from services.stand_ins.sign_in import app as stand_in
from services.stand_ins.sign_in.people import People, SignInPerson, issuer_of, write_people
from tests.conftest import FreshDatabaseFactory
from tests.e2e.provider import Provider
from tests.e2e.system import System, new_system

LOOPBACK = "127.0.0.1"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None: the tests are told to stop, not their servers."""
        yield


@asynccontextmanager
async def served(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """An application on loopback for the time of a block, in this very loop."""
    config = uvicorn.Config(app, host=LOOPBACK, port=port, log_config=None, ws="none", server_header=False)
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


class Browser:
    """Somebody's browser, as far as a test needs one: cookies, pages, forms."""

    def __init__(self, address: str) -> None:
        self.client = httpx.AsyncClient(base_url=address, trust_env=False, timeout=30)

    async def open(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def follow(self, path: str) -> httpx.Response:
        return await self.client.get(path, follow_redirects=True)

    async def submit(self, page: str, action: str, **fields: Any) -> httpx.Response:
        """Send a form of a page, with its `files`, to where it goes, with the page's own proof that it is ours."""
        found = CSRF.search((await self.follow(page)).text)
        assert found is not None, f"{page} has no form"
        files = fields.pop("files", None)
        return await self.client.post(action, data={"csrf": found[1], **fields}, files=files)

    async def sign_in(self, sub: str, following: str = "/") -> httpx.Response:
        """Go to the issuer, be somebody there, and come back; the page one is then led to."""
        sent = await self.open(f"/sign-in/stand-in?next={following}")
        assert sent.status_code == 303, sent.text
        chosen = await self.client.get(f"{sent.headers['location']}&sub={sub}")
        assert chosen.status_code == 303, chosen.text
        return await self.client.get(chosen.headers["location"])


class House:
    """All of it, running."""

    def __init__(self, system: System, parts: Parts, app: FastAPI, people_file: Path) -> None:
        self.system = system
        self.parts = parts
        self.app = app
        self.address = parts.settings.console_url
        self._people_file = people_file
        self._people: dict[str, SignInPerson] = {}
        self._browsers: list[Browser] = []

    def introduce(self, sub: str, role: Role, **claims: Any) -> str:
        """Somebody whom the issuer knows from now on."""
        self._people[sub] = SignInPerson(sub=sub, name=claims.pop("name", "演示人员"), role=role, **claims)
        write_people(self._people_file, list(self._people.values()))
        return sub

    def browser(self) -> Browser:
        self._browsers.append(Browser(self.address))
        return self._browsers[-1]

    async def close_browsers(self) -> None:
        while self._browsers:
            await self._browsers.pop().client.aclose()

    async def somebody(self, role: Role, **claims: Any) -> Browser:
        """A browser in which somebody of a role has signed in."""
        sub = self.introduce(f"{role}-{len(self._people)}", role, **claims)
        browser = self.browser()
        entered = await browser.sign_in(sub)
        assert entered.status_code == 303, entered.text
        return browser

    async def professional(self, person: FictitiousPerson) -> Browser:
        return await self.somebody("person", name=person.name, id_number=person.id_number)


@asynccontextmanager
async def running_house(fresh_database: FreshDatabaseFactory, folder: Path) -> AsyncIterator[House]:
    """The services, the issuer and the console, until the end of the block."""
    people_file, issuers_file = folder / "people.yaml", folder / "issuers.yaml"
    write_people(people_file, [])
    issuer_port, console_port = free_port(), free_port()
    issuer = f"http://{LOOPBACK}:{issuer_port}"
    told = {"issuers": [issuer_of(issuer).model_dump(mode="json", exclude_none=True)]}
    issuers_file.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    settings = ConsoleSettings(
        console_database_url=fresh_database("console").app_dsn,
        console_url=f"http://{LOOPBACK}:{console_port}",
        sign_in_issuers_file=issuers_file,
    )
    async with AsyncExitStack() as stack:
        system = new_system(fresh_database, sign_in_issuers_file=issuers_file, token_lifetime_seconds=36_000)
        await stack.enter_async_context(system.running())

        def now() -> float:
            return system.clock().timestamp()

        returning = f"{settings.console_url}/sign-in/return"
        issuer_app = stand_in.build_app(issuer, returning, People(people_file), now=now)
        await stack.enter_async_context(served(issuer_app, issuer_port))
        database = await connect(settings)
        stack.push_async_callback(database.close)
        parts = parts_of_console(
            settings, database, ServicesClient(system.clients), SCREENS, clock=system.clock
        )

        @asynccontextmanager
        async def opened() -> AsyncIterator[Parts]:
            yield parts

        app = build_app(opened)
        await stack.enter_async_context(served(app, console_port))
        yield House(system, parts, app, people_file)


async def clerk_of(house: House, provider: Provider) -> Browser:
    """A browser in which a clerk of the provider has signed in."""
    nation = house.system.official("100000", "organization:write")
    path = f"/v1/organizations/{provider.organization_id}"
    organization = await house.system.does("registry", "GET", path, by=nation)
    return await house.somebody("provider", organization=organization["uscc"])


def query_of(address: str) -> Mapping[str, Sequence[str]]:
    return parse_qs(urlsplit(address).query)
