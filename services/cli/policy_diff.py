"""Drafts tried before they are published: `xuefen policy diff` tells what one changes, setting by setting, `simulate` for
whom, and `try` what becomes of the stories a bureau has written down."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich import box
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from contracts.divisions import chain_of, full_name_of
from services.cli.databases import connect_as, databases_for_a_command
from services.cli.notice_files import (
    book_of_this_ledger,
    err,
    fail,
    needed,
    out,
    published_book,
    short,
    tell_replaced,
)
from services.cli.rebuild import bars_on
from services.cli.settings import StackSettings
from services.kit.clock import local_date, utc_now
from services.ledger.counting.simulation import Changed, Progress, Simulation
from services.ledger.counting.simulation import simulate as simulate_over
from services.ledger.policy import Notice, PolicyBook, Sourced, bundled_book
from services.ledger.policy.difference import Change, PolicyDifference, compare_books
from services.ledger.policy.document.yaml_faults import YamlFault, text_of
from services.ledger.scenarios.beginnings import Shelf
from services.ledger.scenarios.scenario_file import ScenarioFault, read_scenarios
from services.ledger.scenarios.trial import try_scenarios

_COLOURS = {"added": "green", "removed": "red", "changed": "yellow", "restated": "dim"}


def diff(*files: Path, json: bool = False, restated: bool = False, ledger: bool = False) -> None:
    """Compare a draft notice with what is in force, or two drafts with each other, setting by setting.

    Parameters
    ----------
    files
        One file: the bundled notices against the same with this one. Two: with the first against with the second.
    json
        Print JSON instead of tables.
    restated
        Also show values that stay and are only said by another clause.
    ledger
        Compare with what this installation's ledger has published, not with the bundled notices.
    """
    if len(files) not in (1, 2):
        fail("name one file, or two")
    notices = [needed(path) for path in files]
    in_force = book_of_this_ledger() if ledger else bundled_book()
    before = in_force if len(notices) == 1 else _with(in_force, notices[0])
    after = _with(in_force, notices[-1])
    tell_replaced(notices[-1], in_force)
    replaced = [entry.notice for entry in before if entry.notice.id in {notice.id for notice in notices}]
    found = compare_books(before, after, [*notices, *replaced])
    if json:
        print(msgspec.json.encode(_plain(found)).decode())
        return
    if not found:
        out.print("Nothing changes.")
    for difference in found:
        _show(difference, restated)


def try_(draft: Path, scenarios: Path, *, ledger: bool = False) -> None:
    """Tell the stories of a scenario file to a draft notice beside those in force; exit with 1 when one comes out otherwise.

    The form of the file: who, where, which year, what was there before, what happens, and what must come of it. A name under
    `notices` is a file beside the scenarios, without `.yaml`.

    Parameters
    ----------
    draft
        The notice's YAML file.
    scenarios
        The YAML file of scenarios.
    ledger
        Beside what this installation's ledger has published, not the bundled notices.
    """
    notice = needed(draft)
    in_force = book_of_this_ledger() if ledger else bundled_book()
    tell_replaced(notice, in_force)

    def find(name: str) -> Notice:
        path = scenarios.parent / f"{name}.yaml"
        if path.name != f"{name}.yaml" or not path.is_file():
            raise LookupError(name)
        return needed(path)

    try:
        read = read_scenarios(text_of(scenarios.read_bytes()), str(scenarios))
    except OSError as error:
        fail(f"{scenarios}: {error.strerror}")
    except (ScenarioFault, YamlFault) as fault:
        err.print(
            f"[bold red]{escape(str(scenarios))}[/bold red] [bold]line {fault.line}[/bold]", soft_wrap=True
        )
        err.print(f"    {escape(fault.en)}\n    {escape(fault.zh)}", soft_wrap=True)
        sys.exit(1)
    shelf = Shelf((entry.notice for entry in _with(in_force, notice)), find)
    tried = try_scenarios(read, shelf)
    for one in tried:
        if one.differs:
            out.print(f"[red]differs[/red] {escape(one.name)}", soft_wrap=True)
        for each in one.differs:
            out.print(f"    {escape(each.en)}\n    {escape(each.zh)}", soft_wrap=True)
    failed = sum(bool(one.differs) for one in tried)
    word = (
        f"[red]{failed} of {len(tried)} differ[/red]"
        if failed
        else f"[green]all {len(tried)} as expected[/green]"
    )
    out.print(f"{word}: {escape(notice.label)}", soft_wrap=True)
    if failed:
        sys.exit(1)


def _with(book: PolicyBook, notice: Notice) -> PolicyBook:
    return book.with_notice(notice, datetime.now(UTC), "draft", 1)


def _plain(found: tuple[PolicyDifference, ...]) -> object:
    return msgspec.to_builtins(found, builtin_types=(Decimal,), order="deterministic")


def _show(difference: PolicyDifference, restated: bool) -> None:
    place = f"{difference.place} {full_name_of(difference.place)} {difference.year}"
    told = [change for change in difference.changes if restated or change.kind != "restated"]
    hidden = len(difference.changes) - len(told)
    title = f"[bold]{place}[/bold]"
    if difference.before is None:
        title += "  [green]had no policy[/green]"
    if difference.after is None:
        title += "  [red]has no policy any more[/red]"
    out.print(title)
    if told:
        table = Table("setting", "", "before", "after", box=box.SIMPLE_HEAD, pad_edge=False)
        for change in told:
            table.add_row(escape(change.setting), _word(change), *_sides(change))
        out.print(table)
    if hidden:
        out.print(f"[dim]{hidden} value(s) stay and are said by another clause (--restated shows them)[/dim]")
    out.print()


def _word(change: Change) -> str:
    colour = _COLOURS[change.kind]
    return f"[{colour}]{change.kind}[/{colour}]"


def _sides(change: Change) -> tuple[str, str]:
    """Both values with their sources; of windows that stay, only what differs in them."""
    before, after = change.before, change.after
    if before is None or after is None:
        return _side(before, ()), _side(after, ())
    alike: tuple[str, ...] = ()
    if isinstance(before.value, dict) and isinstance(after.value, dict):
        alike = tuple(name for name, part in before.value.items() if after.value.get(name) == part)
    return _side(before, alike), _side(after, alike)


def _side(sourced: Sourced[object] | None, left_out: tuple[str, ...]) -> str:
    if sourced is None:
        return "-"
    value = sourced.value
    if isinstance(value, dict):
        parts = (f"{name}={_part(part)}" for name, part in value.items() if name not in left_out)
        value = ", ".join(parts)
    return f"{escape(short(value))}\n[dim]{sourced.clause} {escape(sourced.document)}[/dim]"


def _part(value: object) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else short(value)


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
