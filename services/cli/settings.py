"""Settings of the `xuefen` command, from its environment: where things are kept, and where services listen."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr

from services.kit.settings import FROM_JSON, ServiceSettings, SettingsError, misspelt

SERVICES = ("registry", "ledger", "transfer", "sync")
CONSOLE = "console"
PROCESSES = (*SERVICES, CONSOLE)
"""All that is served: the services, and the console through which people use them."""
RELAY = "relay"
TARGETS = "targets"
SIGN_IN = "sign_in"
STAND_INS = (RELAY, TARGETS, SIGN_IN)


class StackSettings(ServiceSettings):
    """Settings of the commands that look at more than one service."""

    home: Path = Path(".xuefen")
    """Where the embedded database, secrets, logs and the record of what runs are kept."""
    database_url: SecretStr | None = None
    """An administrator's address of a PostgreSQL of one's own; unset, the embedded one is started."""
    database_port: int = Field(default=0, ge=0, le=65535)
    """Port of the embedded PostgreSQL, 0 for any free one."""
    partitions: int = Field(default=0, ge=0, le=64)
    """Hash partitions of the tables keyed by log, when they are made; 0 for plain tables."""

    registry_host: str = "127.0.0.1"
    registry_port: int = Field(default=8001, ge=0, le=65535)
    registry_database_url: SecretStr | None = None
    registry_owner_database_url: SecretStr | None = None
    ledger_host: str = "127.0.0.1"
    ledger_port: int = Field(default=8002, ge=0, le=65535)
    ledger_database_url: SecretStr | None = None
    ledger_owner_database_url: SecretStr | None = None
    ledger_databases: Annotated[dict[str, SecretStr], FROM_JSON] = Field(default_factory=dict)
    """Logs that live on a PostgreSQL of their own: {"440300": "postgresql://..."}, application's role."""
    ledger_owner_databases: Annotated[dict[str, SecretStr], FROM_JSON] = Field(default_factory=dict)
    """The same logs with the owner's role, for `migrate` and `rebuild`."""
    transfer_host: str = "127.0.0.1"
    transfer_port: int = Field(default=8003, ge=0, le=65535)
    transfer_database_url: SecretStr | None = None
    transfer_owner_database_url: SecretStr | None = None
    sync_host: str = "127.0.0.1"
    sync_port: int = Field(default=8004, ge=0, le=65535)
    sync_database_url: SecretStr | None = None
    sync_owner_database_url: SecretStr | None = None
    console_host: str = "127.0.0.1"
    console_port: int = Field(default=8000, ge=0, le=65535)
    console_database_url: SecretStr | None = None
    console_owner_database_url: SecretStr | None = None
    console_url: str | None = None
    """The console's address in people's browsers; where it listens when unset."""

    transfer_opened_authorities_file: Path | None = None
    """The authorities that have opened transfers between authorities; unset, the list that comes with the release."""
    relay_url: str | None = None
    """Address of the national relay; unset, `xuefen up` starts its stand-in."""
    relay_token_file: Path | None = None
    """A file with the token the relay gave out."""
    relay_host: str = "127.0.0.1"
    relay_port: int = Field(default=8010, ge=0, le=65535)
    """Where the stand-in listens."""
    targets_host: str = "127.0.0.1"
    targets_port: int = Field(default=8011, ge=0, le=65535)
    """Where the stand-in of the systems that are delivered to listens."""
    targets_token_file: Path | None = None
    """A file with the token that stand-in gives out."""
    targets_folder: Path | None = None
    """Where that stand-in keeps what it holds; unset, it ends with its process."""
    sign_in_issuers_file: Path | None = None
    """The issuers people sign in with; unset, `xuefen up` starts the stand-in."""
    sign_in_host: str = "127.0.0.1"
    sign_in_port: int = Field(default=8012, ge=0, le=65535)
    """Where that stand-in listens."""
    sign_in_people_file: Path | None = None
    """The fictitious people one may sign in as there; those of `xuefen up` when unset."""

    signing_key: SecretStr | None = None
    """Ed25519 key (JWK) of the token issuer; kept under `home` when neither this nor the file is set."""
    signing_key_file: Path | None = None

    ready_seconds: float = Field(default=60, ge=1, le=3600)
    """Within which everything that `xuefen up` or the demo starts has to be ready; longer on a slow machine."""

    @classmethod
    def of_sandbox(cls) -> Self:
        """The settings of a sandbox beside what else runs here: a directory, keys and an issuer of its own. Raises
        SettingsError in production."""
        told = cls.load(sandbox=True)
        return told.model_copy(update={"home": told.home / "sandbox"})

    def host_of(self, service: str) -> str:
        """The address a service listens on."""
        host: str = getattr(self, f"{service}_host")
        return host

    def port_of(self, service: str) -> int:
        """The port a service listens on; 0 for any free one."""
        port: int = getattr(self, f"{service}_port")
        return port

    def operations_port_of(self, service: str) -> int:
        """The port of a service's metrics; 0 for any free one."""
        port = self.port_of(service)
        return self.operations_port or (port + 1_000 if port else 0)

    def worker_operations_port_of(self, service: str) -> int:
        """The same of the service's worker."""
        port = self.port_of(service)
        return self.worker_operations_port or (port + 2_000 if port else 0)

    def database_urls(self) -> dict[str, str]:
        """The addresses given by `XUEFEN_<SERVICE>[_OWNER]_DATABASE_URL`, keyed `ledger`, `ledger_owner`."""
        found = {}
        for service in PROCESSES:
            for key in (service, f"{service}_owner"):
                url: SecretStr | None = getattr(self, f"{key}_database_url")
                if url is not None:
                    found[key] = url.get_secret_value()
        return found


OF_DEPLOYMENT = (
    *(f"{process}{role}_password" for process in PROCESSES for role in ("", "_owner")),
    "reset_passwords",
)
"""Variables of `deploy/` that no process reads."""


def misspelt_variables() -> list[str]:
    """A line for every variable that is none of any process's but for a slip."""
    from services.console.settings import ConsoleSettings
    from services.ledger.settings import LedgerSettings
    from services.registry.settings import RegistrySettings
    from services.sync.settings import SyncSettings
    from services.transfer.settings import TransferSettings

    kinds = (StackSettings, RegistrySettings, LedgerSettings, TransferSettings, SyncSettings, ConsoleSettings)
    return misspelt({*OF_DEPLOYMENT, *(name for kind in kinds for name in kind.model_fields)})


def known_service(name: str) -> str:
    """The name of a service as given; SettingsError when there is none of that name."""
    if name not in PROCESSES:
        raise SettingsError(f"there is no service {name!r}; there are {', '.join(PROCESSES)}")
    return name
