"""Routes of accounts: asked for by units, issued by the one bureau that may, rotated and revoked."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, StoredAnswer, command_key
from services.kit.openapi import problems
from services.registry.accounts import schemas
from services.registry.accounts.account_request import AccountRequest
from services.registry.accounts.accounts import Accounts, WithSecret
from services.registry.organizations.api import Id, Queries, actor_of
from services.registry.organizations.commands import (
    GrantAccount,
    RefuseAccount,
    RegisterClient,
    RequestAccount,
    RevokeClient,
    RotateSecret,
)

router = APIRouter(prefix="/v1", tags=["accounts"])

_issue = require("client:write")
_ask = require("organization:write", "collection:submit")
_see = require("client:write", "organization:write", "collection:submit")


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.registry.accounts
    return accounts


Commands = Annotated[Accounts, Depends(_accounts)]
Issuer = Annotated[Caller, Depends(_issue)]
Asker = Annotated[Caller, Depends(_ask)]
Viewer = Annotated[Caller, Depends(_see)]
IssueKey = Annotated[CommandKey, Depends(command_key(_issue))]
AskKey = Annotated[CommandKey, Depends(command_key(_ask))]


@router.post("/clients", status_code=201, response_model=schemas.ClientOutcome, responses=problems(404))
async def register_client(
    body: schemas.ClientRequest, caller: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Register a program that signs in for a place or an organization. Its secret is shown this once.

    An organization's is issued by one bureau alone (单位法人用户账号, S3B-09), with scopes that fit its kind.
    """
    command = RegisterClient(
        by=actor_of(caller),
        scopes=list(body.scopes),
        place=body.place,
        organization_id=UUID(body.organization_id) if body.organization_id else None,
        label=body.label,
    )
    return _shown(await commands.register(command, key))


@router.post("/clients/{id}/rotation", response_model=schemas.RotationOutcome, responses=problems(404, 409))
async def rotate_secret(
    client_id: Id, body: schemas.RotationRequest, caller: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Give an account a new secret, shown this once. The old one stays good for the hours stated, and no longer."""
    command = RotateSecret(
        by=actor_of(caller), client_id=UUID(client_id), overlap=timedelta(hours=body.overlap_hours)
    )
    return _shown(await commands.rotate(command, key))


@router.post(
    "/clients/{id}/revocation", response_model=schemas.RevocationOutcome, responses=problems(404, 409)
)
async def revoke_client(
    client_id: Id, body: schemas.RevocationRequest, caller: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Let an account sign in no more. Tokens it holds already are good until their lifetime is over, an hour unless
    the deployment says otherwise; the key set stays as it is.
    """
    command = RevokeClient(by=actor_of(caller), client_id=UUID(client_id), reason=body.reason)
    return (await commands.revoke(command, key)).response()


@router.get("/organizations/{id}/accounts", response_model=schemas.AccountViews, responses=problems(404))
async def list_accounts(organization_id: Id, caller: Viewer, queries: Queries) -> Any:
    """The accounts of an organization, for itself, its own bureau and the one that issues them."""
    return {"accounts": await queries.list_accounts(actor_of(caller), UUID(organization_id))}


@router.post(
    "/organizations/{id}/account-requests",
    status_code=201,
    response_model=schemas.AccountRequestOutcome,
    responses=problems(404),
)
async def request_account(
    organization_id: Id, body: schemas.AccountRequestBody, caller: Asker, key: AskKey, commands: Commands
) -> Response:
    """Ask the issuing bureau for an account (S1-13, S3B-09): the organization itself, or an official of its place."""
    command = RequestAccount(
        by=actor_of(caller), organization_id=UUID(organization_id), scopes=list(body.scopes)
    )
    return (await commands.request(command, key)).response()


@router.get("/account-requests/{id}", response_model=schemas.AccountRequestOutcome, responses=problems(404))
async def get_account_request(request_id: Id, caller: Viewer, queries: Queries) -> Any:
    """A request for an account, and who decides it."""
    found: AccountRequest = await queries.get_account_request(actor_of(caller), UUID(request_id))
    return {"request_id": str(found.id), "state": found.state, "place": found.place}


@router.post(
    "/account-requests/{id}/grant",
    status_code=201,
    response_model=schemas.ClientOutcome,
    responses=problems(404, 409),
)
async def grant_account(request_id: Id, caller: Issuer, key: IssueKey, commands: Commands) -> Response:
    """Issue the account that was asked for. Its secret is shown this once."""
    command = GrantAccount(by=actor_of(caller), request_id=UUID(request_id))
    return _shown(await commands.grant(command, key))


@router.post(
    "/account-requests/{id}/refusal",
    response_model=schemas.AccountRequestOutcome,
    responses=problems(404, 409),
)
async def refuse_account(
    request_id: Id, body: schemas.AccountRefusal, caller: Issuer, key: IssueKey, commands: Commands
) -> Response:
    """Refuse a request for an account with a reason."""
    command = RefuseAccount(by=actor_of(caller), request_id=UUID(request_id), reason=body.reason)
    return (await commands.refuse(command, key)).response()


def _shown(issued: WithSecret) -> Response:
    answer = issued.answer
    body = msgspec.json.decode(answer.body) | {"client_secret": issued.secret}
    response = StoredAnswer(answer.status, msgspec.json.encode(body).decode(), answer.replayed).response()
    response.headers["Cache-Control"] = "no-store"
    return response
