"""Numbers of people where callers choose the text: every string of every operation, found in the OpenAPI documents.

Each is filled with a number of somebody in a request that is otherwise of no matter, as the gate stands before the routes.
The number is refused by the name of its field, and stands in no answer, log, metric or row of the database; likewise the
name of somebody whom the same body says beside a number. Nothing runs behind the services but a database for the audit;
records of batches are in `kit/test_personal_numbers.py`, what a story leaves in events and feeds in `e2e/test_canaries.py`.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from functools import cache
from io import StringIO
from typing import Any

import asyncpg
import httpx
import pytest

from services.kit.observability import configure_logging
from services.kit.personal_names import CODE as NAME_CODE
from services.kit.personal_numbers import CODE, MADE_FOR
from tests.conftest import FreshDatabase
from tests.kit.http import bearer, metrics_of
from tests.test_audited_operations import (
    SERVICES,
    UUID,
    app_of,
    audit,
    fresh,
    paths_of,
)

__all__ = ["audit", "fresh"]

CANARIES = (
    "210000196501050003",
    "138-0000-1234",
    "２１００００１９６５０１０５０００３",
    "一三八〇〇〇〇一二三四",
)
NAMED = {"id_type": "resident_id", "id_number": "210000196501050003", "name": "欧阳静怡"}
BY_RECORD = {
    "report_completions",
    "report_statements",
    "report_events",
    "report_enrolments",
    "report_exam_passes",
    "upload_roster",
}
"""Bodies that are decoded record by record (`kit/records.py`)."""
EMPTY = {"issue_token"}
"""A form, whose texts are compared and not kept."""


@cache
def document(service: str) -> dict[str, Any]:
    from importlib import import_module

    found: dict[str, Any] = import_module(f"services.{service}.app").openapi_document()
    return found


def resolved(service: str, schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document(service)
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def strings(
    service: str, schema: dict[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """The paths of the members of a schema that are text which no list of words limits."""
    schema = resolved(service, schema)
    if len(path) > 12:
        return
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from strings(service, each, path)
    for name, member in schema.get("properties", {}).items():
        yield from strings(service, member, (*path, name))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from strings(service, schema["additionalProperties"], (*path, "any"))
    if "items" in schema:
        yield from strings(service, schema["items"], (*path, 0))
    if schema.get("type") == "string" and not {"enum", "const"} & schema.keys():
        yield path


def body_with(path: tuple[str | int, ...], text: str) -> Any:
    value: Any = text
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def fields() -> list[tuple[str, str, str, str, tuple[str | int, ...]]]:
    """Service, method, path, where (`body`, `query`, `path`, `header`) and the field, of every string there is."""
    found: list[tuple[str, str, str, str, tuple[str | int, ...]]] = []
    for service in SERVICES:
        for path, item in paths_of(service).items():
            for method, operation in item.items():
                if operation["operationId"] in EMPTY:
                    continue
                for given in operation.get("parameters", ()):
                    parameter = resolved(service, given)
                    named = (service, method.upper(), path, parameter["in"], (parameter["name"],))
                    found += [named for _ in strings(service, parameter.get("schema", {}))]
                content = resolved(service, operation.get("requestBody", {})).get("content", {})
                if operation["operationId"] not in BY_RECORD and "application/json" in content:
                    schema = content["application/json"].get("schema", {})
                    found += [
                        (service, method.upper(), path, "body", field) for field in strings(service, schema)
                    ]
    return list(dict.fromkeys(found))


FIELDS = fields()
PERSONAL = [each for each in FIELDS if each[3] == "body" and MADE_FOR.intersection(map(str, each[4]))]
FREE = [each for each in FIELDS if each not in PERSONAL]


class _Filled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return {"year": "2025", "place": "210000", "number": "1", "log": "210000"}.get(name, UUID)


def test_the_fields_made_for_numbers_are_the_ones_that_are_sealed_or_hashed() -> None:
    services = {(service, str(field[-1])) for service, _, _, _, field in PERSONAL}
    assert services <= {
        *(("registry", name) for name in MADE_FOR),
        ("ledger", "id_number"),
    }
    assert len(FREE) > 300


async def answers_of(
    service: str, text: str, beside: Mapping[str, Any] | None = None
) -> list[tuple[str, int, str, str]]:
    """The answer to every free field of a service that holds the text: of which, status, body, and what must name it.

    `beside` is a member put into the body, and looks at the fields of bodies alone.
    """
    found = []
    transport = httpx.ASGITransport(app_of(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for _, method, path, where, field in (each for each in FREE if each[0] == service):
            if beside is not None and where != "body":
                continue
            operation = paths_of(service)[path][method.lower()]
            scopes = [scope for way in operation.get("security", ()) for s in way.values() for scope in s]
            headers = bearer(*scopes, subject="canary") | {"Idempotency-Key": "key-1"}
            filled, params, content = _Filled(), {}, None
            if where == "path":
                filled[str(field[0])] = text
            elif where == "query":
                params = {str(field[0]): text}
            elif where == "header":
                headers[str(field[0])] = text
            if where == "body":
                filling = body_with(field, text)
                if beside is not None:
                    filling = {**filling, "somebody": beside}
                content = json.dumps(filling).encode()
                headers["Content-Type"] = "application/json"
            if where == "header" and not text.isascii():
                continue
            answer = await client.request(
                method, path.format_map(filled), params=params, content=content, headers=headers
            )
            found.append((f"{method} {path} {where} {field}", answer.status_code, answer.text, str(field[0])))
    return found


@pytest.mark.parametrize("text", CANARIES)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_number_in_any_field_is_refused_naming_it_and_stands_nowhere(
    fresh: FreshDatabase, audit: Any, service: str, text: str
) -> None:
    app_of(service).state.audit = audit
    logs = StringIO()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logging(service, stream=logs)
    try:
        answered = await answers_of(service, text)
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level = handlers, level
    refused = (400, 404, 422)
    assert [
        each[0] for each in answered if each[1] not in refused or (each[1] == 422 and CODE not in each[2])
    ] == []
    assert [each[0] for each in answered if each[1] == 422 and each[3] not in each[2]] == []
    for shown in (
        str(answered),
        logs.getvalue(),
        await metrics_of(app_of(service)),
        await rows_of(fresh),
    ):
        assert text not in shown


@pytest.mark.parametrize("service", SERVICES)
async def test_the_name_of_whom_a_body_is_about_is_refused_in_any_other_field_of_it(
    fresh: FreshDatabase, audit: Any, service: str
) -> None:
    app_of(service).state.audit = audit
    answered = await answers_of(service, f"{NAMED['name']}的材料", NAMED)
    assert [each[0] for each in answered if each[1] != 422 or NAME_CODE not in each[2]] == []
    assert [each[0] for each in answered if each[3] not in each[2]] == []
    assert NAMED["name"] not in str(answered)
    assert NAMED["name"] not in await rows_of(fresh)


async def rows_of(fresh: FreshDatabase) -> str:
    """Every row of every table of a database."""
    conn = await asyncpg.connect(fresh.admin_dsn)
    tables = await conn.fetch(
        "select format('%I.%I', schemaname, tablename) from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    rows = [tuple(row) for (table,) in tables for row in await conn.fetch(f"select * from {table}")]
    await conn.close()
    assert any("canary" in map(str, row) for row in rows), "the audit holds the refusals"
    return str(rows)
