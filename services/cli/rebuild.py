"""`xuefen rebuild`: read models built anew from the log, beside the live ones, with progress shown."""

import importlib
from collections.abc import Sequence
from types import ModuleType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from services.cli.databases import connect_as
from services.cli.settings import StackSettings
from services.kit.database import Databases
from services.kit.rebuild import Rebuilt
from services.kit.settings import SettingsError

MODULES = {
    "registry": "services.registry.store.projection",
    "ledger": "services.ledger.counting.rebuild",
    "transfer": "services.transfer.rebuild",
}
"""Where each service that keeps read models tells which (`READ_MODELS`) and builds them anew (`rebuild`)."""


async def rebuild(
    service: str,
    settings: StackSettings,
    dsns: dict[str, str],
    *,
    models: Sequence[str],
    logs: Sequence[str],
    console: Console,
) -> list[Rebuilt]:
    """Rebuild the read models of one service, all of them when none is named; what each did.

    Raises SettingsError when the service's database or a read model is not known.
    """
    if service not in MODULES:
        raise SettingsError(f"{service} has no read models to rebuild")
    module = importlib.import_module(MODULES[service])
    databases = await connect_as(service, settings, dsns, purpose="rebuild")
    try:
        with bars_on(console) as bars:
            return await _rebuild(module, service, databases, bars, models=models, logs=logs)
    except LookupError as error:
        known = ", ".join(module.READ_MODELS)
        raise SettingsError(f"{service}: {error}; there are {known}") from None
    finally:
        await databases.close()


async def _rebuild(
    module: ModuleType,
    service: str,
    databases: Databases,
    bars: Progress,
    *,
    models: Sequence[str],
    logs: Sequence[str],
) -> list[Rebuilt]:
    tasks: dict[str, TaskID] = {}
    read: dict[tuple[str, str], int] = {}
    count = len(models or module.READ_MODELS)

    def show(model: str, log: str, position: int, head: int) -> None:
        """One bar for each log: every read model reads all of it."""
        if log not in tasks:
            tasks[log] = bars.add_task(f"{service} {log}", total=head * count)
        read[model, log] = position
        reached = sum(each for (_, of_log), each in read.items() if of_log == log)
        bars.update(tasks[log], completed=reached, total=head * count)

    named = {"models": models, "logs": logs}
    rebuilt: list[Rebuilt] = await module.rebuild(
        databases, progress=show, **{name: value for name, value in named.items() if value}
    )
    return rebuilt


def bars_on(console: Console) -> Progress:
    """Bars with counts and the time that is left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
