"""Routes to the audit, the same for every service: for auditors of a place, and for everybody about themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated

import msgspec
from fastapi import Depends, Query, Request, Response

from services.kit.audit import Audit, AuditedRoute, about, how_many, reads
from services.kit.audit_records import COLUMNS, AuditRecord
from services.kit.auth import Caller, require
from services.kit.errors import Problem
from services.kit.openapi import struct_answer
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, AddressMoment

PAGE_MAX = 500
AUDITOR, OWN = "audit:read", "audit:own"

_encode = msgspec.json.Encoder().encode
_names = ", ".join(COLUMNS.split(", ")[1:-1])
_FIND = f"""
select {_names} from audit_records
 where log = any($1::text[]) and ($2::text is null or chain @> array[$2])
   and ($3::text is null or subjects @> array[$3])
   and ($4::text is null or caller = $4) and ($5::text is null or kind = $5)
   and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
   and ($8::text is null or record_id < $8)
 order by record_id desc limit $9
"""  # noqa: S608 - names of our own


class AuditPage(msgspec.Struct, frozen=True):
    """Readings, newest first; `next` asks for older ones, null at the end."""

    items: Sequence[AuditRecord]
    next: str | None


class Sought(msgspec.Struct, frozen=True):
    """What a caller asks of the audit: of whom, by whom, of which kind, when, and how much."""

    subject: str | None = None
    caller: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 100


_WORD = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"
Word = Query(pattern=_WORD)


async def _sought(
    caller: Annotated[str | None, Word] = None,
    kind: Annotated[str | None, Word] = None,
    since: Annotated[AddressMoment | None, Query(description="From this moment on.")] = None,
    until: Annotated[AddressMoment | None, Query(description="Before this moment.")] = None,
    after: Annotated[
        str | None, Query(pattern="^[0-9a-f]{32}$", description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX), IN_DIGITS] = 100,
) -> Sought:
    return Sought(caller=caller, kind=kind, since=since, until=until, after=after, limit=limit)


async def records_of(audit: Audit, logs: Sequence[str], place: str | None, sought: Sought) -> AuditPage:
    """The newest records of the logs that the auditors of a place may see, as far as they fit what is sought."""
    found: list[AuditRecord] = []
    asked = (place, sought.subject, sought.caller, sought.kind, sought.since, sought.until, sought.after)
    for database, there in audit.databases.grouped(logs).items():
        async with database.acquire() as conn:
            rows = await conn.fetch(_FIND, there, *asked, sought.limit)
        found += [AuditRecord(**row) for row in rows]
    page = sorted(found, key=lambda record: record.record_id, reverse=True)[: sought.limit]
    return AuditPage(page, page[-1].record_id if len(page) == sought.limit else None)


@cache
def audit_router(
    logs_of: Callable[[str | None], Sequence[str]],
    may_audit: Callable[[Caller, str], bool],
    refused: type[Problem],
) -> Router:
    """The two routes over `app.state.audit`.

    `logs_of` names the logs that may hold records of a place, all of them for None. `may_audit` says whether a caller is an
    official to whose place another belongs; anybody else is answered `refused`.
    """
    router = Router(prefix="/v1", tags=["audit"], route_class=AuditedRoute)

    @router.get(
        "/audit",
        operation_id="list_audit",
        **struct_answer(AuditPage, "A page of records.", refusals=(403, 422, 503)),
    )
    @reads("audit")
    async def list_audit(
        request: Request,
        by: Annotated[Caller, Depends(require(AUDITOR))],
        sought: Annotated[Sought, Depends(_sought)],
        place: Annotated[
            str | None, Query(pattern=r"^[1-9][0-9]{5}$", description="The caller's own when left out.")
        ] = None,
        subject: Annotated[
            str | None, Query(pattern=_WORD, description="Whose data was read, by the opaque id.")
        ] = None,
    ) -> Response:
        """Who read personal data of people of a place and all under it, what for and with which result, newest first.

        Reading this is put on record too.
        """
        wanted = place or by.place
        if wanted is None or not may_audit(by, wanted):
            raise refused
        if subject is not None:
            about(subject, wanted)
        page = await records_of(
            request.app.state.audit, logs_of(wanted), wanted, msgspec.structs.replace(sought, subject=subject)
        )
        how_many(len(page.items))
        return _answer(page)

    @router.get(
        "/my-readings",
        operation_id="list_my_readings",
        **struct_answer(AuditPage, "A page of records.", refusals=(403, 422, 503)),
    )
    @reads("own-readings")
    async def list_my_readings(
        request: Request,
        by: Annotated[Caller, Depends(require(OWN))],
        sought: Annotated[Sought, Depends(_sought)],
    ) -> Response:
        """Who read the caller's own data, when, what for and with which result, newest first.

        For a token that is bound to no place and no organization; its subject is the opaque id they are known by.
        """
        if by.place is not None or by.organization is not None:
            raise refused
        sought = msgspec.structs.replace(sought, subject=by.subject)
        page = await records_of(request.app.state.audit, logs_of(None), None, sought)
        about(by.subject, None)
        # Others were perhaps read with them; that is nobody's business here.
        own = [msgspec.structs.replace(each, subjects=[by.subject], count=1) for each in page.items]
        return _answer(AuditPage(own, page.next))

    return router


def _answer(page: AuditPage) -> Response:
    return Response(_encode(page), media_type="application/json", headers={"Cache-Control": "no-store"})
