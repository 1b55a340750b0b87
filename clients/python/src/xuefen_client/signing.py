"""Signatures of requests by RFC 9421, with a digest of the body: what a bureau may ask of a client.

    Client(address, credentials, sign=signer("key-1", private_key))

The key is an Ed25519 private key, or the bytes of a shared secret. Needs the extra `signing`.
"""

from datetime import UTC, datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from xuefen_client.flows import SignRequest

_COVERED = ("@method", "@path", "@query")
_COMMAND_KEY = "idempotency-key"


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey | bytes) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey | bytes:
        return self._key

    def resolve_public_key(self, key_id: str) -> object:
        raise NotImplementedError("a client verifies no requests")


def signer(key_id: str, key: Ed25519PrivateKey | bytes) -> SignRequest:
    """What signs each request that changes something: method, address, body, and the key of a command."""
    kind = algorithms.HMAC_SHA256 if isinstance(key, bytes) else algorithms.ED25519
    signing = HTTPMessageSigner(signature_algorithm=kind, key_resolver=_OneKey(key))

    def sign(request: httpx.Request) -> None:
        if request.method in {"GET", "HEAD"}:
            return
        covered = [*_COVERED, *([_COMMAND_KEY] if _COMMAND_KEY in request.headers else [])]
        signing.sign(
            request,
            key_id=key_id,
            created=datetime.now(UTC),
            label="sig1",
            covered_component_ids=covered,
            body=request.content or None,
        )

    return sign
