"""Signatures of requests (RFC 9421): whoever holds a signing key proves who sent a request, byte for byte.

The key stands in the token (`cnf`, RFC 7800), put there by whoever issues it: a public Ed25519 key, or the id of a secret
that both sides derive. So no request looks anything up. What is kept of a signature is its digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from services.kit.clock import Clock, utc_now
from services.kit.errors import Problem
from services.kit.sealing import AES, derive
from services.kit.signing import ED25519, HMAC, SigningKey

WINDOW = timedelta(minutes=5)
"""How old a signature may be, and how far ahead of our clock; a request sent again within it is a repeat by its own ids."""
SIGNED = ("@method", "@path", "@query")
"""What every signature covers, beside the digest of a body and the key of a command."""
KEY_HEADER = "idempotency-key"
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ANY_HOST = "https://service"
_BYTES = re.compile(r"=:([A-Za-z0-9+/]+={0,2}):")


class SignatureMissingError(Problem):
    """Requests of this client have to be signed."""

    code = "signature-missing"
    status = 401
    title_zh = "请求未签名"
    title_en = "The request is not signed"


class SignatureInvalidError(Problem):
    """The signature is not of this request, of another key, or too old."""

    code = "signature-invalid"
    status = 401
    title_zh = "请求签名无效"
    title_en = "The signature of the request is not valid"


def public_key_of(text: str) -> bytes:
    """The 32 bytes of an Ed25519 key in base64url. ValueError when it is none."""
    key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    Ed25519PublicKey.from_public_bytes(key)
    return key


def signing_secret(key: bytes, client_id: str, key_id: str) -> bytes:
    """The secret that a client signs with by HMAC: derived from the deployment's `key`, and stored nowhere."""
    return derive(AES, key, f"request signing\n{client_id}\n{key_id}".encode())


class _Verifier(HTTPMessageVerifier):
    """The library's, by a clock that is handed in."""

    def __init__(self, algorithm: Any, resolver: Any, clock: Clock) -> None:
        super().__init__(signature_algorithm=algorithm, key_resolver=resolver)
        self._clock = clock

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        """Refuse what was not signed within the window, or has expired."""
        now = self._clock().timestamp()
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or abs(now - created) > WINDOW.total_seconds():
            raise InvalidSignature("created outside the window")
        if expires is not None and (type(expires) is not int or expires < now):
            raise InvalidSignature("expired")


@dataclass(frozen=True)
class _Message:
    method: str
    url: str
    headers: Any


class _Resolver:
    def __init__(self, key: SigningKey, secret: bytes) -> None:
        self._key, self._secret = key, secret

    def resolve_public_key(self, key_id: str) -> Any:
        if key_id != self._key.key_id:
            raise InvalidSignature("another key")
        if self._key.public is None:
            return self._secret
        return Ed25519PublicKey.from_public_bytes(public_key_of(self._key.public))


def verify(
    message: _Message, body: bytes, key: SigningKey, secret: bytes = b"", *, clock: Clock = utc_now
) -> str:
    """The digest of a request's one signature, over its base and its bytes. Raises SignatureInvalidError."""
    required = [*SIGNED]
    names = {name.lower() for name, _ in message.headers.items()}
    if KEY_HEADER in names:
        required.append(KEY_HEADER)
    algorithm = algorithms.ED25519 if key.algorithm == ED25519 else algorithms.HMAC_SHA256
    try:
        [result] = _Verifier(algorithm, _Resolver(key, secret), clock).verify(
            message, max_age=None, require_components=required, body=body
        )
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise SignatureInvalidError from error
    base = "\n".join(f"{name}: {value}" for name, value in result.covered_components.items())
    given = dict(message.headers.items())
    found = _BYTES.search(next(value for name, value in given.items() if name.lower() == "signature"))
    assert found is not None, "a signature that was verified is there"
    return "sha256:" + hashlib.sha256(base.encode() + b"\n" + base64.b64decode(found[1])).hexdigest()


async def check_signature(request: Request) -> None:
    """A dependency of every route: a request that changes something is signed where its client has to sign, and what is
    signed by a client that has a key is verified; the digest is kept as `request.state.signature`.

    Raises SignatureMissingError and SignatureInvalidError.
    """
    key: SigningKey | None = getattr(request.scope["state"].get("caller"), "signing", None)
    if key is None or request.method in _SAFE:
        return
    secret = b""
    if key.algorithm == HMAC:
        shared: bytes | None = getattr(request.app.state, "signing_key", None)
        if shared is None:
            return  # a service that does not hold the secret: the token alone counts
        secret = signing_secret(shared, request.scope["state"]["caller"].subject, key.key_id)
    if "signature-input" not in request.headers and "signature" not in request.headers:
        if key.required:
            problem = SignatureMissingError()
            problem.headers = {"Accept-Signature": _wanted(key)}
            raise problem
        return
    message = _Message(request.method, _address(request.scope), request.headers)
    clock: Clock = getattr(request.app.state, "clock", utc_now)
    try:
        digest = verify(message, await request.body(), key, secret, clock=clock)
    except SignatureInvalidError as problem:
        problem.headers = {"Accept-Signature": _wanted(key)}
        raise
    request.state.signature = digest


def signature_of(request: Request) -> str | None:
    """The digest of the signature under which a request came; None for one that was not signed."""
    return getattr(request.state, "signature", None)


def _wanted(key: SigningKey) -> str:
    """What has to be signed, in the words of RFC 9421, 5.1."""
    covered = " ".join(f'"{name}"' for name in (*SIGNED, "content-digest"))
    return f'sig1=({covered});created;keyid="{key.key_id}";alg="{key.algorithm}"'


def _address(scope: Mapping[str, Any]) -> str:
    """The address as it was asked for; its host is not signed, since a proxy may change it."""
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).partition(b"?")[0]
    query = scope.get("query_string") or b""
    asked = path + (b"?" + query if query else b"")
    return _ANY_HOST + asked.decode("ascii", "replace")
