"""Signing keys and the tokens signed with them; it imports no HTTP, so that a command is quick to sign one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

AUDIENCE = "xuefen"
ALGORITHM = "Ed25519"
CLAIM_PLACE = "xuefen_place"
CLAIM_ORGANIZATION = "xuefen_organization"
CLAIM_DOCUMENT = "xuefen_document"
"""The document by which whoever signed the subject in knows them: `<type>:<number>`."""
CLAIM_SIGNED = "xuefen_signed"
"""Whether the subject has to sign what it asks to be changed."""
ED25519, HMAC = "ed25519", "hmac-sha256"
"""The algorithms by which requests are signed (RFC 9421)."""


@dataclass(frozen=True)
class SigningKey:
    """The key that a client signs with. `public` is the Ed25519 key in base64url; a secret is derived instead."""

    algorithm: str
    key_id: str
    public: str | None = None
    required: bool = False

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any]) -> SigningKey | None:
        """The key that a token names. ValueError, KeyError or TypeError where it names one that is none."""
        confirmed, required = claims.get("cnf"), claims.get(CLAIM_SIGNED) is True
        if not isinstance(confirmed, dict) or not confirmed.keys() & {"jwk", "kid"}:
            return None
        jwk = confirmed.get("jwk")
        if jwk is None:
            return cls(HMAC, str(confirmed["kid"]), None, required)
        if (jwk["kty"], jwk["crv"]) != ("OKP", "Ed25519"):
            raise ValueError("a key of another kind")
        return cls(ED25519, str(jwk["kid"]), str(jwk["x"]), required)

    def claims(self) -> dict[str, object]:
        """What a token says of the key."""
        jwk = {"kty": "OKP", "crv": "Ed25519", "kid": self.key_id, "x": self.public}
        confirmed: dict[str, object] = {"kid": self.key_id} if self.public is None else {"jwk": jwk}
        return {"cnf": confirmed, CLAIM_SIGNED: self.required}


def new_signing_key() -> OKPKey:
    """A fresh Ed25519 key with an id derived from it."""
    return OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)


def signing_key_text(key: OKPKey) -> str:
    """The private key as JWK JSON: a secret, for a file or a setting."""
    return json.dumps(key.as_dict(private=True), sort_keys=True)


def signing_key_from(text: str) -> OKPKey:
    """The private key from its JWK JSON. Raises ValueError when it is not a private Ed25519 key."""
    try:
        key = OKPKey.import_key(json.loads(text))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ValueError("the signing key is not a JWK") from error
    if not key.is_private or key.curve_name != "Ed25519":
        raise ValueError("the signing key is not a private Ed25519 key")
    key.ensure_kid()
    return key


def public_key_set(*keys: OKPKey) -> Mapping[str, object]:
    """The JWK Set that is published: public halves only."""
    return dict(KeySet(list(keys)).as_dict(private=False))


def sign_token(
    key: OKPKey,
    *,
    issuer: str,
    subject: str,
    scopes: Iterable[str],
    place: str | None = None,
    organization: str | None = None,
    document: str | None = None,
    signing: SigningKey | None = None,
    audience: str = AUDIENCE,
    lifetime_seconds: int = 3600,
    now: Callable[[], float] = time.time,
) -> str:
    """A signed token for the subject; the registry and the command line both make theirs here."""
    key.ensure_kid()
    issued = int(now())
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "scope": " ".join(sorted(scopes)),
        "iat": issued,
        "nbf": issued,
        "exp": issued + lifetime_seconds,
    }
    if place is not None:
        claims[CLAIM_PLACE] = place
    if organization is not None:
        claims[CLAIM_ORGANIZATION] = organization
    if document is not None:
        claims[CLAIM_DOCUMENT] = document
    if signing is not None:
        claims |= signing.claims()
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])
