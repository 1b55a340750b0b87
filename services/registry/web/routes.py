"""Parts of every route: ids in paths, the caller as decisions know them, and what carries a command or query out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from services.kit.auth import Caller
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.review import Case, Step, TakeStep, add_steps
from services.registry.streams.actor import Actor

UUID_FORM = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, Path(alias="id", pattern=UUID_FORM)]

P = TypeVar("P")


def actor_of(caller: Caller) -> Actor:
    """The caller as decisions know them."""
    return Actor(caller.subject, caller.scopes, caller.place, caller.organization, caller.document)


def acting(caller: Callable[..., Awaitable[Caller]]) -> Callable[..., Awaitable[Actor]]:
    """A dependency that gives the caller as an actor. `caller` is what `require` gave for the route."""

    async def actor(who: Annotated[Caller, Depends(caller)]) -> Actor:
        return actor_of(who)

    return actor


def part(cls: type[P]) -> Callable[[Request], Awaitable[P]]:
    """A dependency: the part of the running registry that is of this class."""

    async def of(request: Request) -> P:
        found: P = request.app.state.parts[cls]
        return found

    return of


def carried_out_by(method: str | None = None) -> TakeStep:
    """Takes a step by the method of its name, or by one method for all steps that is told the name."""

    async def take(
        step: Step, commands: object, case_id: str, caller: Caller, key: CommandKey, body: object
    ) -> StoredAnswer:
        carry_out = getattr(commands, method or step.name)
        said = ([step.name] if method else []) + ([] if body is None else [body])
        answer: StoredAnswer = await carry_out(key, actor_of(caller), UUID(case_id), *said)
        return answer

    return take


def add_routes(
    router: APIRouter,
    case: Case[object],
    cls: type,
    method: str | None = None,
    **routes: Mapping[str, object],
) -> None:
    """Add the routes of a case's steps: `routes` gives the description, the body and the answers of each by its name.

    They are taken by the part of the class, by its method of the step's name or by the one `method` for all of them.
    """
    steps = tuple(
        replace(step, **routes[step.name])  # type: ignore[arg-type]
        for step in case.steps
        if step.name in routes
    )
    cases = Annotated[cls, Depends(part(cls))]  # type: ignore[valid-type]
    take = carried_out_by(method)
    add_steps(router, replace(case, steps=steps), take, cases=cases, id_type=Id, id_name="id")
