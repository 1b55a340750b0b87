"""Problem details (RFC 9457): every refusal is a class with a stable code, a status and words in Chinese
and English.

No problem repeats a value that a caller sent: bodies carry names and numbers of people, and answers end up
in logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

Language = Literal["zh", "en"]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:xuefen:problem:"

# Up to three digits may end a name (sha256); more could be somebody's number.
_FIELD_NAME = re.compile(r"[a-z][a-z_]{0,39}[0-9]{0,3}", re.ASCII)
_CONTENT_LANGUAGE = {"zh": "zh-CN", "en": "en"}
_ERRORS_MAX = 100
_OWN_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "pointer", "clause", "errors"})


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field: where, a stable code, and why in both languages."""

    pointer: str
    code: str
    detail_zh: str
    detail_en: str
    parameter: str | None = None  # a query, path or header parameter has a name, not a pointer

    def body(self, language: Language) -> dict[str, str]:
        """The member of `errors` in one language."""
        detail = self.detail_zh if language == "zh" else self.detail_en
        if self.parameter is not None:
            return {"parameter": self.parameter, "code": self.code, "detail": detail}
        return {"pointer": self.pointer, "code": self.code, "detail": detail}


_COME_AGAIN = 503


class Problem(Exception):
    """A refusal that a caller can act on. Subclasses name the refusal; `code` never changes."""

    code: ClassVar[str]
    status: ClassVar[int]
    title_zh: ClassVar[str]
    title_en: ClassVar[str]
    retry_after: ClassVar[int] = 2
    """Seconds after which whoever was answered 503 comes again."""
    _known: ClassVar[dict[str, type[Problem]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register a class that declares a code of its own; two classes may not share one."""
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            return
        other = Problem._known.get(cls.code)
        if other is not None and other.__qualname__ != cls.__qualname__:
            raise TypeError(
                f"{cls.__qualname__} and {other.__qualname__} share the problem code {cls.code!r}"
            )
        Problem._known[cls.code] = cls

    def __init__(
        self,
        detail_zh: str = "",
        detail_en: str = "",
        *,
        pointer: str | None = None,
        clause: str | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(self.code)
        if not _OWN_MEMBERS.isdisjoint(extensions):
            raise TypeError(f"{self.code}: an extension may not take the name of a member of every problem")
        self.detail_zh = detail_zh
        self.detail_en = detail_en
        self.pointer = pointer
        self.clause = clause
        self.extensions = extensions
        self.field_errors: Sequence[FieldError] = ()
        self.headers: dict[str, str] = {}
        if self.status == _COME_AGAIN:
            self.headers["Retry-After"] = str(self.retry_after)

    def __repr__(self) -> str:
        """The code alone: details stay out of logs."""
        return f"{type(self).__name__}({self.code!r})"


def all_problems() -> list[type[Problem]]:
    """Every problem class the imported modules declare, by code: their page is made from it."""
    return [Problem._known[code] for code in sorted(Problem._known)]


class MalformedBodyError(Problem):
    """The body is not JSON that can be read: nothing of it was looked at."""

    code = "malformed-body"
    status = 400
    title_zh = "请求正文不是有效的 JSON"
    title_en = "The body is not valid JSON"


class MalformedAddressError(Problem):
    """The path or query holds what no text may hold."""

    code = "malformed-address"
    status = 400
    title_zh = "请求地址含有非法字符"
    title_en = "The address holds characters that are not allowed"


class InvalidRequestError(Problem):
    """Fields or parameters are missing, unknown or of the wrong form; `errors` names every one."""

    code = "invalid-request"
    status = 422
    title_zh = "请求内容不符合要求"
    title_en = "The request is not of the required form"

    def __init__(self, errors: Sequence[FieldError], **extensions: Any) -> None:
        first = errors[0] if errors else None
        super().__init__(
            first.detail_zh if first else "",
            first.detail_en if first else "",
            pointer=first.pointer if first and first.parameter is None else None,
            **extensions,
        )
        self.field_errors = tuple(errors)


class BodyTooLargeError(Problem):
    """The body is larger than the service reads."""

    code = "body-too-large"
    status = 413
    title_zh = "请求正文过大"
    title_en = "The body is too large"


class UnsupportedMediaTypeError(Problem):
    """The body is not declared as JSON."""

    code = "unsupported-media-type"
    status = 415
    title_zh = "不支持的正文类型"
    title_en = "The media type is not supported"


class NotAuthenticatedError(Problem):
    """No token, or one that is expired, forged, or meant for somebody else."""

    code = "not-authenticated"
    status = 401
    title_zh = "未通过身份认证"
    title_en = "Not authenticated"


class InsufficientScopeError(Problem):
    """The token is good but does not allow this route."""

    code = "insufficient-scope"
    status = 403
    title_zh = "令牌的权限范围不足"
    title_en = "The token's scope does not allow this"


class NoSuchRouteError(Problem):
    """Nothing lives at this address."""

    code = "no-such-route"
    status = 404
    title_zh = "没有这个地址"
    title_en = "There is nothing at this address"


class NotFoundError(Problem):
    """The thing asked for does not exist, or the caller may not know that it does."""

    code = "not-found"
    status = 404
    title_zh = "未找到"
    title_en = "Not found"


class MethodNotAllowedError(Problem):
    """The address exists; the method does not apply to it."""

    code = "method-not-allowed"
    status = 405
    title_zh = "不支持的请求方法"
    title_en = "The method is not allowed here"


class HttpError(Problem):
    """Any other refusal of the HTTP layer itself."""

    code = "http-error"
    status = 400
    title_zh = "请求无法处理"
    title_en = "The request cannot be handled"


class InternalError(Problem):
    """A defect of ours. Nothing about it is told to the caller; the log has it under the request id."""

    code = "internal"
    status = 500
    title_zh = "服务内部错误"
    title_en = "Internal error"


class OutcomeUnknownError(Problem):
    """The database went away: the command may or may not have been stored. A retry with the same id is
    safe.
    """

    code = "outcome-unknown"
    status = 503
    title_zh = "结果未知，请使用相同编号重试"
    title_en = "The outcome is unknown: retry with the same id"


class BusyError(Problem):
    """Another writer held what this one needed for too long: nothing was stored."""

    code = "busy"
    status = 503
    title_zh = "系统繁忙，请稍后重试"
    title_en = "Busy: retry shortly"
    retry_after = 1


class NotReadyError(Problem):
    """The service runs but cannot serve yet, or no longer."""

    code = "not-ready"
    status = 503
    title_zh = "服务尚未就绪"
    title_en = "Not ready"
    retry_after = 5


ProblemBody = Annotated[
    dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/Problem"})
]
"""A problem as one answer of several holds it, beside the record it is about."""


def problem_body(problem: Problem, language: Language) -> ProblemBody:
    """The problem as a JSON object in one language. A batch puts one beside each refused record."""
    zh = language == "zh"
    title = problem.title_zh if zh else problem.title_en
    detail = problem.detail_zh if zh else problem.detail_en
    body: dict[str, object] = {
        "type": TYPE_PREFIX + problem.code,
        "title": title,
        "status": problem.status,
        "detail": detail or title,
    }
    if problem.pointer is not None:
        body["pointer"] = problem.pointer
    if problem.clause is not None:
        body["clause"] = problem.clause
    if problem.field_errors:
        body["errors"] = [error.body(language) for error in problem.field_errors[:_ERRORS_MAX]]
    body.update(problem.extensions)
    return body


def problem_response(problem: Problem, scope: Scope) -> Response:
    """The problem as an HTTP answer in the caller's language, with the headers the problem asks for."""
    language = language_of(Headers(scope=scope))
    headers = {
        "Content-Language": _CONTENT_LANGUAGE[language],
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        **problem.headers,
    }
    content = msgspec.json.encode(problem_body(problem, language))
    return Response(content, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def language_of(headers: Headers) -> Language:
    """`Accept-Language` reduced to the two languages we speak; Chinese unless English is wanted more."""
    best: dict[Language, float] = {}
    for tag, quality in _language_ranges(headers.get("accept-language", "")):
        primary = tag.split("-", 1)[0]
        if primary in ("zh", "*"):
            best["zh"] = max(best.get("zh", 0.0), quality)
        elif primary == "en":
            best["en"] = max(best.get("en", 0.0), quality)
    return "en" if best.get("en", 0.0) > best.get("zh", 0.0) else "zh"


def _language_ranges(header: str) -> Iterator[tuple[str, float]]:
    for item in header[:400].split(","):
        tag, _, parameters = item.strip().lower().partition(";")
        quality = 1.0
        if parameters.strip().startswith("q="):
            try:
                quality = float(parameters.strip()[2:])
            except ValueError:
                continue
        yield tag.strip(), quality if 0.0 <= quality <= 1.0 else 0.0


def pointer_to(path: Sequence[str | int]) -> str:
    """A JSON pointer to the path, cut before the first name that does not look like one of our field names.

    What a caller wrote as a name may be somebody's number, so only harmless names are given back.
    """
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(str(part))
        elif _FIELD_NAME.fullmatch(part):
            parts.append(part)
        else:
            break
    return "".join(f"/{part}" for part in parts)
