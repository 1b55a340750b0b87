"""Steps of the tests of closed years: close a year, and report what comes after."""

from datetime import UTC, datetime
from typing import Any

from tests.ledger.world import Provider, Somebody, World

LIAONING, CHAOYANG, SHUANGTA, SHANXI = "210000", "211300", "211302", "140000"
LISTED = "北京东奥时代教育科技有限公司"
JANUARY = datetime(2026, 1, 20, 4, tzinfo=UTC)
"""Liaoning's windows for 2025 ended on 31 December."""


async def closes(world: World, place: str, year: int, *, by: str | None = None, key: str = "") -> Any:
    """An official closes a year of a place."""
    return await world.client.post(
        f"/v1/years/{place}/{year}/close",
        headers=world.official(by or place, "year:close")
        | {"Idempotency-Key": key or f"close-{by}-{place}-{year}"},
    )


async def corrects(world: World, who: Somebody, place: str, key: str, **fields: Any) -> Any:
    """An official corrects somebody's closed year."""
    body = {
        "year": 2025,
        "category": "professional",
        "credits": "30.00",
        "mode": "online",
        "completed_on": "2025-06-01",
        "reason": "reported_late",
        "reference": key,
    } | fields
    return await world.client.post(
        f"/v1/persons/{who.person_id}/corrections",
        json=body,
        headers=world.official(place, "credit:correct") | {"Idempotency-Key": key},
    )


async def posts_one(provider: Provider, who: Somebody, **fields: Any) -> dict[str, Any]:
    """A provider posts one completion of 2025, studied in June; the outcome."""
    studied = {"completed_at": "2025-06-01T10:00:00+08:00"} | fields
    [outcome] = await provider.posts(provider.completion(who, 2025, "30.00", **studied))
    return outcome


def problem_of(outcome: dict[str, Any]) -> str:
    """The code of an outcome's problem."""
    return str(outcome["problem"]["type"].rpartition(":")[2])
