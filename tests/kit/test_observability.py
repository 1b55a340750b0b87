"""Log lines: one JSON object each, without anybody's name or number."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.kit.observability import REDACTED, configure_logging, log_request, redact
from services.kit.routers import Router
from tests.kit.http import bearer, calling, service

NUMBER = "110000199003070132"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("registry", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    for handler in logging.getLogger().handlers:
        handler.flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestRedact:
    @pytest.mark.parametrize(
        "value",
        [NUMBER, f"id={NUMBER}.", "11000019900307013X", "11000019900307013x", "110000900307013",
         110000199003070132, "１１００００１９９００３０７０１３４", "call 13912345678", {"a": [{"b": NUMBER}]}, (NUMBER,)],
    )  # fmt: skip
    def test_takes_out_what_could_be_a_persons_number(self, value: object) -> None:
        text = json.dumps(redact(value), ensure_ascii=False)
        assert REDACTED in text
        assert NUMBER not in text
        assert "0307013" not in text

    @pytest.mark.parametrize(
        "value", ["211302", "2026-01-01T00:00:00Z", 1200, "a1b2c3d4e5f60718293a4b5c6d7e8f90", 1.5, True]
    )
    def test_leaves_everything_else(self, value: object) -> None:
        assert redact(value) == value

    def test_takes_out_members_that_are_secrets(self) -> None:
        assert redact({"name": "曹雪芹", "client_secret": "x", "count": 1}) == {
            "name": REDACTED, "client_secret": REDACTED, "count": 1
        }  # fmt: skip


class TestLogging:
    def test_a_line_is_json_with_the_service(self, lines: io.StringIO) -> None:
        structlog.stdlib.get_logger("x").info("started", port=8001)
        assert (
            read(lines)[0].items()
            >= {"event": "started", "port": 8001, "service": "registry", "level": "info"}.items()
        )

    def test_the_standard_librarys_records_are_redacted_too(self, lines: io.StringIO) -> None:
        logging.getLogger("asyncpg").warning("row %s is odd", NUMBER)
        assert read(lines)[0]["event"] == f"row {REDACTED} is odd"

    def test_an_exception_is_logged_without_its_text(self, lines: io.StringIO) -> None:
        try:
            raise ValueError("Key (name)=(曹雪芹) already exists")
        except ValueError:
            structlog.stdlib.get_logger("x").exception("failed")
            logging.getLogger("y").exception("failed too")
        found = read(lines)
        assert [line["error"] for line in found] == ["builtins.ValueError"] * 2
        assert "曹" not in lines.getvalue()
        assert "test_observability.py" in found[0]["frames"][0]


async def test_each_line_of_a_request_names_its_caller(lines: io.StringIO) -> None:
    router = Router()

    @router.get("/thing")
    async def get_thing() -> str:
        return ""

    async with calling(service([router])) as client:
        await client.get("/thing", headers=bearer(subject="caller-7"))
        await client.get("/thing")
    requests = [each for each in read(lines) if each["event"] == "request"]
    assert [(each["status"], each["caller"]) for each in requests] == [(200, "caller-7"), (401, None)]
    assert requests[0].keys() == {
        "event", "service", "level", "logger", "timestamp", "request_id",
        "method", "route", "status", "caller", "milliseconds",
    }  # fmt: skip


async def test_the_lines_of_requests_come_in_order_and_before_the_next_turn_of_the_loop(
    lines: io.StringIO,
) -> None:
    for number in range(3):
        log_request(
            method="GET", route=f"/{number}", status=200, caller=None, seconds=0.1, request_id="a" * 8
        )
    assert lines.getvalue() == ""
    logging.getLogger("x").warning("odd")
    assert [each.get("route", each["event"]) for each in read(lines)] == ["/0", "/1", "/2", "odd"]
    log_request(method="GET", route="/3", status=200, caller=NUMBER, seconds=0.1, request_id="a" * 8)
    await asyncio.sleep(0)
    assert json.loads(lines.getvalue().splitlines()[-1])["caller"] == REDACTED
