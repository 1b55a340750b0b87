"""Signing keys and the tokens signed with them; it imports no HTTP, so that a command is quick to sign one."""

import json
import time
from collections.abc import Callable, Iterable, Mapping

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

AUDIENCE = "xuefen"
ALGORITHM = "Ed25519"
CLAIM_PLACE = "xuefen_place"
CLAIM_ORGANIZATION = "xuefen_organization"
CLAIM_DOCUMENT = "xuefen_document"
"""The document by which whoever signed the subject in knows them: `<type>:<number>`."""


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
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])
