"""Faults on demand: how a system outside lets its callers down, each with a share of the requests it happens to."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from typing import Annotated

from pydantic import Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.schemas import StrictModel

Share = Annotated[float, Field(ge=0, le=1)]


class Faults(StrictModel):
    """What goes wrong, and how often. Of the first seven at most one happens to a request; `refused` is of records."""

    slow: Share = 0.0
    """Answers only after `slow_seconds`."""
    too_many: Share = 0.0
    """429 with `Retry-After: retry_after`."""
    broken: Share = 0.0
    """500 after everything was taken."""
    reset: Share = 0.0
    """The connection ends in the middle of the answer, after everything was taken."""
    repeated: Share = 0.0
    """Every answer twice."""
    reordered: Share = 0.0
    """The answers in another order."""
    wrong_types: Share = 0.0
    """Answers of another form than agreed, after everything was taken."""
    refused: Share = 0.0
    """Of subjects that are refused as long as this lasts."""
    refused_subjects: list[str] = Field(default_factory=list, max_length=1000)
    """Subjects that are refused as well, by name."""
    slow_seconds: Annotated[float, Field(ge=0, le=120)] = 1.0
    retry_after: Annotated[int, Field(ge=0, le=3600)] = 1
    seed: int = 1

    def refuses(self, subject: str) -> bool:
        """Whether a subject is among those refused; always the same ones."""
        if subject in self.refused_subjects:
            return True
        draw = int.from_bytes(hashlib.sha256(f"{self.seed}:{subject}".encode()).digest()[:4], "big")
        return draw < self.refused * 2**32


NONE = Faults()
_KINDS = ("slow", "too_many", "broken", "reset", "repeated", "reordered", "wrong_types")


class FaultBook:
    """Which faults are set for which prefix, and the chance by which they strike."""

    def __init__(self) -> None:
        self._faults: dict[str, Faults] = {}
        self._draws: dict[str, random.Random] = {}

    def set(self, prefix: str, faults: Faults) -> None:
        """From now on this goes wrong under the prefix."""
        self._faults[prefix] = faults
        self._draws[prefix] = random.Random(faults.seed)  # noqa: S311 - chance, not secrecy

    def of(self, prefix: str) -> Faults:
        """What goes wrong under the prefix."""
        return self._faults.get(prefix, NONE)

    def draw(self, prefix: str) -> str | None:
        """What goes wrong with this request, if anything."""
        faults = self.of(prefix)
        if faults is NONE:
            return None
        draw = self._draws[prefix].random()
        for kind in _KINDS:
            draw -= getattr(faults, kind)
            if draw < 0:
                return kind
        return None

    def chance(self, prefix: str) -> random.Random:
        """The chance of a prefix for which faults are set."""
        return self._draws[prefix]


class FaultyApp:
    """An application whose answers under a prefix suffer the faults that are set for it."""

    def __init__(self, app: ASGIApp, book: FaultBook) -> None:
        self._app = app
        self.book = book

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, well or badly."""
        if scope["type"] != "http" or "/control/" in scope["path"]:
            await self._app(scope, receive, send)
            return
        prefix = "/" + scope["path"].split("/")[1]
        fault = self.book.draw(prefix)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault == "slow":
            await asyncio.sleep(self.book.of(prefix).slow_seconds)
            await self._app(scope, receive, send)
        elif fault == "too_many":
            await _answer(send, 429, b"{}", {b"retry-after": str(self.book.of(prefix).retry_after).encode()})
        else:
            status, body = await self._taken(scope, receive)
            await _spoiled(send, fault, status, body, self.book.chance(prefix))

    async def _taken(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        status, body = 500, b""

        async def keep(message: Message) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, keep)
        return status, body


async def _spoiled(send: Send, fault: str, status: int, body: bytes, chance: random.Random) -> None:
    if fault == "broken":
        await _answer(send, 500, b"{}")
    elif fault == "reset":
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-length", str(len(body) + 1).encode())],
            }
        )
        # The server closes a connection whose answer is shorter than it said.
        await send({"type": "http.response.body", "body": body[: len(body) // 2]})
    else:
        await _answer(send, status, _changed(fault, body, chance))


def _changed(fault: str, body: bytes, chance: random.Random) -> bytes:
    document: object = json.loads(body or b"null")
    if not isinstance(document, dict) or not isinstance(document.get("results"), list):
        return b'{"unexpected": true}' if fault == "wrong_types" else body
    results = document["results"]
    if fault == "repeated":
        results += results
    elif fault == "reordered":
        chance.shuffle(results)
    else:
        results = [{"key": 7, "outcome": ["accepted"]} for _ in results]
    return json.dumps({"results": results}).encode()


async def _answer(send: Send, status: int, body: bytes, headers: dict[bytes, bytes] | None = None) -> None:
    fields = {b"content-type": b"application/json", b"content-length": str(len(body)).encode()}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": list({**fields, **(headers or {})}.items()),
        }
    )
    await send({"type": "http.response.body", "body": body})
