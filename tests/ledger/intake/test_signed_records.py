"""Signed records: the digest of the signature stays with what was reported, for as long as the log does."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.kit.signatures import signing_secret
from services.kit.signing import ED25519, HMAC
from tests.kit.http import bearer
from tests.kit.signed import Signer
from tests.ledger.intake.test_posted_completions import read
from tests.ledger.moving.mover import LIAONING, LISTED, SHENYANG
from tests.ledger.world import DIGEST_KEY, Provider, World


@pytest.fixture
async def provider(world: World) -> Provider:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    return await world.provides(LISTED, accredited=[LIAONING])


async def posts(
    provider: Provider, signer: Signer, kind: str, *records: dict[str, Any], sign: bool = True
) -> httpx.Response:
    """Post records by a client that has to sign."""
    organization = provider.organization_id
    headers = bearer(
        "completion:write",
        "enrolment:write",
        subject="client-1",
        organization=organization,
        signing=signer.key(required=True),
    )
    request = provider.world.client.build_request(
        "POST", f"/v1/{kind}", content=json.dumps({"records": list(records)}), headers=headers
    )
    request.headers["Content-Type"] = "application/json"
    return await provider.world.client.send(signer.signs(request, provider.world.now) if sign else request)


@pytest.mark.parametrize("algorithm", [ED25519, HMAC])
async def test_every_record_of_a_signed_batch_keeps_the_digest_of_its_signature(
    world: World, provider: Provider, algorithm: str
) -> None:
    signer = Signer(algorithm, secret=signing_secret(DIGEST_KEY, "client-1", "key-1"))
    who, stranger = await world.collects(SHENYANG), world.stranger()
    registered, held = provider.completion(who, 2025, "30.00"), provider.completion(stranger, 2025, "30.00")
    response = await posts(provider, signer, "completions", registered, held)
    assert response.json()["summary"] == {"registered": 1, "held": 1}
    digests = {(await read(provider, each["id"]))["signature"] for each in (registered, held)}
    assert len(digests) == 1
    [digest] = digests
    assert digest.startswith("sha256:")
    await world.collects(SHENYANG, person=stranger)
    assert (await read(provider, held["id"]))["signature"] == digest
    unsigned = provider.completion(who, 2025, "20.00")
    await provider.posts(unsigned)
    assert (await read(provider, unsigned["id"]))["signature"] is None


async def test_enrolments_and_exam_passes_keep_it_too(world: World, provider: Provider) -> None:
    signer, who = Signer(), await world.collects(SHENYANG)
    record = {"person": who.identity, "year": 2025, "authority": LIAONING}
    await posts(
        provider, signer, "enrolments", record | {"id": "e-1", "mode": "online", "enrolled_on": "2025-05-01"}
    )
    await posts(
        provider, signer, "exam-passes", record | {"id": "x-1", "passed_at": "2025-05-30T10:00:00+08:00"}
    )
    stored = [json.loads(each.state) for each in await world.events(LIAONING)]
    kept = {
        each.get("enrolment_id") or each.get("exam_id"): each.get("signature")
        for each in stored
        if each.get("enrolment_id") == "e-1" or each.get("exam_id") == "x-1"
    }
    assert kept.keys() == {"e-1", "x-1"}
    assert all(digest.startswith("sha256:") for digest in kept.values())


async def test_a_client_that_has_to_sign_reports_nothing_unsigned(world: World, provider: Provider) -> None:
    who = await world.collects(SHENYANG)
    before = await world.count_events()
    response = await posts(
        provider, Signer(), "completions", provider.completion(who, 2025, "30.00"), sign=False
    )
    assert (response.status_code, response.json()["type"]) == (401, "urn:xuefen:problem:signature-missing")
    assert await world.count_events() == before
