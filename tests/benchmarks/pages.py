"""Pages of the console over a province: how long the server takes for each, beside the calls that it waits for."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from statistics import median, quantiles

import httpx
from rich.console import Console

from services.cli.demo.command import demo_settings
from services.cli.demo.province import PROVINCE, Province
from services.cli.demo.routes import YEAR
from services.cli.demo.stage import Stage as DemoStage
from services.cli.settings import StackSettings
from services.cli.sign_in import introduce
from services.cli.stack import Stack, running_stack
from services.cli.state_dir import StateDir
from services.console.app import build_app
from services.console.composition import connect, parts_of_console
from services.console.screens.table import SCREENS
from services.console.services_client import open_services
from services.console.settings import ConsoleSettings
from services.console.web import Parts
from tests.benchmarks.report import Goal, show_facts
from tests.benchmarks.stage import Stage

PEOPLE, QUICK = 5_000, 200
TIMES, WARM = 100, 5
P50_MS, P99_MS, RATIO = 60.0, 200.0, 1.5
PAGES: Mapping[str, tuple[str, str]] = {
    "my education": ("person-1", f"/my/{YEAR}"),
    "claims": ("person-1", "/claims"),
    "a claim's form": ("person-1", f"/claims/new?form=paper&year={YEAR}"),
    "work": (f"reviewer-a-{PROVINCE}", "/work"),
    "figures": (f"viewer-d-{PROVINCE}", f"/figures?year={YEAR}"),
    "unit": ("employer-1", f"/unit?year={YEAR}"),
    "provider": ("provider", f"/provider?year={YEAR}"),
    "trainings": ("provider", "/trainings"),
}
"""Who asks for which page; of providers the last one."""


class Waits:
    """What the services took for the page that is being made: the time in which at least one call was on its way."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        self._open = 0
        self._since = 0.0

    async def sent(self, _: httpx.Request) -> None:
        """A call begins."""
        if self._open == 0:
            self._since = time.perf_counter()
        self._open += 1
        self.calls += 1

    async def answered(self, response: httpx.Response) -> None:
        """A call ends, when its body has come."""
        await response.aread()
        self._open -= 1
        if self._open == 0:
            self.seconds += time.perf_counter() - self._since


def run(_: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """Fill a province, ask for every page, and print what each took."""
    settings = demo_settings(StackSettings.load()).model_copy(
        update={"home": StackSettings.load().home / "pages"}
    )
    StateDir(settings.home).delete()
    with running_stack(settings) as stack, closing(DemoStage(stack)) as stage:
        people = QUICK if quick else PEOPLE
        with console.status(f"filling a province with {people} people"):
            Province(stage, people, advance=lambda *_: None).fill()
        introduce(StateDir(settings.home), stage.people_to_be())
        measured = asyncio.run(_pages(stack, settings, TIMES // 5 if quick else TIMES))
    StateDir(settings.home).delete()
    facts = {
        name: f"p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, {calls} calls, {ratio:.2f} times what they took"
        for name, (p50, p99, ratio, calls) in measured.items()
    }
    show_facts(console, f"Pages over {people} people", facts)
    return [
        Goal("slowest page, p50 ms", max(each[0] for each in measured.values()), P50_MS, higher=False),
        Goal("slowest page, p99 ms", max(each[1] for each in measured.values()), P99_MS, higher=False),
        Goal("page / its calls, worst", max(each[2] for each in measured.values()), RATIO, higher=False),
    ]


async def _pages(
    stack: Stack, settings: StackSettings, times: int
) -> dict[str, tuple[float, float, float, int]]:
    waits, found = Waits(), dict[str, tuple[float, float, float, int]]()
    async with _console(stack, settings, waits) as app:
        for name, (who, path) in PAGES.items():
            async with httpx.AsyncClient(transport=app, base_url=stack.console_url) as browser:
                await _sign_in(browser, who)
                found[name] = await _measured(browser, path, waits, times)
    return found


async def _measured(
    browser: httpx.AsyncClient, path: str, waits: Waits, times: int
) -> tuple[float, float, float, int]:
    pages, calls = list[float](), list[float]()
    before = 0
    for turn in range(WARM + times):
        waited, before, began = waits.seconds, waits.calls, time.perf_counter()
        answer = await browser.get(path)
        assert answer.status_code == httpx.codes.OK, f"{path}: {answer.status_code}"
        if turn >= WARM:
            pages.append(1000 * (time.perf_counter() - began))
            calls.append(1000 * (waits.seconds - waited))
    ratio = median(page / call for page, call in zip(pages, calls, strict=True))
    return median(pages), quantiles(pages, n=100)[98], ratio, waits.calls - before


async def _sign_in(browser: httpx.AsyncClient, who: str) -> None:
    sent = await browser.get("/sign-in/stand-in?next=/style")
    async with httpx.AsyncClient(trust_env=False) as outside:
        issuer = sent.headers["location"]
        known = (await outside.get(issuer)).text
        sub = who if who[-1].isdigit() else _last(known, who)
        chosen = await outside.get(f"{issuer}&sub={sub}")
    entered = await browser.get(chosen.headers["location"])
    assert entered.status_code == httpx.codes.SEE_OTHER, entered.text


def _last(page: str, who: str) -> str:
    """The last of those whose name at the issuer begins so."""
    number = max(int(part.split('"')[0].split("&")[0]) for part in page.split(f"{who}-")[1:])
    return f"{who}-{number}"


@asynccontextmanager
async def _console(stack: Stack, settings: StackSettings, waits: Waits) -> AsyncIterator[httpx.ASGITransport]:
    told = ConsoleSettings(
        console_database_url=stack.databases["console"],
        console_url=stack.console_url,
        sign_in_issuers_file=StateDir(settings.home).sign_in_issuers_file,
    )
    services: Sequence[str] = ("registry", "ledger", "transfer", "sync")
    async with open_services({each: stack.addresses[each] for each in services}) as client:
        for each in client._clients.values():
            each.event_hooks = {"request": [waits.sent], "response": [waits.answered]}
        database = await connect(told)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Parts]:
            yield parts_of_console(told, database, client, SCREENS)

        app = build_app(opened)
        async with app.router.lifespan_context(app):
            yield httpx.ASGITransport(app)
        await database.close()
