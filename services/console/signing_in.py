"""Signing in and out: to the issuer and back, sessions rotated, and the switch of languages."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from services.console.issuers import SignInRefusedError
from services.console.pages import HEADERS
from services.console.services_client import RefusedError
from services.console.sessions import Attempt, Session
from services.console.web import LANGUAGE_COOKIE, Anybody, Form, Parts, Somebody, go, local_path, signed_in_by

RETURN_PATH = "/sign-in/return"
_YEAR_SECONDS = 365 * 86_400

router = APIRouter()
Following = Annotated[str | None, Query(alias="next")]


@router.get("/sign-in")
async def choose_issuer(visit: Anybody, following: Following = None) -> Response:
    """The issuers to sign in with."""
    return visit.page(
        "sign_in.html", issuers=list(visit.parts.issuers.by_key.values()), following=local_path(following)
    )


@router.get(RETURN_PATH)
async def come_back(request: Request, visit: Anybody) -> Response:
    """The issuer has sent the browser back: the code is redeemed, the identity exchanged, the session another one."""
    session = visit.session
    if session is None or not isinstance(session.content, Attempt):
        return visit.page("sign_in_failed.html", status=400, reason="")
    try:
        granted = await visit.parts.issuers.grant(session.content, str(request.url))
        person = await signed_in_by(visit, session.content.issuer, granted)
    except (SignInRefusedError, RefusedError) as error:
        await visit.parts.sessions.end(session)
        known = error.title if isinstance(error, RefusedError) else ""
        return visit.page("sign_in_failed.html", status=403, reason=known)
    entered = await visit.parts.sessions.sign_in(person, session)
    return _with_session(go(session.content.following), visit.parts, entered)


@router.get("/sign-in/{key}")
async def go_to_issuer(key: str, visit: Anybody, following: Following = None) -> Response:
    """Off to the issuer, with a session of nobody yet that knows its answer."""
    if key not in visit.parts.issuers.by_key:
        return visit.page("sign_in_failed.html", status=404, reason="")
    if visit.session is not None and isinstance(visit.session.content, Attempt):
        await visit.parts.sessions.end(visit.session)
    session = await visit.parts.sessions.begin(visit.parts.issuers.attempt(key, local_path(following)))
    assert isinstance(session.content, Attempt)
    address = visit.parts.issuers.address(session.content)
    return _with_session(RedirectResponse(address, 303, headers=dict(HEADERS)), visit.parts, session)


@router.post("/sign-out")
async def sign_out(visit: Somebody, form: Form) -> Response:
    """End this session, or with `everywhere` every session of whoever is in it."""
    assert visit.session is not None
    if form.get("everywhere"):
        await visit.parts.sessions.end_everywhere(visit.session)
    await visit.parts.sessions.end(visit.session)
    response = go("/signed-out")
    response.delete_cookie(visit.parts.cookie_name, path="/", secure=visit.parts.settings.behind_tls)
    return response


@router.get("/signed-out")
async def signed_out(visit: Anybody) -> Response:
    """Nobody is signed in here; the issuers may still know somebody, and have an address to end that."""
    ends = [each for each in visit.parts.issuers.by_key.values() if each.end_session_url]
    return visit.page("signed_out.html", issuers=ends)


@router.get("/language/{language}")
async def choose_language(language: str, visit: Anybody, following: Following = None) -> Response:
    """Show the pages in the other language from now on."""
    response = go(local_path(following))
    if language in ("zh", "en"):
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_YEAR_SECONDS, samesite="lax", httponly=True,
            secure=visit.parts.settings.behind_tls,
        )  # fmt: skip
    return response


def _with_session(response: RedirectResponse, parts: Parts, session: Session) -> RedirectResponse:
    response.set_cookie(
        parts.cookie_name, session.cookie, path="/", samesite="lax", httponly=True,
        secure=parts.settings.behind_tls,
    )  # fmt: skip
    return response
