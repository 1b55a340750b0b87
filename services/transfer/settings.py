"""Settings of the transfer service, from its environment; nothing here has a guess for a secret or a database."""

from pathlib import Path

from pydantic import Field

from contracts.divisions import AUTHORITIES, NATION
from services.kit.settings import ServiceSettings, SettingsError
from services.transfer.places import PACKAGED


class TransferSettings(ServiceSettings):
    """Environment of the transfer service's processes; every variable begins with `XUEFEN_`."""

    transfer_database_url: str
    """Address of the application's role (`xuefen_transfer`)."""
    transfer_pool_size: int = Field(default=8, ge=2, le=64)
    transfer_token_file: Path | None = None
    """A file with the token by which the service reads the registry's feed and calls registry and ledger."""
    transfer_opened_authorities_file: Path = PACKAGED
    """The authorities that have opened transfers between authorities (S2C-13)."""
    transfer_authorities: str = ""
    """The authorities whose ends are kept here, codes with commas between them; all of them when empty."""
    transfer_poll_seconds: float = Field(default=1.0, ge=0.05, le=300)
    """How often the worker looks for steps and for what is over."""
    relay_url: str = "http://127.0.0.1:8010"
    """Address of the national relay, or of its stand-in."""
    relay_token_file: Path | None = None
    """A file with the token the relay gave us."""
    relay_poll_seconds: float = Field(default=30.0, ge=0.05, le=86_400)
    """How often the worker fetches what the relay holds for our authorities (S2C-17: periodically)."""

    @property
    def authorities(self) -> tuple[str, ...]:
        """The authorities whose ends are kept here. Raises SettingsError for a code that is none of them."""
        named = tuple(code.strip() for code in self.transfer_authorities.split(",") if code.strip())
        keepers = tuple(code for code in AUTHORITIES if code != NATION)
        unknown = sorted(set(named) - set(keepers))
        if unknown:
            raise SettingsError(f"XUEFEN_TRANSFER_AUTHORITIES names {unknown[0]}, which keeps no profiles")
        return named or keepers
