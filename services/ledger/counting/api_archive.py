"""The credit archive's extract over HTTP."""

from typing import Annotated

import msgspec
from fastapi import Depends, Path, Query, Response

from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, Day
from services.ledger.counting.archive import Archive, Archives
from services.ledger.officials.api_closing import must_cover
from services.ledger.store.paging import CURSOR

router = Router(route_class=AuditedRoute)
ArchivesPart = Annotated[Archives, Depends(part(Archives))]
_encode = msgspec.json.Encoder().encode
ArchiveReader = require("archive:read")
Place = Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")]
Year = Annotated[int, Path(ge=2000, le=2100), IN_DIGITS]


@router.get(
    "/v1/years/{place}/{year}/archive",
    operation_id="get_archive",
    **struct_answer(Archive, "A page of the extract.", refusals=(403, 404, 409, 422)),
)
@reads("archive")
async def get_archive(
    archives: ArchivesPart,
    place: Place,
    year: Year,
    caller: Annotated[Caller, Depends(ArchiveReader)],
    on: Annotated[
        Day | None, Query(description="Judge as of the end of this day; today when left out.")
    ] = None,
    after: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """The credit archive's extract of a closed year: each person's status, credits and policy, nobody by name (S2A-08)."""
    must_cover(caller, place)
    archive = await archives.page(place, year, on=on, after=after, limit=limit)
    for line in archive.items:
        about(line.person_id, line.place)
    return Response(_encode(archive), media_type="application/json")
