"""The people who take part: fictitious persons of one province, one listed provider, and what it reports of them."""

import asyncio
import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from contracts import registry
from contracts.divisions import chain_of
from contracts.identity import IdentityHashers
from services.cli.demo import fictitious
from services.kit.database import Database, Databases
from services.ledger.composition import SCHEMA, Ledger
from services.ledger.reactions.reactions import SourceEvent

LOG = "210000"
PLACES = ("210100", "210300", "210400", "211300", "211302")
YEAR = 2025
LISTED = "北京东奥时代教育科技有限公司"
TITLES = ("企业会计准则解读与案例分析", "政府会计制度实务", "会计职业道德与法治建设", "管理会计应用指引")
_NAMESPACE = uuid.UUID("00000000-0000-4000-8000-000000000000")
_SEED_BATCH = 1_000


def person_id(number: int) -> str:
    """The opaque id of the number-th person."""
    return str(uuid.uuid5(_NAMESPACE, f"person {number}"))


ORGANIZATION = str(uuid.uuid5(_NAMESPACE, "provider"))


async def seed(dsn: str, identity_key: bytes, count: int) -> None:
    """Let the registry's feed bring the provider and so many persons to the ledger of a database."""
    ledger = Ledger(
        Databases(await Database.connect(dsn, schema=SCHEMA, application_name="seed")),
        IdentityHashers([identity_key]),
        digest_key=identity_key,
        audit_key=identity_key,
    )
    try:
        await ledger.prepare()
        position = 0
        for facts in _facts(ledger, count):
            events = [SourceEvent(position + turn, fact) for turn, fact in enumerate(facts, 1)]
            position += len(facts)
            await ledger.reactions.handle("registry", events, position)
            await asyncio.sleep(0)
    finally:
        await ledger.close()


def _facts(ledger: Ledger, count: int) -> Iterator[list[Any]]:
    yield [
        registry.OrganizationRegistered(
            organization_id=ORGANIZATION, name=LISTED, uscc=fictitious.uscc(1), kind="online_provider"
        ),
        registry.ProviderAccredited(
            organization_id=ORGANIZATION,
            place=LOG,
            years=(2024, 2025, 2026),
            modes=("online",),
            published=True,
        ),
    ]
    for start in range(0, count, _SEED_BATCH):
        yield [_collected(ledger, number) for number in range(start, min(start + _SEED_BATCH, count))]


def _collected(ledger: Ledger, number: int) -> registry.InfoCollected:
    person = fictitious.person(number)
    place = PLACES[number % len(PLACES)]
    assert LOG in chain_of(place)
    return registry.InfoCollected(
        person_id=person_id(number),
        identity_hash=ledger.hashers.current.person("resident_id", person.id_number),
        name_hash=ledger.hashers.current.name("resident_id", person.id_number, person.name),
        place=place,
        employer=None,
        student=False,
        qualification=registry.Qualification(level="junior", obtained_on=date(2018, 9, 1)),
        level="junior",
        working_since=date(2017, 3, 1),
        affiliation=None,
        groups=(),
        graduated_on=None,
        birth_month=None,
        collected_at=datetime(2024, 5, 1, tzinfo=UTC),
    )


def completion(number: int, who: int) -> dict[str, Any]:
    """The number-th completion the provider reports, of one person; every id differs."""
    person = fictitious.person(who)
    day, minute = number % 28 + 1, number % 1440
    return {
        "id": f"2025-{number:08d}",
        "person": {"id_type": "resident_id", "id_number": person.id_number, "name": person.name},
        "year": YEAR,
        "category": "professional" if number % 3 else "public",
        "credits": f"{number % 9 + 1}.00",
        "mode": "online",
        "course": f"KJ-2025-{number % 40:03d}",
        "title": TITLES[number % len(TITLES)],
        "completed_at": f"2025-06-{day:02d}T{minute // 60:02d}:{minute % 60:02d}:00+08:00",
    }


def batch(records: Sequence[dict[str, Any]]) -> bytes:
    """The body of one request."""
    return json.dumps({"records": records}, ensure_ascii=False, separators=(",", ":")).encode()
