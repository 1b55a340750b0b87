"""`xuefen sync status | reconcile | pull | repair`, beside a running stack or by the environment of the service."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from cyclopts import App
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from contracts.divisions import AUTHORITIES, NATION, full_name_of, is_known, name_of
from services.cli.settings import StackSettings
from services.cli.state_dir import StateDir, secrets_of
from services.kit.event_store import EventStore
from services.kit.follower import TokenFile
from services.kit.http_client import open_client
from services.kit.settings import PREFIX, SettingsError
from services.sync.adapters import TargetUnavailableError, open_http
from services.sync.composition import Sync, open_sync
from services.sync.delivering.queue import release_all
from services.sync.pulling import ImportUnavailableError, Puller
from services.sync.reconciling.ledger_side import (
    LedgerUnavailableError,
    OurSideUnknownError,
    PlaceNotTakenError,
)
from services.sync.reconciling.reconcile import Reconciler, Reconciliation, Repairs
from services.sync.recording.closings import ExtractUnavailableError, YearNotClosedError
from services.sync.settings import SyncSettings
from services.sync.targets import Target
from services.sync.viewing import OldestOpen, PlaceStatus, SyncStatus

app = App(
    name="sync", help="Deliveries to systems outside: how they stand, and whether both sides agree. 对接"
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_UNAVAILABLE = (
    TargetUnavailableError,
    LedgerUnavailableError,
    ExtractUnavailableError,
    ImportUnavailableError,
)
_RELEASED_AT_ONCE = 1_000


@dataclass
class Opened:
    """What a command works with."""

    settings: SyncSettings
    sync: Sync
    ledger: httpx.AsyncClient


@app.command
def status(*, place: str = NATION) -> None:
    """Say what waits, was refused or is unsynced, how old the oldest is, and how far the ledger has been read.

    Parameters
    ----------
    place
        Only this division and all under it.
    """
    _must_be_known(place)

    async def run(opened: Opened) -> None:
        show_status(out, await opened.sync.status.status(place))

    _run(run)


@app.command
def reconcile(*, place: str, year: int, target: str = "national-platform", repair: bool = False) -> None:
    """Compare a place's year at a system with the ledger, by place, then by person; exit with 1 when they differ.

    Parameters
    ----------
    place
        A division, with all under it; 100000 compares one authority after the other.
    year
        The credit year.
    target
        The system, by its name in the list of targets.
    repair
        Mend what differs: deliver again what is missing or changed there, end what should not be there.
    """
    _must_be_known(place)

    async def run(opened: Opened) -> None:
        spec = _target(opened, target)
        parts = _authorities(spec, place)
        differ, left_out = 0, 0
        for part in parts:
            try:
                differ += await _reconcile(opened, spec, part, year, repair=repair)
            except YearNotClosedError as error:
                if len(parts) == 1:
                    raise
                left_out += 1
                err.print(_not_closed(error))
        if left_out == len(parts):
            raise SettingsError(
                f"{year} is closed nowhere: there is nothing to compare, and nothing was repaired."
            )
        if not differ:
            where = "" if not left_out else f" where {year} is closed"
            out.print(f"[green]Both sides hold the same{where}.[/green]")
        sys.exit(1 if differ and not repair else 0)

    _run(run)


@app.command
def pull(*, target: str = "national-platform", again: bool = False) -> None:
    """Take over the history and the corrections that a system holds of itself; the worker does so by itself now and then.

    Parameters
    ----------
    target
        The system, by its name in the list of targets.
    again
        Look at everything from the start: what was refused may be taken now. What was taken is not taken twice.
    """

    async def run(opened: Opened) -> None:
        spec = _target(opened, target)
        if spec.source is None:
            raise SettingsError(f"target {target} has no `source`, under which its history would be imported")
        counts: dict[str, int] = {}
        async with open_http(spec, opened.settings.sync_credentials_dir) as adapter:
            puller = Puller(opened.sync.database, spec, adapter, opened.ledger, opened.sync.clock)
            if again:
                await puller.rewind()
            with err.status("pull") as shown:
                while (page := await puller.step()) is not None:
                    for each in page:
                        counts[each.outcome] = counts.get(each.outcome, 0) + 1
                    shown.update(f"pull {sum(counts.values())}")
        show_pulled(out, counts)

    _run(run)


@app.command
def repair(*, target: str, place: str = NATION) -> None:
    """Let refused and unsynced deliveries go again, when what was wrong is mended.

    Parameters
    ----------
    target
        The system, by its name in the list of targets.
    place
        Only those of this first-level authority.
    """
    if place not in AUTHORITIES:
        raise SettingsError(f"{place} is no first-level authority")

    async def run(opened: Opened) -> None:
        _target(opened, target)
        people = 0
        while True:
            async with opened.sync.database.transaction() as conn:
                log = None if place == NATION else place
                freed = await release_all(conn, target, log, opened.sync.clock())
            people += freed
            if freed < _RELEASED_AT_ONCE:
                break
        out.print(f"The deliveries of {people} people go again.")

    _run(run)


async def _reconcile(opened: Opened, spec: Target, place: str, year: int, *, repair: bool) -> int:
    """Compare one place, show what differs, and mend it if asked to; how many differences there were to mend."""
    found = await _compare(opened, spec, place, year)
    show_places(out, found)
    show_differences(out, found)
    if repair and found.to_mend:
        mended = await Repairs(opened.sync.database, spec, opened.sync.clock).mend(year, found.to_mend)
        out.print(f"{mended} will be delivered again or ended; reconcile again when they have arrived.")
    return len(found.to_mend)


def _not_closed(error: YearNotClosedError) -> str:
    return (
        f"{error.year} is not closed at {error.place} {full_name_of(error.place)}: the ledger has no extract of it yet, "
        "so there is nothing to compare, and nothing was repaired."
    )


async def _compare(opened: Opened, spec: Target, place: str, year: int) -> Reconciliation:
    """One comparison, with a bar for each of its steps."""
    tasks: dict[str, TaskID] = {}
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    ) as bars:

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(f"{place} {what}", total=total)
            bars.update(tasks[what], completed=done, total=total)

        async with open_http(spec, opened.settings.sync_credentials_dir) as adapter:
            reconciler = Reconciler(opened.sync.database, opened.ledger, spec, adapter)
            return await reconciler.compare(place, year, show)


def _run(work: Callable[[Opened], Awaitable[None]]) -> None:
    """Run a command's work; what does not answer is said in a line."""

    async def whole() -> None:
        async with _opened() as opened:
            await work(opened)

    try:
        asyncio.run(whole())
    except YearNotClosedError as error:
        raise SettingsError(_not_closed(error)) from None
    except PlaceNotTakenError as error:
        raise SettingsError(
            f"this system is not told of {error} {full_name_of(str(error))}: nothing was compared or repaired."
        ) from None
    except OurSideUnknownError as error:
        raise SettingsError(
            f"what the ledger holds of records of kind {error} cannot be read here: nothing was compared or repaired."
        ) from None
    except _UNAVAILABLE as error:
        raise SettingsError(
            f"{type(error).__name__}: {error}. Nothing was changed by halves; try again."
        ) from None


@asynccontextmanager
async def _opened() -> AsyncIterator[Opened]:
    settings = _settings()
    auth = None if settings.sync_token_file is None else TokenFile(settings.sync_token_file)
    async with (
        open_sync(settings, "command", EventStore()) as sync,
        open_client(settings.ledger_url, auth=auth, answer=60) as ledger,
    ):
        yield Opened(settings, sync, ledger)


def _settings() -> SyncSettings:
    """The settings of the stack that runs here; of the environment when none does."""
    home = StateDir(StackSettings.load().home)
    record = home.read_record()
    if record is None or not record.supervisor.running or "sync" not in record.databases:
        return SyncSettings.load()
    addresses = {each.name: each.address for each in record.processes}
    told: dict[str, object] = {"sync_database_url": record.databases["sync"]}
    told |= {name.removeprefix(PREFIX).lower(): value for name, value in secrets_of("sync", home).items()}
    told |= {
        f"{service}_url": addresses[service] for service in ("registry", "ledger") if service in addresses
    }
    if home.token_file("sync").exists():
        told["sync_token_file"] = home.token_file("sync")
    return SyncSettings.load(**told)


def _target(opened: Opened, name: str) -> Target:
    """The target of that name. SettingsError when there is none, or when it is off."""
    targets = opened.sync.targets
    if name not in targets.all:
        raise SettingsError(f"there is no target {name!r}; there are {', '.join(targets.all)}")
    if not targets.all[name].is_on:
        raise SettingsError(
            f"target {name} has no `url` in {opened.settings.sync_targets_file.name}: it is off"
        )
    return targets.all[name]


def _authorities(spec: Target, place: str) -> list[str]:
    """The places to compare one by one: each lies in one log of the ledger."""
    if place != NATION:
        return [place]
    return [each for each in AUTHORITIES if each != NATION and spec.takes_place(each)]


def _must_be_known(place: str) -> None:
    if not is_known(place):
        raise SettingsError(f"there is no division {place}")


DIFFERENCES_SHOWN_MAX = 200


def show_status(console: Console, status: SyncStatus) -> None:
    """Every target by place, then the logs that are behind."""
    table = _table(
        "target", "place", "delivered", "lately", "pending", "refused", "unsynced", "oldest", "due"
    )
    for target in status.targets:
        if not target.on:
            table.add_row(target.target, "[dim]off[/dim]")
        for at in target.places:
            table.add_row(*_status_row(target.target, at))
    console.print(table)
    for log in status.logs:
        if log.lag or log.error:
            console.print(
                f"{log.log} {name_of(log.log)}: {log.lag} positions behind {log.error or ''}".rstrip()
            )


def _status_row(target: str, at: PlaceStatus) -> list[str]:
    oldest = at.oldest_unsynced or at.oldest_pending
    return [
        target,
        f"{at.place} {name_of(at.place)}",
        str(at.delivered),
        str(at.delivered_lately),
        str(at.pending),
        _reasons(at.refused),
        _reasons(at.unsynced),
        "" if oldest is None else f"{oldest.recorded_at:%Y-%m-%d %H:%M}",
        _due(oldest),
    ]


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))


def _due(oldest: OldestOpen | None) -> str:
    if oldest is None or oldest.due_on is None:
        return ""
    return f"[red]{oldest.due_on}[/red]" if oldest.late else str(oldest.due_on)


def show_places(console: Console, found: Reconciliation) -> None:
    """Counts of both sides by place."""
    table = _table("place", "ledger", "there", "people", "there", "same")
    for each in found.places:
        table.add_row(
            f"{each.ours.place} {name_of(each.ours.place)}",
            str(each.ours.records),
            str(each.theirs.records),
            str(each.ours.people),
            str(each.theirs.people),
            "[green]yes[/green]" if each.same else "[red]no[/red]",
        )
    console.print(f"{found.target} {found.year} {found.place} {name_of(found.place)}")
    console.print(table)


def show_differences(console: Console, found: Reconciliation) -> None:
    """Every record that differs, where and why; at most 200."""
    if not found.differences:
        return
    table = _table("place", "person", "subject", "side", "what", "why", "fields")
    for each in found.differences[:DIFFERENCES_SHOWN_MAX]:
        table.add_row(
            each.place, each.person_id, each.subject, each.side, each.kind, each.why, ", ".join(each.fields)
        )
    console.print(table)
    if len(found.differences) > DIFFERENCES_SHOWN_MAX:
        console.print(f"and {len(found.differences) - DIFFERENCES_SHOWN_MAX} more")


def show_pulled(console: Console, counts: Mapping[str, int]) -> None:
    """What became of the records that were pulled."""
    if not counts:
        console.print("Nothing new.")
    for outcome, count in sorted(counts.items()):
        console.print(f"{count:>8}  {outcome}")


def _table(*columns: str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
