"""Those who file a training, report who came, and decide, in a test."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.cli.demo import fictitious
from tests.kit.http import bearer
from tests.ledger.world import Provider, Somebody, World

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = [date(2025, 9, 25), date(2025, 9, 26)]
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def beijing(*parts: int) -> datetime:
    """A moment given in Beijing's time."""
    return datetime(*parts, tzinfo=SHANGHAI).astimezone(UTC)  # type: ignore[misc,arg-type]


class Training:
    """One training of an organization at a place, of one session a day, worth five credits each."""

    def __init__(
        self, world: World, provider: Provider, place: str, days: list[date], year: int = 2025
    ) -> None:
        self.world = world
        self.provider = provider
        self.place = place
        self.days = days
        self.year = year
        self.filing_id = ""

    def headers(self, *scopes: str, organization: str | None = None) -> dict[str, str]:
        """A token of the organization, with a fresh key."""
        who = organization or self.provider.organization_id
        token = bearer(*(scopes or ("filing:submit",)), subject=who, organization=who)
        return token | {"Idempotency-Key": str(uuid.uuid4())}

    def official(self, subject: str = "reviewer", place: str | None = None) -> dict[str, str]:
        """A token of an official of the place, with a fresh key."""
        token = bearer("filing:review", subject=subject, place=place or self.place)
        return token | {"Idempotency-Key": str(uuid.uuid4())}

    def plan(self, **fields: Any) -> dict[str, Any]:
        """What is filed."""
        return {
            "place": self.place,
            "year": self.year,
            "title": "政府会计准则面授班",
            "category": "professional",
            "sessions": [
                {"on": day.isoformat(), "starts": "09:00", "ends": "12:00", "hours": "3", "credits": "5"}
                for day in self.days
            ],
            "expected": 40,
        } | fields

    async def files(self, **fields: Any) -> Any:
        """File it."""
        response = await self.world.client.post(
            "/v1/filings", json=self.plan(**fields), headers=self.headers()
        )
        if response.status_code == 201:
            self.filing_id = response.json()["filing_id"]
        return response

    async def steps(
        self, step: str, *, subject: str = "reviewer", place: str | None = None, **body: Any
    ) -> Any:
        """An official decides the filing."""
        return await self.world.client.post(
            f"/v1/filings/{self.filing_id}/{step}", json=body or None, headers=self.official(subject, place)
        )

    async def held(self, **fields: Any) -> "Training":
        """Given a training that was filed and approved three weeks before it, and ended an hour ago."""
        self.world.now = beijing(*_parts(self.days[0])) - timedelta(days=21)
        assert (await self.files(**fields)).status_code == 201
        assert (await self.steps("approval")).status_code == 200
        self.world.now = beijing(*_parts(self.days[-1]), 13)
        return self

    def row(self, who: Somebody | fictitious.FictitiousPerson, row_id: str, **fields: Any) -> dict[str, Any]:
        """One person's row, of every session; given fields win, None leaves one out."""
        person = who.person if isinstance(who, Somebody) else who
        row: dict[str, Any] = {
            "id": row_id,
            "person": {"id_type": "resident_id", "id_number": person.id_number, "name": person.name},
            "sessions": list(range(1, len(self.days) + 1)),
            "passed": True,
        } | fields
        return {name: value for name, value in row.items() if value is not None}

    async def uploads(
        self, *rows: dict[str, Any], organization: str | None = None, headers: Any = None, **params: str
    ) -> Any:
        """Report rows as JSON."""
        return await self.world.client.post(
            f"/v1/filings/{self.filing_id}/rosters",
            json={"records": list(rows)},
            params=params,
            headers=headers or self.headers(organization=organization),
        )

    async def sends(self, content: bytes, media_type: str, **params: str) -> Any:
        """Report a file."""
        return await self.world.client.post(
            f"/v1/filings/{self.filing_id}/rosters",
            content=content,
            params=params,
            headers=self.headers() | {"Content-Type": media_type},
        )

    async def reviews(
        self,
        roster_id: str,
        step: str = "approval",
        *,
        subject: str = "reviewer",
        place: str | None = None,
        **body: Any,
    ) -> Any:
        """An official decides rows of a roster."""
        return await self.world.client.post(
            f"/v1/rosters/{roster_id}/{step}", json=body, headers=self.official(subject, place)
        )

    async def approved(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        """Given a roster that was uploaded and approved as a whole; what became of its rows."""
        uploaded = await self.uploads(*rows)
        assert uploaded.status_code == 201, uploaded.text
        reviewed = await self.reviews(uploaded.json()["roster_id"])
        assert reviewed.status_code == 200, reviewed.text
        results: list[dict[str, Any]] = reviewed.json()["results"]
        return results


def _parts(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


async def held_training(world: World) -> Training:
    """A training of two days in Shenyang that was approved and has just ended."""
    return await Training(world, await world.provides("沈阳某会计培训学校"), "210102", DAYS).held()


async def transcript(world: World, who: Somebody, place: str = "210102") -> list[dict[str, Any]]:
    """The credits of somebody, as an official sees them."""
    response = await world.client.get(
        f"/v1/persons/{who.person_id}/transcript", headers=world.official(place)
    )
    lines: list[dict[str, Any]] = response.json()["credits"]
    return lines


def problem_of(response: Any) -> str:
    """The code of the problem that was answered."""
    return str(response.json()["type"]).rpartition(":")[2]
