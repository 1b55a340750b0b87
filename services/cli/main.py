"""The command line `xuefen`: start and stop the system, migrate, rebuild, sign tokens, publish notices, the demo.

Every command imports what it needs when it is run, so that help and the small commands are there at once.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from services.cli.settings import StackSettings

app = App(
    name="xuefen",
    help_format="plaintext",
    help="The ledger of continuing-education credits. 会计人员继续教育学分账簿",
    version=lambda: version("xuefen"),
)
_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green")
_UNTIL_STDIN_CLOSES = Parameter(show=False, negative="")
_TO_BEGIN_SECONDS = 30.0
# To import a service makes hundreds of thousands of objects that stay; looking them through for garbage every 700
# objects takes a fifth of the time.
gc.set_threshold(50_000, 20, 20)

for _name, _module, _help in (
    (
        "policy",
        "policy",
        "Notices: check, show, list, compare, try, publish. 通知: 检查、查看、列出、比较、试算、发布",
    ),
    ("keys", "keys", "Make the secret keys of a deployment; rotate the one that wraps people's keys. 密钥"),
    ("identity", "identity", "The key under which people are recognised: rotate it. 身份识别密钥"),
    ("audit", "audit", "The records of who read what: whether any was removed or altered. 查阅记录"),
    ("restored", "restored", "Begin a new history of every log, after its files were put back. 恢复之后"),
    (
        "sync",
        "sync",
        "Deliveries to systems outside: how they stand, and whether both sides agree. 对接",
    ),
    ("sandbox", "sandbox", "The fictitious people of a sandbox. 沙箱"),
    ("provider", "provider", "What a training provider does from a command line. 培训机构"),
    ("demo", "demo.command", "Play the main job on the five source notices and show the answers. 演示"),
):
    app.command(f"services.cli.{_module}:app", name=_name, help=_help)
app.command("services.cli.sign_in:print_token", name="token")
app.command("services.cli.doctor:doctor", name="doctor")
app.command("services.cli.doctor:calendar", name="calendar")
app.command("services.cli.rebuild:check", name="check")


@app.command
def up(
    *services: str,
    detach: Annotated[bool, Parameter(name=["--detach", "-d"], negative="")] = False,
    sandbox: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Start PostgreSQL, the services and their workers; Ctrl-C stops them.

    Parameters
    ----------
    services
        Only these services; all when none is named.
    detach
        Return when everything is ready and leave it running; `xuefen down` stops it.
    sandbox
        A sandbox in a directory of its own, with fictitious people, keys without a bureau and a clock that callers move.
    """
    from services.cli.sandbox import collect
    from services.cli.stack import AlreadyRunningError, Stack

    settings = _settings(sandbox=sandbox)
    wanted = _services(services)
    if detach:
        _up_detached(settings, wanted)
        return

    def say(what: str) -> None:
        out().print(f"[dim]starting {what}[/dim]")

    stack = Stack(settings, services=wanted, echo=_echo(), say=say)
    _exit_on(signal.SIGTERM, signal.SIGHUP)
    try:
        stack.start(
            lambda: (
                collect(
                    stack.addresses["registry"],
                    lambda subject, place: stack.sign_token("official", subject=subject, place=place),
                )
                if settings.sandbox
                else None
            )
        )
        _show_stack(settings)
        out().print("Ctrl-C stops everything.")
        while True:
            stack.check()
            time.sleep(0.5)
    except AlreadyRunningError:
        out().print("Already running:")
        _show_stack(settings)
    except KeyboardInterrupt:
        out().print("[dim]stopping[/dim]")
    finally:
        _ignore(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        stack.stop()


@app.command
def down(
    *,
    delete_data: Annotated[bool, Parameter(negative="")] = False,
    sandbox: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Stop what `xuefen up` started in this directory, and nothing else.

    Parameters
    ----------
    delete_data
        Delete the embedded database, the secrets and the logs of this directory too.
    sandbox
        The sandbox, started by `xuefen up --sandbox`; with --delete-data it begins anew.
    """
    from services.cli.stack import stop_running
    from services.cli.state_dir import StateDir

    settings = _settings(sandbox=sandbox)
    stopped = stop_running(settings)
    out().print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing is running.")
    if delete_data:
        StateDir(settings.home).delete()
        out().print(f"Deleted {settings.home}.")


@app.command
def status() -> None:
    """Say what is running, with process ids and addresses; exit with 1 when nothing is."""
    if not _show_stack(_settings()):
        out().print("Nothing is running.")
        sys.exit(1)


@app.command
def serve(service: str, /, *, until_stdin_closes: Annotated[bool, _UNTIL_STDIN_CLOSES] = False) -> None:
    """Run the API of one service (registry, ledger, transfer or sync), or the console, in this process."""
    from services.cli import serve as processes

    if until_stdin_closes:
        processes.stop_when_stdin_closes()
    processes.serve(service)


@app.command
def work(service: str, /, *, until_stdin_closes: Annotated[bool, _UNTIL_STDIN_CLOSES] = False) -> None:
    """Run the worker of one service in this process: projections, and what follows other services' feeds."""
    from services.cli import serve as processes

    if until_stdin_closes:
        processes.stop_when_stdin_closes()
    processes.work(service)


@app.command(name="stand-in")
def stand_in(name: str, /, *, until_stdin_closes: Annotated[bool, _UNTIL_STDIN_CLOSES] = False) -> None:
    """Run the stand-in of outside systems (relay, targets or sign_in) in this process."""
    from services.cli import serve as processes
    from services.cli.serve import serve_stand_in

    if until_stdin_closes:
        processes.stop_when_stdin_closes()
    serve_stand_in(name)


@app.command
def migrate(*services: str) -> None:
    """Make databases and roles where an administrator's address is given, and bring schemas up to date.

    Parameters
    ----------
    services
        Only these services; all when none is named.
    """
    from services.cli.databases import databases_for_a_command, migrate

    settings = _settings()
    wanted = _services(services)
    with databases_for_a_command(settings) as dsns, err().status("migrate") as shown:
        migrate(settings, dsns, services=wanted, say=lambda service: shown.update(f"migrate {service}"))
    out().print(f"Up to date: {', '.join(wanted)}.")


@app.command
def rebuild(*services: str, model: list[str] | None = None, log: list[str] | None = None) -> None:
    """Build read models anew from the log, beside the live ones, and switch log by log.

    Parameters
    ----------
    services
        Only these services; all when none is named.
    model
        Only this read model; may be given several times.
    log
        Only this log; may be given several times.
    """
    import asyncio

    from services.cli.databases import databases_for_a_command
    from services.cli.rebuild import MODULES, rebuild

    settings = _settings()
    wanted = _services(services) if services else tuple(MODULES)
    with databases_for_a_command(settings) as dsns:
        for service in wanted:
            done = asyncio.run(
                rebuild(service, settings, dsns, models=model or [], logs=log or [], console=err())
            )
            events, rows = sum(each.position for each in done), sum(each.rows_changed for each in done)
            out().print(f"{service}: {len(done)} rebuilt, {events} events read, {rows} rows differed.")


def main() -> None:
    """Run the command line; what a person can put right is said in a line, without a traceback."""
    _tell_misspelt()
    try:
        app()
    except Exception as error:
        if not isinstance(error, _refusals()):
            raise
        from rich.markup import escape

        from services.kit.settings import SettingsError

        # Settings give a line for every variable at fault.
        faults = str(error).splitlines() if isinstance(error, SettingsError) else [str(error)]
        for fault in faults:
            err().print(f"[bold red]xuefen:[/bold red] {escape(fault)}", soft_wrap=True)
        sys.exit(2)


def _tell_misspelt() -> None:
    from services.kit.settings import PREFIX

    if any(name.startswith(PREFIX) for name in os.environ):
        from services.cli.settings import misspelt_variables

        for line in misspelt_variables():
            err().print(f"[yellow]xuefen:[/yellow] {line}", soft_wrap=True)


def _refusals() -> tuple[type[Exception], ...]:
    from services.cli.serve import CannotStartError
    from services.cli.stack import StackError
    from services.kit.embedded_places import EmbeddedPostgresError
    from services.kit.settings import SettingsError

    return SettingsError, EmbeddedPostgresError, StackError, CannotStartError


@cache
def out() -> Console:
    """Where answers are printed."""
    from rich.console import Console

    return Console(highlight=False)


@cache
def err() -> Console:
    """Where everything else is said."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _settings(*, sandbox: bool = False) -> StackSettings:
    from services.cli.settings import StackSettings

    return StackSettings.of_sandbox() if sandbox else StackSettings.load()


def _services(named: tuple[str, ...]) -> tuple[str, ...]:
    from services.cli.settings import PROCESSES, known_service

    return tuple(known_service(service) for service in named) or PROCESSES


def _exit_on(*signals: signal.Signals) -> None:
    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in signals:
        signal.signal(number, leave)


def _ignore(*signals: signal.Signals) -> None:
    """An impatient second Ctrl-C must not leave half of the processes behind."""
    for number in signals:
        signal.signal(number, signal.SIG_IGN)


def _echo() -> Callable[[str, str], None]:
    """Print a child's line with its name in front, each name in a colour of its own."""
    from rich.text import Text

    colours: dict[str, str] = {}

    def echo(name: str, line: str) -> None:
        colour = colours.setdefault(name, _COLOURS[len(colours) % len(_COLOURS)])
        out().print(Text.assemble((f"{name:<16}", colour), "| ", line), soft_wrap=True)

    return echo


def _show_stack(settings: StackSettings) -> bool:
    from services.cli.state_dir import StateDir, describe

    record = StateDir(settings.home).read_record()
    if record is None or not record.supervisor.running:
        return False
    from rich.table import Table

    table = Table("process", "pid", "address", "state", box=None, pad_edge=False)
    for line in describe(record):
        table.add_row(
            line["name"], str(line["pid"]), line["address"], "running" if line["running"] else "ended"
        )
    out().print(table)
    for line in describe(record):
        if line["name"] == "console":
            out().print(f"In a browser 浏览器: {line['address']}")
    return True


def _up_detached(settings: StackSettings, services: tuple[str, ...]) -> None:
    import subprocess

    from services.cli.stack import StackError
    from services.cli.state_dir import StateDir

    if _show_stack(settings):
        return
    home = StateDir(settings.home)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = home.logs / "stack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "services.cli.main",
                "up",
                *(["--sandbox"] if settings.sandbox else []),
                *services,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    seconds = settings.ready_seconds + _TO_BEGIN_SECONDS
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record = home.read_record()
        if record is not None and record.ready and record.supervisor.pid == process.pid:
            _show_stack(settings)
            return
        if process.poll() is not None:
            raise StackError(f"the stack did not start; its log is {log}\n{_tail(log)}")
        time.sleep(0.1)
    raise StackError(f"the stack is not ready after {seconds:.0f} seconds; its log is {log}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


if __name__ == "__main__":
    main()
