"""Readings on record: every operation of every service whose answer is about people, found in the OpenAPI documents.

Nothing runs behind the services but a database for the audit: an operation that is refused shows that its record is kept.
"""

from collections.abc import AsyncIterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from contracts.divisions import watchers_of
from services.kit.audit import Audit, Whereabouts, audited_paths
from services.kit.clock import utc_now
from services.kit.database import Database, Databases
from tests.conftest import AUDIT_KEY, FreshDatabase, FreshDatabaseFactory
from tests.kit.http import bearer, verifier

ROOT = Path(__file__).parents[1]
SERVICES = sorted(
    path.parent.name
    for path in ROOT.glob("services/*/app.py")
    if (ROOT / "contracts" / "openapi" / f"{path.parent.name}.v1.json").exists()
)
UUID = "00000000-0000-4000-8000-000000000000"

ABOUT_NOBODY = {
    "feed": "tells a service of all, an organization of its own; each call is in the HTTP log with its caller's subject",
    "places": "policies, years, statistics and counts: places and numbers, nobody among them",
    "organizations": "organizations, their filings, documents, duties and accounts",
    "nameless": "one word on a reference whose person's number the caller must know; nobody is named, and no caller",
    "empty": "tables to fill in, keys of tokens, names of files that the caller uploaded",
}
"""Why the operations of `NOT_AUDITED` leave no record."""
NOT_AUDITED = {
    "feed": {"list_logs", "read_feed", "read_own_feed"},
    "places": {
        "get_policy", "get_year", "get_standing_statistics", "get_standing_series", "get_registration_statistics",
        "get_registration_series", "get_review_statistics", "count_transfers", "count_worklists", "get_sync_status",
        "get_exam_enrolments", "list_policies", "check_policy", "draft_policy", "get_notice", "get_draft", "try_policy",
        "get_policy_trial", "cancel_policy_trial",
    },
    "organizations": {
        "get_provider_statistics", "get_employer_statistics", "list_filings", "get_filing", "list_organizations",
        "export_organizations", "get_organization", "list_evaluations", "list_documents", "get_document", "list_duties",
        "list_duties_of_organization", "export_duties", "list_accounts", "get_account_request", "list_webhooks",
        "get_webhook", "list_webhook_deliveries",
    },
    "nameless": {"verify_attestation"},
    "empty": {
        "get_completion_template", "get_roster_template", "get_bulk_collection_template", "get_key_set",
        "list_bulk_collections",
    },
}  # fmt: skip


@cache
def app_of(service: str) -> FastAPI:
    def never(_: Any) -> Any:
        raise RuntimeError("nothing is opened")

    app: FastAPI = import_module(f"services.{service}.app").build_app(verifier(), never)
    app.state.parts, app.state.clock = _Nothing(), utc_now
    app.state.transfers = SimpleNamespace(application=None, queries=None)
    return app


@cache
def paths_of(service: str) -> dict[str, Any]:
    paths: dict[str, Any] = import_module(f"services.{service}.app").openapi_document()["paths"]
    return paths


class _Nothing(dict[type, None]):
    """The parts of a service that has not been opened."""

    def __missing__(self, _: type) -> None:
        return None


def questions(service: str) -> list[tuple[str, str, str]]:
    """Method, path and operation of what is asked: every GET, and every POST that is no command, having no key."""
    found = []
    for path, item in paths_of(service).items():
        for method, operation in item.items():
            names = {each.get("name", each.get("$ref", "")) for each in operation.get("parameters", ())}
            command = any("Idempotency" in name for name in names)
            records = operation["operationId"].startswith(
                ("report_", "withdraw_", "publish_", "upload_", "issue_token")
            )
            carried = any(
                scopes == ["transfer:carry"]
                for way in operation.get("security", ())
                for scopes in way.values()
            )
            if method == "get" or (method == "post" and not command and not records and not carried):
                found.append((method.upper(), path, operation["operationId"]))
    return found


QUESTIONS = [(service, *question) for service in SERVICES for question in questions(service)]
AUDITED = [(service, *each) for service in SERVICES for each in audited_paths(app_of(service).router.routes)]


@pytest.mark.parametrize("service", SERVICES)
def test_every_question_leaves_a_record_or_is_known_to_be_about_nobody(service: str) -> None:
    kept = {(method, path) for each, method, path, _ in AUDITED if each == service}
    about_nobody = set().union(*NOT_AUDITED.values())
    asked = [each for each in QUESTIONS if each[0] == service]
    assert [each[3] for each in asked if each[3] in about_nobody and (each[1], each[2]) in kept] == []
    assert [each[3] for each in asked if each[3] not in about_nobody and (each[1], each[2]) not in kept] == []


def test_no_operation_is_excused_that_is_not_there() -> None:
    assert set().union(*NOT_AUDITED.values()) <= {operation for *_, operation in QUESTIONS}
    assert NOT_AUDITED.keys() == ABOUT_NOBODY.keys()


@pytest.fixture(scope="module")
def fresh(fresh_database: FreshDatabaseFactory) -> FreshDatabase:
    return fresh_database("kit", partitions=0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def audit(fresh: FreshDatabase) -> AsyncIterator[Audit]:
    database = await Database.connect(fresh.app_dsn, schema="kit", application_name="test-audit", size_max=2)
    yield Audit(
        Databases(database),
        utc_now,
        key=AUDIT_KEY,
        where=lambda place: Whereabouts("all", watchers_of(place)),
    )
    await database.close()


async def ask(service: str, method: str, path: str, headers: dict[str, str], **sent: Any) -> int:
    address = path.format_map(_Filled())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(service)), base_url="http://service"
    ) as client:
        return (await client.request(method, address, headers=headers, **sent)).status_code


class _Filled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return {"year": "2025", "place": "210000"}.get(name, UUID)


@pytest.mark.parametrize(("service", "method", "path", "kind"), AUDITED)
async def test_a_refused_question_is_on_record_for_an_auditor_of_the_nation(
    fresh: FreshDatabase, audit: Audit, service: str, method: str, path: str, kind: str
) -> None:
    app_of(service).state.audit = audit
    caller = f"{service}-{method}-{path}".translate(dict.fromkeys(map(ord, "/{}"), "."))
    with_scope = bearer(*_scopes(service, method, path), subject=caller)
    assert await ask(service, method, path, bearer("nothing", subject=caller)) == 403
    assert await ask(service, method, path, with_scope, params={"no-such": "x"}) == 422
    expected = ["insufficient-scope", "invalid-request"]
    if method == "POST":
        json = {"Content-Type": "application/json"}
        assert await ask(service, method, path, with_scope | json, content=b"{") == 400
        expected.append("malformed-body")
    conn = await asyncpg.connect(fresh.admin_dsn)
    rows = await conn.fetch(
        "select kind, result, chain from kit.audit_records where caller = $1 order by record_id", caller
    )
    await conn.close()
    assert [(row["kind"], row["result"]) for row in rows] == [(kind, result) for result in expected]
    assert all("100000" in row["chain"] for row in rows)


def _scopes(service: str, method: str, path: str) -> list[str]:
    operation = paths_of(service)[path][method.lower()]
    return [scope for way in operation["security"] for scopes in way.values() for scope in scopes]
