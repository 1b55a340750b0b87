"""Deprecations: operations that will end, as data, and the headers by which every answer of theirs says so."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Deprecation(BaseModel):
    """An operation that should not be used from a day on, and is gone after another; `link` is the page that says instead of
    what. Days are those of UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, Field(pattern=r"^/[a-z0-9/{}_.-]+$")]
    deprecated_on: date
    sunset_on: date
    link: Annotated[str, Field(pattern=r"^https?://[!-;=?-~]+$")]

    @property
    def headers(self) -> Mapping[str, str]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594), and the link to what is said of it."""
        since = datetime.combine(self.deprecated_on, time.min, UTC)
        end = datetime.combine(self.sunset_on, time.max, UTC)
        return {
            "Deprecation": f"@{int(since.timestamp())}",
            "Sunset": format_datetime(end, usegmt=True),
            "Link": f'<{self.link}>; rel="deprecation"; type="text/html"',
        }


class Deprecations(BaseModel):
    """What is deprecated, and for how many days at least it still works."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lead_days: int = Field(ge=1)
    operations: tuple[Deprecation, ...] = ()

    @model_validator(mode="after")
    def _leaves_time(self) -> Self:
        for each in self.operations:
            if (each.sunset_on - each.deprecated_on).days < self.lead_days:
                raise ValueError(
                    f"{each.method} {each.path} ends less than {self.lead_days} days after it is deprecated"
                )
        return self

    def of(self, service: str) -> Sequence[Deprecation]:
        """What is deprecated of one service."""
        return [each for each in self.operations if each.service == service]


def deprecations_in(file: Path) -> Deprecations:
    """The deprecations in a file. Raises ValueError for one that cannot be used."""
    return Deprecations.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def mark(document: Mapping[str, Any], deprecations: Sequence[Deprecation]) -> None:
    """Mark deprecated operations in an OpenAPI document. Raises KeyError for one that there is not."""
    for each in deprecations:
        operation = document["paths"][each.path][each.method.lower()]
        operation |= {"deprecated": True, "x-sunset": each.sunset_on.isoformat()}


class DeprecationMiddleware:
    """Outside everything: each answer of a deprecated operation, also a refusal, says so."""

    def __init__(self, app: ASGIApp, deprecations: Sequence[Deprecation]) -> None:
        self._app = app
        self._deprecated = [(_pattern(each.path), each) for each in deprecations]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        found = next(
            (
                each
                for pattern, each in self._deprecated
                if each.method == scope["method"] and pattern.fullmatch(scope["path"])
            ),
            None,
        )
        if found is None:
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in found.headers.items():
                    headers.append(name, value)
            await send(message)

        await self._app(scope, receive, told)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
