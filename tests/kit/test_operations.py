"""The operator's port: metrics, health and readiness, and nothing else of a service."""

from typing import Any

import structlog

from services.kit.errors import NotReadyError
from services.kit.observability import FRESH_SECONDS, operations_app
from tests.kit.http import calling, service

NUMBER = "21130219900101123X"


class TestOperations:
    async def test_show_metrics_health_and_readiness_without_a_token(self) -> None:
        async with calling(operations_app(service([]))) as operator:
            for path in ("/metrics", "/healthz", "/readyz"):
                assert (await operator.get(path)).status_code == 200
            assert (await operator.get("/v1/things")).status_code == 404

    async def test_render_metrics_once_for_all_who_ask_within_seconds(self) -> None:
        app, clock = service([]), [0.0]
        shown = []

        def exposition() -> tuple[bytes, str]:
            shown.append(clock[0])
            return b"", "text/plain"

        app.state.metrics.exposition = exposition
        async with calling(operations_app(app, now=lambda: clock[0])) as operator:
            for _ in range(20):
                await operator.get("/metrics")
            clock[0] += FRESH_SECONDS
            await operator.get("/metrics")
        assert shown == [0.0, FRESH_SECONDS]

    async def test_a_service_that_cannot_serve_says_why(self) -> None:
        async def readiness() -> dict[str, Any]:
            raise NotReadyError("投影落后", "The projection lags", lag=900)

        async with calling(operations_app(service([], readiness=readiness))) as operator:
            response = await operator.get("/readyz")
        assert response.status_code == 503
        assert response.json()["lag"] == 900

    async def test_a_readiness_check_that_breaks_tells_nothing_of_its_inside(self) -> None:
        async def readiness() -> dict[str, Any]:
            raise RuntimeError(NUMBER)

        async with calling(operations_app(service([], readiness=readiness))) as operator:
            response = await operator.get("/readyz")
        assert response.status_code == 503
        assert NUMBER not in response.text

    async def test_that_a_service_starts_is_one_line_and_that_it_breaks_is_a_warning(self) -> None:
        broken = [True]

        async def readiness() -> dict[str, Any]:
            if broken[0]:
                raise AttributeError("ledger")
            return {}

        with structlog.testing.capture_logs() as logs:
            async with calling(operations_app(service([], readiness=readiness))) as operator:
                for _ in range(3):
                    assert (await operator.get("/readyz")).status_code == 503
                broken[0] = False
                assert (await operator.get("/readyz")).status_code == 200
                broken[0] = True
                assert (await operator.get("/readyz")).status_code == 503
        said = [(each["log_level"], each["event"]) for each in logs if each["event"] != "request"]
        assert said == [("info", "starting"), ("warning", "not ready")]
