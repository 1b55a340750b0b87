"""A case as a table of steps: somebody hands it in, somebody else decides it, perhaps it goes back and comes again.

What the table says once is asked everywhere: in which states a step may be taken, that nobody decides their own,
what the case is afterwards, the route with its scope, its key and its answers, and the queue in order of
submission. What a case is about, and what a decision brings about, stays with the case.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from fastapi import Depends, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel

from services.kit.audit import reads
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError, Problem
from services.kit.events import Event
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.routers import Router

Place = tuple[datetime, str]
"""A place in a queue: when a case was submitted, and its id."""
FIRST: Place = (datetime(1, 1, 1, tzinfo=UTC), "")
_encode = msgspec.json.Encoder().encode


class Reviewed(Protocol):
    """What the guards ask of a case: its state, and who handed it in."""

    @property
    def state(self) -> str:
        """Where the case stands."""

    @property
    def submitted_by(self) -> str:
        """The subject of whoever handed it in last."""


S = TypeVar("S", bound=Any)


class Role:
    """Who may take a step: callers whose token has one of the scopes. `caller` and `key` are its dependencies."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes
        self.caller = require(*scopes)
        self.key = command_key(self.caller)


@dataclass(frozen=True)
class Step:
    """One row of the table. A step without a `path` has no route: the service takes it by itself.

    `event` is what the step is stored as; `marks` names the fields of the state that it sets to the event's: `reviewer`
    (the event's `by`), `decided_at` (its `at`), `reason` (cleared when the event has none), and any field that both have.
    """

    name: str
    path: str | None = None
    from_: frozenset[str] = frozenset()
    to: str = ""
    by: Role | None = None
    never_own: bool = False
    event: type[Event] | None = None
    marks: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    body_optional: bool = False
    words: str = ""
    """The description of the route."""
    operation: str | None = None
    """The route's operation, when it is not `<step>_<noun>`."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the route: its `responses`, `response_model`, `status_code`."""


@dataclass(frozen=True)
class Case(Generic[S]):
    """A kind of case: its name, its steps, the states in which it waits, and how it says no.

    `decider` is whose queue the waiting ones stand in; `subject` names the fields that every event of the case has like its
    state.
    """

    noun: str
    steps: tuple[Step, ...]
    wrong_state: Callable[[str], Problem]
    own: Callable[[], Problem]
    waiting: frozenset[str] = frozenset()
    decider: Role | None = None
    subject: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """The step of this name. KeyError for an unknown one."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def must_allow(self, name: str, case: Reviewed, by: str) -> Step:
        """The step, when it may be taken now by this subject. Raises the case's two refusals, first that of the state."""
        step = self.step(name)
        if case.state not in step.from_:
            raise self.wrong_state(case.state)
        if step.never_own and case.submitted_by == by:
            raise self.own()
        return step

    def decide(self, name: str, case: S, *, by: str, at: datetime, **fields: Any) -> Any:
        """The event of a step; `fields` are those of its own. Raises the case's two refusals."""
        step = self.must_allow(name, case, by)
        assert step.event is not None, f"the step {name} is stored as nothing"
        shared = {name: getattr(case, name) for name in self.subject}
        return step.event(**shared, by=by, at=at, **fields)

    def evolve(self, case: S, event: Event) -> S:
        """The case after the event of one of its steps; as it was after any other."""
        step = next((each for each in self.steps if each.event is type(event)), None)
        if step is None:
            return case
        changed: S = replace(case, state=step.to, **{mark: _marked(event, mark) for mark in step.marks})
        return changed


def _marked(event: Any, mark: str) -> object:
    match mark:
        case "reviewer":
            return event.by
        case "decided_at":
            return event.at
        case "reason":
            return getattr(event, "reason", None)
        case _:
            return getattr(event, mark)


class Answered(Protocol):
    """What a step gives: a stored answer, or one with something beside it that is stored nowhere."""

    def response(self) -> Response:
        """The answer as it is sent."""


TakeStep = Callable[[Step, Any, Any, Caller, CommandKey, Any], Awaitable[Answered]]
"""Takes a step of a case: the part that holds the cases, the case's id, who asks, the key, and the body or None."""


def add_steps(
    router: Router,
    case: Case[Any],
    take: TakeStep,
    *,
    cases: Any,
    id_type: Any,
    id_name: str | None = None,
    only: Sequence[str] | None = None,
    answers: Mapping[str, Any] | None = None,
) -> None:
    """Add the routes of the steps, in the order of the table: `POST .../{id}/<path>`, operation `<step>_<noun>`.

    `cases` is the dependency on the part that holds the cases, `id_type` the annotated type of the id in the path,
    `id_name` its name there (`<noun>_id`), `answers` what every step answers besides its own.
    """
    for step in case.steps:
        if step.path is None or (only is not None and step.name not in only):
            continue
        operation = step.operation or f"{step.name}_{case.noun}"
        name = id_name or f"{case.noun}_id"
        router.add_api_route(
            f"/{{{name}}}/{step.path}",
            _endpoint(operation, step, take, cases, name, id_type),
            methods=["POST"],
            operation_id=operation,
            **(answers or {}),
            **step.answers,
        )


def _endpoint(
    operation: str, step: Step, take: TakeStep, cases: Any, id_name: str, id_type: Any
) -> Callable[..., Awaitable[Response]]:
    assert step.by is not None, f"{operation}: a route is for somebody"
    parameters = {"cases": cases, id_name: id_type}
    if step.body is not None:
        parameters["body"] = step.body
    parameters["caller"] = Annotated[Caller, Depends(step.by.caller)]
    parameters["key"] = Annotated[CommandKey, Depends(step.by.key)]
    optional = {"body": None} if step.body_optional else {}
    if step.body_optional:
        parameters["body"] = step.body | None  # type: ignore[operator]

    async def endpoint(**given: Any) -> Response:
        answer = await take(
            step, given["cases"], given[id_name], given["caller"], given["key"], given.get("body")
        )
        return answer.response()

    return _shaped(endpoint, operation, step.words, parameters, optional)


def _shaped(
    endpoint: Callable[..., Awaitable[Response]],
    name: str,
    words: str,
    parameters: Mapping[str, Any],
    defaults: Mapping[str, object],
) -> Callable[..., Awaitable[Response]]:
    """The endpoint under a name, with the signature and words that the framework reads routes from."""
    endpoint.__name__ = name
    endpoint.__doc__ = words
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                each,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=annotation,
                default=defaults.get(each, inspect.Parameter.empty),
            )
            for each, annotation in parameters.items()
        ]
    )
    return endpoint


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How the cases of a kind are listed: the answer's shape, the parameters' limits, and the description.

    `page` is a struct with `items` and `next`. `cursor` gives a case's place in the queue.
    """

    page: type[Any]
    answer_words: str
    words: str
    cursor: Callable[[Any], Place]
    by: Role
    place: Any
    """The annotated type of the parameter `place`."""
    place_optional: bool = False
    reads: str | None = None
    """The kind under which a reading of the queue is on record (`audit.reads`); None for cases of nobody."""
    states_max: int = 6
    after_max: int = 120
    limit: int = 50
    limit_max: int = 200


class ListCases(Protocol):
    """Reads a page of the queue: cases from a place on, in order of submission, and the same as they are shown."""

    async def __call__(
        self, cases: Any, caller: Caller, place: str | None, states: list[str], after: Place, limit: int
    ) -> tuple[Sequence[object], list[Any]]: ...


def add_queue(
    router: Router, case: Case[Any], queue: Queue, read: ListCases, *, cases: Any, path: str = ""
) -> None:
    """Add `GET` of the queue, operation `list_<noun>s`: cases that wait, when the caller names no states."""
    operation = f"list_{case.noun}s"

    async def endpoint(**given: Any) -> Response:
        limit = given["limit"]
        states = given["state"] or sorted(case.waiting)
        after = cursor_of(given["after"])
        found, shown = await read(given["cases"], given["caller"], given["place"], states, after, limit)
        following = next_of(queue.cursor(found[-1])) if len(found) == limit else None
        return Response(_encode(queue.page(items=shown, next=following)), media_type="application/json")

    after = Annotated[str | None, Query(max_length=queue.after_max, description="`next` of the page before.")]
    parameters = {
        "cases": cases,
        "place": queue.place,
        "caller": Annotated[Caller, Depends(queue.by.caller)],
        "state": Annotated[list[str] | None, Query(max_length=queue.states_max)],
        "after": after,
        "limit": Annotated[int, Query(ge=1, le=queue.limit_max)],
    }
    defaults: dict[str, Any] = {"state": None, "after": None, "limit": queue.limit}
    if queue.place_optional:
        defaults["place"] = None
    listed = _shaped(endpoint, operation, queue.words, parameters, defaults)
    router.add_api_route(
        path,
        listed if queue.reads is None else reads(queue.reads)(listed),
        methods=["GET"],
        operation_id=operation,
        **struct_answer(queue.page, queue.answer_words, refusals=(403, 422)),
    )


def next_of(place: Place) -> str:
    """The cursor that a page ends with."""
    return f"{place[0].isoformat()}~{place[1]}"


def cursor_of(after: str | None) -> Place:
    """Where a page begins. Raises InvalidRequestError."""
    if after is None:
        return FIRST
    moment, _, key = after.partition("~")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), key
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            [
                FieldError(
                    "", "invalid_cursor", "应为上一页给出的续页标记", "Must be `next` of a page", "after"
                )
            ]
        ) from None
