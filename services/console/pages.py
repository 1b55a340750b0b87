"""Pages: templates filled in one language, whole or one block of them, under headers that keep a browser from doing more."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from jinja2.utils import missing
from jinja2_fragments import render_block
from starlette.responses import HTMLResponse, Response

from services.console.sessions import Session, SignedIn
from services.console.words import Words, day, moment
from services.kit.errors import Language

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _Absent(Undefined):
    """A member that an answer leaves out, shown as nothing; a name that no page was given stays a defect."""

    def __new__(
        cls, hint: str | None = None, obj: object = missing, name: str | None = None, **more: Any
    ) -> Any:
        """Strict unless it is a member of something."""
        if obj is missing or isinstance(obj, Undefined):
            return StrictUndefined(hint, obj, name, **more)
        return super().__new__(cls)


@dataclass(frozen=True)
class Screen:
    """One screen: its address, the strings of its title, what a token must hold for the menu to name it, and its routes.

    The menu spares people what would be refused; whoever opens the address all the same is refused by the service.
    """

    key: str
    path: str
    router: APIRouter
    scopes: frozenset[str]
    shown: Callable[[SignedIn], bool] = field(default=lambda _: True)

    def named_for(self, person: SignedIn) -> bool:
        """Whether the menu names it."""
        return not self.scopes.isdisjoint(person.scopes) and self.shown(person)


def version_of_static() -> str:
    """What changes when a file under `static/` does: it stands in their addresses, so that browsers may keep them."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Pages:
    """The templates, and the menu that every page shows."""

    def __init__(self, screens: Sequence[Screen]) -> None:
        self.screens = screens
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=_Absent,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"day": day, "moment": moment}
        # A block that is rendered by itself does not see what its template imports.
        self._environment.globals["parts"] = self._environment.get_template("parts.html").module
        self._environment.globals["static"] = f"/static/{version_of_static()}"

    def render(
        self,
        template: str,
        *,
        language: Language,
        path: str,
        session: Session | None,
        block: str | None = None,
        status: int = 200,
        **values: object,
    ) -> Response:
        """A page as an answer; of a fragment, one block of it."""
        person = session.content if session is not None and isinstance(session.content, SignedIn) else None
        told: dict[str, object] = {
            "t": Words(language),
            "language": language,
            "path": path,
            "person": person,
            "csrf": session.csrf if session is not None else "",
            "menu": [each for each in self.screens if person is not None and each.named_for(person)],
            "personal": False,
        }
        if not told.keys().isdisjoint(values.keys() - {"personal"}):
            raise ValueError(f"{template}: a page's own value may not stand for what every page shows")
        told |= values
        if block is None:
            html = self._environment.get_template(template).render(told)
        else:
            html = render_block(self._environment, template, block, told)
        languages = {"zh": "zh-CN", "en": "en"}
        headers = {**HEADERS, "Content-Language": languages[language], "Vary": "Cookie, X-Fragment"}
        return HTMLResponse(html, status_code=status, headers=headers)
