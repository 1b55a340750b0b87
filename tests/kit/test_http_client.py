"""Calls between services: the id and the trace of the request that somebody waits for go along with each."""

import re
from pathlib import Path

import httpx
import pytest
from fastapi import Request

from services.kit import http_client
from services.kit.http_client import PatientClient
from services.kit.routers import Router
from tests.kit.http import bearer, calling, service

SERVICES = Path(http_client.__file__).parents[1]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def front() -> Router:
    """A service whose only route asks the one behind it what it was told."""
    behind = Router()

    @behind.get("/v1/told")
    async def told(request: Request) -> dict[str, str]:
        return {name: request.headers.get(name, "") for name in ("x-request-id", "traceparent")}

    transport = httpx.ASGITransport(service([behind]))
    front = Router()

    @front.get("/v1/asks")
    async def asks() -> dict[str, str]:
        headers = bearer("thing:read")
        async with PatientClient(transport=transport, base_url="http://behind", headers=headers) as client:
            answer: dict[str, str] = (await client.get("/v1/told")).json()
            return answer

    return front


class TestHandingOn:
    async def test_the_next_service_hears_the_id_and_the_trace(self, front: Router):
        async with calling(service([front]), "thing:read") as client:
            answer = await client.get(
                "/v1/asks", headers={"X-Request-Id": "batch-2026-001", "traceparent": TRACE}
            )
        assert answer.json() == {"x-request-id": "batch-2026-001", "traceparent": TRACE}

    async def test_an_id_that_was_given_here_goes_along_too(self, front: Router):
        async with calling(service([front]), "thing:read") as client:
            answer = await client.get("/v1/asks", headers={"traceparent": "00-no trace"})
        assert answer.json() == {"x-request-id": answer.headers["x-request-id"], "traceparent": ""}

    def test_no_service_calls_with_a_client_that_hands_nothing_on(self):
        own = [
            str(path.relative_to(SERVICES))
            for path in sorted(SERVICES.rglob("*.py"))
            if re.search(r"httpx\.AsyncClient\(", path.read_text(encoding="utf-8"))
        ]
        assert not own
