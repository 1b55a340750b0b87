"""Requests signed as a client signs them: by the library's own signer, over what the services want covered."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from services.kit.signatures import SIGNED
from services.kit.signing import ED25519, HMAC, SigningKey


class Signer(HTTPSignatureKeyResolver):
    """A client's key, and what it signs."""

    def __init__(self, algorithm: str = ED25519, *, secret: bytes = b"", key_id: str = "key-1") -> None:
        self.key_id = key_id
        self._secret = secret
        self._private = Ed25519PrivateKey.generate()
        self.algorithm = algorithm
        self.public = (
            base64.urlsafe_b64encode(self._private.public_key().public_bytes_raw()).decode().rstrip("=")
        )

    def key(self, *, required: bool = False) -> SigningKey:
        """The key as a token names it."""
        public = self.public if self.algorithm == ED25519 else None
        return SigningKey(self.algorithm, self.key_id, public, required)

    def resolve_private_key(self, key_id: str) -> object:
        return self._private if self.algorithm == ED25519 else self._secret

    def resolve_public_key(self, key_id: str) -> object:
        raise NotImplementedError

    def signs(
        self,
        request: httpx.Request,
        created: datetime,
        *,
        covered: Sequence[str] = SIGNED,
        expires: timedelta | None = None,
        key_id: str | None = None,
    ) -> httpx.Request:
        """The request, signed at a moment."""
        kind = algorithms.HMAC_SHA256 if self.algorithm == HMAC else algorithms.ED25519
        components = [*covered]
        if "idempotency-key" in request.headers and covered is SIGNED:
            components.append("idempotency-key")
        HTTPMessageSigner(signature_algorithm=kind, key_resolver=self).sign(
            request,
            key_id=key_id or self.key_id,
            created=created,
            expires=None if expires is None else created + expires,
            label="sig1",
            covered_component_ids=components,
            body=request.content or None,
        )
        return request
