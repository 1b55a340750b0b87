"""A small service to try the plumbing on, and callers with and without tokens."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.kit.app import create_service
from services.kit.auth import Issuer, TokenVerifier
from services.kit.key_sets import FixedKeys
from services.kit.observability import operations_app
from services.kit.routers import Router
from services.kit.signing import new_signing_key, sign_token

ISSUER = "https://issuer.example"
KEY = new_signing_key()


def verifier() -> TokenVerifier:
    return TokenVerifier([Issuer(ISSUER, FixedKeys.of(KEY))])


def token(*scopes: str, subject: str = "client-1", **claims: Any) -> str:
    return sign_token(KEY, issuer=ISSUER, subject=subject, scopes=scopes, **claims)


def bearer(*scopes: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(*scopes, **claims)}"}


def service(routers: Sequence[Router], **options: Any) -> FastAPI:
    return create_service("Plumbing", routers=routers, verifier=verifier(), **options)


async def metrics_of(app: FastAPI) -> str:
    """What the operator's port shows of an application."""
    async with calling(operations_app(app)) as operator:
        return (await operator.get("/metrics")).text


@asynccontextmanager
async def calling(app: ASGIApp, *scopes: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application; with scopes it carries a token."""
    headers = bearer(*scopes) if scopes else {}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        yield client
