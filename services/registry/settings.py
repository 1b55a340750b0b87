"""Settings of the registry from its environment. It alone holds the keys of personal data and of tokens."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated

from joserfc.jwk import OKPKey
from pydantic import Field, SecretStr

from contracts.identity import IdentityHashers, algorithm_of
from contracts.sign_in import SignInError, SignInIssuer, trusted_issuers
from services.kit.budgets import Budget, budgets_from
from services.kit.key_shares import KeyShares, KeySharesError
from services.kit.sealing import ALGORITHM_OF, GM, KeyWrapper
from services.kit.settings import (
    FROM_JSON,
    ServiceSettings,
    SettingsError,
    secret_key,
    secret_keys,
    secret_text,
)
from services.kit.signing import signing_key_from
from services.registry.personal_data.evidence import Limits

BUDGETS = {
    "identity-checks": Budget(misses=500),
    "collections": Budget(misses=50),
    "refused-sign-ins": Budget(misses=200, hours=1),
    "refused-sign-ins-in-all": Budget(misses=5_000, hours=1),
    "sandbox-keys": Budget(misses=100, hours=1),
}
"""The masked form of a number leaves some 2,300: who tries them all is noticed, and takes days. Of sign-ins that are refused
so many are on record each, of an address and of all; beyond that they are counted, so that nobody fills the database."""


class RegistrySettings(ServiceSettings):
    """Environment of the registry's processes; every variable begins with `XUEFEN_`."""

    registry_database_url: str
    """Address of the application's role (`xuefen_registry`)."""
    registry_pool_size: int = Field(default=8, ge=2, le=64)
    identity_key: SecretStr | None = None
    """Key of the keyed hashes, 32 bytes in base64url; the ledger holds the same."""
    identity_key_file: Path | None = None
    """Holds two, one on each line, while the key is rotated: the first hashes, both recognise."""
    digest_key: SecretStr | None = None
    """Key of what is compared for ever and says nothing of who somebody is; the ledger holds the same."""
    digest_key_file: Path | None = None
    key_encryption_key: SecretStr | None = None
    """Wraps the key of each person, 32 bytes in base64url; nobody but the registry holds it."""
    key_encryption_key_file: Path | None = None
    """May hold several, one on each line, while keys are rotated: the first wraps, all open."""
    home: Path = Path(".xuefen")
    key_shares_file: Path | None = None
    """Random shares that wrap people's keys too, kept apart from the database; under `home` when unset."""
    evidence_dir: Path | None = None
    """Where evidence files are kept, sealed; under `home` when unset."""
    evidence_size_max: int = Field(default=500_000, ge=1_000, le=5_000_000)
    """Bytes of one evidence file at most."""
    evidence_size_min: int = Field(default=20_000, ge=1, le=5_000_000)
    """Bytes of one evidence document at least."""
    photo_size_min: int = Field(default=10_000, ge=1, le=5_000_000)
    """Bytes of one photo (JPEG, PNG) at least."""
    signing_key: SecretStr | None = None
    """Signs tokens: a private Ed25519 key as JWK JSON."""
    signing_key_file: Path | None = None
    sign_in_issuers_file: Path | None = None
    """The issuers people sign in with, and what their claims mean; the console reads the same file."""
    token_lifetime_seconds: int = Field(default=3600, ge=60, le=86_400)
    registry_budgets: Annotated[dict[str, Budget], FROM_JSON] = Field(default_factory=dict)
    """Misses a caller may have, where other than `BUDGETS`: {"identity-checks": {"misses": 2000, "hours": 24}}."""
    idempotency_days: int = Field(default=90, ge=1, le=3650)
    """How long a command's key and answer are kept; a retry later than that is a new command."""

    @property
    def budgets(self) -> dict[str, Budget]:
        """How many questions about nobody a caller may ask. Raises SettingsError for a budget that there is not."""
        try:
            return budgets_from(self.registry_budgets, BUDGETS)
        except ValueError as error:
            raise SettingsError(f"XUEFEN_REGISTRY_BUDGETS cannot be used: {error}") from None

    def check_keys(self) -> None:
        """Raise SettingsError for a key that cannot be used: at the start, not before the first caller."""
        _ = (
            self.hashers,
            self.digest_key_bytes,
            self.wrapper,
            self.token_key,
            self.sign_in_issuers,
            self.audit_key_bytes,
        )

    @cached_property
    def digest_key_bytes(self) -> bytes:
        """The key that the ledger holds too. Raises SettingsError when it is missing or of the wrong size."""
        return secret_key("XUEFEN_DIGEST_KEY", self.digest_key, self.digest_key_file)

    @cached_property
    def fingerprint_key(self) -> bytes:
        """The key under which a command's body is remembered: bodies hold names and numbers."""
        return hashlib.blake2b(b"fingerprint", key=self.digest_key_bytes).digest()

    def identity_keys(self) -> list[bytes]:
        """The keys as they stand now; the ledger holds them too. Raises SettingsError when one is missing or no key."""
        return secret_keys("XUEFEN_IDENTITY_KEY", self.identity_key, self.identity_key_file)

    @cached_property
    def hashers(self) -> IdentityHashers:
        """The keyed hashes of identity. Raises SettingsError when a key is missing or of the wrong size."""
        return IdentityHashers(self.identity_keys, algorithm_of(self.crypto_profile, self.identity_hash))

    @cached_property
    def wrapper(self) -> KeyWrapper:
        """What wraps people's keys. Raises SettingsError likewise."""
        self.key_encryption_keys()
        return KeyWrapper(
            self.key_encryption_keys, algorithm=ALGORITHM_OF[self.crypto_profile], shares=self.shares
        )

    @cached_property
    def sign_in_issuers(self) -> tuple[SignInIssuer, ...]:
        """The issuers people sign in with; nobody does when no file is named. Raises SettingsError."""
        try:
            return trusted_issuers(self.sign_in_issuers_file, production=self.environment == "production")
        except SignInError as error:
            raise SettingsError(f"XUEFEN_SIGN_IN_ISSUERS_FILE: {error}") from None

    def key_encryption_keys(self) -> list[bytes]:
        """The keys as they stand now: a file is read again after it changed, so that rotation needs no restart."""
        variable = "XUEFEN_KEY_ENCRYPTION_KEY"
        return secret_keys(variable, self.key_encryption_key, self.key_encryption_key_file)

    @cached_property
    def shares(self) -> KeyShares:
        """The shares beside the database. Raises SettingsError when the file cannot be used."""
        try:
            return KeyShares(self.key_shares_file or self.home / "secrets" / "key-shares")
        except KeySharesError as error:
            raise SettingsError(f"XUEFEN_KEY_SHARES_FILE cannot be used: {error}") from None

    @property
    def secret_digest(self) -> str:
        """The algorithm by which new secrets of clients are kept."""
        return "sm3" if self.crypto_profile == GM else "sha256"

    @property
    def evidence_limits(self) -> Limits:
        """How large evidence files may be."""
        return Limits(self.evidence_size_max, self.evidence_size_min, self.photo_size_min)

    @property
    def evidence_folder(self) -> Path:
        """Where evidence files are."""
        return self.evidence_dir or self.home / "evidence"

    @cached_property
    def token_key(self) -> OKPKey:
        """The key that signs tokens. Raises SettingsError when it is missing or not an Ed25519 key."""
        text = secret_text("XUEFEN_SIGNING_KEY", self.signing_key, self.signing_key_file)
        try:
            return signing_key_from(text)
        except ValueError as error:
            raise SettingsError(f"XUEFEN_SIGNING_KEY cannot be used: {error}") from None
