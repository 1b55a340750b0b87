"""Settings of a process, from its environment: all variables begin with `XUEFEN_`, and a missing one is named.

`deploy/.env.example` explains each variable; a secret may stand in a file instead, in `<variable>_FILE`.
"""

import base64
import binascii
import difflib
import json
import os
import re
import secrets
from collections.abc import Collection
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from services.kit.waits import (
    ANSWER_SECONDS,
    COMMAND_STATEMENT_SECONDS,
    STATEMENT_SECONDS,
    STOP_SECONDS,
    WORKER_STATEMENT_SECONDS,
    Waits,
)

PREFIX = "XUEFEN_"
KEY_BYTES = 32
_OF_DATABASES = ("_DATABASE_URL", "_DATABASES")
_DATABASE_ADDRESS = re.compile(r"postgres(ql)?://.*")
_HTTP_ADDRESS = re.compile(r"https?://[^/?#]+.*")
_LIKENESS_MIN = 0.85
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class SettingsError(Exception):
    """A setting is missing or cannot be used; the message names the variable and never its value."""


FROM_JSON = BeforeValidator(lambda told: json.loads(told) if isinstance(told, str) else told)
"""For a field that is more than a word: its variable is written as JSON."""


class ServiceSettings(BaseModel):
    """What every service is told. A service derives its own settings from this and adds fields."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: str = "http://127.0.0.1:8001"
    """`iss` of the tokens that are taken."""
    jwks_url: str | None = None
    """Address of the issuer's key set; the registry's own when unset."""
    outside_issuer: str | None = None
    """`iss` of an outside OpenID Connect issuer whose tokens are taken as well."""
    outside_jwks_url: str | None = None
    """Address of that issuer's key set."""
    registry_url: str = "http://127.0.0.1:8001"
    ledger_url: str = "http://127.0.0.1:8002"
    transfer_url: str = "http://127.0.0.1:8003"
    environment: Literal["production", "trial"] = "trial"
    """In production nothing is served that lets anybody be anybody."""
    sandbox: bool = False
    """Fictitious people alone: answers are marked, callers move the clock and give themselves keys; never in production."""
    calendar_file: Path | None = None
    """Holidays and swapped working days (YAML) of years that the library of this release does not know yet."""
    log_level: Annotated[
        LogLevel, BeforeValidator(lambda told: told.upper() if isinstance(told, str) else told)
    ] = "INFO"
    operations_host: str = "127.0.0.1"
    """Where metrics and readiness with its details are served, for operators alone."""
    operations_port: int = Field(default=0, ge=0, le=65535)
    """Port of the same; a thousand above the service's own when 0."""
    worker_operations_port: int = Field(default=0, ge=0, le=65535)
    """The same of a worker; two thousand above the service's own when 0."""
    worker_stalled_seconds: float = Field(default=60, gt=0, le=86_400)
    """A worker that has something to do and makes no progress for so long is not ready."""
    http_keep_alive_seconds: int = Field(default=75, ge=1, le=3600)
    """How long an idle connection is kept; longer than the proxy in front keeps its own."""
    http_head_seconds: float = Field(default=10, gt=0, le=600)
    """Within which address and headers have to come."""
    http_body_seconds: float = Field(default=60, gt=0, le=3600)
    """Within which a body has to come."""
    http_head_bytes_max: int = Field(default=32_768, ge=4_096, le=1_048_576)
    """Of address and headers; an address may take a quarter of it."""
    http_bodies_bytes_max: int = Field(default=134_217_728, ge=16_777_216)
    """Of all bodies at once in one process; one caller may hold half of it."""
    http_connections_max: int = Field(default=2_000, ge=10)
    http_connections_of_peer_max: int = Field(default=1_000, ge=1)
    """From one address; behind a proxy that is the proxy's."""
    key_sets_dir: Path = Path(".xuefen/key-sets")
    """A folder of ours alone, where the last good key set of each issuer is kept."""
    clock_leeway_seconds: int = Field(default=30, ge=0, le=300)
    """By which the clocks of several hosts may differ: for tokens, and for readiness."""
    answer_seconds: float = Field(default=ANSWER_SECONDS, gt=0, le=600)
    """Within which an answer is given, once the body is whole; afterwards 503."""
    statement_seconds: float = Field(default=STATEMENT_SECONDS, gt=0, le=600)
    """Of one statement for a caller who waits; a second later the database is taken to be gone."""
    worker_statement_seconds: float = Field(default=WORKER_STATEMENT_SECONDS, gt=0, le=3600)
    """The same for a worker."""
    connection_seconds: float = Field(default=3, gt=0, le=60)
    """Within which a caller's request has a connection of the pool; a worker waits ten times as long."""
    stop_seconds: float = Field(default=STOP_SECONDS, ge=2, le=600)
    """Within which a process ends that is told to stop."""
    http_trusted_proxies: str = "127.0.0.1,::1"
    """Addresses and networks, parted by commas, whose `X-Forwarded-For` says where a request comes from."""
    audit_key: SecretStr | None = None
    """Key of the digests over the audit, 32 bytes in base64url, the same for all processes of a service."""
    audit_key_file: Path | None = None
    crypto_profile: Literal["standard", "gm"] = "standard"
    """Algorithms of new records: AES-256-GCM and HMAC-SHA-256, or SM4-GCM and HMAC-SM3 (国密)."""
    identity_hash: Literal["hs256", "hsm3"] | None = None
    """Algorithm of the keyed hashes, the same for ever; that of the profile when unset."""

    @classmethod
    def load(cls, **told: object) -> Self:
        """The settings from the environment, apart from what is told here; an empty variable counts as unset. Addresses of
        databases hold passwords, so that each may stand in a file instead, named by `<variable>_FILE`.

        Raises SettingsError, with a line for every variable at fault.
        """
        variables, complaints = dict[str, str](), set[str]()
        for name in cls.model_fields:
            try:
                text = _told_of(f"{PREFIX}{name.upper()}")
                if text:
                    complaints |= _faults_of_address(f"{PREFIX}{name.upper()}", text)
                    variables[name] = text
            except SettingsError as error:
                complaints.add(str(error))
        try:
            settings = cls.model_validate(variables | told)
        except ValidationError as error:
            named = {complaint.partition(" ")[0] for complaint in complaints}
            complaints |= {
                complaint
                for complaint in _complaints(error)
                if complaint.partition(" ")[0] not in named | {name.removesuffix("_FILE") for name in named}
            }
        if not complaints and settings.sandbox and settings.environment == "production":
            complaints.add(f"{PREFIX}SANDBOX cannot be used: {PREFIX}ENVIRONMENT is production")
        if not complaints:
            complaints |= _take_calendar(settings.calendar_file)
        if complaints:
            raise SettingsError("\n".join(sorted(complaints)))
        return settings

    @cached_property
    def audit_key_bytes(self) -> bytes:
        """The key of the audit itself. Raises SettingsError when it is missing or of the wrong size."""
        return secret_key("XUEFEN_AUDIT_KEY", self.audit_key, self.audit_key_file)

    def waits(self, process: str) -> Waits:
        """How long a process (`api`, `worker`, or a command of the operator) waits for its database."""
        statement = {"api": self.statement_seconds, "worker": self.worker_statement_seconds}
        return Waits(
            acquire=self.connection_seconds if process == "api" else 10 * self.connection_seconds,
            statement=statement.get(process, COMMAND_STATEMENT_SECONDS),
            closing=min(1.0, self.stop_seconds / 10),
        )

    @property
    def key_set_url(self) -> str:
        """Where the issuer's public keys are."""
        return self.jwks_url or f"{self.registry_url.rstrip('/')}/.well-known/jwks.json"


def _take_calendar(file: Path | None) -> set[str]:
    """Let the process know the years of the file; what is wrong with it, a line each."""
    if file is None:
        return set()
    # The library of working days is large, and few commands look at it.
    from services.kit.calendar import CalendarError, read_calendar
    from services.kit.clock import announce

    try:
        announce(read_calendar(file).years)
    except OSError as error:
        return {f"{PREFIX}CALENDAR_FILE cannot be read: {error.strerror}"}
    except CalendarError as error:
        return {f"{PREFIX}CALENDAR_FILE: {line}" for line in str(error).splitlines()}
    return set()


def misspelt(known: Collection[str]) -> list[str]:
    """Variables of the environment that are none of ours but for a slip: a line each, with the name that was meant."""
    names = {f"{PREFIX}{name.upper()}" for name in known}
    names |= {f"{name}_FILE" for name in names}
    told = sorted(each for each in os.environ if each.startswith(PREFIX) and each not in names)
    return [
        f"{each} is not known; did you mean {likely[0]}?"
        for each in told
        if (likely := difflib.get_close_matches(each, sorted(names), n=1, cutoff=_LIKENESS_MIN))
    ]


def _faults_of_address(variable: str, text: str) -> set[str]:
    """Every variable ending in `_URL` is an address: of a PostgreSQL, or of something that speaks HTTP."""
    if variable.endswith("_DATABASE_URL"):
        if not _DATABASE_ADDRESS.fullmatch(text):
            return {f"{variable} must look like postgresql://user:password@host:5432/database"}
    elif variable.endswith("_URL") and not _HTTP_ADDRESS.fullmatch(text):
        return {f"{variable} must look like https://host:port"}
    return set()


def _told_of(variable: str) -> str | None:
    return address_told(variable) if variable.endswith(_OF_DATABASES) else os.environ.get(variable)


def address_told(variable: str) -> str | None:
    """A variable, or else the text of the file that `<variable>_FILE` names; None without either. Raises SettingsError."""
    file = os.environ.get(f"{variable}_FILE")
    told = os.environ.get(variable)
    return secret_text(variable, None, Path(file)) if file and not told else told


def _complaints(error: ValidationError) -> set[str]:
    complaints = set()
    for fault in error.errors(include_input=False, include_context=False):
        variable = f"{PREFIX}{fault['loc'][0]}".upper() if fault["loc"] else PREFIX
        if fault["type"] == "missing":
            complaints.add(f"{variable} is not set")
        else:
            complaints.add(f"{variable} cannot be used: {fault['msg']}")
    return complaints


def secret_text(variable: str, value: SecretStr | str | None, file: Path | None) -> str:
    """A secret from its variable, or else from the file it names. Raises SettingsError."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value:
        return value
    if file is None:
        raise SettingsError(f"{variable} or {variable}_FILE is not set")
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}_FILE cannot be read: {error.strerror}") from None
    if not text:
        raise SettingsError(f"{variable}_FILE names an empty file")
    return text


def secret_key(variable: str, value: SecretStr | str | None, file: Path | None) -> bytes:
    """A key of 32 bytes, written as 43 characters of base64url. Raises SettingsError."""
    return _key_of(variable, secret_text(variable, value, file))


def secret_keys(variable: str, value: SecretStr | str | None, file: Path | None) -> list[bytes]:
    """Keys of 32 bytes each, one on a line, the first first; a file is read when it has changed.

    Raises SettingsError.
    """
    if value or file is None:
        text = secret_text(variable, value, file)
    else:
        try:
            changed = file.stat().st_mtime_ns
        except OSError as error:
            raise SettingsError(f"{variable}_FILE cannot be read: {error.strerror}") from None
        text = _text_of(variable, file, changed)
    return [_key_of(variable, line) for line in text.split()]


@lru_cache(maxsize=8)
def _text_of(variable: str, file: Path, changed: int) -> str:
    return secret_text(variable, None, file)


def _key_of(variable: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{variable} must be {KEY_BYTES} bytes in base64url")
    return key


def new_key_text() -> str:
    """A fresh key of 32 bytes as base64url text, for `secret_key`."""
    return secrets.token_urlsafe(KEY_BYTES)
