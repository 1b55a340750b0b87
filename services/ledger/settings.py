"""Settings of the ledger's processes, from their environment."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from contracts.identity import IdentityHashers, algorithm_of
from services.kit.budgets import Budget, budgets_from
from services.kit.quotas import Quota, QuotaTerms
from services.kit.settings import FROM_JSON, ServiceSettings, SettingsError, secret_key, secret_keys

BUDGETS = {
    "reports": Budget(misses=5_000),
    "queries": Budget(misses=1_000),
    "attestation-checks": Budget(misses=100),
    "attestation-verifications": Budget(misses=10),
    "verifying-addresses": Budget(misses=100),
    "claim-lists": Budget(misses=500),
}
"""A provider's records of people nobody has collected wait for them: many are no sign of guessing, very many are. Who
verifies an attestation has no token: an address may miss so often with one reference, and so often in all."""


QUOTAS = QuotaTerms(organizations=Quota(requests=30_000, seconds=60))
"""A loop that asks without a pause is stopped; whoever posts in batches never meets it."""


class LedgerSettings(ServiceSettings):
    """Environment of the ledger's processes; every variable begins with `XUEFEN_`."""

    ledger_database_url: str
    """Address of the application's role (`xuefen_ledger`)."""
    ledger_databases: Annotated[dict[str, str], FROM_JSON] = Field(default_factory=dict)
    """Logs that live on a PostgreSQL of their own: {"440300": "postgresql://..."}."""
    ledger_pool_size: int = Field(default=8, ge=2, le=64)
    identity_key: SecretStr | None = None
    """Key of the keyed hashes, 32 bytes in base64url; the registry holds the same."""
    identity_key_file: Path | None = None
    """Holds two, one on each line, while the key is rotated: the first hashes, both recognise."""
    digest_key: SecretStr | None = None
    """Key of what tells facts and requests apart for ever; the registry holds the same."""
    digest_key_file: Path | None = None
    ledger_budgets: Annotated[dict[str, Budget], FROM_JSON] = Field(default_factory=dict)
    """Misses a caller may have, where other than `BUDGETS`: {"reports": {"misses": 20000, "hours": 24}}."""
    ledger_quotas: Annotated[QuotaTerms, FROM_JSON] = QUOTAS
    """Requests that a client may send: {"organizations": {"requests": 30000, "seconds": 60}, "clients": {"<id>": {...}}}."""
    ledger_token_file: Path | None = None
    """The token with which the worker reads the other services' feeds."""

    def identity_keys(self) -> list[bytes]:
        """The keys as they stand now. Raises SettingsError when one is missing or no key."""
        return secret_keys("XUEFEN_IDENTITY_KEY", self.identity_key, self.identity_key_file)

    @cached_property
    def digest_key_bytes(self) -> bytes:
        """The key itself. Raises SettingsError when it is missing or of the wrong size."""
        return secret_key("XUEFEN_DIGEST_KEY", self.digest_key, self.digest_key_file)

    @property
    def budgets(self) -> dict[str, Budget]:
        """How many questions about nobody a caller may ask. Raises SettingsError for a budget that there is not."""
        try:
            return budgets_from(self.ledger_budgets, BUDGETS)
        except ValueError as error:
            raise SettingsError(f"XUEFEN_LEDGER_BUDGETS cannot be used: {error}") from None

    @cached_property
    def hashers(self) -> IdentityHashers:
        """The keyed hashes of identity, in the algorithm that the registry has. Raises SettingsError."""
        return IdentityHashers(self.identity_keys, algorithm_of(self.crypto_profile, self.identity_hash))
