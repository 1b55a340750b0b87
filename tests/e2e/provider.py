"""A provider's platform as a client of the system: it signs in, posts completions and checks identities."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.cli.demo.fictitious import FictitiousPerson

if TYPE_CHECKING:
    from tests.e2e.system import System


class Provider:
    """A provider's platform, which signs in with the client it was given."""

    def __init__(self, system: System, organization_id: str, client_id: str, client_secret: str) -> None:
        self.organization_id = organization_id
        self.client = (client_id, client_secret)
        self.headers: dict[str, str] = {}
        self._system = system
        self._records = itertools.count(1)

    async def signs_in(self) -> dict[str, Any]:
        """Exchange id and secret for a token (RFC 6749, 4.4)."""
        answer = await self._system.clients["registry"].post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=self.client
        )
        assert answer.status_code == 200, answer.text
        granted: dict[str, Any] = answer.json()
        self.headers = {"Authorization": f"Bearer {granted['access_token']}"}
        return granted

    def completion(
        self, person: FictitiousPerson, credits: str, year: int = 2025, **fields: Any
    ) -> dict[str, Any]:
        """A completion as the platform would post it, of an hour ago unless told."""
        number = next(self._records)
        return {
            "id": f"c-{number:05d}",
            "person": identity(person),
            "year": year,
            "category": "professional",
            "credits": credits,
            "mode": "online",
            "course": f"ZJ-{number:05d}",
            "completed_at": (self._system.now - timedelta(hours=1)).isoformat(),
        } | fields

    async def posts(self, *records: dict[str, Any]) -> list[dict[str, Any]]:
        """Post completions; the outcomes."""
        body = {"records": list(records)}
        answer = await self._system.does("ledger", "POST", "/v1/completions", body, by=self.headers)
        results: list[dict[str, Any]] = answer["results"]
        return results

    async def checks(self, *people: FictitiousPerson) -> list[str]:
        """Ask the registry whether each is collected under this very name (S0-23)."""
        body = {"persons": [identity(person) for person in people]}
        answer = await self._system.does("registry", "POST", "/v1/identity-checks", body, by=self.headers)
        return [each["result"] for each in answer["results"]]


def identity(person: FictitiousPerson) -> dict[str, str]:
    """Who somebody is, as every body says it."""
    return {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
