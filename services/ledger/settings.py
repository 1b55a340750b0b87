"""What the ledger is told by its environment; nothing here has a guess for a secret or a database."""

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LedgerSettings(BaseSettings):
    """Environment of the ledger's API and worker processes; every variable begins with XUEFEN_."""

    model_config = SettingsConfigDict(env_prefix="XUEFEN_", extra="ignore")

    ledger_database_url: str
    ledger_databases: dict[str, str] = Field(
        default_factory=dict, description="Logs that live on a server of their own: {log: DSN}."
    )
    ledger_pool_size: int = Field(default=8, ge=2, le=64)
    identity_key: str | None = None
    identity_key_file: Path | None = None
    issuer: str = "http://127.0.0.1:8001"
    jwks_url: str | None = None
    registry_url: str = "http://127.0.0.1:8001"
    transfer_url: str = "http://127.0.0.1:8003"
    ledger_token_file: Path | None = None
    batch_bytes_max: int = Field(default=8 * 1024 * 1024, ge=1024)

    @cached_property
    def identity_key_bytes(self) -> bytes:
        """The key of the keyed hashes, from the variable or the file it names; registry and ledger hold the same."""
        if self.identity_key:
            return self.identity_key.encode()
        if self.identity_key_file:
            return self.identity_key_file.read_bytes().strip()
        raise MissingKeyError("XUEFEN_IDENTITY_KEY or XUEFEN_IDENTITY_KEY_FILE must be set")


class MissingKeyError(RuntimeError):
    """A service was started without a secret it needs."""
