"""A system's answer is believed only as far as it can be read."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.targets import CreditRecord
from services.sync.adapters import (
    BUSY_SECONDS,
    BatchRefusedError,
    HttpAdapter,
    TargetBusyError,
    TargetUnavailableError,
    retry_after,
)

RECORD = CreditRecord(
    key="c.1", action="end", subject="c", revision=1, person_ref="p", year=2026, place="140502"
)
ACCEPTED = {"key": "c.1", "outcome": "accepted", "reference": "R1"}
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


async def delivers(
    *, status: int = 200, json: Any = None, content: bytes | None = None, **headers: str
) -> Any:
    answer = httpx.Response(status, json=json, headers=headers) if content is None else None
    answer = answer or httpx.Response(status, content=content, headers=headers)
    transport = httpx.MockTransport(lambda _: answer)
    async with httpx.AsyncClient(transport=transport, base_url="http://there") as client:
        return await HttpAdapter(client).deliver([RECORD])


class TestDeliver:
    async def test_reads_the_answers_that_can_be_read(self):
        results = [ACCEPTED, {"key": 7}, {"key": "other.1", "outcome": "accepted"}, "nonsense"]
        assert set(await delivers(json={"results": results})) == {"c.1"}

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b'{"results": 3}', b'{"results": [{"key": 1}]}', b'{"results": {}}']
    )
    async def test_of_another_form_is_no_answer(self, body: bytes):
        with pytest.raises(TargetUnavailableError):
            await delivers(content=body)

    async def test_an_empty_list_answers_nothing(self):
        assert await delivers(json={"results": []}) == {}

    @pytest.mark.parametrize("status", [400, 413, 415, 422])
    async def test_a_refusal_of_the_whole_batch_is_told_apart(self, status: int):
        with pytest.raises(BatchRefusedError):
            await delivers(status=status)

    @pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 409, 500, 502])
    async def test_a_refusal_of_us_or_of_the_moment_is_tried_again(self, status: int):
        with pytest.raises(TargetUnavailableError):
            await delivers(status=status)

    @pytest.mark.parametrize("status", [429, 503])
    async def test_a_pause_is_taken_as_asked(self, status: int):
        with pytest.raises(TargetBusyError) as busy:
            await delivers(status=status, **{"Retry-After": "17"})
        assert busy.value.seconds == 17


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("0", 0),
            ("120", 120),
            ("Mon, 02 Mar 2026 02:00:30 GMT", 30),
            ("Mon, 02 Mar 2026 01:00:00 GMT", 0),
            (None, BUSY_SECONDS),
            ("soon", BUSY_SECONDS),
            ("-3", BUSY_SECONDS),
            ("１２", BUSY_SECONDS),
        ],
    )
    def test_is_seconds_or_a_date(self, header: str | None, seconds: float):
        assert retry_after(header, NOW) == seconds
