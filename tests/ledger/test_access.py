"""Access: nobody without a token and its scope, officials in their place, providers for themselves."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from services.cli.demo import fictitious
from services.kit.auth import LEEWAY_SECONDS
from services.kit.signing import new_signing_key, sign_token
from services.ledger.app import build_app
from tests.kit.http import ISSUER, KEY, bearer, verifier
from tests.ledger.world import OFFICIAL_SCOPES, PROVIDER_SCOPES, Provider, Somebody, World
from tests.openapi import committed

NATION, LIAONING, SHENYANG, HEPING, CHAOYANG = "100000", "210000", "210100", "210102", "211300"
SHUANGTA, DALIAN, XIGANG, SHANXI = "211302", "210200", "210203", "140000"
GUANGDONG, SHENZHEN, CORPS, XINJIANG = "440000", "440300", "660000", "650000"
LISTED, OTHER_LISTED = "北京东奥时代教育科技有限公司", "东北财经大学"
EMPLOYER, OPEN = fictitious.uscc(901), {"/healthz", "/v1/attestations/verification"}
CASE_SCOPES = (
    "claim:submit", "claim:review", "filing:submit", "filing:review", "registration:write", "attestation:issue",
    "attestation:check", "attestation:current", "transfer:carry", "year:close", "archive:read", "credit:recognise",
    "anomaly:review", "audit:read",
)  # fmt: skip
OWN_SCOPES = ("compliance:own", "transcript:own", "attestation:own", "audit:own")
EVERY_SCOPE = frozenset((*OFFICIAL_SCOPES, *PROVIDER_SCOPES, *CASE_SCOPES, *OWN_SCOPES, "feed:read"))


def _paths(routes: Any) -> Iterator[tuple[str, str]]:
    """Every method and path the application answers to, in routers within routers."""
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _paths(route.effective_candidates())
        else:
            yield from ((method, route.path) for method in sorted(route.methods or {"GET"}))


def _routes() -> list[tuple[str, str]]:
    return list(_paths(build_app(verifier(), lambda store: pytest.fail("never opened")).router.routes))


def _scopes() -> dict[tuple[str, str], set[str]]:
    """The scopes by which each documented route lets in; any one of them is enough."""
    return {
        (method.upper(), path): {scope for way in operation["security"] for scope in way["oauth2"]}
        for path, item in committed("ledger")["paths"].items()
        for method, operation in item.items()
        if path not in OPEN
    }


ROUTES, SCOPES = [route for route in _routes() if route[1] not in OPEN], _scopes()
NO_ID = "00000000-0000-4000-8000-000000000000"
FILLED = {
    "person_id": "person-000001", "credit_id": "credit-1", "completion_id": "c-1", "enrolment_id": "e-1",
    "year": "2025", "place": LIAONING, "log": LIAONING, "claim_id": NO_ID, "collective_id": NO_ID, "filing_id": NO_ID,
    "transfer_id": "transfer-1", "anomaly_id": "0" * 24, "exam_id": "x-1", "uscc": EMPLOYER, "notice_id": "a-notice",
    "reference": "210000-" + "0" * 24, "roster_id": f"{NO_ID}-1", "trial_id": NO_ID,
}  # fmt: skip
CORRECTION = {
    "year": 2025, "category": "professional", "credits": "30.00", "mode": "online", "completed_on": "2025-05-01",
    "reason": "reported_late", "reference": "2026-1",
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "revocation": {"year": 2025, "reason": "cheating"},
    "exemptions": {"year": 2025, "reason": "illness"},
    "corrections": CORRECTION,
    "deferrals": {"year": 2025, "reason": "illness", "until": "2026-06-30"},
    "special-reasons": {"year": 2023, "reason": "illness"},
    "end": {"year": 2025, "reason": "other"},
    "query": {"year": 2025, "persons": ["p"]},
}
"""A good body of each command about a person, by the last word of its path."""


async def call(world: World, method: str, path: str, headers: dict[str, str]) -> Any:
    content = b"{}" if method in ("POST", "PUT") else None
    sent = {"Content-Type": "application/json"} | headers if content else headers
    return await world.client.request(method, path.format_map(FILLED), content=content, headers=sent)


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": "xuefen", "sub": "s", "iat": now, "nbf": now, "exp": now + 600}
    good |= {"scope": " ".join(sorted(EVERY_SCOPE)), "xuefen_place": NATION} | changed
    return {name: value for name, value in good.items() if value is not None}


def unsigned(algorithm: str) -> str:
    """A token that says it needs no signature."""
    parts = ({"alg": algorithm, "kid": KEY.kid}, claims())
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def signed(**changed: Any) -> str:
    return jwt.encode({"alg": "Ed25519", "kid": KEY.kid}, claims(**changed), KEY, algorithms=["Ed25519"])


def by_public_key() -> str:
    """The public key, which everybody knows, used as if it were a shared secret."""
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": KEY.kid}, claims(), secret)


def tampered() -> str:
    head, body, signature = signed(scope="feed:read").split(".")
    other = signed().split(".")[1]
    assert other != body
    return f"{head}.{other}.{signature}"


def another_key() -> str:
    return sign_token(new_signing_key(), issuer=ISSUER, subject="s", scopes=EVERY_SCOPE, place=NATION)


NUMBERS = (
    "standings", "standings/daily", "registrations", "registrations/daily", "providers", "reviews", "employers",
)  # fmt: skip


def asked_of(numbers: str, place: str) -> dict[str, str | int]:
    """The parameters of a statistic: what waits for a decision is of no year."""
    return {"place": place} if numbers.endswith("reviews") else {"place": place, "year": 2025}


QUESTIONS = ("/v1/compliance/query", *(f"/v1/statistics/{numbers}" for numbers in NUMBERS))
BAD_TOKENS: dict[str, Callable[[], str | None]] = {
    "no header": lambda: None,
    "an empty header": lambda: "",
    "another scheme": lambda: f"Basic {signed()}",
    "no token": lambda: "Bearer ",
    "nonsense": lambda: "Bearer x.y.z",
    "two tokens": lambda: f"Bearer {signed()} {signed()}",
    "expired": lambda: f"Bearer {signed(exp=int(time.time()) - LEEWAY_SECONDS - 1)}",
    "no end": lambda: f"Bearer {signed(exp=None)}",
    "not yet": lambda: f"Bearer {signed(nbf=int(time.time()) + 600)}",
    "wrong issuer": lambda: f"Bearer {signed(iss='https://other.example')}",
    "no issuer": lambda: f"Bearer {signed(iss=None)}",
    "wrong audience": lambda: f"Bearer {signed(aud='others')}",
    "no audience": lambda: f"Bearer {signed(aud=None)}",
    "no subject": lambda: f"Bearer {signed(sub=None)}",
    "scopes as a list": lambda: f"Bearer {signed(scope=sorted(EVERY_SCOPE))}",
    "alg none": lambda: f"Bearer {unsigned('none')}",
    "alg None": lambda: f"Bearer {unsigned('None')}",
    "signed with the public key": lambda: f"Bearer {by_public_key()}",
    "another key": lambda: f"Bearer {another_key()}",
    "tampered": lambda: f"Bearer {tampered()}",
}


class TestTokens:
    def test_only_health_is_open_or_undocumented(self):
        assert {path for _, path in _routes()} - {path for _, path in ROUTES} == OPEN
        assert sorted(ROUTES) == sorted(SCOPES)
        assert all(scopes and scopes <= EVERY_SCOPE for scopes in SCOPES.values())

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    async def test_every_route_refuses_a_token_that_is_not_good(self, world: World, method: str, path: str):
        for name, make in BAD_TOKENS.items():
            authorization = make()
            headers = {} if authorization is None else {"Authorization": authorization}
            response = await call(world, method, path, headers)
            assert response.status_code == 401, name
            assert response.json()["type"] == "urn:xuefen:problem:not-authenticated"
            assert response.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    async def test_every_route_refuses_a_token_without_its_scope(self, world: World, method: str, path: str):
        others = EVERY_SCOPE - SCOPES[method, path]
        for scopes in (others, {scope.upper() for scope in EVERY_SCOPE}, {" ".join(others)}, set()):
            for binding in ({"place": NATION}, {"organization": "organization-1"}, {}):
                response = await call(world, method, path, bearer(*scopes, **binding))
                assert response.status_code == 403, (scopes, binding)
                assert response.json()["type"] == "urn:xuefen:problem:insufficient-scope"
                wanted = response.headers["WWW-Authenticate"].partition('scope="')[2].rstrip('"').split()
                assert set(wanted) == SCOPES[method, path]

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    async def test_the_scope_alone_gets_past_the_door(self, world: World, method: str, path: str):
        for scope in SCOPES[method, path]:
            response = await call(world, method, path, bearer(scope, place=NATION))
            assert response.status_code != 401
            assert "urn:xuefen:problem:insufficient-scope" not in response.text

    async def test_health_tells_no_one_anything(self, world: World):
        for path in ("/healthz",):
            assert (await world.client.get(path)).status_code == 200
        assert (await world.client.get("/v1/nowhere")).status_code == 401
        assert (await world.client.get("/healthz/")).status_code == 401
        assert (await world.client.get("/docs")).status_code == 401

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    async def test_a_token_bound_to_nobody_gets_nothing_of_a_person(
        self, world: World, method: str, path: str
    ):
        if "/persons/" in path or "/employers/" in path or path in QUESTIONS:
            content = BODIES.get(path.rpartition("/")[2])
            for binding in ({}, {"place": "999999"}, {"place": "21"}):
                response = await world.client.request(
                    method,
                    path.format_map(FILLED),
                    params=asked_of(path, LIAONING) if "statistics" in path else None,
                    json=content if method == "POST" else None,
                    headers=bearer(*SCOPES[method, path].difference(OWN_SCOPES), **binding)
                    | {"Idempotency-Key": "k"},
                )
                assert response.status_code == 403, response.text
                problem = "unknown-claims" if binding else "not-an-official"
                assert response.json()["type"] == f"urn:xuefen:problem:{problem}"


REACHES = [
    (SHUANGTA, SHUANGTA, True), (CHAOYANG, SHUANGTA, True), (LIAONING, SHUANGTA, True), (NATION, SHUANGTA, True),
    (LIAONING, LIAONING, True), (NATION, DALIAN, True), (DALIAN, XIGANG, True), (NATION, CORPS, True),
    ("211303", SHUANGTA, False), (SHENYANG, SHUANGTA, False), (HEPING, SHUANGTA, False), (SHUANGTA, CHAOYANG, False),
    (SHUANGTA, LIAONING, False), (SHANXI, SHUANGTA, False), (LIAONING, DALIAN, False), (LIAONING, XIGANG, False),
    (DALIAN, SHUANGTA, False), (DALIAN, LIAONING, False), (GUANGDONG, SHENZHEN, False), (SHENZHEN, GUANGDONG, False),
    (XINJIANG, CORPS, False), (CORPS, XINJIANG, False), ("990000", LIAONING, False), ("130000", "110000", False),
]  # fmt: skip


class TestOfficials:
    @pytest.mark.parametrize(("official", "place", "may"), REACHES)
    async def test_see_and_act_in_their_place_and_all_under_it(
        self, world: World, official: str, place: str, may: bool
    ):
        who = await world.collects(place)
        headers = world.official(official, subject=f"official-{official}")
        refused = (403, 404)
        for path in ("compliance/2025", "transcript"):
            response = await world.client.get(f"/v1/persons/{who.person_id}/{path}", headers=headers)
            assert response.status_code == 200 if may else response.status_code in refused
        asked = {"year": 2025, "persons": [who.person_id]}
        answers = (await world.client.post("/v1/compliance/query", json=asked, headers=headers)).json()
        assert (answers["results"][0] is not None) == may
        asked = {"year": 2025, "identities": [who.identity]}
        answers = (await world.client.post("/v1/compliance/query", json=asked, headers=headers)).json()
        assert (answers["results"][0] is not None) == may
        before = await world.count_events()
        for path, body, allowed in (
            ("credits/none/revocation", {"year": 2025, "reason": "cheating"}, 404),
            ("corrections", CORRECTION, 409),
            ("exemptions/end", BODIES["end"], 409),
            *((f"{relief}/end", BODIES["end"], 409) for relief in ("deferrals", "special-reasons")),
            ("exemptions", {"year": 2025, "reason": "illness"}, 201),
        ):
            response = await world.client.post(
                f"/v1/persons/{who.person_id}/{path}",
                json=body,
                headers=headers | {"Idempotency-Key": f"{who.person_id}-{path.replace('/', '-')}"},
            )
            assert response.status_code in ((allowed,) if may else refused), response.text
            if response.status_code == 404 and may:
                assert response.json()["type"] == "urn:xuefen:problem:credit-unknown"
        assert await world.count_events() == before + may

    @pytest.mark.parametrize(("official", "place", "may"), REACHES)
    async def test_see_the_numbers_of_their_place_and_all_under_it(
        self, world: World, official: str, place: str, may: bool
    ):
        for numbers in NUMBERS:
            response = await world.client.get(
                f"/v1/statistics/{numbers}",
                params=asked_of(numbers, place),
                headers=world.official(official),
            )
            wide = numbers == "employers" and place == NATION
            assert response.status_code == ((422 if wide else 200) if may else 403), numbers

    async def test_do_not_post_for_a_provider(self, world: World):
        headers = bearer(*PROVIDER_SCOPES, place=LIAONING) | {"Idempotency-Key": "k"}
        for route, body in (
            ("completions", {"records": [{}]}),
            ("enrolments", {"records": [{}]}),
            ("exam-passes", {"records": [{}]}),
            ("completions/c-1/withdrawal", {"reason": "refunded"}),
            ("enrolments/e-1/withdrawal", {"reason": "refunded"}),
        ):
            response = await world.client.post(f"/v1/{route}", json=body, headers=headers)
            assert response.json()["type"] == "urn:xuefen:problem:organization-token-needed"


@pytest.fixture
async def two(world: World) -> tuple[Provider, Provider]:
    """Two providers whose clients call themselves the same, and who number their records alike."""
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    return (
        await world.provides(LISTED, accredited=[LIAONING]),
        await world.provides(OTHER_LISTED, accredited=[LIAONING]),
    )


async def seen(provider: Provider, who: Somebody) -> tuple[int, int, Any]:
    client, headers = provider.world.client, provider.headers()
    compliance = await client.get(f"/v1/persons/{who.person_id}/compliance/2025", headers=headers)
    transcript = await client.get(f"/v1/persons/{who.person_id}/transcript", headers=headers)
    asked = {"year": 2025, "persons": [who.person_id]}
    query = (await client.post("/v1/compliance/query", json=asked, headers=headers)).json()
    return compliance.status_code, transcript.status_code, query["results"][0]


class TestProviders:
    async def test_know_nobody_they_reported_nothing_of(self, world: World, two: tuple[Provider, Provider]):
        mine, other = two
        who = await world.collects(LIAONING)
        await mine.posts(mine.completion(who, 2025, "30.00"))
        assert (await seen(mine, who))[:2] == (200, 200)
        assert await seen(other, who) == (404, 404, None)
        asked = {"year": 2025, "identities": [who.identity]}
        response = await world.client.post("/v1/compliance/query", json=asked, headers=other.headers())
        assert response.json()["absent"] == [{"index": 0, "problem": "person-unknown"}]

    async def test_see_their_own_records_alone(self, world: World, two: tuple[Provider, Provider]):
        who = await world.collects(LIAONING)
        for provider, credits in zip(two, ("30.00", "20.00"), strict=True):
            for number in ("alike-1", "alike-2"):
                record = provider.completion(who, 2025, credits, id=f"{who.person_id}-{number}")
                assert (await provider.posts(record))[0]["outcome"] == "registered"
        mine, other = two
        await mine.withdraws(f"{who.person_id}-alike-1")
        for provider, withdrawn in ((mine, 1), (other, 0)):
            headers = provider.headers()
            address = f"/v1/persons/{who.person_id}"
            transcript = (await world.client.get(f"{address}/transcript", headers=headers)).json()
            assert {line["provider_id"] for line in transcript["credits"]} == {provider.organization_id}
            assert len(transcript["credits"]) == 2
            answer = (await world.client.get(f"{address}/compliance/2025", headers=headers)).json()
            assert answer["total"] == "70.00"
            assert len(answer["not_counted"]) == withdrawn

    async def test_take_back_their_own_records_alone(self, world: World, two: tuple[Provider, Provider]):
        mine, other = two
        who, stranger = await world.collects(LIAONING), world.stranger()
        record = mine.completion(who, 2025, "30.00", id=f"{who.person_id}-registered")
        held = mine.completion(stranger, 2025, "30.00", id=f"{who.person_id}-held")
        enrolment = {name: record[name] for name in ("id", "person", "year", "mode")} | {
            "enrolled_on": "2025-05-01"
        }
        await mine.posts(record, held)
        await mine.posts(enrolment, to="enrolments")
        before = await world.count_events()
        for kind, sent in (("completions", record), ("completions", held), ("enrolments", enrolment)):
            response = await other.withdraws(sent["id"], kind=kind, key=f"{kind}-{sent['id']}")
            assert response.status_code == 404, response.text
            assert response.json()["type"] == "urn:xuefen:problem:completion-unknown"
        assert await world.count_events() == before
        for kind, sent in (("completions", record), ("completions", held), ("enrolments", enrolment)):
            assert (
                await mine.withdraws(sent["id"], kind=kind, key=f"{kind}-{sent['id']}")
            ).status_code == 200

    async def test_are_not_given_the_answer_to_another_s_key(
        self, world: World, two: tuple[Provider, Provider]
    ):
        """Subjects of two issuers may be spelled alike."""
        who = await world.collects(LIAONING)
        for provider in two:
            await provider.posts(provider.completion(who, 2025, "30.00", id=f"{who.person_id}-same"))
        first, second = [
            await world.client.post(
                f"/v1/completions/{who.person_id}-same/withdrawal",
                json={"reason": "refunded"},
                headers=bearer(*PROVIDER_SCOPES, subject="client", organization=provider.organization_id)
                | {"Idempotency-Key": "one-key"},
            )
            for provider in two
        ]
        assert "Idempotency-Replayed" not in second.headers
        assert (first.status_code, second.status_code) == (200, 200)
        assert (await world.asks(who, 2025))["total"] == "0.00"

    async def test_the_same_id_of_two_providers_is_two_records(
        self, world: World, two: tuple[Provider, Provider]
    ):
        who = await world.collects(LIAONING)
        for provider in two:
            record = provider.completion(who, 2025, "10.00", id=f"{who.person_id}-same")
            assert (await provider.posts(record))[0]["outcome"] == "registered"
        assert (await world.asks(who, 2025))["total"] == "20.00"

    async def test_do_not_decide(self, world: World, two: tuple[Provider, Provider]):
        mine, _ = two
        who = await world.collects(LIAONING)
        [outcome] = await mine.posts(mine.completion(who, 2025, "30.00"))
        headers = mine.headers(*OFFICIAL_SCOPES) | {"Idempotency-Key": "k"}
        for path, body in (
            (f"credits/{outcome['credit_id']}/revocation", {"year": 2025, "reason": "cheating"}),
            ("exemptions", {"year": 2025, "reason": "illness"}),
        ):
            response = await world.client.post(
                f"/v1/persons/{who.person_id}/{path}", json=body, headers=headers
            )
            assert response.json()["type"] == "urn:xuefen:problem:not-an-official"
