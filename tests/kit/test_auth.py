"""Tokens: whose are taken, and what is said to everybody else."""

import asyncio
import json
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, OKPKey

from services.kit.auth import Issuer, TokenVerifier
from services.kit.errors import NotAuthenticatedError, NotReadyError
from services.kit.key_sets import FetchedKeys, FixedKeys
from services.kit.signing import (
    new_signing_key,
    public_key_set,
    sign_token,
    signing_key_from,
    signing_key_text,
)
from tests.kit.http import ISSUER, KEY, token

NOW = 1_780_000_000


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, seconds: float = NOW) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class KeyServer:
    """Serves a key set and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = [new_signing_key()]
        self.asked = 0
        self.broken = False
        self.revoked: list[str] = []

    def client(self) -> httpx.AsyncClient:
        def answer(_: httpx.Request) -> httpx.Response:
            self.asked += 1
            return (
                httpx.Response(500)
                if self.broken
                else httpx.Response(200, json={**public_key_set(*self.keys), "revoked": self.revoked})
            )

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def verifier(clock: Clock, **options: Any) -> TokenVerifier:
    return TokenVerifier([Issuer(ISSUER, FixedKeys.of(KEY))], now=clock, **options)


class TestVerify:
    async def test_a_good_token_gives_its_caller(self) -> None:
        clock = Clock()
        caller = await verifier(clock).verify(
            token("a:read", "b:write", subject="client-7", place="211300", organization="org-1", now=clock)
        )
        assert caller.subject == "client-7"
        assert caller.scopes == {"a:read", "b:write"}
        assert (caller.place, caller.organization) == ("211300", "org-1")

    @pytest.mark.parametrize(
        "claims",
        [{"issuer": "https://other.example"}, {"audience": "others"}, {"subject": ""}, {"subject": "a\nb"},
         {"now": lambda: NOW - 3601.0}, {"now": lambda: NOW + 60.0}],
        ids=["issuer", "audience", "no subject", "odd subject", "expired", "not yet"],
    )  # fmt: skip
    async def test_wrong_claims_are_refused(self, claims: dict[str, Any]) -> None:
        wanted: dict[str, Any] = {"issuer": ISSUER, "subject": "s", "scopes": ["a"], "now": Clock()} | claims
        with pytest.raises(NotAuthenticatedError):
            await verifier(Clock()).verify(sign_token(KEY, **wanted))

    async def test_a_token_signed_by_another_key_is_refused(self) -> None:
        forged = sign_token(new_signing_key(), issuer=ISSUER, subject="s", scopes=["a"], now=Clock())
        with pytest.raises(NotAuthenticatedError):
            await verifier(Clock()).verify(forged)

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    async def test_an_algorithm_that_was_not_agreed_is_refused(self, algorithm: str) -> None:
        claims = {"iss": ISSUER, "aud": "xuefen", "sub": "s", "exp": NOW + 60}
        secret = OctKey.import_key(b"0123456789abcdef0123456789abcdef")
        forged = jwt.encode({"alg": "HS256", "kid": KEY.kid}, claims, secret)
        if algorithm == "none":
            header = (
                urlsafe_b64encode(json.dumps({"alg": "none", "kid": KEY.kid}).encode()).decode().rstrip("=")
            )
            forged = f"{header}.{forged.split('.')[1]}."
        with pytest.raises(NotAuthenticatedError):
            await verifier(Clock()).verify(forged)

    async def test_an_outside_issuers_older_name_of_the_algorithm_is_taken(self) -> None:
        claims = {"iss": ISSUER, "aud": ["xuefen", "others"], "sub": "s", "exp": NOW + 60, "scope": "a:read"}
        key = OKPKey.import_key(KEY.as_dict(private=True) | {"alg": "EdDSA"})
        with pytest.warns(SecurityWarning):
            signed = jwt.encode({"alg": "EdDSA", "kid": KEY.kid}, claims, key, algorithms=["EdDSA"])
        outside = TokenVerifier([Issuer(ISSUER, FixedKeys.of(key))], now=Clock())
        assert (await outside.verify(signed)).scopes == {"a:read"}

    @pytest.mark.parametrize("text", ["", "x", "a.b.c", "令牌", "e30.e30.e30", "x" * 5000, "." * 100])
    async def test_what_is_no_token_is_refused(self, text: str) -> None:
        with pytest.raises(NotAuthenticatedError):
            await verifier(Clock()).verify(text)

    async def test_a_verified_token_ends_when_it_expires(self) -> None:
        clock = Clock()
        checks = verifier(clock)
        good = token("a", lifetime_seconds=100, now=clock)
        await checks.verify(good)
        clock.seconds += 99
        await checks.verify(good)
        clock.seconds += 1
        with pytest.raises(NotAuthenticatedError):
            await checks.verify(good)

    async def test_remembers_no_more_tokens_than_it_may(self) -> None:
        checks = verifier(Clock(), cache_size_max=3)
        for number in range(10):
            await checks.verify(token("a", subject=f"client-{number}", now=Clock()))
        assert len(checks._verified) == 3


class TestFetchedKeys:
    async def test_keys_are_fetched_once(self) -> None:
        server, clock = KeyServer(), Clock()
        keys = FetchedKeys("http://keys.example", client=server.client, now=clock)
        checks = TokenVerifier([Issuer(ISSUER, keys)], now=clock)
        for subject in ("a", "b"):
            await checks.verify(
                sign_token(server.keys[0], issuer=ISSUER, subject=subject, scopes=[], now=clock)
            )
        assert server.asked == 1

    async def test_an_unknown_key_is_looked_up_again_but_not_for_every_forgery(self) -> None:
        server, clock = KeyServer(), Clock()
        keys = FetchedKeys("http://keys.example", client=server.client, now=clock)
        checks = TokenVerifier([Issuer(ISSUER, keys)], now=clock)
        await keys.current()
        server.keys.append(new_signing_key())
        clock.seconds += 11
        await checks.verify(sign_token(server.keys[1], issuer=ISSUER, subject="s", scopes=[], now=clock))
        for _ in range(20):
            with pytest.raises(NotAuthenticatedError):
                await checks.verify(
                    sign_token(new_signing_key(), issuer=ISSUER, subject="s", scopes=[], now=clock)
                )
        assert server.asked == 2

    async def test_a_revoked_subjects_tokens_end_within_a_minute_known_or_not(self) -> None:
        server, clock = KeyServer(), Clock()
        keys = FetchedKeys("http://keys.example", client=server.client, now=clock)
        checks = TokenVerifier([Issuer(ISSUER, keys)], now=clock)
        key = server.keys[0]
        theirs, others = (
            sign_token(key, issuer=ISSUER, subject=subject, scopes=[], now=clock) for subject in ("a", "b")
        )
        assert (await checks.verify(theirs)).subject == "a"
        server.revoked = ["a"]
        clock.seconds += 46
        await checks.verify(others)  # meets keys that are no longer fresh
        while server.asked < 2 or not keys.revoked:
            await asyncio.sleep(0)
        again = sign_token(key, issuer=ISSUER, subject="a", scopes=[], now=clock)
        for token_of_a in (theirs, again):
            with pytest.raises(NotAuthenticatedError):
                await checks.verify(token_of_a)
        assert (await checks.verify(others)).subject == "b"

    async def test_old_keys_serve_while_the_issuer_is_away(self) -> None:
        server, clock = KeyServer(), Clock()
        keys = FetchedKeys("http://keys.example", client=server.client, now=clock)
        await keys.current()
        server.broken = True
        clock.seconds += 7200
        assert await keys.current()

    async def test_without_any_keys_the_service_is_not_ready_rather_than_the_token_bad(self) -> None:
        server = KeyServer()
        server.broken = True
        checks = TokenVerifier([Issuer(ISSUER, FetchedKeys("http://keys.example", client=server.client))])
        with pytest.raises(NotReadyError):
            await checks.verify(token("a"))


class TestSigningKey:
    def test_survives_being_written_and_read(self) -> None:
        assert signing_key_from(signing_key_text(KEY)).kid == KEY.kid

    def test_only_the_public_half_is_published(self) -> None:
        assert "d" not in public_key_set(KEY)["keys"][0]

    async def test_an_outside_issuers_older_name_of_the_algorithm_is_taken(self) -> None:
        claims = {"iss": ISSUER, "aud": ["xuefen", "others"], "sub": "s", "exp": NOW + 60, "scope": "a:read"}
        key = OKPKey.import_key(KEY.as_dict(private=True) | {"alg": "EdDSA"})
        with pytest.warns(SecurityWarning):
            signed = jwt.encode({"alg": "EdDSA", "kid": KEY.kid}, claims, key, algorithms=["EdDSA"])
        outside = TokenVerifier([Issuer(ISSUER, FixedKeys.of(key))], now=Clock())
        assert (await outside.verify(signed)).scopes == {"a:read"}

    @pytest.mark.parametrize("text", ["", "{}", '{"kty": "oct", "k": "AAAA"}', "[]"])
    def test_another_text_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="signing key"):
            signing_key_from(text)
