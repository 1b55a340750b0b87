"""10,000 people collected: handed in as tables of 2,000 rows, then passed by two officials, with progress shown."""

import asyncio
import csv
import io
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.demo import fictitious
from services.kit.migrations import upgrade
from services.kit.provision import provision
from services.kit.settings import new_key_text
from services.kit.signing import new_signing_key, sign_token, signing_key_text
from services.registry.app import create_app
from services.registry.settings import RegistrySettings
from services.registry.streams.account import SCOPES
from tests.benchmarks.report import Goal, show_facts
from tests.benchmarks.stage import Stage

PEOPLE, QUICK = 10_000, 400
ROWS = 2_000
REVIEWERS = 4
PLACE = "211302"
_HEADER = ("证件号码", "姓名", "地区代码", "专业技术资格", "取得日期", "从事会计工作日期", "联系电话")
_PASSWORDS = {"registry": "bench-registry", "registry_owner": "bench-registry-owner"}

Advance = Callable[[int], None]


def run(stage: Stage, console: Console, *, quick: bool) -> list[Goal]:
    """Import everybody and print how long it took; no goal is set."""
    dsns = asyncio.run(provision(stage.postgres.dsn, "bulk", passwords=_PASSWORDS))
    upgrade("registry", dsns["registry_owner"], schema="registry")
    settings = RegistrySettings(
        registry_database_url=dsns["registry"],
        identity_key=new_key_text(),
        digest_key=new_key_text(),
        audit_key=new_key_text(),
        key_encryption_key=new_key_text(),
        signing_key=signing_key_text(new_signing_key()),
        home=stage.root / "registry",
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    count = QUICK if quick else PEOPLE
    facts = asyncio.run(_import(settings, count, console))
    show_facts(console, f"Bulk collection of {count} people", facts)
    return []


async def _import(settings: RegistrySettings, count: int, console: Console) -> dict[str, str]:
    app = create_app(settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with app.router.lifespan_context(app):
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://registry", timeout=600
        )
        with Progress(*columns, console=console) as bars:
            handing = bars.add_task("handed in", total=count)
            began = time.perf_counter()
            cases = await _hand_in(client, settings, count, lambda done: bars.advance(handing, done))
            handed = time.perf_counter()
            reviewing = bars.add_task("collected", total=count)
            await _review(client, settings, cases, lambda done: bars.advance(reviewing, done))
            reviewed = time.perf_counter()
        await client.aclose()
    return {
        "handed in": f"{handed - began:.1f} s, {count / (handed - began):.0f} people/s, {ROWS} rows a transaction",
        "two reviews each": f"{reviewed - handed:.1f} s, {count / (reviewed - handed):.0f} people/s",
    }


async def _hand_in(
    client: httpx.AsyncClient, settings: RegistrySettings, count: int, advance: Advance
) -> list[str]:
    cases: list[str] = []
    for numbers in _parts(count):
        headers = _headers(settings, "clerk") | {"Content-Type": "text/csv"}
        answer = await client.post("/v1/collections/bulk", content=_table(numbers), headers=headers)
        assert answer.status_code == 201, answer.text[:500]
        cases += [row["collection_id"] for row in answer.json()["rows"]]
        advance(len(numbers))
    return cases


async def _review(
    client: httpx.AsyncClient, settings: RegistrySettings, cases: Sequence[str], advance: Advance
) -> None:
    waiting = iter(cases)

    async def review() -> None:
        for case in waiting:
            for step in ("initial", "final"):
                path = f"/v1/collections/{case}/{step}-review"
                answer = await client.post(
                    path, json={"decision": "pass"}, headers=_headers(settings, f"{step}-official")
                )
                assert answer.status_code == 200, answer.text
            advance(1)

    await asyncio.gather(*(review() for _ in range(REVIEWERS)))


def _parts(count: int) -> list[range]:
    return [range(first, min(first + ROWS, count)) for first in range(0, count, ROWS)]


def _table(numbers: Sequence[int]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADER)
    for number in numbers:
        person = fictitious.FictitiousPerson(fictitious.name(number % 1800), fictitious.resident_id(number))
        writer.writerow(
            (person.id_number, person.name, PLACE, "中级", "2020-09-01", "2018-07-01", "13800001234")
        )
    return out.getvalue().encode()


_keys = itertools.count(1)
_tokens: dict[str, str] = {}


def _headers(settings: RegistrySettings, subject: str) -> dict[str, Any]:
    if subject not in _tokens:
        _tokens[subject] = sign_token(
            settings.token_key, issuer=settings.issuer, subject=subject, scopes=SCOPES, place="210000"
        )
    return {"Authorization": f"Bearer {_tokens[subject]}", "Idempotency-Key": f"bulk-{next(_keys)}"}
