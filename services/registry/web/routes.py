"""Parts of every route: ids in paths, the caller as decisions know them, and what carries a command or query out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request

from services.kit.auth import Caller
from services.registry.streams.actor import Actor

UUID_FORM = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Path(alias="id", pattern=UUID_FORM)]

P = TypeVar("P")


def actor_of(caller: Caller) -> Actor:
    """The caller as decisions know them."""
    return Actor(caller.subject, caller.scopes, caller.place, caller.organization)


def acting(caller: Callable[..., Awaitable[Caller]]) -> Callable[..., Awaitable[Actor]]:
    """A dependency that gives the caller as an actor. `caller` is what `require` gave for the route."""

    async def actor(who: Annotated[Caller, Depends(caller)]) -> Actor:
        return actor_of(who)

    return actor


def part(cls: type[P]) -> Callable[[Request], P]:
    """A dependency: the part of the running registry that is of this class."""

    def of(request: Request) -> P:
        found: P = request.app.state.parts[cls]
        return found

    return of
