"""The issuers whose tokens a service takes: the registry of the deployment, and one outside if it is named."""

from services.kit.auth import Issuer
from services.kit.key_sets import FetchedKeys, KeySource
from services.kit.settings import ServiceSettings

OUTSIDE_ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "PS256", "RS256")
"""What an outside OpenID Connect issuer may sign with; never a shared secret."""


def issuers_of(settings: ServiceSettings, *, own: KeySource | None = None) -> list[Issuer]:
    """The issuers by the settings. `own` is the key set of a service that signs tokens itself."""
    issuers = [Issuer(settings.issuer, own or FetchedKeys(settings.key_set_url))]
    if settings.outside_issuer and settings.outside_jwks_url:
        keys = FetchedKeys(settings.outside_jwks_url)
        issuers.append(Issuer(settings.outside_issuer, keys, OUTSIDE_ALGORITHMS))
    return issuers
