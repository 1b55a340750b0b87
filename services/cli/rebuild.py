"""`xuefen rebuild`: read models built anew from the log, beside the live ones; `xuefen check`, the same to compare only."""

import asyncio
import importlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from services.cli.databases import connect_as, databases_for_a_command
from services.cli.settings import StackSettings
from services.kit.rebuild import Compared, Rebuilt
from services.kit.settings import SettingsError

MODULES = {
    "registry": "services.registry.store.projection",
    "ledger": "services.ledger.counting.rebuild",
    "transfer": "services.transfer.rebuild",
}
"""Where each service that keeps read models tells which (`READ_MODELS`) and builds them anew (`rebuild`)."""


def check(
    *services: str,
    model: list[str] | None = None,
    log: list[str] | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON. 以 JSON 输出")] = False,
) -> None:
    """Replay the log and compare every read model with what it gives, changing nothing; exits with 1 when a row differs.

    重放日志并逐行核对读模型，不作任何改动；有不一致时以 1 退出。

    Parameters
    ----------
    services
        Only these services; all that keep read models when none is named.
    model
        Only this read model; may be given several times.
    log
        Only this log; may be given several times.
    """
    settings = StackSettings.load()
    found: dict[str, list[Compared]] = {}
    with databases_for_a_command(settings) as dsns:
        for service in services or MODULES:
            found[service] = asyncio.run(
                compare(
                    service, settings, dsns, models=model or [], logs=log or [], console=Console(stderr=True)
                )
            )
    if json_:
        sys.stdout.write(
            json.dumps({service: [asdict(each) for each in those] for service, those in found.items()}) + "\n"
        )
    else:
        _show(found)
    sys.exit(0 if all(each.right for those in found.values() for each in those) else 1)


def _show(found: dict[str, list[Compared]]) -> None:
    out = Console(highlight=False, markup=False)
    for service, those in found.items():
        for each in those:
            for row in each.rows:
                out.print(f"{service} {each.log} {row}", soft_wrap=True)
            if each.behind:
                out.print(
                    f"{service} {each.log} {each.model}: not compared, its worker is {each.behind} events behind",
                    soft_wrap=True,
                )
        differing = sum(each.rows_differing for each in those)
        out.print(f"{service}: {len(those)} compared, {differing} rows differ.")


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
    done: list[Rebuilt] = await _replay("rebuild", service, settings, dsns, console, models=models, logs=logs)
    return done


async def compare(
    service: str,
    settings: StackSettings,
    dsns: dict[str, str],
    *,
    models: Sequence[str],
    logs: Sequence[str],
    console: Console,
) -> list[Compared]:
    """Compare the read models of one service with its log, all of them when none is named; what was found.

    Raises SettingsError when the service's database or a read model is not known.
    """
    found: list[Compared] = await _replay(
        "compare", service, settings, dsns, console, models=models, logs=logs
    )
    return found


async def _replay(
    function: str,
    service: str,
    settings: StackSettings,
    dsns: dict[str, str],
    console: Console,
    **chosen: Sequence[str],
) -> Any:
    """What the service's function of that name answers, with progress shown."""
    if service not in MODULES:
        raise SettingsError(f"{service} has no read models to {function}")
    module = importlib.import_module(MODULES[service])
    databases = await connect_as(service, settings, dsns, purpose="rebuild")
    tasks: dict[str, TaskID] = {}
    read: dict[tuple[str, str], int] = {}
    count = len(chosen["models"] or module.READ_MODELS)
    try:
        with bars_on(console) as bars:

            def show(model: str, log: str, position: int, head: int) -> None:
                """One bar for each log: every read model reads all of it."""
                if log not in tasks:
                    tasks[log] = bars.add_task(f"{service} {log}", total=head * count)
                read[model, log] = position
                reached = sum(each for (_, of_log), each in read.items() if of_log == log)
                bars.update(tasks[log], completed=reached, total=head * count)

            named = {name: values for name, values in chosen.items() if values}
            return await getattr(module, function)(databases, progress=show, **named)
    except LookupError as error:
        known = ", ".join(module.READ_MODELS)
        raise SettingsError(f"{service}: {error}; there are {known}") from None
    finally:
        await databases.close()


def bars_on(console: Console) -> Progress:
    """Bars with counts and the time that is left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
