"""How `xuefen sync` shows what it found."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from contracts.divisions import name_of
from services.sync.reconciling.reconcile import Reconciliation
from services.sync.viewing.status import OldestOpen, PlaceStatus, SyncStatus

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
