"""A worker's token can be replaced while it runs."""

from pathlib import Path

import httpx

from services.kit.follower import TokenFile


class TestTokenFile:
    async def test_a_token_that_was_replaced_is_used_from_the_next_request_on(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        seen: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers["Authorization"])
            return httpx.Response(200)

        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, auth=TokenFile(file)) as client:
            for token in ("first\n", "second\n"):
                file.write_text(token, encoding="utf-8")
                await client.get("http://registry/v1/logs")
        assert seen == ["Bearer first", "Bearer second"]
