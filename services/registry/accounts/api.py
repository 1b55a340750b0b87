"""Routes of accounts: asked for by units, issued by the one bureau that may, rotated and revoked; and of tokens, which need
none: signing in (RFC 6749, 4.4), and the key set tokens are checked with (RFC 7517).
"""

import base64
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Depends, Request, Response
from starlette.responses import JSONResponse

from contracts.sign_in import GRANT_TYPE, ID_TOKEN_TYPE
from services.kit.audit import Audit, Reading
from services.kit.auth import Caller, require
from services.kit.budgets import Budgets, address_of
from services.kit.idempotency import CommandKey, StoredAnswer, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.signatures import signing_secret
from services.kit.signing import HMAC
from services.registry.accounts import schemas
from services.registry.accounts.accounts import AccountQueries, Accounts
from services.registry.accounts.schemas import KeySet, SignInAnswer, TokenAnswer, TokenRefusal
from services.registry.accounts.sign_ins import SignIns, asks_for_exchange
from services.registry.accounts.tokens import (
    TokenIssuer,
    TokenRefusedError,
    TokenRequest,
    client_named,
    read_form,
)
from services.registry.streams.account import CASE, AccountRequest
from services.registry.streams.actor import Actor
from services.registry.web.routes import Id, acting, add_routes, part

router = Router(prefix="/v1", tags=["accounts"])

_issue = require("client:write")
_ask = require("organization:write", "collection:submit")
_see = require("client:write", "organization:write", "collection:submit")


Commands = Annotated[Accounts, Depends(part(Accounts))]
Queries = Annotated[AccountQueries, Depends(part(AccountQueries))]
Issuer = Annotated[Actor, Depends(acting(_issue))]
Asker = Annotated[Actor, Depends(acting(_ask))]
Viewer = Annotated[Actor, Depends(acting(_see))]
IssueKey = Annotated[CommandKey, Depends(command_key(_issue))]
AskKey = Annotated[CommandKey, Depends(command_key(_ask))]


@router.post("/clients", status_code=201, response_model=schemas.ClientOutcome, responses=problems(404))
async def register_client(
    body: schemas.ClientRequest, by: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Register a program that signs in for a place or an organization. Its secret is shown this once.

    An organization's is issued by one bureau alone (单位法人用户账号, S3B-09), with scopes that fit its kind.
    """
    return (await commands.register(key, by, body)).response()


@router.post("/clients/{id}/rotation", response_model=schemas.RotationOutcome, responses=problems(404, 409))
async def rotate_secret(
    client_id: Id, body: schemas.RotationRequest, by: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Give an account a new secret, shown this once. The old one stays good for the hours stated, and no longer."""
    return (await commands.rotate(key, by, UUID(client_id), body)).response()


@router.post(
    "/clients/{id}/signing-key", response_model=schemas.SigningKeyOutcome, responses=problems(404, 409)
)
async def set_signing_key(
    request: Request,
    client_id: Id,
    body: schemas.SigningKeyRequest,
    by: Issuer,
    key: IssueKey,
    commands: Commands,
) -> Response:
    """Say by which key a client signs what it asks to be changed (RFC 9421), and whether it has to: from its next token on.

    A secret for HMAC is derived and stored nowhere; a repeat of the command shows it again.
    """
    answer = await commands.sign_by(key, by, UUID(client_id), body)
    shown = msgspec.json.decode(answer.body)
    secret = None
    if shown["algorithm"] == HMAC:
        derived = signing_secret(request.app.state.signing_key, client_id, shown["key_id"])
        secret = base64.b64encode(derived).decode()
    sent = StoredAnswer(
        answer.status, msgspec.json.encode(shown | {"secret": secret}).decode(), answer.replayed
    )
    response = sent.response()
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post(
    "/clients/{id}/revocation", response_model=schemas.RevocationOutcome, responses=problems(404, 409)
)
async def revoke_client(
    client_id: Id, body: schemas.RevocationRequest, by: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Let an account sign in no more. Tokens it holds already are refused by every service within a minute."""
    return (await commands.revoke(key, by, UUID(client_id), body)).response()


@router.get("/organizations/{id}/accounts", response_model=schemas.AccountViews, responses=problems(404))
async def list_accounts(organization_id: Id, by: Viewer, queries: Queries) -> object:
    """The accounts of an organization, for itself, its own bureau and the one that issues them."""
    return {"items": await queries.list_accounts(by, UUID(organization_id))}


@router.post(
    "/organizations/{id}/account-requests",
    status_code=201,
    response_model=schemas.AccountRequestOutcome,
    responses=problems(404),
)
async def request_account(
    organization_id: Id, body: schemas.AccountRequestBody, by: Asker, key: AskKey, commands: Commands
) -> Response:
    """Ask the issuing bureau for an account (S1-13, S3B-09): the organization itself, or an official of its place.

    Asked again for the same scopes while it is not decided, the same request is answered.
    """
    return (await commands.request(key, by, UUID(organization_id), body)).response()


@router.get("/account-requests/{id}", response_model=schemas.AccountRequestOutcome, responses=problems(404))
async def get_account_request(request_id: Id, by: Viewer, queries: Queries) -> object:
    """A request for an account, and who decides it."""
    found: AccountRequest = await queries.get_account_request(by, UUID(request_id))
    return {"request_id": str(found.id), "state": found.state, "place": found.place}


request_steps = Router(prefix="/v1/account-requests", tags=["accounts"])
add_routes(
    request_steps,
    CASE,
    Accounts,
    grant={
        "words": "Issue the account that was asked for. Its secret is shown this once.",
        "answers": {
            "status_code": 201,
            "response_model": schemas.ClientOutcome,
            "responses": problems(404, 409),
        },
    },
    refuse={
        "words": "Refuse a request for an account with a reason.",
        "body": schemas.AccountRefusal,
        "answers": {"response_model": schemas.AccountRequestOutcome, "responses": problems(404, 409)},
    },
)


Issuing = Annotated[TokenIssuer, Depends(part(TokenIssuer))]
SigningIn = Annotated[SignIns, Depends(part(SignIns))]
TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
JWKS_PATH = "/.well-known/jwks.json"
SIGN_IN = "sign-in"
"""The kind under which a refused sign-in is on record."""
REFUSED, REFUSED_IN_ALL = "refused-sign-ins", "refused-sign-ins-in-all"
"""The budgets of records: of an address, and of all."""
OPEN_PATHS = frozenset({TOKEN_PATH, JWKS_PATH})


def oauth_router() -> Router:
    """The two routes."""
    router = Router(tags=["oauth"])
    form = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"enum": ["client_credentials", GRANT_TYPE]},
            "scope": {
                "type": "string",
                "description": "Separated by spaces; all of the client's by default.",
            },
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "subject_token": {"type": "string", "description": "The ID token that is exchanged (RFC 8693)."},
            "subject_token_type": {"const": ID_TOKEN_TYPE},
        },
    }
    body = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}}

    @router.post(
        TOKEN_PATH,
        response_model=SignInAnswer | TokenAnswer,
        responses={
            400: {"model": TokenRefusal, "description": "Refused (RFC 6749, 5.2)."},
            401: {"model": TokenRefusal, "description": "The client or its secret is not known."},
        },
        openapi_extra={"requestBody": body},
    )
    async def issue_token(
        request: Request,
        issuer: Issuing,
        sign_ins: SigningIn,
        audit: Annotated[Audit, Depends(part(Audit))],
        budgets: Annotated[Budgets, Depends(part(Budgets))],
    ) -> JSONResponse:
        """Exchange a client's id and secret, in HTTP Basic or in the form, for a token (RFC 6749, 4.4); or the ID token of
        somebody who signed in with an issuer that is trusted here (RFC 8693). What is refused is on record, up to so many an
        hour."""
        try:
            form = read_form(await request.body())
            if asks_for_exchange(form):
                return _token(await sign_ins.exchange(form))
            asked = TokenRequest.read(request.headers.get("authorization", ""), await request.body())
            answer = await issuer.issue(asked)
        except TokenRefusedError as refusal:
            of_address = await budgets.take_if_left(REFUSED, address_of(request))
            if of_address and await budgets.take_if_left(REFUSED_IN_ALL, "all"):
                client = client_named(request.headers.get("authorization", ""), await request.body())
                failed = Reading(Caller(client, frozenset()), SIGN_IN)
                failed.result = refusal.error
                await audit.write(failed)
            return _refusal(refusal)
        return _token(answer)

    @router.get(JWKS_PATH, response_model=KeySet)
    async def get_key_set(issuer: Issuing) -> JSONResponse:
        """The public keys that tokens of this registry are checked with (RFC 7517), and whose tokens are taken no more."""
        headers = {"Cache-Control": "public, max-age=15"}
        return JSONResponse(dict(await issuer.key_set()), headers=headers)

    return router


def _token(answer: TokenAnswer) -> JSONResponse:
    return JSONResponse(answer.model_dump(), headers={"Cache-Control": "no-store"})


def _refusal(refusal: TokenRefusedError) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="xuefen"'
    body = {"error": refusal.error, "error_description": refusal.description}
    return JSONResponse(body, status_code=refusal.status, headers=headers)
