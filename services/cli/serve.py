"""One process of one service: its API under uvicorn, or its worker. Both end cleanly on SIGTERM and Ctrl-C."""

import asyncio
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
import uvloop

from services.cli.settings import StackSettings, known_service
from services.kit.observability import configure_logging
from services.kit.settings import PREFIX, SettingsError

_GRACE_SECONDS = 10


def serve(service: str) -> None:
    """Run a service's API until it is told to stop."""
    settings = _settings_for(service)
    configure_logging(service, level=settings.log_level.upper())
    uvicorn.run(
        f"services.{service}.app:create_app",
        factory=True,
        host=settings.host_of(service),
        port=settings.port_of(service),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        # Long-polling readers would otherwise hold a stop for as long as they wait.
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def work(service: str) -> None:
    """Run a service's worker until it is told to stop."""
    settings = _settings_for(service)
    configure_logging(f"{service}-worker", level=settings.log_level.upper())
    run: Callable[[], Coroutine[Any, Any, None]] = importlib.import_module(f"services.{service}.worker").run
    uvloop.run(_until_told(run))


def stop_when_stdin_closes() -> None:
    """End this process, as by SIGTERM, when whoever started it is gone, however they went."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


async def _until_told(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.ensure_future(run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
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
