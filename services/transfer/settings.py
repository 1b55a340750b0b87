"""What the transfer service is told by its environment; nothing here has a guess for a secret or a database."""

from pathlib import Path

from pydantic import Field

from services.kit.settings import ServiceSettings
from services.transfer.opened import PACKAGED


class TransferSettings(ServiceSettings):
    """Environment of the transfer service's processes; every variable begins with `XUEFEN_`."""

    transfer_database_url: str
    """Address of the application's role (`xuefen_transfer`)."""
    transfer_pool_size: int = Field(default=8, ge=2, le=64)
    transfer_token_file: Path | None = None
    """A file with the token by which the worker reads the registry's feed."""
    transfer_opened_authorities_file: Path = PACKAGED
    """The authorities that have opened transfers between authorities (S2C-13)."""
