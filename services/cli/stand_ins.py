"""Stand-ins of outside systems as processes: for the demo, and for a deployment that has no access to the real ones yet."""

import importlib
import os
from typing import Any

import uvicorn

from services.cli.settings import StackSettings
from services.cli.state_dir import StateDir
from services.kit.observability import configure_logging
from services.kit.settings import PREFIX, SettingsError, secret_text

RELAY = "relay"
TARGETS = "targets"
STAND_INS = (RELAY, TARGETS)
_POLL_SECONDS = "1"
"""How often a worker beside the stand-in fetches; the real relay is asked less often."""


def serve_stand_in(name: str) -> None:
    """Run a stand-in until it is told to stop. Raises SettingsError for one that there is not."""
    from services.cli.serve import Server

    if name not in STAND_INS:
        raise SettingsError(f"there is no stand-in {name!r}; there are {', '.join(STAND_INS)}")
    settings = StackSettings.load()
    configure_logging(name, level=settings.log_level.upper())
    app: Any = _relay(settings) if name == RELAY else _targets(settings)
    config = uvicorn.Config(
        app,
        host=settings.host_of(name),
        port=settings.port_of(name),
        log_config=None,
        access_log=False,
        server_header=False,
    )
    Server(config, on_stop=lambda: None).run()


def _relay(settings: StackSettings) -> Any:
    file = settings.relay_token_file
    token = None if file is None else secret_text(f"{PREFIX}RELAY_TOKEN_FILE", None, file)
    return importlib.import_module("services.stand_ins.relay.app").build_app(token)


def _targets(settings: StackSettings) -> Any:
    """Every system that is delivered to, each under its own prefix; what is held is kept in the folder, if there is one."""
    token = secret_text(f"{PREFIX}TARGETS_TOKEN", None, settings.targets_token_file)
    folder = settings.targets_folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    app, _ = importlib.import_module("services.stand_ins.targets.app").build_app(token, folder)
    return app


def relay_of(settings: StackSettings, home: StateDir) -> dict[str, str]:
    """What the transfer service is told of the relay: the one that is named, else the stand-in started beside it."""
    if settings.relay_url is not None:
        told = {f"{PREFIX}RELAY_URL": settings.relay_url}
        file = settings.relay_token_file
        return told if file is None else told | {f"{PREFIX}RELAY_TOKEN_FILE": str(file)}
    seconds = os.environ.get(f"{PREFIX}RELAY_POLL_SECONDS", _POLL_SECONDS)
    return {
        f"{PREFIX}RELAY_TOKEN_FILE": str(home.relay_token_file()),
        f"{PREFIX}RELAY_POLL_SECONDS": seconds,
    }
