"""Tokens of an outside OpenID Connect issuer: taken by all three services where settings name it, refused elsewhere."""

import hmac
import json
import threading
import warnings
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from services.kit.signing import AUDIENCE, CLAIM_PLACE
from tests.conftest import FreshDatabaseFactory
from tests.e2e.system import LIAONING, System, new_system

ISSUER = "https://login.example.gov.cn/realms/finance"
NOBODY = "00000000-0000-4000-8000-000000000000"
ROUTES = {
    "registry": f"/v1/persons/{NOBODY}",
    "ledger": f"/v1/persons/{NOBODY}/compliance/2025",
    "transfer": f"/v1/transfers/{NOBODY}",
}
"""Something of each service that an official may ask for, and that is not there."""
SCOPES = "collection:review compliance:read transfer:review"

Key = OKPKey | RSAKey | ECKey

ED25519 = OKPKey.generate_key("Ed25519", auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
ROTATED_IN = ECKey.generate_key("P-256", auto_kid=True)
STRANGE = OKPKey.generate_key("Ed25519", auto_kid=True)
GOOD = [(ED25519, "Ed25519"), (ED25519, "EdDSA"), (RSA, "RS256"), (RSA, "PS256")]


class KeySetServer:
    """Serves a key set on loopback, as an issuer does."""

    def __init__(self, *keys: Key) -> None:
        self.keys: list[Key] = list(keys)
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                body = json.dumps(KeySet([*outer.keys]).as_dict(private=False)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/jwk-set+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/certs"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def key_sets() -> Iterator[KeySetServer]:
    server = KeySetServer(ED25519, RSA)
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def open_system(fresh_database: FreshDatabaseFactory, key_sets: KeySetServer) -> AsyncIterator[System]:
    """The three services, told of the outside issuer."""
    told = {"outside_issuer": ISSUER, "outside_jwks_url": key_sets.url}
    async with new_system(fresh_database, **told).running() as system:
        yield system


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(system: System, key: Key, algorithm: str, **claims: Any) -> str:
    now = int(system.now.timestamp())
    header = {"alg": algorithm, "kid": key.kid}
    body = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "official-of-the-bureau",
        "iat": now,
        "exp": now + 300,
        "scope": SCOPES,
        CLAIM_PLACE: LIAONING,
    } | claims
    with warnings.catch_warnings():
        # Issuers in use still say EdDSA.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(header, body, key, algorithms=[algorithm])


async def statuses(system: System, text: str) -> dict[str, int]:
    by = {"Authorization": f"Bearer {text}"}
    return {
        service: (await system.call(service, "GET", path, by=by)).status_code
        for service, path in ROUTES.items()
    }


EVERYWHERE_IN = dict.fromkeys(ROUTES, 404)
EVERYWHERE_OUT = dict.fromkeys(ROUTES, 401)


class TestConfigured:
    @pytest.mark.parametrize(("key", "algorithm"), GOOD, ids=[algorithm for _, algorithm in GOOD])
    async def test_is_let_in(self, open_system: System, key: Key, algorithm: str) -> None:
        assert await statuses(open_system, token(open_system, key, algorithm)) == EVERYWHERE_IN

    async def test_is_let_in_as_what_the_claims_say(self, open_system: System) -> None:
        text = token(open_system, RSA, "RS256", scope="compliance:read")
        assert await statuses(open_system, text) == {"registry": 403, "ledger": 404, "transfer": 403}

    async def test_our_own_tokens_are_good_beside_it(self, open_system: System) -> None:
        text = open_system.token(*SCOPES.split(), place=LIAONING)
        assert await statuses(open_system, text) == EVERYWHERE_IN

    @pytest.mark.parametrize(
        ("key", "algorithm", "claims"),
        [
            pytest.param(STRANGE, "Ed25519", {}, id="a key that is not the issuer's"),
            pytest.param(RSA, "RS256", {"aud": "another-system"}, id="meant for another system"),
            pytest.param(RSA, "RS256", {"exp": 1_600_000_000}, id="expired"),
            pytest.param(RSA, "RS256", {"iss": "https://login.example.org"}, id="an issuer nobody named"),
            pytest.param(RSA, "RS256", {"iss": "http://127.0.0.1:8001"}, id="in the name of our own issuer"),
            pytest.param(RSA, "RS512", {}, id="an algorithm nobody allowed"),
            pytest.param(RSA, "RS256", {"sub": None}, id="of nobody"),
        ],
    )
    async def test_is_refused_with_anything_wrong(
        self, open_system: System, key: Key, algorithm: str, claims: dict[str, Any]
    ) -> None:
        assert await statuses(open_system, token(open_system, key, algorithm, **claims)) == EVERYWHERE_OUT

    async def test_is_refused_when_signed_with_what_everybody_can_read(self, open_system: System) -> None:
        header, payload, _ = token(open_system, RSA, "RS256").split(".")
        header = encoded(json.dumps({"alg": "HS256", "kid": RSA.kid}).encode())
        seal = hmac.digest(RSA.as_pem(private=False), f"{header}.{payload}".encode(), "sha256")
        forged = f"{header}.{payload}.{encoded(seal)}"
        assert await statuses(open_system, forged) == EVERYWHERE_OUT

    async def test_a_key_that_was_rotated_in_is_looked_up(
        self, fresh_database: FreshDatabaseFactory, key_sets: KeySetServer
    ) -> None:
        told = {"outside_issuer": ISSUER, "outside_jwks_url": key_sets.url}
        async with new_system(fresh_database, **told).running() as system:
            key_sets.keys.append(ROTATED_IN)
            assert await statuses(system, token(system, ROTATED_IN, "ES256")) == EVERYWHERE_IN


class TestNotConfigured:
    @pytest.mark.parametrize(("key", "algorithm"), GOOD, ids=[algorithm for _, algorithm in GOOD])
    async def test_is_refused_without_asking_anybody(
        self, system: System, key_sets: KeySetServer, key: Key, algorithm: str
    ) -> None:
        asked = key_sets.asked
        assert await statuses(system, token(system, key, algorithm)) == EVERYWHERE_OUT
        assert key_sets.asked == asked

    async def test_an_issuer_without_a_key_set_is_not_trusted(
        self, fresh_database: FreshDatabaseFactory
    ) -> None:
        async with new_system(fresh_database, outside_issuer=ISSUER).running() as system:
            assert await statuses(system, token(system, RSA, "RS256")) == EVERYWHERE_OUT
