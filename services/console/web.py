"""Web parts of every screen: the visit that a request is, the form it brings, and the refusals a page shows."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

import httpx
from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from contracts.sign_in import GRANT_TYPE, ID_TOKEN_TYPE
from services.console.documents import Document, pdf
from services.console.issuers import Grant, Issuers, SignInRefusedError
from services.console.pages import HEADERS, Pages
from services.console.services_client import Answer, RefusedError, ServicesClient, UnreachableError
from services.console.sessions import Session, Sessions, SignedIn
from services.console.settings import ConsoleSettings
from services.console.words import Words
from services.kit.clock import Clock
from services.kit.errors import Language
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE

LANGUAGE_COOKIE = "language"
SESSION_COOKIE = "xuefen_session"
_FIELDS_MAX = 500
_NAMES_MAX = 200
_RENEWED_BEFORE = timedelta(minutes=5)
"""So long before its end a token is renewed: what fails then may be tried again before it matters."""
_FORM_BYTES_MAX = 200_000
_UPLOAD_BYTES_MAX = 6_000_000
"""Of a form with its file; what a service takes of one is less."""
_FILE_TYPES: Mapping[str, str] = {
    ".csv": CSV_TYPE,
    ".xlsx": XLSX_TYPE,
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
}
"""By the file's name: browsers call a CSV file what the office program on the machine calls it."""
_SAFE_SITES = ("same-origin", "none")


class SignInNeededError(Exception):
    """Nobody is signed in, or the session is over."""


class ForgedFormError(Exception):
    """A form that is none of this session's pages."""


class FormTooLargeError(Exception):
    """A form without a file that is larger than any of ours; the rest of it is not read."""


class UploadTooLargeError(Exception):
    """A form whose file is larger than any service takes, or that does not say how large it is."""


@dataclass(frozen=True)
class Upload:
    """A form that brings a file, empty where none was chosen; `media_type` is by the name of the file."""

    fields: Mapping[str, str]
    content: bytes
    media_type: str


class Parts:
    """What a process of the console is made of; `app.state.console`."""

    def __init__(
        self,
        settings: ConsoleSettings,
        sessions: Sessions,
        services: ServicesClient,
        issuers: Issuers,
        pages: Pages,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.sessions = sessions
        self.services = services
        self.issuers = issuers
        self.pages = pages
        self.clock = clock

    @property
    def cookie_name(self) -> str:
        """The session's cookie; bound to this host where TLS allows it."""
        return f"__Host-{SESSION_COOKIE}" if self.settings.behind_tls else SESSION_COOKIE


class Visit:
    """A request of somebody, signed in or not: their session, their language, and the services as they may use them."""

    def __init__(self, request: Request, parts: Parts, session: Session | None) -> None:
        self.request = request
        self.parts = parts
        self.session = session
        self.language: Language = language_of(request)
        self.words = Words(self.language)

    @property
    def asked_from(self) -> str | None:
        """Where the visitor is, for a service to count guesses by: ours would be everybody's."""
        return None if self.request.client is None else self.request.client.host

    @property
    def person(self) -> SignedIn:
        """Who is signed in. Raises SignInNeededError."""
        if self.session is None or not isinstance(self.session.content, SignedIn):
            raise SignInNeededError
        return self.session.content

    async def get(self, service: str, path: str, **parameters: object) -> Answer:
        """What a service answers. Raises RefusedError and UnreachableError."""
        response = await self._call(service, "GET", path, **parameters)
        return response.json()

    async def ask_openly(self, service: str, path: str, body: Mapping[str, object]) -> Answer:
        """What a service answers to a question that needs no token. Raises RefusedError and UnreachableError."""
        response = await self.parts.services.call(
            service, "POST", path, token=None, language=self.language, body=body, asked_from=self.asked_from
        )
        return response.json()

    async def file(self, service: str, path: str, **parameters: object) -> Response:
        """A file of a service, handed on to be kept."""
        response = await self._call(service, "GET", path, **parameters)
        kept = ("content-type", "content-disposition")
        told = {name: response.headers[name] for name in kept if name in response.headers}
        return Response(response.content, headers={**HEADERS, **told})

    async def pdf(self, document: Document, name: str) -> Response:
        """A document to keep. Raises NoChineseFontError."""
        told = {"content-type": "application/pdf", "content-disposition": f'attachment; filename="{name}"'}
        return Response(await pdf(document), headers={**HEADERS, **told})

    async def inert_file(self, service: str, path: str) -> Response:
        """A file of people, in which nothing runs and to which no page of ours is open."""
        response = await self.file(service, path)
        response.headers["Content-Security-Policy"] = (
            "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
        )
        return response

    async def post(
        self,
        service: str,
        path: str,
        body: Mapping[str, object] | None = None,
        key: str | None = None,
        **parameters: object,
    ) -> Answer:
        """What a command comes to. `key` stands in the form, so that a form sent twice is one command."""
        told = body if body is not None else {}
        response = await self._call(service, "POST", path, body=told, key=key, **parameters)
        return response.json()

    async def masked_names(self, person_ids: Iterable[str | None]) -> Mapping[str, Answer]:
        """Masked names and numbers of the people of a list; of those whom the registry does not show here, nothing."""
        wanted = list(dict.fromkeys(each for each in person_ids if each))
        found: dict[str, Answer] = {}
        try:
            for start in range(0, len(wanted), _NAMES_MAX):
                some = {"person_ids": wanted[start : start + _NAMES_MAX]}
                answer = await self.post("registry", "/v1/masked-names", some)
                found |= {each["person_id"]: each for each in answer["items"]}
        except RefusedError:
            return {}
        return found

    async def upload(
        self, service: str, path: str, upload: Upload, key: str | None = None, **parameters: object
    ) -> Answer:
        """What a service makes of a file. Raises RefusedError and UnreachableError."""
        response = await self._call(
            service, "POST", path, files=(upload.content, upload.media_type), key=key, **parameters
        )
        return response.json()

    async def _call(self, service: str, method: str, path: str, **options: Answer) -> httpx.Response:
        return await self.parts.services.call(
            service, method, path, token=self.person.token, language=self.language, **options
        )

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A page, or the one block of it that the script asks for by `X-Fragment`."""
        asked = self.request.headers.get("x-fragment", "")
        return self.parts.pages.render(
            template,
            language=self.language,
            path=self.request.url.path,
            session=self.session,
            block=asked if asked.isidentifier() else None,
            status=status,
            here=self.here,
            new_key=secrets.token_hex(16),
            now=self.parts.clock(),
            **values,
        )

    @property
    def here(self) -> str:
        """The address of this page, with its filters."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    @property
    def following(self) -> str:
        """This page as `next`, to come back to after signing in; of a form, the first page."""
        return urlencode({"next": self.here if self.request.method == "GET" else "/"})

    def address(self, path: str, **changes: object) -> str:
        """The address of a page with the filters of this one, some of them changed."""
        kept = dict(self.request.query_params) | {
            name: str(value) for name, value in changes.items() if value
        }
        for name in [name for name, value in changes.items() if not value]:
            kept.pop(name, None)
        return f"{path}?{urlencode(kept)}" if kept else path


def language_of(request: Request) -> Language:
    """The language of the pages: the one chosen, else Chinese."""
    return "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh"


def parts_of(request: Request) -> Parts:
    """The parts of the running console."""
    parts: Parts = request.app.state.console
    return parts


async def anybody(request: Request, parts: Annotated[Parts, Depends(parts_of)]) -> Visit:
    """The visit, whoever it is."""
    return Visit(request, parts, await parts.sessions.find(request.cookies.get(parts.cookie_name)))


async def somebody(visit: Annotated[Visit, Depends(anybody)]) -> Visit:
    """The visit of somebody who has signed in and whose token is still good. Raises SignInNeededError."""
    if visit.person.token_ends_at - visit.parts.clock() <= _RENEWED_BEFORE:
        await _renew(visit)
    if visit.person.token_ends_at <= visit.parts.clock():
        raise SignInNeededError
    return visit


async def _renew(visit: Visit) -> None:
    """Let the session go on under a new token where the issuer still knows its person; else it goes on as it is."""
    session, person = visit.session, visit.person
    if session is None or person.refresh is None:
        return
    try:
        granted = await visit.parts.issuers.renewed(person.issuer, person.refresh)
        renewed = await signed_in_by(visit, person.issuer, granted)
        visit.session = await visit.parts.sessions.renew(session, renewed)
    except (SignInRefusedError, RefusedError, UnreachableError):
        # Another request of the session may have renewed it: an issuer may take what it gave once only.
        visit.session = await visit.parts.sessions.find(session.cookie)


async def signed_in_by(visit: Visit, issuer: str, granted: Grant) -> SignedIn:
    """Who an issuer says it is, with the registry's token for them. Raises RefusedError and UnreachableError."""
    form = {
        "grant_type": GRANT_TYPE,
        "subject_token": granted.identity_token,
        "subject_token_type": ID_TOKEN_TYPE,
    }
    answer = await visit.parts.services.exchange(form, asked_from=visit.asked_from)
    return SignedIn(
        issuer=issuer,
        subject=answer["subject"],
        name=answer["name"],
        token=answer["access_token"],
        token_ends_at=visit.parts.clock() + timedelta(seconds=answer["expires_in"]),
        scopes=frozenset(answer["scope"].split()),
        roles=tuple(answer["roles"]),
        place=answer["place"],
        organization_id=answer["organization_id"],
        person_id=answer["person_id"],
        refresh=granted.refresh,
    )


async def form(request: Request, visit: Annotated[Visit, Depends(somebody)]) -> Mapping[str, str]:
    """The fields of a form of this very session; a field given several times keeps all, one on a line.

    Raises ForgedFormError, and SignInNeededError.
    """
    fields = await public_form(request)
    must_be_ours(request, visit, fields.pop("csrf", ""))
    return fields


async def public_form(request: Request) -> dict[str, str]:
    """The fields of a form that changes nothing and may come from anybody. Raises FormTooLargeError."""
    fields: dict[str, str] = {}
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _FORM_BYTES_MAX:
            raise FormTooLargeError
    body = content.decode("utf-8", "replace")
    for name, value in parse_qsl(body, keep_blank_values=True, max_num_fields=_FIELDS_MAX):
        fields[name] = f"{fields[name]}\n{value}" if name in fields else value.strip()
    return fields


async def upload(request: Request, visit: Annotated[Visit, Depends(somebody)]) -> Upload:
    """The fields and the file of a form of this very session.

    Raises UploadTooLargeError, ForgedFormError, and SignInNeededError.
    """
    if int(request.headers.get("content-length", _UPLOAD_BYTES_MAX + 1)) > _UPLOAD_BYTES_MAX:
        raise UploadTooLargeError
    fields, content, media_type = dict[str, str](), b"", ""
    async with request.form(max_files=1, max_fields=_FIELDS_MAX) as sent:
        for name, value in sent.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
                suffix = PurePath(value.filename or "").suffix.lower()
                media_type = _FILE_TYPES.get(suffix, "application/octet-stream")
            else:
                fields[name] = f"{fields[name]}\n{value}" if name in fields else value.strip()
    must_be_ours(request, visit, fields.pop("csrf", ""))
    return Upload(fields, content, media_type)


def must_be_ours(request: Request, visit: Visit, csrf: str) -> None:
    """Raise ForgedFormError unless a request that changes something comes from a page of this session."""
    assert visit.session is not None
    site = request.headers.get("sec-fetch-site", "none")
    if site not in _SAFE_SITES or not secrets.compare_digest(csrf, visit.session.csrf):
        raise ForgedFormError


Anybody = Annotated[Visit, Depends(anybody)]
Somebody = Annotated[Visit, Depends(somebody)]
Form = Annotated[Mapping[str, str], Depends(form)]
Uploaded = Annotated[Upload, Depends(upload)]


def local_path(text: str | None) -> str:
    """An address of this console to go on to; the first page for anything else, so that nobody is led elsewhere."""
    if (
        text
        and text.startswith("/")
        and not text.startswith("//")
        and "\\" not in text
        and text.isprintable()
    ):
        return text
    return "/"


def go(path: str) -> RedirectResponse:
    """Go on to a page, after a form."""
    return RedirectResponse(path, status_code=303, headers=dict(HEADERS))
