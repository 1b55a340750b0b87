"""Parts of every route: ids in paths, the caller as decisions know them, and what carries a command or query out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import Depends, Path, Request
from pydantic import AfterValidator, Field

from contracts.divisions import is_known
from contracts.identifiers import check_uscc
from services.kit.auth import Caller
from services.kit.clock import local_date, utc_now
from services.kit.field_errors import refuse
from services.kit.idempotency import CommandKey
from services.kit.review import Answered, Case, Step, TakeStep, add_steps
from services.kit.routers import Router
from services.kit.schemas import Day
from services.registry.streams.account import SCOPES
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
    ) -> Answered:
        carry_out = getattr(commands, method or step.name)
        said = ([step.name] if method else []) + ([] if body is None else [body])
        answer: Answered = await carry_out(key, actor_of(caller), UUID(case_id), *said)
        return answer

    return take


def add_routes(
    router: Router,
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


YEAR_MIN, YEAR_MAX = 2000, 2100
FIRST_DAY = date(1950, 1, 1)


def _known_place(code: str) -> str:
    if not is_known(code):
        raise refuse("unknown_place", "没有这个行政区划代码", "There is no such place")
    return code


def _valid_uscc(code: str) -> str:
    fault = check_uscc(code)
    if fault is not None:
        raise refuse(f"uscc_{fault.value}", fault.text_zh, fault.text_en)
    return code


def _past_day(day: date) -> date:
    if not FIRST_DAY <= day <= local_date(utc_now()):
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


def _known_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise refuse("unknown_scope", "没有这个权限范围", "There is no such scope")
    return scope


Place = Annotated[
    str,
    Field(pattern=r"^[1-9][0-9]{5}$", description="GB/T 2260 code.", examples=["211302"]),
    AfterValidator(_known_place),
]
Uscc = Annotated[
    str,
    Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", description="统一社会信用代码 (GB 32100)."),
    AfterValidator(_valid_uscc),
]
PastDay = Annotated[Day, AfterValidator(_past_day)]
Groups = Annotated[
    list[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]],
    Field(
        max_length=20,
        description="Groups of the person (人员类别) by the codes that notices of the place use.",
    ),
]
CreditYear = Annotated[int, Field(ge=YEAR_MIN, le=YEAR_MAX, examples=[2026])]
Scope = Annotated[str, Field(max_length=40), AfterValidator(_known_scope)]
Mode = Literal["online", "face_to_face", "other"]
DisqualificationReason = Literal[
    "false_records", "fee_violation", "quality", "not_assessed", "unlawful_operation", "other"
]
OrganizationKind = Literal["provider", "employer", "organiser", "school", "authority"]


def _plausible(day: date) -> date:
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise refuse("out_of_range", "日期不在合理范围", "The date is out of range")
    return day


def unique(values: list[int] | list[str]) -> list[int] | list[str]:
    """Refuse a list that names something twice."""
    if len(set(values)) != len(values):
        raise refuse("repeated", "有重复项", "An item is repeated")
    return values


PlausibleDay = Annotated[Day, AfterValidator(_plausible)]
