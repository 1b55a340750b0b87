"""One process: the API of a service under uvicorn, its worker, or a stand-in. All end cleanly on SIGTERM and Ctrl-C."""

import asyncio
import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

import asyncpg
import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.cli.settings import RELAY, SIGN_IN, STAND_INS, StackSettings, known_service
from services.kit.app import Service, stop_waiting
from services.kit.database import SchemaRevisionError, UnsafeDatabaseError
from services.kit.http_server import DoorLimits, door_of
from services.kit.observability import OperationsServer, configure_logging, operations_app
from services.kit.settings import PREFIX, SettingsError, secret_text
from services.kit.waits import end_in_time
from services.kit.worker_health import WorkerHealth

_REQUESTS_SHARE = 0.6
"""Of the seconds a process has to end: for the requests it is answering. The rest is for closing what it holds."""
_LAST_SHARE = 0.95
_OPERATIONS_SECONDS = 2.0
_NEW_OBJECTS_MAX = 50_000
"""New objects before the garbage collector looks at them. A batch of records is thousands of objects without a cycle
among them; looked at after every 700, as is Python's habit, they cost a fifth of the ledger's CPU."""
_log = structlog.stdlib.get_logger("services.cli.serve")
_REFUSALS = (SettingsError, UnsafeDatabaseError, SchemaRevisionError, OSError, asyncpg.PostgresError)


class CannotStartError(Exception):
    """A service refuses to start; the message says why and what to do."""


def serve(service: str) -> None:
    """Run a service's API until it is told to stop."""
    settings = _settings_for(service)
    configure_logging(service, level=settings.log_level.upper())
    inner: FastAPI = importlib.import_module(f"services.{service}.app").create_app()
    inner.state.bodies.bytes_max = settings.http_bodies_bytes_max
    inner.state.answer_seconds = settings.answer_seconds
    if settings.sandbox and isinstance(inner, Service):
        inner.become_sandbox()
    app = _SaysWhy(inner)
    _collect_rarely()
    config = uvicorn.Config(
        app,
        host=settings.host_of(service),
        port=settings.port_of(service),
        loop="uvloop",
        http=door_of(_limits(settings)).protocol(),
        ws="none",
        timeout_keep_alive=settings.http_keep_alive_seconds,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.stop_seconds * _REQUESTS_SHARE),
        forwarded_allow_ips=settings.http_trusted_proxies,
    )
    try:
        operations = OperationsServer(
            operations_app(inner), host=settings.operations_host, port=settings.operations_port_of(service)
        )

        def on_stop() -> None:
            stop_waiting(inner)
            _end_in_time(settings.stop_seconds)

        Server(config, on_stop=on_stop, operations=operations).run()
    except SystemExit:
        if app.refusal is not None:
            raise CannotStartError(f"{service} cannot start. {_reason(app.refusal)}") from None
        raise


def _limits(settings: StackSettings) -> DoorLimits:
    return DoorLimits(
        address_bytes=settings.http_head_bytes_max // 4,
        head_bytes=settings.http_head_bytes_max,
        head_seconds=settings.http_head_seconds,
        body_seconds=settings.http_body_seconds,
        connections=settings.http_connections_max,
        connections_of_peer=settings.http_connections_of_peer_max,
    )


def work(service: str) -> None:
    """Run a service's worker until it is told to stop."""
    settings = _settings_for(service)
    configure_logging(f"{service}-worker", level=settings.log_level.upper())
    run: Callable[[WorkerHealth], Coroutine[object, object, None]] = importlib.import_module(
        f"services.{service}.worker"
    ).run
    health = WorkerHealth(stalled_seconds=settings.worker_stalled_seconds)
    host, port = settings.operations_host, settings.worker_operations_port_of(service)
    _collect_rarely()
    try:
        uvloop.run(_until_told(lambda: _work(run, health, host, port), settings.stop_seconds))
    except _REFUSALS as error:
        raise CannotStartError(f"{service}-worker cannot go on. {_reason(error)}") from None


async def _work(
    run: Callable[[WorkerHealth], Coroutine[object, object, None]], health: WorkerHealth, host: str, port: int
) -> None:
    """The worker, with its operator's port beside it; another of the same service on this machine may have that already."""
    looking = asyncio.ensure_future(health.run())
    operations = OperationsServer(operations_app(health.app()), host=host, port=port)
    serving: asyncio.Future[None] | None = None
    try:
        serving = asyncio.ensure_future(operations.serve([socket.create_server((host, port))]))
    except OSError as error:
        _log.warning("no operator's port", host=host, port=port, error=error.strerror)
    try:
        await run(health)
    finally:
        looking.cancel()
        operations.should_exit = True
        if serving is not None:
            await asyncio.wait([serving], timeout=_OPERATIONS_SECONDS)


class Server(uvicorn.Server):
    """A server for which being told to stop is no failure: the process ends with 0, not by the signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_stop: Callable[[], None],
        operations: uvicorn.Server | None = None,
    ) -> None:
        super().__init__(config)
        self._operations = operations
        self._told_to_stop = False
        self._on_stop = on_stop
        # In force until the server listens to signals itself, and again when it has stopped and repeats them.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._outside)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop, and the operator's port as long."""
        if self._operations is None:
            await super().serve(sockets)
            return
        beside = asyncio.ensure_future(self._operations.serve())
        try:
            await super().serve(sockets)
        finally:
            self._operations.should_exit = True
            await beside

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; long-polling readers would otherwise hold the stop for as long as they wait."""
        self._told_to_stop = True
        self._on_stop()
        super().handle_exit(sig, frame)

    def _outside(self, _sig: int, _frame: FrameType | None) -> None:
        if not self._told_to_stop:
            sys.exit(0)


class _SaysWhy:
    """Keeps the reason why an application refused to start, which would else be told as a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.refusal: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def without_traceback(message: Message) -> None:
            if message["type"] != "lifespan.startup.failed" or not isinstance(sys.exception(), _REFUSALS):
                await send(message)

        try:
            await self._app(scope, receive, without_traceback)
        except _REFUSALS as error:
            self.refusal = error
            await send({"type": "lifespan.startup.failed", "message": ""})


def _reason(error: BaseException) -> str:
    known = isinstance(error, SettingsError | UnsafeDatabaseError | SchemaRevisionError)
    return str(error) if known else f"The database does not let us in: {error}"


def _collect_rarely() -> None:
    """Leave what is imported alone for good, and let garbage wait a little."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_MAX, 20, 20)


def stop_when_stdin_closes() -> None:
    """End this process, as by SIGTERM, when whoever started it is gone, however they went."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _end_in_time(seconds: float) -> None:
    end_in_time(
        seconds * _LAST_SHARE, lambda: _log.critical("ended by force: something did not come to its end")
    )


async def _until_told(run: Callable[[], Coroutine[object, object, None]], seconds: float) -> None:
    task = asyncio.ensure_future(run())
    loop = asyncio.get_running_loop()

    def stop() -> None:
        task.cancel()
        _end_in_time(seconds)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        return


def _settings_for(service: str) -> StackSettings:
    """The settings, once a database is named: a service started by itself does not guess one."""
    settings = StackSettings.load()
    variable = f"{PREFIX}{known_service(service).upper()}_DATABASE_URL"
    if service not in settings.database_urls():
        raise SettingsError(
            f"{variable} is not set. A service started by itself does not guess a database: set {variable} to "
            f"postgresql://xuefen_{service}:<password>@<host>:5432/xuefen, or use `xuefen up`, which starts "
            "everything together."
        )
    return settings


def serve_stand_in(name: str) -> None:
    """Run a stand-in until it is told to stop. Raises SettingsError for one that there is not."""
    if name not in STAND_INS:
        raise SettingsError(f"there is no stand-in {name!r}; there are {', '.join(STAND_INS)}")
    settings = StackSettings.load()
    configure_logging(name, level=settings.log_level.upper())
    app: Any = {RELAY: _relay, SIGN_IN: _sign_in}.get(name, _targets)(settings)
    config = uvicorn.Config(
        app,
        host=settings.host_of(name),
        port=settings.port_of(name),
        log_config=None,
        access_log=False,
        server_header=False,
    )
    Server(config, on_stop=lambda: None).run()


def _relay(settings: StackSettings) -> object:
    file = settings.relay_token_file
    token = None if file is None else secret_text(f"{PREFIX}RELAY_TOKEN_FILE", None, file)
    return importlib.import_module("services.stand_ins.relay.app").build_app(token)


def _sign_in(settings: StackSettings) -> object:
    """The issuer of fictitious people, at the address under which browsers and services know it."""
    from services.stand_ins.sign_in.app import StandInRefusedError, build_app
    from services.stand_ins.sign_in.people import People

    if settings.sign_in_people_file is None or settings.console_url is None:
        raise SettingsError(f"{PREFIX}SIGN_IN_PEOPLE_FILE and {PREFIX}CONSOLE_URL have to be set")
    address = f"http://{settings.sign_in_host}:{settings.sign_in_port}"
    returning = f"{settings.console_url.rstrip('/')}/sign-in/return"
    production = settings.environment == "production"
    try:
        return build_app(address, returning, People(settings.sign_in_people_file), production=production)
    except StandInRefusedError as refusal:
        raise SettingsError(str(refusal)) from None


def _targets(settings: StackSettings) -> object:
    """Every system that is delivered to, each under its own prefix; what is held is kept in the folder, if there is one."""
    token = secret_text(f"{PREFIX}TARGETS_TOKEN", None, settings.targets_token_file)
    folder = settings.targets_folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    app, _ = importlib.import_module("services.stand_ins.targets.app").build_app(token, folder)
    return app
