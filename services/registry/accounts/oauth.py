"""The routes that need no token: signing in (RFC 6749, 4.4), and the key set tokens are checked with (RFC 7517)."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from services.registry.accounts.tokens import TokenIssuer, TokenRefusedError, TokenRequest
from services.registry.schemas import TokenAnswer, TokenRefusal

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
JWKS_PATH = "/.well-known/jwks.json"
OPEN_PATHS = frozenset({TOKEN_PATH, JWKS_PATH})


def oauth_router() -> APIRouter:
    """The two routes."""
    router = APIRouter(tags=["oauth"])
    form = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "scope": {
                "type": "string",
                "description": "Separated by spaces; all of the client's by default.",
            },
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
        },
    }
    body = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}}

    @router.post(
        TOKEN_PATH,
        response_model=TokenAnswer,
        responses={
            400: {"model": TokenRefusal, "description": "Refused (RFC 6749, 5.2)."},
            401: {"model": TokenRefusal, "description": "The client or its secret is not known."},
        },
        openapi_extra={"requestBody": body},
    )
    async def issue_token(request: Request) -> JSONResponse:
        """Exchange a client's id and secret, in HTTP Basic or in the form, for a token (RFC 6749, 4.4)."""
        issuer: TokenIssuer = request.app.state.registry.issuer
        try:
            asked = TokenRequest.read(request.headers.get("authorization", ""), await request.body())
            answer = await issuer.issue(asked)
        except TokenRefusedError as refusal:
            return _refusal(refusal)
        return JSONResponse(answer.model_dump(), headers={"Cache-Control": "no-store"})

    @router.get(JWKS_PATH)
    async def get_key_set(request: Request) -> JSONResponse:
        """The public keys that tokens of this registry are checked with (RFC 7517)."""
        issuer: TokenIssuer = request.app.state.registry.issuer
        headers = {"Cache-Control": "public, max-age=300"}
        return JSONResponse(dict(issuer.key_set()), headers=headers)

    return router


def _refusal(refusal: TokenRefusedError) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="xuefen"'
    body = {"error": refusal.error, "error_description": refusal.description}
    return JSONResponse(body, status_code=refusal.status, headers=headers)
