"""The operator's port: metrics, health and readiness, and nothing else of a service."""

from services.kit.operations import FRESH_SECONDS, operations_app
from tests.kit.http import calling, service


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
