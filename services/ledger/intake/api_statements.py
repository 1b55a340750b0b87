"""Routes by which completions come as other systems write them: xAPI statements, and CloudEvents."""

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from services.kit.audit import AuditedRoute
from services.kit.auth import Caller
from services.kit.budgets import within
from services.kit.openapi import struct_answer
from services.kit.routers import Router
from services.kit.signatures import signature_of
from services.ledger.intake.api import (
    RECORDS_MAX,
    CompletionWriter,
    ReporterPart,
    batch_response,
    provider_of,
)
from services.ledger.intake.schemas import BatchAnswer
from services.ledger.intake.statements import (
    CLOUD_EVENT,
    COMPLETED,
    EVENT_TYPE,
    EVENTS,
    PASSED,
    STATEMENTS,
    XAPI,
    Dialect,
    Source,
    completions_of,
)
from services.ledger.web import REPORTS

STATEMENTS_PATH, EVENTS_PATH = "/v1/completions/statements", "/v1/completions/events"

router = Router(route_class=AuditedRoute)


def _object(sources: dict[str, Source], fixed: dict[str, Any]) -> dict[str, Any]:
    """The schema of one item: every field that is read, where it stands, and what it becomes."""
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    for field, source in sources.items():
        *outer, name = source.path
        inner = schema
        for each in outer:
            inner = inner["properties"].setdefault(each, {"type": "object", "properties": {}})
        becomes = field.removeprefix("/").replace("/", ".")
        inner["properties"][name] = {"description": f"`{becomes}` of the completion."}
    for path, values in fixed.items():
        *outer, name = path.split(".")
        inner = schema
        for each in outer:
            inner = inner["properties"].setdefault(each, {"type": "object", "properties": {}})
        inner["properties"][name] = {"enum": values}
    return schema


def _body(item: dict[str, Any], *media_types: str) -> dict[str, Any]:
    some = {"type": "array", "minItems": 1, "maxItems": RECORDS_MAX, "items": item}
    content = {media_type: {"schema": {"anyOf": [some, item]}} for media_type in media_types}
    return {"requestBody": {"required": True, "content": content}}


_STATEMENT = _object(dict(XAPI), {"verb.id": [COMPLETED, PASSED]})
_EVENT = _object(dict(CLOUD_EVENT), {"specversion": ["1.0"], "type": [EVENT_TYPE]})
_ANSWERED = "An outcome for every item, in the order posted."


async def _report(request: Request, reporter: ReporterPart, caller: Caller, dialect: Dialect) -> Response:
    provider_id = provider_of(caller)
    batch = completions_of(await request.body(), dialect, items_max=RECORDS_MAX)
    return batch_response(await reporter.report(provider_id, batch, signature_of(request)), request)


@router.post(
    STATEMENTS_PATH,
    operation_id="report_statements",
    dependencies=[Depends(within(REPORTS, CompletionWriter))],
    **struct_answer(
        BatchAnswer, _ANSWERED, body=_body(_STATEMENT, "application/json"), refusals=(413, 422, 429, 503)
    ),
)
async def report_statements(
    request: Request, reporter: ReporterPart, caller: Annotated[Caller, Depends(CompletionWriter)]
) -> Response:
    """Post up to 1,000 xAPI statements, `completed` or `passed`; each is answered as the completion that it says.

    Safe to repeat: the statement's id is the completion's.
    """
    return await _report(request, reporter, caller, STATEMENTS)


@router.post(
    EVENTS_PATH,
    operation_id="report_events",
    dependencies=[Depends(within(REPORTS, CompletionWriter))],
    **struct_answer(
        BatchAnswer,
        _ANSWERED,
        body=_body(
            _EVENT, "application/cloudevents-batch+json", "application/cloudevents+json", "application/json"
        ),
        refusals=(413, 422, 429, 503),
    ),
)
async def report_events(
    request: Request, reporter: ReporterPart, caller: Annotated[Caller, Depends(CompletionWriter)]
) -> Response:
    """Post up to 1,000 CloudEvents (structured, JSON), each a completion; each is answered as that.

    Safe to repeat: the event's id is the completion's.
    """
    return await _report(request, reporter, caller, EVENTS)
