"""Tokens: whose are taken, and what is said to everybody else."""

import asyncio
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, OKPKey

from services.kit.auth import LEEWAY_SECONDS, Issuer, TokenVerifier
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
         {"now": lambda: NOW - 3600.0 - LEEWAY_SECONDS}, {"now": lambda: NOW + 1.0 + LEEWAY_SECONDS}],
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

    @pytest.mark.parametrize("leeway", [0, LEEWAY_SECONDS, 120])
    async def test_the_clocks_of_two_hosts_may_differ_by_the_leeway_and_no_more(self, leeway: int) -> None:
        async def taken(signed_at: int) -> bool:
            by = TokenVerifier([Issuer(ISSUER, FixedKeys.of(KEY))], now=Clock(), leeway_seconds=leeway)
            try:
                await by.verify(token("a", lifetime_seconds=100, now=Clock(signed_at)))
            except NotAuthenticatedError:
                return False
            return True

        assert await taken(NOW - 99 - leeway)
        assert not await taken(NOW - 100 - leeway)
        assert await taken(NOW + leeway)
        assert not await taken(NOW + leeway + 1)

    async def test_a_verified_token_ends_when_it_expires(self) -> None:
        clock = Clock()
        checks = verifier(clock)
        good = token("a", lifetime_seconds=100, now=clock)
        await checks.verify(good)
        clock.seconds += 99 + LEEWAY_SECONDS
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

    async def test_an_issuer_that_is_away_is_not_waited_for_by_every_request(self) -> None:
        server, clock = KeyServer(), Clock()
        keys = FetchedKeys("http://keys.example", client=server.client, now=clock)
        await keys.current()
        server.broken = True
        clock.seconds += 7200
        await keys.current()
        asked = server.asked
        clock.seconds += 60
        await keys.current()
        assert server.asked == asked  # beside, not before the answer

    async def test_the_last_good_keys_are_kept_for_a_process_that_starts_while_the_issuer_is_away(
        self, tmp_path: Path
    ) -> None:
        server, kept = KeyServer(), tmp_path / "ours" / "keys.json"
        await FetchedKeys("http://keys.example", client=server.client, kept_in=kept).current()
        assert kept.parent.stat().st_mode & 0o077 == 0
        server.broken = True
        again = FetchedKeys("http://keys.example", client=server.client, kept_in=kept)
        assert (await again.current()).as_dict() == (await FixedKeys.of(*server.keys).current()).as_dict()

    @pytest.mark.parametrize("kept", ["", "no json", "[]", '{"keys": 1}'])
    async def test_a_kept_file_that_cannot_be_read_is_as_none(self, tmp_path: Path, kept: str) -> None:
        file = tmp_path / "keys.json"
        file.write_text(kept, encoding="utf-8")
        server = KeyServer()
        assert await FetchedKeys("http://keys.example", client=server.client, kept_in=file).current()

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
