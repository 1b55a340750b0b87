"""Keys of a sandbox: a provider, filed everywhere a notice is tried, with an account of its own, without a bureau (S2B-14).

The route is there in a sandbox alone (`XUEFEN_SANDBOX`), which production refuses.
"""

import secrets
import uuid
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request, Response
from pydantic import Field

from contracts.divisions import NATION
from contracts.identifiers import uscc_check_character
from services.kit.budgets import Budgets, address_of
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import problems
from services.kit.routers import Router
from services.kit.schemas import Line, StrictModel
from services.registry.accounts.accounts import Accounts
from services.registry.accounts.schemas import ClientRequest
from services.registry.organizations.organizations import Organizations
from services.registry.organizations.schemas import AccreditationRequest, OrganizationRequest
from services.registry.streams.account import SCOPES_OF_KIND
from services.registry.streams.actor import Actor
from services.registry.streams.organization import Organization
from services.registry.web.routes import part

PATH = "/v1/sandbox/keys"
BUDGET = "sandbox-keys"
PLACES = ("210000", "210200", "140000", "440000")
"""Where a provider of the sandbox is filed: the authorities whose notices the page of outcomes tries."""
YEARS = list(range(2018, 2031))
_BUREAU = Actor("sandbox", place=NATION)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

router = Router(prefix="/v1", tags=["sandbox"])


class SandboxKeyRequest(StrictModel):
    """The name under which the provider is registered; a notice may list providers by name."""

    name: Annotated[Line, Field(examples=["示例网校有限公司"])] = "沙箱培训机构"


class SandboxKey(StrictModel):
    """A provider and the credentials it signs in with, shown this once. They are good in this sandbox alone."""

    organization_id: str
    name: str
    uscc: str
    places: list[str]
    scopes: list[str]
    client_id: str
    client_secret: str


@router.post("/sandbox/keys", status_code=201, response_model=SandboxKey, responses=problems(429))
async def create_sandbox_key(
    body: SandboxKeyRequest,
    request: Request,
    organizations: Annotated[Organizations, Depends(part(Organizations))],
    accounts: Annotated[Accounts, Depends(part(Accounts))],
    budgets: Annotated[Budgets, Depends(part(Budgets))],
) -> Response:
    """Register a provider of the sandbox, file it, and give it credentials. Needs no token; so many an hour."""
    await budgets.check(BUDGET, address_of(request))
    await budgets.spend_or_refuse(BUDGET, address_of(request), 1)
    uscc = _uscc()
    asked = OrganizationRequest(name=body.name, uscc=uscc, kind="provider", place=NATION)
    organization_id = _of(await organizations.register(_key(), _BUREAU, asked))["organization_id"]
    for place in PLACES:
        filed = AccreditationRequest(place=place, years=YEARS, modes=["online", "face_to_face"])
        await organizations.change_standing(
            _key(), _BUREAU, uuid.UUID(organization_id), Organization.accredit, **filed.model_dump()
        )
    scopes = sorted(SCOPES_OF_KIND["provider"])
    account = await accounts.register(
        _key(), _BUREAU, ClientRequest(scopes=scopes, organization_id=organization_id)
    )
    assert account.secret is not None, "a fresh key is no repeat"
    key = SandboxKey(
        organization_id=organization_id,
        name=body.name,
        uscc=uscc,
        places=list(PLACES),
        scopes=scopes,
        client_id=_of(account.answer)["client_id"],
        client_secret=account.secret,
    )
    return Response(
        key.model_dump_json(),
        status_code=201,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _key() -> CommandKey:
    return CommandKey(_BUREAU.subject, str(uuid.uuid4()), "")


def _of(answer: StoredAnswer) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(answer.body)
    return body


def _uscc() -> str:
    """A valid credit code that is nobody's: no register gives out the letters XUEFEN."""
    body = "91" + NATION + "XUEFEN" + "".join(secrets.choice(_ALPHABET) for _ in range(3))
    return body + uscc_check_character(body)
