"""The routes of the relay's contract, and the stand-in as an application: no database, nothing survives its process."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request

from contracts.envelope import Adcode, OpaqueId
from contracts.handover import Handover
from contracts.relay import MAIL_MAX, Acknowledgement, Exchange, Mail, Offer, Step
from services.kit.app import create_service
from services.kit.app import openapi_document as document_of
from services.kit.auth import Caller, TokenVerifier, require
from services.kit.errors import NotAuthenticatedError, NotFoundError, Problem
from services.kit.openapi import problems
from services.kit.routers import Router
from services.stand_ins.relay.exchanges import Exchanges, ExchangeUnknownError, OfferContradictsError
from services.stand_ins.relay.faults import Faults, MisbehavingMiddleware, Misbehaviour

SCOPE = "relay:exchange"

End = Depends(require(SCOPE))
router = Router(prefix="/v1", tags=["relay"], dependencies=[End])
switch = Router(include_in_schema=False, dependencies=[End])


class OfferContradictionError(Problem):
    """A transfer of this id is offered between other authorities, or the address names another transfer."""

    code = "offer-contradicts"
    status = 409
    title_zh = "该调转编号已用于另一调转"
    title_en = "The id is that of another transfer"


def _exchanges(request: Request) -> Exchanges:
    exchanges: Exchanges = request.app.state.exchanges
    return exchanges


@router.put("/exchanges/{transfer_id}", responses=problems(409, 422))
async def offer_profile(request: Request, transfer_id: OpaqueId, body: Offer) -> Exchange:
    """Offer a profile to its destination (S2C-15). A repeat is answered with the exchange as it stands."""
    if body.transfer_id != transfer_id:
        raise OfferContradictionError
    try:
        return _exchanges(request).offer(body)
    except OfferContradictsError:
        raise OfferContradictionError from None


@router.get("/exchanges/{transfer_id}", responses=problems(404, 422))
async def get_exchange(request: Request, transfer_id: OpaqueId) -> Exchange:
    """How far an exchange is; who moves is not told."""
    try:
        return _exchanges(request).look(transfer_id)
    except ExchangeUnknownError:
        raise NotFoundError from None


@router.post("/exchanges/{transfer_id}/steps", responses=problems(404, 422))
async def take_step(request: Request, transfer_id: OpaqueId, body: Step) -> Exchange:
    """Take a step. Where the state does not allow it, nothing changes: look at `state` in the answer.

    An offer is recalled or fetched, whichever comes first (S2C-16).
    """
    try:
        return _exchanges(request).step(transfer_id, body)
    except ExchangeUnknownError:
        raise NotFoundError from None


@router.put("/exchanges/{transfer_id}/handovers/{sequence}", responses=problems(404, 409, 422))
async def hand_over(request: Request, transfer_id: OpaqueId, sequence: int, body: Handover) -> Exchange:
    """Hand the accounts over once the person has confirmed, as sequence 0; late supplements count on from 1."""
    if (body.transfer_id, body.sequence) != (transfer_id, sequence):
        raise OfferContradictionError
    try:
        return _exchanges(request).hand_over(transfer_id, body)
    except ExchangeUnknownError:
        raise NotFoundError from None


@router.post("/exchanges/{transfer_id}/acknowledgements", responses=problems(404, 422))
async def acknowledge(request: Request, transfer_id: OpaqueId, body: Acknowledgement) -> Exchange:
    """Say that what a revision told is stored: it is in the authority's mail no longer."""
    try:
        return _exchanges(request).acknowledge(transfer_id, body.authority, body.revision)
    except ExchangeUnknownError:
        raise NotFoundError from None


@router.get("/mail", responses=problems(422))
async def get_mail(
    request: Request,
    authority: Annotated[list[Adcode], Query(min_length=1, max_length=50)],
    after: Annotated[OpaqueId | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAIL_MAX)] = MAIL_MAX,
) -> Mail:
    """What is new for the authorities the caller answers for, offers among it (S2C-17)."""
    told: Misbehaviour = request.app.state.misbehaviour
    again = told.happens(told.faults.repeated_percent)
    found = _exchanges(request).mail(authority, read_too=again)
    entries = [f"{each.transfer_id}:{each.seen_by}" for each in found]
    start = entries.index(after) + 1 if after in entries else 0
    page = found[start : start + limit]
    following = entries[start + limit - 1] if start + limit < len(found) else None
    return Mail(exchanges=tuple(told.in_some_order(page)), next=following)


@switch.put("/stand-in/faults")
async def misbehave(request: Request, body: Faults) -> Faults:
    """Tell the stand-in how to misbehave from now on."""
    misbehaviour: Misbehaviour = request.app.state.misbehaviour
    misbehaviour.be(body)
    return body


TITLE = "National relay"
DESCRIPTION = (
    "Carries a profile from one authority to another: offered by the origin, fetched by the destination, confirmed by "
    "the person, handed over, completed. An outside system; this is the contract our transfer service speaks."
)


class RelayToken(TokenVerifier):
    """Lets in whoever has the token the relay gave out; everybody with any token when it gave out none."""

    def __init__(self, token: str | None) -> None:
        super().__init__([])
        self._token = token

    async def verify(self, token: str) -> Caller:
        """The caller, an end of some exchange. Raises NotAuthenticatedError."""
        if self._token is not None and not hmac.compare_digest(token.encode(), self._token.encode()):
            raise NotAuthenticatedError
        return Caller("end", frozenset({SCOPE}))


def build_app(token: str | None = None) -> FastAPI:
    """A relay with nothing on it; `token` is what its ends must show."""
    misbehaviour = Misbehaviour()
    app = create_service(TITLE, description=DESCRIPTION, routers=[router, switch], verifier=RelayToken(token))
    app.add_middleware(MisbehavingMiddleware, misbehaviour=misbehaviour)
    app.state.exchanges = Exchanges()
    app.state.misbehaviour = misbehaviour
    return app


def openapi_document() -> dict[str, object]:
    """The OpenAPI document of the relay's contract."""
    return document_of(build_app(), token_url=None)
