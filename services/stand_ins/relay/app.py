"""The stand-in of the national relay as an application: no database, nothing survives its process."""

from __future__ import annotations

import hmac
from typing import Any

from fastapi import FastAPI

from services.kit.app import create_service
from services.kit.app import openapi_document as document_of
from services.kit.auth import Caller, TokenVerifier
from services.kit.errors import NotAuthenticatedError
from services.stand_ins.relay.api import SCOPE, router, switch
from services.stand_ins.relay.exchanges import Exchanges
from services.stand_ins.relay.faults import MisbehavingMiddleware, Misbehaviour

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


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the relay's contract."""
    return document_of(build_app(), token_url=None)
