"""Routes by which posted records are read back: completions alone, by page or a year as a table; enrolments, passes."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from fastapi import Depends, Path, Query, Response

from contracts.divisions import contains, is_known
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.feed import NEXT_AFTER
from services.kit.openapi import problems, struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, AddressMoment
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from services.ledger.intake.api import (
    BINARY,
    CompletionWriter,
    EnrolmentWriter,
    RecordIdPath,
    provider_of,
    table_file,
)
from services.ledger.intake.completion_record import CompletionRecord
from services.ledger.intake.completion_table import ROWS_MAX, YEAR_COLUMNS, year_rows
from services.ledger.intake.posted_completions import CompletionPage, PostedCompletions, Sought, StateSought
from services.ledger.intake.posted_records import Kind, PostedRecord, PostedRecords
from services.ledger.streams.problems import UnknownCompletionError, UnknownPlaceError
from services.ledger.web import OpaqueId, place_of

router = Router(route_class=AuditedRoute)
PostedPart = Annotated[PostedCompletions, Depends(part(PostedCompletions))]
RecordsPart = Annotated[PostedRecords, Depends(part(PostedRecords))]
CompletionReader = require("completion:write", "transcript:read")
CURSOR = r"^[1-9][0-9]{5}~[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
ProviderQuery = Annotated[
    OpaqueId | None,
    Query(description="Whose record, where an official asks; a provider reads its own, and need not say so."),
]
AuthorityQuery = Annotated[
    str | None,
    Query(pattern=r"^[1-9][0-9]{5}$", description="Where it was posted, if the id was posted to several."),
]
_ANSWER = struct_answer(PostedRecord, "What was posted, and where it stands today.", refusals=(403, 404, 422))
_encode = msgspec.json.Encoder().encode


@router.get(
    "/v1/completions",
    operation_id="list_completions",
    **struct_answer(CompletionPage, "Completions, each as it stands today.", refusals=(403, 404, 422)),
)
@reads("completions")
async def list_completions(
    posted: PostedPart,
    caller: Annotated[Caller, Depends(CompletionReader)],
    provider: ProviderQuery = None,
    state: Annotated[
        StateSought | None,
        Query(
            description="Its state today; `late`: registered late; `moved`: held or registered, and gone with its person."
        ),
    ] = None,
    person: Annotated[OpaqueId | None, Query(description="The id of its person.")] = None,
    year: Annotated[int | None, Query(ge=2000, le=2100), IN_DIGITS] = None,
    posted_since: Annotated[AddressMoment | None, Query(description="First posted then or later.")] = None,
    posted_until: Annotated[AddressMoment | None, Query(description="First posted before.")] = None,
    after: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200), IN_DIGITS] = 100,
) -> Response:
    """A provider's completions by authority and id, each as it stands today; an official sees those of their place.

    Page by page: a page may hold fewer than `limit`, and only `next` being null is the end.
    """
    sought = Sought(
        provider_id=_provider_read(caller, provider),
        state=state,
        year=year,
        person_id=person,
        posted_since=posted_since,
        posted_until=posted_until,
        place=None if caller.organization is not None else place_of(caller),
    )
    page = await _page(posted, sought, after, limit)
    return Response(_encode(page), media_type="application/json")


@router.get(
    "/v1/completion-tables/{year}",
    operation_id="get_completion_table",
    response_class=Response,
    responses={
        200: {
            "description": "A row for every completion, codes and fields as in its record.",
            "headers": {
                NEXT_AFTER: {
                    "description": "What to go on after; absent at the end.",
                    "schema": {"type": "string"},
                }
            },
            "content": {CSV_TYPE: BINARY, XLSX_TYPE: BINARY},
        },
        **problems(403, 422),
    },
)
@reads("completions")
async def get_completion_table(
    posted: PostedPart,
    caller: Annotated[Caller, Depends(CompletionWriter)],
    year: Annotated[int, Path(ge=2000, le=2100, description="The credit year."), IN_DIGITS],
    format_: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "csv",
    after: Annotated[str | None, Query(pattern=CURSOR, description=f"`{NEXT_AFTER}` before.")] = None,
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX), IN_DIGITS] = ROWS_MAX,
) -> Response:
    """What the caller's organization reported for a year as a table, each completion as it stands today.

    In parts of up to 1,000 rows: while an answer has the header `Xuefen-Next-After`, there is more after it.
    """
    sought = Sought(provider_id=provider_of(caller), year=year)
    page = await _page(posted, sought, after, limit)
    response = await asyncio.to_thread(
        table_file, f"completions-{year}", format_, YEAR_COLUMNS, year_rows(page.items)
    )
    if page.next is not None:
        response.headers[NEXT_AFTER] = page.next
    return response


async def _page(posted: PostedCompletions, sought: Sought, after: str | None, limit: int) -> CompletionPage:
    log, _, record_id = (after or "~").partition("~")
    page = await posted.page(sought, (log, record_id), limit)
    _put_on_record(page.items, await posted.places_of(page.items))
    return page


@router.get(
    "/v1/completions/{completion_id}",
    operation_id="get_completion",
    **struct_answer(
        CompletionRecord, "What was posted, and where it stands today.", refusals=(403, 404, 422)
    ),
)
@reads("completion")
async def get_completion(
    posted: PostedPart,
    completion_id: RecordIdPath,
    caller: Annotated[Caller, Depends(CompletionReader)],
    provider: ProviderQuery = None,
    authority: AuthorityQuery = None,
) -> Response:
    """A completion by the id that the provider posted it under: what was posted, its state today, and its history.

    A provider reads its own, an official those of people of their place; to everybody else there is no such record.
    """
    if authority is not None and not is_known(authority):
        raise UnknownPlaceError(pointer="/authority")
    place = None if caller.organization is not None else place_of(caller)
    record = await posted.get(_provider_read(caller, provider), completion_id, authority)
    [places] = await posted.places_of([record])
    if place is not None and not any(contains(place, each) for each in places):
        raise UnknownCompletionError
    _put_on_record([record], [places])
    return Response(_encode(record), media_type="application/json")


def _put_on_record(records: Sequence[CompletionRecord], places: Sequence[set[str]]) -> None:
    for record, there in zip(records, places, strict=True):
        for place in sorted(there) if record.person_id is not None else ():
            about(record.person_id, place)


def _provider_read(caller: Caller, provider: str | None) -> str:
    """Whose records are read. Raises UnknownCompletionError where a provider asks for another's, as if there were none."""
    if caller.organization is None:
        if provider is None:
            raise InvalidRequestError(
                [FieldError("", "missing", "缺少此项", "This field is required", parameter="provider")]
            )
        return provider
    if provider not in (None, caller.organization):
        raise UnknownCompletionError
    return caller.organization


@router.get("/v1/enrolments/{enrolment_id}", operation_id="get_enrolment", **_ANSWER)
@reads("enrolment")
async def get_enrolment(
    records: RecordsPart,
    enrolment_id: RecordIdPath,
    caller: Annotated[Caller, Depends(EnrolmentWriter)],
    authority: AuthorityQuery = None,
) -> Response:
    """An enrolment by the id that the provider posted it under: what was posted, its state today, and its history."""
    return await _read(records, "enrolment", enrolment_id, caller, authority)


@router.get("/v1/exam-passes/{exam_id}", operation_id="get_exam_pass", **_ANSWER)
@reads("exam_pass")
async def get_exam_pass(
    records: RecordsPart,
    exam_id: RecordIdPath,
    caller: Annotated[Caller, Depends(CompletionWriter)],
    authority: AuthorityQuery = None,
) -> Response:
    """An exam pass by the id that the provider posted it under: what was posted, its state today, and its history."""
    return await _read(records, "exam_pass", exam_id, caller, authority)


async def _read(
    records: PostedRecords, kind: Kind, record_id: str, caller: Caller, authority: str | None
) -> Response:
    """Raises NotAProviderError for whoever reports nothing: these are read by who posted them alone."""
    if authority is not None and not is_known(authority):
        raise UnknownPlaceError(pointer="/authority")
    record = await records.get(kind, provider_of(caller), record_id, authority)
    if record.person_id is not None:
        about(record.person_id, record.log)
    return Response(_encode(record), media_type="application/json")
