"""Faults of a relay, on request: slow, failing before or after the effect, repeating itself, out of order."""

from __future__ import annotations

import asyncio
import random

from pydantic import Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.relay import Exchange
from services.kit.schemas import StrictModel

_RETRY_AFTER_SECONDS = b"1"


class Faults(StrictModel):
    """What goes wrong, as shares of 1 in percent; `seed` makes it the same every time."""

    delay_milliseconds: int = Field(default=0, ge=0, le=60_000)
    refused_percent: int = Field(default=0, ge=0, le=100, description="Answered 503 before anything is done.")
    lost_percent: int = Field(default=0, ge=0, le=100, description="Done, and answered 502.")
    repeated_percent: int = Field(
        default=0, ge=0, le=100, description="Mail that lists what was acknowledged as well."
    )
    shuffled: bool = False
    seed: int = 0


class Misbehaviour:
    """The faults in force, and the dice."""

    def __init__(self) -> None:
        self.be(Faults())

    def be(self, faults: Faults) -> None:
        """Misbehave in this way from now on."""
        self.faults = faults
        self._dice = random.Random(faults.seed)  # noqa: S311

    def happens(self, percent: int) -> bool:
        """Whether something that happens so often happens now."""
        return percent > 0 and self._dice.random() * 100 < percent

    def in_some_order(self, exchanges: list[Exchange]) -> list[Exchange]:
        """The mail, shuffled when it has to be."""
        if self.faults.shuffled:
            self._dice.shuffle(exchanges)
        return exchanges


class MisbehavingMiddleware:
    """In front of every route of the contract; health and the fault switch itself always work."""

    def __init__(self, app: ASGIApp, *, misbehaviour: Misbehaviour) -> None:
        self.app = app
        self._misbehaviour = misbehaviour

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, well or badly."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        told = self._misbehaviour
        if told.faults.delay_milliseconds:
            await asyncio.sleep(told.faults.delay_milliseconds / 1000)
        if told.happens(told.faults.refused_percent):
            await _fail(send, 503)
        elif told.happens(told.faults.lost_percent):
            await self.app(scope, receive, _nowhere)
            await _fail(send, 502)
        else:
            await self.app(scope, receive, send)


async def _nowhere(_: Message) -> None:
    """An answer that is lost on its way."""


async def _fail(send: Send, status: int) -> None:
    headers = [(b"retry-after", _RETRY_AFTER_SECONDS)] if status == 503 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
