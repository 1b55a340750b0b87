"""Parts of a service that its routes ask for by type, so that no route imports the place where all are put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from services.kit.clock import Clock

T = TypeVar("T")


def parts_of(whole: object) -> Mapping[type[object], object]:
    """The attributes of what holds all parts, by their types; to be set as `app.state.parts`."""
    return {type(each): each for each in vars(whole).values()}


def part(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency on the one part of this type in the application that serves the request."""

    # Not a plain function: the framework would send every request through a thread for it.
    async def find(request: Request) -> T:
        found: T = request.app.state.parts[kind]
        return found

    return find


async def now(request: Request) -> datetime:
    """The moment by the application's own clock, `app.state.clock`."""
    clock: Clock = request.app.state.clock
    return clock()


Now = Annotated[datetime, Depends(now)]
