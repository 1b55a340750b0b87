"""Signed requests: what was signed is taken, and nothing else, whatever byte of it was changed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.routers import Router
from services.kit.signatures import (
    DIGEST,
    SignatureInvalidError,
    SigningKey,
    _Message,
    signature_of,
    signing_secret,
    verify,
)
from services.kit.signing import ED25519, HMAC
from tests.kit.http import bearer, service
from tests.kit.signed import Signer

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
SHARED = b"a key that two services share .."
SECRET = signing_secret(SHARED, "client-1", "key-1")
URL = "http://service/v1/things?page=2&of=%E4%BC%9A"
BODY = '{"records": [{"id": "a-1", "credits": "30.00", "title": "会计准则"}]}'.encode()
ROUTES = Router()


@ROUTES.post("/v1/things")
@ROUTES.get("/v1/things")
async def things(request: Request, page: int = 0, of: str = "") -> dict[str, str | None]:
    return {"signature": signature_of(request)}


def signer(algorithm: str) -> Signer:
    return Signer(algorithm, secret=SECRET)


def request(
    method: str = "POST", url: str = URL, content: bytes | None = BODY, **headers: str
) -> httpx.Request:
    given_headers = {"Content-Type": "application/json", **headers}
    return httpx.Request(method, url, content=content, headers=given_headers)


def checked(signed: httpx.Request, key: SigningKey, body: bytes = BODY, **changed: str) -> str:
    message = _Message(
        changed.get("method", signed.method),
        changed.get("url", str(signed.url)),
        httpx.Headers([*signed.headers.multi_items()]),
    )
    return verify(message, body, key, SECRET, clock=lambda: NOW)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = service([ROUTES])
    app.state.clock, app.state.signing_key = lambda: NOW, SHARED
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


async def send(
    client: httpx.AsyncClient, by: Signer, sent: httpx.Request, *, required: bool = False
) -> httpx.Response:
    sent.headers.update(bearer(signing=by.key(required=required)))
    return await client.send(sent)


class TestRequests:
    @pytest.mark.parametrize("algorithm", [ED25519, HMAC])
    async def test_that_are_signed_are_taken_and_their_digest_is_known(
        self, client: httpx.AsyncClient, algorithm: str
    ) -> None:
        by = signer(algorithm)
        first = await send(client, by, by.signs(request(), NOW), required=True)
        again = await send(client, by, by.signs(request(content=b'{"other": 1}'), NOW))
        digests = {first.json()["signature"], again.json()["signature"]}
        assert len(digests) == 2
        assert all(DIGEST.fullmatch(each) for each in digests)

    async def test_of_a_client_that_has_to_sign_are_refused_unsigned_and_told_what_to_sign(
        self, client: httpx.AsyncClient
    ) -> None:
        by = signer(ED25519)
        refused = await send(client, by, request(), required=True)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:xuefen:problem:signature-missing")
        assert refused.headers["Accept-Signature"] == (
            'sig1=("@method" "@path" "@query" "content-digest");created;keyid="key-1";alg="ed25519"'
        )
        assert (await send(client, by, request())).json() == {"signature": None}
        read = await send(client, by, request("GET", content=None), required=True)
        assert read.status_code == 200

    async def test_that_were_changed_on_the_way_are_refused(self, client: httpx.AsyncClient) -> None:
        by = signer(ED25519)
        signed = by.signs(request(), NOW)
        changed = request(content=BODY.replace(b"30.00", b"90.00"))
        changed.headers.update(
            {name: value for name, value in signed.headers.items() if "sign" in name or "digest" in name}
        )
        refused = await send(client, by, changed)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:xuefen:problem:signature-invalid")


class TestVerification:
    @pytest.mark.property
    @settings(max_examples=60, derandomize=True, deadline=None)
    @given(
        place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7), algorithm=st.sampled_from([ED25519, HMAC])
    )
    def test_refuses_one_changed_bit_of_the_body(self, place: int, bit: int, algorithm: str) -> None:
        by = signer(algorithm)
        signed = by.signs(request(), NOW)
        changed = bytes(byte ^ (1 << bit if at == place else 0) for at, byte in enumerate(BODY))
        assert DIGEST.fullmatch(checked(signed, by.key()))
        with pytest.raises(SignatureInvalidError):
            checked(signed, by.key(), changed)

    def test_refuses_every_other_byte_of_the_address_and_of_the_signature(self) -> None:
        by = signer(ED25519)
        signed = by.signs(request(**{"Idempotency-Key": "key-of-mine"}), NOW)
        url = str(signed.url)
        others = [
            url[:at] + "x" + url[at + 1 :] for at in range(len("http://service/"), len(url)) if url[at] != "x"
        ]
        for other in [*others, url + "&more=1", url.partition("?")[0]]:
            with pytest.raises(SignatureInvalidError):
                checked(signed, by.key(), url=other)
        with pytest.raises(SignatureInvalidError):
            checked(signed, by.key(), method="PUT")
        for name in ("signature", "signature-input", "content-digest", "idempotency-key"):
            value = signed.headers[name]
            for at in range(len(value)):
                if value[at] == "A":
                    continue
                signed.headers[name] = value[:at] + "A" + value[at + 1 :]
                with pytest.raises(SignatureInvalidError):
                    checked(signed, by.key())
            signed.headers[name] = value
        checked(signed, by.key())

    @pytest.mark.parametrize("missing", ["@method", "@path", "@query", "idempotency-key"])
    def test_refuses_a_signature_that_does_not_cover_what_counts(self, missing: str) -> None:
        by = signer(ED25519)
        covered = [each for each in ("@method", "@path", "@query", "idempotency-key") if each != missing]
        signed = by.signs(request(**{"Idempotency-Key": "key-of-mine"}), NOW, covered=covered)
        with pytest.raises(SignatureInvalidError):
            checked(signed, by.key())

    @pytest.mark.parametrize(("minutes", "taken"), [(-6, False), (-4, True), (4, True), (6, False)])
    def test_is_of_the_last_five_minutes(self, minutes: int, taken: bool) -> None:
        by = signer(HMAC)
        signed = by.signs(request(), NOW + timedelta(minutes=minutes))
        if taken:
            checked(signed, by.key())
            return
        with pytest.raises(SignatureInvalidError):
            checked(signed, by.key())

    def test_refuses_an_expired_one_another_key_and_another_algorithm(self) -> None:
        by = signer(ED25519)
        refused = (
            (by.signs(request(), NOW - timedelta(minutes=2), expires=timedelta(minutes=1)), by.key()),
            (by.signs(request(), NOW, key_id="key-2"), by.key()),
            (by.signs(request(), NOW), signer(ED25519).key()),
            (by.signs(request(), NOW), signer(HMAC).key()),
            (Signer(HMAC, secret=b"guessed").signs(request(), NOW), signer(HMAC).key()),
        )
        for signed, key in refused:
            with pytest.raises(SignatureInvalidError):
                checked(signed, key)
