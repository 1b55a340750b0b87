"""Routes by which providers post: completions, enrolments, exam passes, and what they take back."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from contracts.divisions import authority_of, is_known
from services.kit.audit import AuditedRoute, Reading
from services.kit.auth import Caller, require
from services.kit.budgets import Budgets, who_pays, within
from services.kit.errors import language_of, problem_body
from services.kit.hot_routes import HotRoute, part_of
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.records import batch_model, decode_batch, json_body
from services.kit.routers import Router
from services.kit.signatures import signature_of
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, file_response, write_csv, write_xlsx
from services.kit.table_forms import template
from services.kit.table_reader import read_table
from services.ledger.intake.completion_table import (
    FILE_BYTES_MAX,
    FORM,
    RESULT_COLUMNS,
    TableAnswer,
    answer_of,
    completions_of,
    result_rows,
)
from services.ledger.intake.intake import Intake
from services.ledger.intake.records import Completion, Enrolment, ExamPass, Record
from services.ledger.intake.reporting import Reporter
from services.ledger.intake.schemas import BatchAnswer, Decided, Withdrawal, WithdrawnRecord, WithdrawRecord
from services.ledger.streams.problems import NotAProviderError, UnknownPlaceError
from services.ledger.web import REPORTS

RECORDS_MAX = 1_000
TABLE_PATH = "/v1/completions/table"
FILE_PATHS = {TABLE_PATH: FILE_BYTES_MAX}

router = Router(route_class=AuditedRoute)
IntakePart = Annotated[Intake, Depends(part(Intake))]
ReporterPart = Annotated[Reporter, Depends(part(Reporter))]
_encode = msgspec.json.Encoder().encode

BINARY = {"schema": {"type": "string", "format": "binary"}}
_TABLE_BODY = {"requestBody": {"required": True, "content": {CSV_TYPE: BINARY, XLSX_TYPE: BINARY}}}
TableFormat = Annotated[
    Literal["json", "csv", "xlsx"],
    Query(
        alias="format",
        description="`csv` and `xlsx` answer with a table for machines: codes, a line for every fault.",
    ),
]

WRITING_SCOPES = ("completion:write",)
CompletionWriter = require(*WRITING_SCOPES)
EnrolmentWriter = require("enrolment:write")
RecordIdPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def provider_of(caller: Caller) -> str:
    if caller.organization is None:
        raise NotAProviderError
    return caller.organization


def batch_response(decided: list[Decided], request: Request) -> Response:
    """The answer to a batch: an outcome for every record in order, problems in the caller's language."""
    language = language_of(request.headers)
    summary: dict[str, int] = {}
    outcomes = []
    for item in decided:
        outcome = item.outcome
        if item.refusal is not None:
            outcome.problem = problem_body(item.refusal, language)
        summary[outcome.outcome] = summary.get(outcome.outcome, 0) + 1
        outcomes.append(outcome)
    body = _encode(BatchAnswer(outcomes, summary))
    return Response(body, status_code=200, media_type="application/json")


async def _report(request: Request, reporter: Reporter, caller: Caller, kind: type[Record]) -> Response:
    provider_id = provider_of(caller)
    batch = decode_batch(await request.body(), kind, items_max=RECORDS_MAX)
    decided = await reporter.report(provider_id, batch, signature_of(request))
    return batch_response(decided, request)


async def _report_at_once(
    request: Request, caller: Caller, _reading: Reading, _values: Sequence[str]
) -> bytes | None:
    if caller.organization is None:
        return None
    await part_of(request, Budgets).check(REPORTS, who_pays(caller))
    return bytes((await _report(request, part_of(request, Reporter), caller, Completion)).body)


HOT = (
    HotRoute(
        method="POST",
        path="/v1/completions",
        pattern=re.compile("/v1/completions"),
        scopes=frozenset(WRITING_SCOPES),
        answer=_report_at_once,
    ),
)
"""Answered ahead of the framework: completions, of which there are more than of anything else."""


def _batch_route(kind: type[msgspec.Struct], writer: Callable[..., Awaitable[Caller]]) -> dict[str, Any]:
    return {"dependencies": [Depends(within(REPORTS, writer))]} | struct_answer(
        BatchAnswer,
        "An outcome for every record, in the order posted.",
        body=json_body(batch_model(kind, items_max=RECORDS_MAX)),
        refusals=(413, 422, 429, 503),
    )


@router.post(
    "/v1/completions", operation_id="report_completions", **_batch_route(Completion, CompletionWriter)
)
async def report_completions(
    request: Request, reporter: ReporterPart, caller: Annotated[Caller, Depends(CompletionWriter)]
) -> Response:
    """Post up to 1,000 completions; each gets an outcome of its own (S1-09, S3B-07).

    Safe to repeat: the same id with the same content is a `duplicate`, with other content a `conflict`.
    """
    return await _report(request, reporter, caller, Completion)


@router.post(
    TABLE_PATH,
    operation_id="report_completion_table",
    dependencies=[Depends(within(REPORTS, CompletionWriter))],
    **struct_answer(
        TableAnswer,
        "An outcome for every row of the file.",
        body=_TABLE_BODY,
        refusals=(413, 415, 422, 429, 503),
    ),
)
async def report_completion_table(
    request: Request,
    reporter: ReporterPart,
    caller: Annotated[Caller, Depends(CompletionWriter)],
    format_: TableFormat = "json",
) -> Response:
    """Post up to 1,000 completions as a table, CSV or XLSX; each row is answered as if it had been posted as JSON.

    The header is found by its words, in Chinese or English; times of day without a zone are those of Beijing. Safe to
    repeat: a row with the same id and content is a `duplicate`.
    """
    provider_id = provider_of(caller)
    table = await read_table(await request.body(), request.headers.get("content-type", ""), FORM)
    records = await asyncio.to_thread(completions_of, table)
    decided = await reporter.report(provider_id, records, signature_of(request))
    answer = answer_of(table, decided, language_of(request.headers))
    if format_ == "json":
        return Response(_encode(answer), media_type="application/json")
    return table_file("completions", format_, RESULT_COLUMNS, result_rows(answer))


def table_file(
    name: str, format_: Literal["csv", "xlsx"], columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> Response:
    write, media_type = (write_csv, CSV_TYPE) if format_ == "csv" else (write_xlsx, XLSX_TYPE)
    return file_response(write(columns, rows), media_type, f"{name}.{format_}")


@router.get(
    "/v1/completions/template.xlsx",
    operation_id="get_completion_template",
    response_class=Response,
    responses={200: {"description": "An empty table.", "content": {XLSX_TYPE: BINARY}}},
    dependencies=[Depends(CompletionWriter)],
)
async def get_template(request: Request) -> Response:
    """The empty table to fill in, in Chinese or English by `Accept-Language`: header, formats, the words to choose from."""
    content = await asyncio.to_thread(template, FORM, language_of(request.headers))
    return file_response(content, XLSX_TYPE, "completions.xlsx")


@router.post("/v1/enrolments", operation_id="report_enrolments", **_batch_route(Enrolment, EnrolmentWriter))
async def report_enrolments(
    request: Request, reporter: ReporterPart, caller: Annotated[Caller, Depends(EnrolmentWriter)]
) -> Response:
    """Post up to 1,000 enrolments for a credit year (S1-07)."""
    return await _report(request, reporter, caller, Enrolment)


@router.post("/v1/exam-passes", operation_id="report_exam_passes", **_batch_route(ExamPass, CompletionWriter))
async def report_exam_passes(
    request: Request, reporter: ReporterPart, caller: Annotated[Caller, Depends(CompletionWriter)]
) -> Response:
    """Post up to 1,000 passes of the provider's exam; completions that waited for it are registered (S0-09, S0-11)."""
    return await _report(request, reporter, caller, ExamPass)


@router.post(
    "/v1/completions/{completion_id}/withdrawal",
    operation_id="withdraw_completion",
    **struct_answer(WithdrawnRecord, "The record after it.", refusals=(400, 404, 409, 422)),
)
async def withdraw_completion(
    intake: IntakePart,
    reporter: ReporterPart,
    completion_id: RecordIdPath,
    body: Withdrawal,
    caller: Annotated[Caller, Depends(CompletionWriter)],
    key: Annotated[CommandKey, Depends(command_key(CompletionWriter))],
) -> Response:
    """Take back a completion, registered or held; what was recorded stays, and says so."""
    return await _withdraw(intake, reporter, "completion", completion_id, body, caller, key)


@router.post(
    "/v1/enrolments/{enrolment_id}/withdrawal",
    operation_id="withdraw_enrolment",
    **struct_answer(WithdrawnRecord, "The record after it.", refusals=(400, 404, 409, 422)),
)
async def withdraw_enrolment(
    intake: IntakePart,
    reporter: ReporterPart,
    enrolment_id: RecordIdPath,
    body: Withdrawal,
    caller: Annotated[Caller, Depends(EnrolmentWriter)],
    key: Annotated[CommandKey, Depends(command_key(EnrolmentWriter))],
) -> Response:
    """End an enrolment that has no study to register."""
    return await _withdraw(intake, reporter, "enrolment", enrolment_id, body, caller, key)


async def _withdraw(
    intake: Intake,
    reporter: Reporter,
    kind: Any,
    record_id: str,
    body: Withdrawal,
    caller: Caller,
    key: CommandKey,
) -> Response:
    provider_id = provider_of(caller)
    command = WithdrawRecord(
        kind=kind,
        log=await _log_of(reporter, provider_id, body.authority),
        provider_id=provider_id,
        record_id=record_id,
        reason=body.reason,
    )
    answer = await intake.withdraw_record(command, key)
    return answer.response()


async def _log_of(reporter: Reporter, provider_id: str, authority: str | None) -> str:
    if authority is None:
        return await reporter.sole_log(provider_id)
    if not re.fullmatch(r"[0-9]{6}", authority) or not is_known(authority):
        raise UnknownPlaceError(pointer="/authority")
    return authority_of(authority)
