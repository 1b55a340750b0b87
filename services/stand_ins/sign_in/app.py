"""The stand-in issuer: discovery, a page to choose somebody, a code bound by PKCE, an identity token, the key set."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, HTTPException, Query, Request
from joserfc import jwt
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from services.kit.signing import ALGORITHM, new_signing_key, public_key_set
from services.stand_ins.sign_in.people import CLIENT_ID, People, SignInPerson, issuer_of

_CODE_SECONDS = 60
_TOKEN_SECONDS = 300
_ROLES = {
    "person": "会计人员 professional",
    "employer": "用人单位 employer",
    "provider": "培训机构 training organization",
    "reviewer": "审核人员 reviewing official",
    "supervisor": "主管人员 supervising official",
    "viewer": "数据查看 reader of figures",
    "operator": "运行人员 operator",
}
_WARNING = (
    "演示登录：人员均为虚构，任何人都可以扮演任何角色。"
    "For demonstration: everybody is fictitious, and anybody can be anybody."
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class StandInRefusedError(Exception):
    """A stand-in is not started where real people work."""


@dataclass(frozen=True)
class _Code:
    """Good once, for a minute: whom it is for, and what its redeemer has to show."""

    sub: str
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


def build_app(
    address: str,
    returning: str,
    people: People,
    *,
    production: bool = False,
    now: Callable[[], float] = time.time,
) -> FastAPI:
    """The issuer at its own address, for the one client that it sends people back to.

    Raises StandInRefusedError in production.
    """
    if production:
        raise StandInRefusedError(
            "the sign-in stand-in lets anybody be anybody: it is not started in production"
        )
    app = FastAPI(title="Stand-in for a sign-in service", openapi_url=None, docs_url=None, redoc_url=None)
    issuer = _StandIn(address, returning, people, now)
    app.add_api_route("/.well-known/openid-configuration", issuer.discovery)
    app.add_api_route("/healthz", issuer.ready)
    app.add_api_route("/jwks.json", issuer.key_set)
    app.add_api_route("/authorize", issuer.authorize, response_model=None)
    app.add_api_route("/token", issuer.token, methods=["POST"], response_model=None)
    return app


class _StandIn:
    """The routes, and the codes that are out."""

    def __init__(self, address: str, returning: str, people: People, now: Callable[[], float]) -> None:
        self._address = address
        self._returning = returning
        self._people = people
        self._now = now
        self._key = new_signing_key()
        self._codes: dict[str, _Code] = {}
        self._renewals: dict[str, str] = {}

    async def discovery(self) -> Mapping[str, object]:
        """What an issuer says of itself (OpenID Connect Discovery)."""
        entry = issuer_of(self._address)
        return {
            "issuer": entry.issuer,
            "authorization_endpoint": entry.authorization_url,
            "token_endpoint": entry.token_url,
            "jwks_uri": entry.jwks_url,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
        }

    async def ready(self) -> Mapping[str, object]:
        """The people can be read."""
        return {"status": "ready", "people": len(self._people.all())}

    async def key_set(self) -> Mapping[str, object]:
        """The key that identity tokens are checked with."""
        return public_key_set(self._key)

    async def authorize(
        self,
        request: Request,
        client_id: str,
        redirect_uri: str,
        state: str,
        nonce: str,
        code_challenge: str,
        sub: Annotated[str | None, Query()] = None,
    ) -> Response:
        """The people to be; with `sub`, back to the client as one of them."""
        if (client_id, redirect_uri) != (CLIENT_ID, self._returning):
            raise HTTPException(400, "not the client")
        people = self._people.all()
        if sub is None:
            return HTMLResponse(_page(people, dict(request.query_params)), headers=_HEADERS)
        if sub not in people:
            raise HTTPException(404, "nobody of that name")
        for old in [each for each, told in self._codes.items() if told.until < self._now()]:
            del self._codes[old]
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(sub, redirect_uri, code_challenge, nonce, self._now() + _CODE_SECONDS)
        return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}", 303)

    async def token(self, request: Request) -> Response:
        """The identity token for a code, or for what was given to renew it; each once."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if form.get("grant_type") == "refresh_token":
            sub, nonce = self._renewals.pop(form.get("refresh_token", ""), None), None
        else:
            code = self._codes.pop(form.get("code", ""), None)
            good = code is not None and self._good(code, form)
            sub, nonce = (code.sub, code.nonce) if code is not None and good else (None, None)
        if sub is None or sub not in self._people.all():
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return self._granted(sub, nonce)

    def _granted(self, sub: str, nonce: str | None) -> Response:
        issued, refresh = int(self._now()), secrets.token_urlsafe(24)
        self._renewals[refresh] = sub
        claims = _claims(self._people.all()[sub]) | ({} if nonce is None else {"nonce": nonce})
        claims |= {"iss": self._address, "aud": CLIENT_ID}
        claims |= {"iat": issued, "exp": issued + _TOKEN_SECONDS}
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        signed = jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])
        told = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": signed}
        told["refresh_token"] = refresh
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    def _good(self, code: _Code, form: Mapping[str, str]) -> bool:
        verifier = create_s256_code_challenge(form.get("code_verifier", ""))
        in_time = code.until >= self._now()
        return in_time and form.get("redirect_uri") == code.redirect_uri and verifier == code.challenge


def _claims(person: SignInPerson) -> dict[str, object]:
    told = person.model_dump(include={"sub", "name", "place", "organization", "id_number"}, exclude_none=True)
    return told | {"roles": [person.role]}


def _page(people: Mapping[str, SignInPerson], asked: Mapping[str, str]) -> str:
    lines = []
    for role, title in _ROLES.items():
        mine = [each for each in people.values() if each.role == role]
        links = [
            f'<li><a href="/authorize?{escape(urlencode({**asked, "sub": each.sub}))}">{escape(each.name)}</a>'
            f" {escape(each.note)}</li>"
            for each in mine
        ]
        if links:
            lines.append(f"<h2>{escape(title)}</h2><ul>{''.join(links)}</ul>")
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>演示登录 Demonstration</title></head>'
        f"<body><main><h1>演示登录 Demonstration</h1><p><strong>{escape(_WARNING)}</strong></p>{''.join(lines)}"
        "</main></body></html>"
    )
