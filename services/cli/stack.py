"""The whole system on one machine: PostgreSQL, the services and their workers, each a real process."""

import importlib.util
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from contracts.divisions import NATION
from services.cli.children import Child, Echo, import_once
from services.cli.databases import EngineChoice, Say, migrate
from services.cli.settings import CONSOLE, PROCESSES, RELAY, SIGN_IN, StackSettings
from services.cli.sign_in import SCOPES, SERVICE_SCOPES, WORKER_SCOPES, sign, write_sign_in
from services.cli.state_dir import (
    ProcessRecord,
    StackRecord,
    StateDir,
    harmless_environment,
    record_of,
    relay_of,
    secrets_of,
    signing_key,
)
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.settings import PREFIX, SettingsError

_POLL_SECONDS = 0.05
_STOP_SECONDS = 45.0
_TOKEN_DAYS = 365


class StackError(Exception):
    """The stack cannot start or does not stay up; the message says which process and shows its last lines."""


class AlreadyRunningError(Exception):
    """Another `xuefen up` holds this home directory."""

    def __init__(self, record: StackRecord | None) -> None:
        super().__init__("already running")
        self.record = record


class Stack:
    """Starts everything in order, watches it, and stops everything in reverse order.

    `echo` receives the children's log lines; their logs are under `home/logs` in any case.
    """

    def __init__(
        self,
        settings: StackSettings,
        *,
        services: Sequence[str] = PROCESSES,
        echo: Echo | None = None,
        say: Say = lambda _: None,
    ) -> None:
        self._settings = settings
        self._services = services
        self._home = StateDir(settings.home)
        self._engine = EngineChoice(settings, self._home)
        self._echo = echo
        self._say = say
        self._children: list[Child] = []
        self._records: list[ProcessRecord] = []
        alone = settings.relay_url is None and "transfer" in services
        signed_in_here = settings.sign_in_issuers_file is None and CONSOLE in services
        self._stand_ins = (*((RELAY,) if alone else ()), *((SIGN_IN,) if signed_in_here else ()))
        self.databases: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.operations_ports: dict[str, int] = {}

    @property
    def settings(self) -> StackSettings:
        """What the stack was told."""
        return self._settings

    def start(self, fill: Callable[[], object] = lambda: None) -> None:
        """Start everything, wait until every service is ready, and `fill` what runs before it counts as ready.

        Raises AlreadyRunningError, StackError, SettingsError or EmbeddedPostgresError; nothing is left running.
        """
        if not self._home.take():
            raise AlreadyRunningError(self._home.read_record())
        try:
            end_leftovers(self._home)
            import_once(self._modules())
            ports = {service: self._port(service) for service in (*self._services, *self._stand_ins)}
            self._say("database")
            self.databases = self._engine.open()
            self._write_record()
            self._migrate()
            self._start_services(ports)
            self._wait_until_ready()
            fill()
            self._write_record(ready=True)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the workers and services, then the embedded database; what we did not start is left alone."""
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.wait_until_stopped()
        self._children.clear()
        self._records.clear()
        self._engine.close()
        self._home.leave()

    def check(self) -> None:
        """Raise StackError when a process has ended by itself."""
        for child in self._children:
            if child.exit_code is not None:
                shown = "" if self._echo else f"\n{child.tail}"
                raise StackError(f"{child.name} ended with {child.exit_code}.{shown}")
        if self._engine.embedded is not None and not self._engine.embedded.pid:
            raise StackError(f"postgres ended. Its log is {self._home.database}.log")

    def sign_token(
        self, kind: str, *, subject: str = "", place: str | None = None, organization: str | None = None
    ) -> str:
        """A token of this stack's issuer for a kind of caller, as `xuefen token` prints it."""
        return sign(
            signing_key(self._settings, self._home),
            issuer=self._issuer,
            subject=subject or kind,
            scopes=SCOPES[kind],
            place=place,
            organization=organization,
        )

    def readiness_of(self, service: str) -> str:
        """Where a service says that it is ready, at its operator's port; a stand-in says only that it is there."""
        if service not in self._services:
            return f"{self.addresses[service]}/healthz"
        return f"http://127.0.0.1:{self._operations_port(service)}/readyz"

    @property
    def children(self) -> Sequence[Child]:
        """The processes that run."""
        return tuple(self._children)

    def environment_of(self, service: str) -> dict[str, str]:
        """What another process of a running service has to be told."""
        ports = {each: int(address.rpartition(":")[2]) for each, address in self.addresses.items()}
        return self._environment(service, ports)

    @property
    def record(self) -> StackRecord:
        """What is running now."""
        embedded = self._engine.embedded
        database = [record_of("postgres", embedded.pid, f"127.0.0.1:{embedded.port}")] if embedded else []
        return StackRecord(
            supervisor=record_of("xuefen", os.getpid()),
            processes=[*database, *self._records],
            databases=self.databases,
            embedded=embedded is not None,
        )

    def _write_record(self, *, ready: bool = False) -> None:
        record = self.record
        self._home.write_record(
            StackRecord(record.supervisor, record.processes, record.databases, record.embedded, ready)
        )

    def _migrate(self) -> None:
        """Migrate where the owner's address is known; elsewhere the service itself looks at the revision."""
        for service in self._services:
            if service not in self.databases:
                raise SettingsError(f"{PREFIX}{service.upper()}_DATABASE_URL is not set, others are")
        owned = [service for service in self._services if f"{service}_owner" in self.databases]
        migrate(
            self._settings,
            self.databases,
            services=owned,
            say=lambda service: self._say(f"migrate {service}"),
        )

    def _port(self, service: str) -> int:
        host, port = self._settings.host_of(service), self._settings.port_of(service)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                variable = f"{PREFIX}{service.upper()}_PORT"
                raise StackError(
                    f"{host}:{port} cannot be used for {service}: {error.strerror}. Set {variable}."
                ) from None
            free: int = probe.getsockname()[1]
        return free

    def _start_services(self, ports: Mapping[str, int]) -> None:
        for service, port in ports.items():
            host = self._settings.host_of(service)
            reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
            self.addresses[service] = f"http://{reachable}:{port}"
        if SIGN_IN in self._stand_ins:
            write_sign_in(self._home, self.addresses[SIGN_IN])
        for name in self._stand_ins:
            told = self._environment_of_stand_in(name, ports[name])
            self._spawn(name, ["stand-in", name], told, self.addresses[name])
        for service in self._services:
            environment = self._environment(service, ports)
            self._spawn(service, ["serve", service], environment, self.addresses[service])
        for service in self._services:
            if _has_worker(service):
                self._spawn(f"{service}-worker", ["work", service], self._environment(service, ports))

    def _modules(self) -> list[str]:
        """What the processes of this stack import."""
        workers = [f"services.{service}.worker" for service in self._services if _has_worker(service)]
        return ["services.cli.serve", *(f"services.{service}.app" for service in self._services), *workers]

    def _spawn(
        self, name: str, arguments: list[str], environment: Mapping[str, str], address: str = ""
    ) -> None:
        self._say(name)
        log = self._home.logs / f"{name}.log"
        child = Child(name, arguments, environment=environment, log=log, echo=self._echo)
        self._children.append(child)
        self._records.append(record_of(name, child.pid, address))
        self._write_record()

    def _environment(self, service: str, ports: Mapping[str, int]) -> dict[str, str]:
        """What one service is told: its own database and secrets, never those of another."""
        name = f"{PREFIX}{service.upper()}"
        told = {
            f"{name}_DATABASE_URL": self.databases[service],
            f"{name}_HOST": self._settings.host_of(service),
            f"{name}_PORT": str(ports[service]),
            f"{name}_TOKEN_FILE": str(self._token_file(service)),
            f"{PREFIX}OPERATIONS_PORT": str(self._operations_port(service)),
            f"{PREFIX}ISSUER": self._issuer,
            f"{PREFIX}KEY_SETS_DIR": str(self._home.path / "key-sets"),
            "PYTHONUNBUFFERED": "1",
        }
        if self._settings.sandbox:
            told[f"{PREFIX}SANDBOX"] = "true"
        told |= {f"{PREFIX}{each.upper()}_URL": address for each, address in self.addresses.items()}
        if self.console_url:
            told[f"{PREFIX}CONSOLE_URL"] = self.console_url
        if service == "transfer":
            told |= relay_of(self._settings, self._home)
            opened = self._settings.transfer_opened_authorities_file
            if opened is not None:
                told[f"{name}_OPENED_AUTHORITIES_FILE"] = str(opened)
        if service in ("registry", CONSOLE):
            told |= self._sign_in()
        if service == "ledger" and self._settings.ledger_databases:
            told[f"{PREFIX}LEDGER_DATABASES"] = os.environ[f"{PREFIX}LEDGER_DATABASES"]
        return harmless_environment() | told | secrets_of(service, self._home)

    def _operations_port(self, service: str) -> int:
        """Where the service's metrics are: beside its own port, and anywhere free when that is anywhere."""
        if service not in self.operations_ports:
            port = self._settings.port_of(service)
            self.operations_ports[service] = port + 1_000 if port else _free_port()
        return self.operations_ports[service]

    def _environment_of_stand_in(self, name: str, port: int) -> dict[str, str]:
        """What a stand-in is told: where to listen, and the token it gives out."""
        told = {
            f"{PREFIX}{name.upper()}_HOST": self._settings.host_of(name),
            f"{PREFIX}{name.upper()}_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        if name == SIGN_IN:
            people = self._settings.sign_in_people_file or self._home.sign_in_people_file
            told |= {f"{PREFIX}SIGN_IN_PEOPLE_FILE": str(people), f"{PREFIX}CONSOLE_URL": self.console_url}
            return harmless_environment() | told
        return harmless_environment() | told | relay_of(self._settings, self._home)

    @property
    def console_url(self) -> str:
        """The console's address in a browser."""
        return self._settings.console_url or self.addresses.get(CONSOLE, "")

    def _sign_in(self) -> dict[str, str]:
        """The issuers that people sign in with: those that are named, else the stand-in started beside."""
        file = self._settings.sign_in_issuers_file
        if file is None and SIGN_IN in self._stand_ins:
            file = self._home.sign_in_issuers_file
        return {} if file is None else {f"{PREFIX}SIGN_IN_ISSUERS_FILE": str(file)}

    @property
    def _issuer(self) -> str:
        given = "issuer" in self._settings.model_fields_set or "registry" not in self.addresses
        return self._settings.issuer if given else self.addresses["registry"]

    def _token_file(self, service: str) -> Path:
        """A token by which the service's worker reads the others' feeds, signed anew by every start."""
        token = sign(
            signing_key(self._settings, self._home),
            issuer=self._issuer,
            subject=f"service:{service}",
            scopes=WORKER_SCOPES.get(service, SERVICE_SCOPES),
            place=NATION if service == "sync" else None,
            days=_TOKEN_DAYS,
        )
        return self._home.write_token(service, token)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._settings.ready_seconds
        waiting = dict(self.addresses)
        # Proxies of the environment are not for loopback.
        with httpx.Client(trust_env=False, timeout=2.0) as client:
            while waiting:
                self.check()
                for service in list(waiting):
                    if _is_ready(client, self.readiness_of(service)):
                        del waiting[service]
                if time.monotonic() > deadline:
                    late = ", ".join(waiting)
                    tails = "\n".join(child.tail for child in self._children if child.name in waiting)
                    seconds = f"{self._settings.ready_seconds:.0f} seconds (XUEFEN_READY_SECONDS)"
                    raise StackError(f"{late}: not ready after {seconds}.\n{tails}")
                time.sleep(_POLL_SECONDS)


def _has_worker(service: str) -> bool:
    return importlib.util.find_spec(f"services.{service}.worker") is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_ready(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _wait_for_end(process: ProcessRecord, complaint: str) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while process.running:
        if time.monotonic() > deadline:
            raise StackError(complaint)
        time.sleep(_POLL_SECONDS)


def end_leftovers(home: StateDir) -> list[str]:
    """End what a killed stack of this directory has left, after checking that each is that very process."""
    record = home.read_record()
    if record is None:
        return []
    left = [each for each in record.processes if each.running and each.name != "postgres"]
    for each in left:
        os.kill(each.pid, 15)
    for each in left:
        _wait_for_end(each, f"{each.name} ({each.pid}), left by a stack that was killed, does not stop.")
    if record.embedded and EmbeddedPostgres(home.database).stop_left_over():
        return [*(each.name for each in left), "postgres"]
    return [each.name for each in left]


def stop_running(settings: StackSettings) -> list[str] | None:
    """Stop the stack of the home directory. The names of what was running; None when nothing was."""
    home = StateDir(settings.home)
    record = home.read_record()
    if record is None:
        return None
    if record.supervisor.running:
        names = [each.name for each in record.processes]
        os.kill(record.supervisor.pid, 15)
        _wait_for_end(record.supervisor, f"xuefen ({record.supervisor.pid}) does not stop.")
        return names
    if not home.take():
        return None
    try:
        return end_leftovers(home)
    finally:
        home.leave()


@contextmanager
def running_stack(settings: StackSettings, *, say: Say = lambda _: None) -> Iterator[Stack]:
    """A stack for the time of a block, quiet; its logs are under `home/logs`."""
    stack = Stack(settings, say=say)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()
