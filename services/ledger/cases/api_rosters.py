"""Rosters over HTTP: uploaded as JSON, CSV or XLSX for a filed training, decided by officials of its place."""

import asyncio
import hashlib
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query, Request, Response

from services.kit.audit import AuditedRoute, how_many, reads
from services.kit.auth import Caller
from services.kit.budgets import Budgets, who_pays, within
from services.kit.errors import language_of
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.pydantic_models import view
from services.kit.records import batch_model, json_body
from services.kit.review import Place, Queue, Role, Step, add_queue, add_steps
from services.kit.routers import Router, serve
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, file_response
from services.kit.table_forms import template
from services.ledger.cases.api_filings import (
    Anybody,
    FilingId,
    PlaceQuery,
    SubmitKey,
    actor_of,
    must_cover,
)
from services.ledger.cases.commands import LateReason, ReviewRoster, UploadRoster
from services.ledger.cases.roster_rows import FILE_BYTES_MAX, FORM, ROWS_MAX, RosterRecord, read_roster
from services.ledger.cases.rosters import Rosters, cursor_of
from services.ledger.cases.views import RosterAnswer, RosterQueue, RosterReview, RosterRowAnswer, RosterView
from services.ledger.streams.filing import SUBMITTER
from services.ledger.streams.roster import ROSTERS, Roster
from services.ledger.web import REPORTS, misses_of

UPLOAD_PATH = "/v1/filings/{filing_id}/rosters"
FILE_PATHS = {UPLOAD_PATH: FILE_BYTES_MAX}

BudgetsPart = Annotated[Budgets, Depends(part(Budgets))]
router = Router(route_class=AuditedRoute)
RostersPart = Annotated[Rosters, Depends(part(Rosters))]
_encode = msgspec.json.Encoder().encode

RosterId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}-[0-9]{1,4}$")]
_BODY = json_body(batch_model(RosterRecord, items_max=ROWS_MAX))
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY["requestBody"]["content"] |= {CSV_TYPE: _FILE, XLSX_TYPE: _FILE}


@router.post(
    UPLOAD_PATH,
    operation_id="upload_roster",
    status_code=201,
    **struct_answer(
        RosterAnswer,
        "Every row answered, in order; 200 when all were uploaded before.",
        status=201,
        body=_BODY,
        refusals=(400, 403, 404, 409, 413, 415, 422, 429, 503),
    ),
    dependencies=[Depends(within(REPORTS, SUBMITTER.caller))],
)
async def upload_roster(
    request: Request,
    rosters: RostersPart,
    budgets: BudgetsPart,
    filing_id: FilingId,
    caller: Annotated[Caller, Depends(SUBMITTER.caller)],
    key: SubmitKey,
    partial: Annotated[bool, Query(description="Store the good rows of a roster that has others.")] = False,
    late_reason: Annotated[LateReason | None, Query(description="Needed after the limit (A-16).")] = None,
) -> Response:
    """Report who attended an approved training, within the notice's working days after its end (S1-15, S3B-10).

    Up to 1,000 rows. A file has the columns 编号, 姓名, 证件类型, 证件号码, 出勤场次 or 学时, 结果, or their English names;
    its header is found by them, below titles and on any visible sheet, and `columns` says which were read.
    With a fault in any row nothing is stored, unless `partial` is true. Safe to repeat: the same row is a `duplicate`.
    """
    table = await read_roster(await request.body(), request.headers.get("content-type", ""))
    command = UploadRoster(
        filing_id=filing_id,
        table=table,
        partial=partial,
        late_reason=late_reason,
        language=language_of(request.headers),
    )
    answer = await rosters.upload(command, actor_of(caller), _with_query(key, request))
    await budgets.spend(REPORTS, who_pays(caller), misses_of(answer))
    return answer.response()


def _with_query(key: CommandKey, request: Request) -> CommandKey:
    """The key of a command that says something in its query too."""
    said = hashlib.blake2b(f"{key.fingerprint}?{request.url.query}".encode(), digest_size=32).hexdigest()
    return CommandKey(key.caller, key.key, said)


async def _list(
    cases: Rosters, caller: Caller, place: str | None, states: list[str], after: Place, limit: int
) -> tuple[list[Roster], list[RosterView]]:
    actor = actor_of(caller)
    if place is None and actor.organization is not None:
        found = await cases.own(actor.organization, after, limit)
    else:
        place = place or actor.place or ""
        must_cover(actor, place)
        found = await cases.queue(place, states, after, limit)
    how_many(sum(len(roster.rows) for roster in found))
    return found, [roster_view(roster) for roster in found]


_QUEUE = Queue(
    page=RosterQueue,
    answer_words="Rosters in order of upload.",
    words="The rosters of a place and all under it, those with open rows when no state is named; or an organization's own.",
    cursor=cursor_of,
    by=Role("filing:submit", "filing:review"),
    place=PlaceQuery,
    place_optional=True,
    reads="rosters",
    states_max=2,
    limit=20,
    limit_max=50,
)
reviews = Router(prefix="/v1/rosters", route_class=AuditedRoute)
add_queue(reviews, ROSTERS, _QUEUE, _list, cases=RostersPart)


@reviews.get(
    "/template.xlsx",
    operation_id="get_roster_template",
    response_class=Response,
    responses={200: {"description": "An empty table.", "content": {XLSX_TYPE: _FILE}}},
    dependencies=[Depends(SUBMITTER.caller)],
)
async def get_template(request: Request) -> Response:
    """The empty table to fill in, in Chinese or English by `Accept-Language`: header, formats, the words to choose from."""
    content = await asyncio.to_thread(template, FORM, language_of(request.headers))
    return file_response(content, XLSX_TYPE, "roster.xlsx")


@reviews.get(
    "/{roster_id}",
    operation_id="get_roster",
    **struct_answer(RosterView, "The roster as it stands.", refusals=(404,)),
)
@reads("roster")
async def get_roster(
    rosters: RostersPart, roster_id: RosterId, caller: Annotated[Caller, Depends(Anybody)]
) -> Response:
    """Where a roster and each of its rows stand: for who uploaded it, and for officials of its place."""
    entry = await rosters.find(roster_id, actor_of(caller))
    how_many(len(entry.state.rows))
    return Response(_encode(roster_view(entry.state)), media_type="application/json")


async def _take(
    step: Step, rosters: Rosters, roster_id: str, caller: Caller, key: CommandKey, body: Any
) -> StoredAnswer:
    command = ReviewRoster(roster_id=roster_id, step=step.name, **dict(body))
    return await rosters.review(command, actor_of(caller), key)


_ANSWERS = struct_answer(RosterReview, "What became of each row.", refusals=(400, 403, 404, 409, 422))
add_steps(reviews, ROSTERS, _take, cases=RostersPart, id_type=RosterId, answers=_ANSWERS)
serve(router, [reviews])


def roster_view(roster: Roster) -> RosterView:
    """The roster as it is shown: rows by their ids, nobody by name."""
    rows = []
    for row in roster.rows:
        decision = roster.decisions.get(row.row_id)
        rows.append(
            view(
                RosterRowAnswer,
                row,
                state=roster.state_of(row),
                reason=decision.reason if decision else None,
                clause=decision.clause if decision else None,
                credit_ids=list(decision.credit_ids) if decision else [],
            )
        )
    return view(RosterView, roster, state=roster.state, rows=rows)
