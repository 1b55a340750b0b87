"""The directory `.xuefen`: logs, the record of what `xuefen up` has running, and the secrets of each process."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec
from joserfc.jwk import OKPKey

from services.cli.settings import StackSettings
from services.kit.processes import is_running, process_started
from services.kit.settings import PREFIX, SettingsError, new_key_text, secret_text
from services.kit.signing import new_signing_key, signing_key_from, signing_key_text

KEYS: dict[str, Callable[[], str]] = {
    "identity.key": new_key_text,
    "digest.key": new_key_text,
    "key-encryption.key": new_key_text,
    "audit.key": new_key_text,
    "webhook.key": new_key_text,
    "signing.jwk": lambda: signing_key_text(new_signing_key()),
    "relay.token": new_key_text,
}
"""The secret keys of a deployment: of identity hashes, of digests that last, of what wraps people's keys, of the audit's
digests, of webhooks' secrets, of tokens."""
_RELAY_POLL_SECONDS = "1"
"""How often a worker beside the stand-in fetches; the real relay is asked less often."""


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process we started: `started` tells it from a later one that was given the same id."""

    name: str
    pid: int
    started: str
    address: str = ""

    @property
    def running(self) -> bool:
        """Whether this very process still runs."""
        return is_running(self.pid) and process_started(self.pid) == self.started


class StackRecord(msgspec.Struct, frozen=True):
    """What one `xuefen up` has running, and how to reach its databases."""

    supervisor: ProcessRecord
    processes: list[ProcessRecord] = []
    databases: dict[str, str] = {}
    embedded: bool = False
    ready: bool = False


def record_of(name: str, pid: int, address: str = "") -> ProcessRecord:
    """The record of a process that runs now."""
    return ProcessRecord(name, pid, process_started(pid), address)


class StateDir:
    """The directory and what is in it; nothing is made before it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.database = self.path / "postgres"
        self.logs = self.path / "logs"
        self.evidence = self.path / "evidence"
        self.sign_in_issuers_file = self.path / "sign-in-issuers.yaml"
        self.sign_in_people_file = self.path / "sign-in-people.yaml"
        self._secrets = self.path / "secrets"
        self.key_shares_file = self._secrets / "key-shares"
        self._record = self.path / "stack.json"
        self._lock: IO[str] | None = None

    def take(self) -> bool:
        """Become the one stack of this directory; False when another holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        lock = (self.path / "stack.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def leave(self) -> None:
        """Let another stack take the directory."""
        if self._lock is not None:
            self._record.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def delete(self) -> None:
        """Delete the directory, the embedded database and its private copies, wherever they are."""
        from services.kit.embedded_places import forget_binaries
        from services.kit.embedded_postgres import EmbeddedPostgres

        if self.path.exists():
            EmbeddedPostgres(self.database).remove()
            shutil.rmtree(self.path)
        forget_binaries()

    def read_record(self) -> StackRecord | None:
        """What the last stack has written, which may be of a killed one; None when it has ended cleanly."""
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=StackRecord)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write_record(self, record: StackRecord) -> None:
        """Replace the record at once; it holds passwords, so it is ours alone to read."""
        write_private(self._record, msgspec.json.encode(record).decode())

    def identity_key_file(self) -> Path:
        """The key of the keyed hashes of identity."""
        return self._key("identity.key")

    def digest_key_file(self) -> Path:
        """The key of the digests that tell facts and requests apart for ever."""
        return self._key("digest.key")

    def key_encryption_key_file(self) -> Path:
        """The key that wraps each person's own key."""
        return self._key("key-encryption.key")

    def audit_key_file(self) -> Path:
        """The key of the digests over the audit."""
        return self._key("audit.key")

    def webhook_key_file(self) -> Path:
        """The key from which the secrets of webhooks follow."""
        return self._key("webhook.key")

    def signing_key_file(self) -> Path:
        """The Ed25519 key the token issuer signs with, as JWK."""
        return self._key("signing.jwk")

    def relay_token_file(self) -> Path:
        """The token that the relay's stand-in gives out to the transfer service beside it."""
        return self._key("relay.token")

    def token_file(self, service: str) -> Path:
        """Where the token stands by which a service calls the others."""
        return self._secrets / f"{service}.token"

    def write_token(self, service: str, token: str) -> Path:
        """Keep the token by which a service calls the others."""
        path = self.token_file(service)
        self._secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, token)
        return path

    def database_passwords(self, services: tuple[str, ...]) -> dict[str, str]:
        """Passwords of the services' database roles, made when first asked for."""
        keys = [key for service in services for key in (service, f"{service}_owner")]
        path = self._secret("database-passwords.json", lambda: json.dumps(dict.fromkeys(keys, "")))
        passwords: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        passwords = {key: passwords.get(key) or new_key_text() for key in keys}
        write_private(path, json.dumps(passwords, indent=1))
        return passwords

    def _key(self, name: str) -> Path:
        if not (self._secrets / name).exists():
            make_keys(self._secrets)
        return self._secrets / name

    def _secret(self, name: str, make: Callable[[], str]) -> Path:
        path = self._secrets / name
        if not path.exists():
            self._secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, make())
        return path


def make_keys(folder: Path, *, replace_missing: bool = False) -> list[Path]:
    """Write the keys of a deployment into a folder, and a token for the relay's stand-in; what is there is left as it is.

    Raises SettingsError when some are there and others are not, unless told to make those anew: what was written under a
    lost key is lost with it, and under a new one everybody is a stranger.
    """
    missing = [name for name in KEYS if not (folder / name).exists()]
    if 0 < len(missing) < len(KEYS) and not replace_missing:
        raise SettingsError(
            f"{', '.join(missing)} missing in {folder} beside the other keys: put the lost file back,"
            " or let `xuefen keys --replace-missing` make a new one if nothing was ever written under it"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, make in KEYS.items():
        if not (folder / name).exists():
            write_private(folder / name, make())
    return [folder / name for name in KEYS]


def write_private(path: Path, text: str) -> None:
    """Write a file only we may read, all of it or nothing."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)


def describe(record: StackRecord) -> list[dict[str, Any]]:
    """One line for each process of a stack: name, pid, address, whether it runs."""
    return [
        {"name": each.name, "pid": each.pid, "address": each.address, "running": each.running}
        for each in [record.supervisor, *record.processes]
    ]


HOLDERS = {
    "IDENTITY_KEY": ("registry", "ledger"),
    "DIGEST_KEY": ("registry", "ledger"),
    "KEY_ENCRYPTION_KEY": ("registry",),
    "SIGNING_KEY": ("registry",),
    "AUDIT_KEY": ("registry", "ledger", "transfer", "sync"),
    "WEBHOOK_KEY": ("sync",),
}
_OF_ONE_PROCESS = (
    "_DATABASE_URL",
    "_DATABASES",
    "_DATABASE_URL_FILE",
    "_DATABASES_FILE",
    "_TOKEN_FILE",
    "_KEY",
    "_KEY_FILE",
    "_HOME",
)


def harmless_environment() -> dict[str, str]:
    """Our environment without what only one process may know."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith(PREFIX) and name.endswith(_OF_ONE_PROCESS))
    }


def secrets_of(service: str, home: StateDir) -> dict[str, str]:
    """The variables of the keys a service holds: as they were given to us, else the files of `home`."""
    files = {
        "IDENTITY_KEY": home.identity_key_file,
        "DIGEST_KEY": home.digest_key_file,
        "KEY_ENCRYPTION_KEY": home.key_encryption_key_file,
        "SIGNING_KEY": home.signing_key_file,
        "AUDIT_KEY": home.audit_key_file,
        "WEBHOOK_KEY": home.webhook_key_file,
    }
    told: dict[str, str] = {}
    for name, holders in HOLDERS.items():
        if service not in holders:
            continue
        given = [each for each in (f"{PREFIX}{name}", f"{PREFIX}{name}_FILE") if os.environ.get(each)]
        if given:
            told |= {each: os.environ[each] for each in given}
        else:
            told[f"{PREFIX}{name}_FILE"] = str(files[name]())
    if service == "registry":
        beside = {"KEY_SHARES_FILE": home.key_shares_file, "EVIDENCE_DIR": home.evidence}
        told |= {
            f"{PREFIX}{name}": os.environ.get(f"{PREFIX}{name}") or str(at) for name, at in beside.items()
        }
    return told


def signing_key(settings: StackSettings, home: StateDir) -> OKPKey:
    """The issuer's key: the one given, else the one of `home`. Raises SettingsError when it cannot be used."""
    variable = f"{PREFIX}SIGNING_KEY"
    file = settings.signing_key_file
    if file is None and settings.signing_key is None:
        file = home.signing_key_file()
    text = secret_text(variable, settings.signing_key, file)
    try:
        return signing_key_from(text)
    except ValueError as error:
        raise SettingsError(f"{variable} cannot be used: {error}") from None


def issuer_of(settings: StackSettings, home: StateDir) -> str:
    """`iss` for a token signed here: the one given, else the registry that runs here, else the default."""
    record = home.read_record()
    if "issuer" in settings.model_fields_set or record is None or not record.supervisor.running:
        return settings.issuer
    return next((each.address for each in record.processes if each.name == "registry"), settings.issuer)


def relay_of(settings: StackSettings, home: StateDir) -> dict[str, str]:
    """What the transfer service is told of the relay: the one that is named, else the stand-in started beside it."""
    if settings.relay_url is not None:
        told = {f"{PREFIX}RELAY_URL": settings.relay_url}
        file = settings.relay_token_file
        return told if file is None else told | {f"{PREFIX}RELAY_TOKEN_FILE": str(file)}
    seconds = os.environ.get(f"{PREFIX}RELAY_POLL_SECONDS", _RELAY_POLL_SECONDS)
    return {
        f"{PREFIX}RELAY_TOKEN_FILE": str(home.relay_token_file()),
        f"{PREFIX}RELAY_POLL_SECONDS": seconds,
    }
