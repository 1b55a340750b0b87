"""A schema fuzzer on every route of the ledger: whatever is sent, a documented answer, never a 5xx, nobody repeated."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection, unsupported_method

from contracts.divisions import AUTHORITIES
from tests.conftest import FreshDatabaseFactory, in_thread
from tests.fuzz.extremes import Document, send_extremes
from tests.fuzz.serving import CHECKS, WELL_FORMED, fuzz, operations, serving
from tests.kit.http import bearer
from tests.ledger.world import OFFICIAL_SCOPES, PROVIDER_SCOPES, World
from tests.openapi import committed

LIAONING = "210000"
PERSON, CREDIT = "person-000001", "credit-1"
BATCHES = (
    "POST /v1/completions", "POST /v1/completions/events", "POST /v1/completions/statements", "POST /v1/enrolments",
    "POST /v1/exam-passes",
)  # fmt: skip
WITHOUT_TOKEN = "POST /v1/attestations/verification"

schema = schemathesis.openapi.from_dict(committed("ledger"))


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Half of the well-formed ids are of somebody who exists, so that routes are fuzzed behind their 404 too."""
    for name, known in (("person_id", PERSON), ("place", LIAONING), ("log", LIAONING)):
        given = (path_parameters or {}).get(name)
        if isinstance(given, str) and WELL_FORMED.fullmatch(given) and len(given) % 2:
            path_parameters[name] = known
    return path_parameters


@pytest.fixture(scope="module")
def address(fresh_database: FreshDatabaseFactory) -> Iterator[str]:
    """A ledger that holds one person and one provider."""
    fresh = fresh_database("ledger", logs=AUTHORITIES)

    async def settle() -> None:
        async with World(fresh).running() as world:
            who = await world.collects(LIAONING)
            assert who.person_id == PERSON
            provider = await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])
            await provider.posts(provider.completion(who, 2025, "30.00"))

    in_thread(lambda: asyncio.run(settle()))
    with serving(World(fresh).app) as address:
        yield address


def headers_for(path: str) -> dict[str, str]:
    """A provider's token where providers act, an official's of the nation elsewhere."""
    if path.startswith(("/v1/completions", "/v1/enrolments", "/v1/exam-passes")):
        return bearer(*PROVIDER_SCOPES, subject="fuzzer", organization="organization-0002")
    return bearer(*OFFICIAL_SCOPES, *PROVIDER_SCOPES, "feed:read", subject="fuzzer", place="100000")


def bad_records_are_rejected_alone(_: Any, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """What stands for `negative_data_rejection` where every record is answered for itself."""
    if response.status_code == 200:
        body = response.json()
        sent = case.body["records"] if isinstance(case.body, dict) and "records" in case.body else case.body
        assert len(body["results"]) == (len(sent) if isinstance(sent, list) else 1)
        assert sum(body["summary"].values()) == len(body["results"])
        if case.meta is not None and case.meta.generation.mode.is_negative:
            assert body["summary"].get("rejected"), body


@pytest.mark.property
@pytest.mark.parametrize("operation", operations(schema))
def test_every_answer_is_documented(operation: APIOperation, address: str) -> None:
    """Good and bad data for every operation."""
    checks = list(CHECKS)
    if operation.label in BATCHES:
        checks.remove(negative_data_rejection)
        checks.append(bad_records_are_rejected_alone)
    if operation.label == WITHOUT_TOKEN:
        # Another method asks for the attestation of that reference, which is refused for want of a token.
        checks.remove(unsupported_method)
    headers = headers_for(operation.path)
    fuzz(operation, base_url=address, headers=headers, checks=checks)


DOCUMENT = Document(committed("ledger"))


@pytest.mark.parametrize(("method", "path"), DOCUMENT.operations())
def test_no_day_moment_or_place_is_a_fault(method: str, path: str, address: str) -> None:
    """Extremes of all of them, in every parameter and field that takes one."""
    send_extremes(DOCUMENT, method, path, address, headers_for(path))
