"""The OpenAPI 3.1 document of a service: made from its routes, with our problem answers in place of
FastAPI's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

TOKEN_URL = "http://127.0.0.1:8001/oauth/token"  # noqa: S105 - an address
"""Where a deployment on one machine issues tokens; elsewhere its issuer's address stands in its place."""
REQUIRED = "x-required"
"""Marks, in the schema of a parameter, one that is required although its absence is refused by ourselves."""

PROBLEM_SCHEMA: dict[str, object] = {
    "title": "Problem",
    "description": "RFC 9457 problem details. Codes are stable; words follow Accept-Language (zh-CN or en).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:xuefen:problem:invalid-request"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "pointer": {"type": "string", "description": "JSON pointer to the field at fault."},
        "clause": {"type": "string", "description": "The clause that was applied."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}
FIELD_ERROR_SCHEMA: dict[str, object] = {
    "title": "FieldError",
    "description": "One fault: `pointer` for a field of the body, `parameter` for one beside it.",
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {"type": "string"},
        "parameter": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_PYTHON_END = r"(?![\s\S])"
_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ANSWERS = {
    "400": ("BadRequest", "The request cannot be read."),
    "401": ("Unauthorized", "No token, or one that is not good."),
    "403": ("Forbidden", "The token does not allow this."),
    "404": ("NotFound", "Not found."),
    "405": ("MethodNotAllowed", "The method is not allowed here."),
    "409": ("Conflict", "The thing is not in a state that allows this."),
    "410": ("Gone", "It was there, and was erased."),
    "413": ("ContentTooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is not JSON."),
    "422": ("UnprocessableContent", "Fields or parameters are not of the required form."),
    "429": (
        "TooManyRequests",
        "Too many requests of this client (`RateLimit` says how many are left), or too many that found nothing:"
        " `Retry-After` says how long to wait.",
    ),
    "500": ("InternalError", "A defect of the service."),
    "503": (
        "ServiceUnavailable",
        "The service cannot answer now, or the outcome is unknown: retry with the same id.",
    ),
}
"""By status: the name of the answer among the components, and its words."""


def _problem_answer(status: str) -> dict[str, object]:
    return {"description": _ANSWERS[status][1], "content": _PROBLEM_CONTENT}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: the statuses it answers with problem details beyond those every route may."""
    return {status: _problem_answer(str(status)) for status in statuses}


def describe(app: FastAPI, *, token_url: str | None = TOKEN_URL) -> dict[str, Any]:
    """The document, with components sorted so that it can be committed and compared.

    `token_url` is where callers get their tokens; None where somebody hands them out by other means.
    """
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.router.routes
    )
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for path, item in document["paths"].items():
        for operation in item.values():
            operation.setdefault("tags", [_first_word(path)])
    for operation in _operations(document):
        schemas.update(operation.pop("x-definitions", {}))
        _mark_required(operation)
        _list_alternatives(operation)
        _answer_with_problems(operation)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update({"Problem": PROBLEM_SCHEMA, "FieldError": FIELD_ERROR_SCHEMA})
    components["schemas"] = {
        name: _plain(_portable(schema), name) for name, schema in sorted(schemas.items())
    }
    _name_answers(document)
    _name_parameters(document)
    _name_tokens(document, token_url)
    sort_choices(document)
    return document


def sort_choices(part: object) -> None:
    """One order of the words of each choice: Python keeps that of whichever equal `Literal` was imported first."""
    if isinstance(part, list):
        for item in part:
            sort_choices(item)
    elif isinstance(part, dict):
        choices = part.get("enum")
        if isinstance(choices, list) and all(isinstance(each, str) for each in choices):
            part["enum"] = sorted(choices)
        for value in part.values():
            sort_choices(value)


def _first_word(path: str) -> str:
    """`claims` of `/v1/claims/{claim_id}`: what an operation is about, where its router does not say."""
    return path.removeprefix("/v1/").strip("/").partition("/")[0]


def _mark_required(operation: dict[str, Any]) -> None:
    """A header that a dependency of ours misses, with a problem of its own, is optional to the framework
    only.
    """
    for parameter in operation.get("parameters", []):
        if parameter["schema"].pop(REQUIRED, False):
            parameter["required"] = True


def _list_alternatives(operation: dict[str, Any]) -> None:
    """Any one scope that a route names lets a caller in; scopes inside one requirement would all be needed."""
    if "security" in operation:
        operation["security"] = [
            {scheme: alternative}
            for requirement in operation["security"]
            for scheme, scopes in requirement.items()
            for alternative in ([[scope] for scope in scopes] or [[]])
        ]


def _portable(schema: object) -> object:
    """The schema with patterns whose end every dialect of regular expressions reads the same."""
    if isinstance(schema, list):
        return [_portable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace(_PYTHON_END, "$")
        if key == "pattern" and isinstance(value, str)
        else _portable(value)
        for key, value in schema.items()
    }


def _answer_with_problems(operation: dict[str, Any]) -> None:
    statuses = ["400", "500", "503"]
    if operation.get("security"):
        statuses += ["401", "403", "429"]
    if "requestBody" in operation:
        statuses += ["413", "415"]
    if "422" in operation["responses"] or "requestBody" in operation:
        statuses.append("422")
    for status in statuses:
        given = operation["responses"].get(status, {})
        description = given.get("description", "")
        if description in ("", "Validation Error"):
            description = _ANSWERS[status][1]
        content = {} if status == "422" else given.get("content", {})
        content = {**content, **_PROBLEM_CONTENT}
        operation["responses"][status] = {**given, "description": description, "content": content}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _plain(schema: object, name: str = "") -> object:
    """The schema without titles that only repeat the name it stands under."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: {field: _plain(of, field) for field, of in value.items()}
        if key == "properties"
        else _plain(value)
        for key, value in schema.items()
    }
    if isinstance(title := schema.get("title"), str) and _letters(title) == _letters(name):
        del plain["title"]
    return plain


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _name_answers(document: dict[str, Any]) -> None:
    """Problem answers that say no more than their status stand once, among the components."""
    named: dict[str, Any] = document["components"].setdefault("responses", {})
    for operation in _operations(document):
        for status, answer in operation["responses"].items():
            if status in _ANSWERS and answer == _problem_answer(status):
                name = _ANSWERS[status][0]
                named[name] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    document["components"]["responses"] = dict(sorted(named.items()))


def _name_parameters(document: dict[str, Any]) -> None:
    """Of each name and place of a parameter, the form that most routes share stands once, among the
    components.
    """
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for operation in _operations(document):
        for parameter in operation.get("parameters", []):
            parameter["schema"] = _plain(_portable(parameter["schema"]), parameter["name"])
            if parameter["schema"].get("description") == parameter.get("description"):
                parameter["schema"].pop("description", None)
            found[_parameter_name(parameter)].append(parameter)
    shared = {name: max(forms, key=forms.count) for name, forms in sorted(found.items())}
    shared = {name: form for name, form in shared.items() if found[name].count(form) > 1}
    for operation in _operations(document):
        if "parameters" in operation:
            operation["parameters"] = [
                {"$ref": f"#/components/parameters/{name}"} if shared.get(name) == parameter else parameter
                for parameter in operation["parameters"]
                for name in [_parameter_name(parameter)]
            ]
    document["components"]["parameters"] = shared


def _parameter_name(parameter: dict[str, Any]) -> str:
    """`YearInPath` of the parameter `year` of a path."""
    words = [*re.findall(r"[A-Za-z0-9]+", parameter["name"]), "in", parameter["in"]]
    return "".join(word.capitalize() for word in words)


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def _name_tokens(document: dict[str, Any], token_url: str | None) -> None:
    """The scheme of the tokens, with the scopes that routes ask for where tokens are got from a URL."""
    schemes = document["components"].get("securitySchemes", {})
    if "oauth2" not in schemes:
        return
    alternatives = [each for operation in _operations(document) for each in operation.get("security", [])]
    if token_url is None:
        schemes["token"] = {"type": "http", "scheme": "bearer"}
        del schemes["oauth2"]
        for alternative in alternatives:
            alternative["token"] = alternative.pop("oauth2")
        return
    flow = schemes["oauth2"]["flows"]["clientCredentials"]
    used = {scope for alternative in alternatives for scope in alternative["oauth2"]}
    flow |= {"tokenUrl": token_url, "scopes": {scope: scope for scope in sorted(used)}}


def struct_answer(
    kind: Any,
    description: str,
    *,
    status: int = 200,
    body: dict[str, Any] | None = None,
    refusals: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Arguments of a route that encodes its answer with msgspec: its schema, what else it may answer, its
    body.

    `body` is what `records.json_body` gave for a route that decodes its body itself.
    """
    (schema,), definitions = msgspec.json.schema_components(
        [kind], ref_template="#/components/schemas/{name}"
    )
    extra = dict(body or {})
    extra["x-definitions"] = {**extra.get("x-definitions", {}), **definitions}
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {
        "response_model": None,
        "responses": {status: answer, **problems(*refusals)},
        "openapi_extra": extra,
    }
