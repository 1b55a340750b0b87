"""The list of a place's registered credits over HTTP, for reconciliations."""

from typing import Annotated

import msgspec
from fastapi import Depends, Query, Response

from contracts.divisions import NATION, contains, is_known
from services.kit.audit import AuditedRoute, about, reads
from services.kit.auth import Caller, require
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS
from services.ledger.answers.queries import PEOPLE_MAX, CreditListing, CreditPage
from services.ledger.streams.problems import NotAnOfficialError, OutsidePlaceError, UnknownPlaceError

router = Router(prefix="/v1/credits", tags=["credits"], route_class=AuditedRoute)
CreditListingPart = Annotated[CreditListing, Depends(part(CreditListing))]
FeedReader = require("feed:read")
_encode = msgspec.json.Encoder(decimal_format="string").encode


@router.get(
    "",
    operation_id="list_credits",
    **struct_answer(CreditPage, "A page of people's credits.", refusals=(403, 422)),
)
@reads("credits")
async def list_credits(
    listing: CreditListingPart,
    place: Annotated[str, Query(pattern=r"^[1-9][0-9]{5}$")],
    year: Annotated[int, Query(ge=2000, le=2100), IN_DIGITS],
    caller: Annotated[Caller, Depends(FeedReader)],
    after: Annotated[str, Query(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._:-]{0,63})?$")] = "",
    limit: Annotated[int, Query(ge=1, le=PEOPLE_MAX), IN_DIGITS] = 500,
) -> Response:
    """Every credit registered at a place and below it for a year that has not ended, a page of people at a time.

    For the services and for officials of a place that contains it; of the nation itself, one authority after the other.
    """
    if not is_known(place) or place == NATION:
        raise UnknownPlaceError
    if caller.organization is not None:
        raise NotAnOfficialError
    if caller.place is not None and not contains(caller.place, place):
        raise OutsidePlaceError
    page = await listing.page(place, year, after, limit)
    for credit in page.items:
        about(credit.person_id, credit.place)
    return Response(_encode(page), media_type="application/json")
