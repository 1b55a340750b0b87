"""Settings of the console, from its environment; every variable begins with `XUEFEN_`."""

from functools import cached_property
from pathlib import Path

from pydantic import Field

from contracts.sign_in import SignInError, SignInIssuer, trusted_issuers
from services.kit.sealing import ALGORITHM_OF
from services.kit.settings import ServiceSettings, SettingsError


class ConsoleSettings(ServiceSettings):
    """Environment of the console's process."""

    console_database_url: str
    """Address of the application's role (`xuefen_console`); sessions are kept there, and nothing else."""
    console_pool_size: int = Field(default=4, ge=2, le=64)
    console_url: str = "http://127.0.0.1:8000"
    """The address in people's browsers; issuers send them back to it."""
    sync_url: str = "http://127.0.0.1:8004"
    sign_in_issuers_file: Path | None = None
    """The issuers people sign in with; the registry reads the same file."""
    console_idle_minutes: int = Field(default=30, ge=1, le=1_440)
    """After so long without a page a session is over."""
    console_session_hours: int = Field(default=10, ge=1, le=168)
    """After so long it is over in any case."""

    @cached_property
    def sign_in_issuers(self) -> tuple[SignInIssuer, ...]:
        """The issuers people sign in with. Raises SettingsError."""
        try:
            return trusted_issuers(self.sign_in_issuers_file, production=self.environment == "production")
        except SignInError as error:
            raise SettingsError(f"XUEFEN_SIGN_IN_ISSUERS_FILE: {error}") from None

    @property
    def behind_tls(self) -> bool:
        """Whether browsers reach it over TLS: cookies are then sent over nothing else."""
        return self.console_url.startswith("https://")

    @property
    def algorithm(self) -> str:
        """The algorithm that seals sessions."""
        return ALGORITHM_OF[self.crypto_profile]
