"""Settings of the synchronisation, from its environment; nothing here has a guess for a secret or a database."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr

from services.kit.settings import ServiceSettings, SettingsError, secret_key
from services.sync.targets import PACKAGED


class SyncSettings(ServiceSettings):
    """Environment of the synchronisation's processes; every variable begins with `XUEFEN_`."""

    sync_database_url: str
    """Address of the application's role (`xuefen_sync`)."""
    sync_pool_size: int = Field(default=12, ge=2, le=64)
    sync_token_file: Path | None = None
    """A file with the token by which the worker reads feeds, asks for identities and imports history."""
    sync_targets_file: Path = PACKAGED
    """The systems that are delivered to."""
    sync_credentials_dir: Path | None = None
    """The folder of the files that targets name as their `credential`."""
    sync_lease_seconds: int = Field(default=120, ge=5, le=3600)
    """How long a batch belongs to the worker that took it; afterwards another sends it again."""
    sync_pull_seconds: int = Field(default=300, ge=1, le=86_400)
    """How often the systems that hold history are asked for what is new."""
    webhook_key: SecretStr | None = None
    """Key from which the secrets of webhooks follow, 32 bytes in base64url."""
    webhook_key_file: Path | None = None
    webhooks_anywhere: bool = False
    """Lets webhooks go over http and to private hosts: in a sandbox alone, never in production."""

    @cached_property
    def webhook_key_bytes(self) -> bytes:
        """The key itself. Raises SettingsError when it is missing or of the wrong size, or webhooks would go anywhere."""
        if self.webhooks_anywhere and self.environment == "production":
            raise SettingsError(
                "XUEFEN_WEBHOOKS_ANYWHERE is for a sandbox: in production webhooks go to public hosts"
            )
        return secret_key("XUEFEN_WEBHOOK_KEY", self.webhook_key, self.webhook_key_file)
