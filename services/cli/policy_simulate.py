"""`xuefen policy simulate`: what a draft would change over the ledger as it is: how many persons, from which status to
which, by place and reason. Nothing is written."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from rich import box
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from contracts.divisions import chain_of, full_name_of
from services.cli.databases import connect_as, databases_for_a_command
from services.cli.notice_files import err, fail, needed, out, published_book, tell_replaced
from services.cli.rebuild import bars_on
from services.cli.settings import StackSettings
from services.kit.clock import local_date, utc_now
from services.ledger.counting.simulation import Changed, Progress, Simulation
from services.ledger.counting.simulation import simulate as simulate_over
from services.ledger.policy import Notice


def simulate(file: Path, *, on: str | None = None, json: bool = False) -> None:
    """Try a draft notice over the ledger as it is: who would be judged otherwise, and by which requirement.

    Parameters
    ----------
    file
        The draft's YAML file.
    on
        Judge as of the end of this day, such as 2025-12-31; today when not given.
    json
        Print JSON instead of tables.
    """
    draft = needed(file)
    try:
        day = date.fromisoformat(on) if on is not None else local_date(utc_now())
    except ValueError:
        fail(f"{on!r} is no day")
    settings = StackSettings.load()
    with databases_for_a_command(settings) as dsns:
        found = asyncio.run(_simulate(settings, dsns, draft, day))
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        show(found)


async def _simulate(settings: StackSettings, dsns: dict[str, str], draft: Notice, on: date) -> Simulation:
    with bars_on(err) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(log: str, read: int, total: int) -> None:
            if log not in tasks:
                tasks[log] = bars.add_task(f"persons of {log}", total=total)
            bars.update(tasks[log], completed=read, total=max(total, read))

        return await try_draft(settings, dsns, draft, on, progress)


async def try_draft(
    settings: StackSettings,
    dsns: dict[str, str],
    draft: Notice,
    on: date,
    progress: Progress = lambda _log, _read, _all: None,
) -> Simulation:
    """Try a draft over the ledger whose databases are known by address; nothing is written."""
    databases = await connect_as("ledger", settings, dsns, purpose="simulate")
    try:
        book = await published_book(databases)
        tell_replaced(draft, book)
        return await simulate_over(databases, book, draft, on=on, progress=progress)
    finally:
        await databases.close()


def show(found: Simulation) -> None:
    """Print a simulation: by year, status and reason; then by place."""
    years = f"{found.years[0]}-{found.years[-1]}" if found.years else "no year"
    out.print(
        f"[bold]{escape(found.document)}[/bold]  {found.place} {full_name_of(found.place)}, judged on {found.on}: "
        f"{found.persons:,} persons, {years}; {found.changed:,} of {found.judged:,} years of persons judged otherwise"
    )
    if not found.changes:
        return
    table = Table("year", "from", "to", "why", "persons", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[-1].justify = "right"
    for (year, before, after, reasons), persons in _counted(
        ((each.year, each.before, each.after, why(each)), each.persons) for each in found.changes
    ):
        table.add_row(str(year), before, after_words(before, after), escape(reasons), f"{persons:,}")
    out.print(table)
    table = Table("place", "year", "from", "to", "persons", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[-1].justify = "right"
    for (place, year, before, after), persons in _counted(
        ((_child(found.place, each.place), each.year, each.before, each.after), each.persons)
        for each in found.changes
    ):
        name = f"{place} {full_name_of(place)}"
        table.add_row(name, str(year), before, after_words(before, after), f"{persons:,}")
    out.print(table)
    out.print("[dim]Nothing was written.[/dim]")


def _counted(counted: Iterable[tuple[object, int]]) -> list[tuple[Any, int]]:
    counts: Counter[object] = Counter()
    for key, persons in counted:
        counts[key] += persons
    return sorted(counts.items())


def why(changed: Changed) -> str:
    """The reasons of a change, each with its clause."""
    return ", ".join(
        f"{reason.what} ({reason.clause})" if reason.clause else reason.what for reason in changed.reasons
    )


def after_words(before: str, after: str) -> str:
    """The status after; with the same status, that something else is missing."""
    return f"{after}, otherwise" if before == after else after


def _child(place: str, inner: str) -> str:
    """The place just under the notice's that holds the inner one."""
    chain = chain_of(inner)
    at = chain.index(place) if place in chain else 0
    return chain[max(at - 1, 0)]
