"""`xuefen policy diff`: what a draft changes, setting by setting, for every place and year it touches."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from rich import box
from rich.markup import escape
from rich.table import Table

from contracts.divisions import full_name_of
from services.cli.notice_files import book_of_this_ledger, fail, needed, out, short, tell_replaced
from services.ledger.policy import Notice, PolicyBook, Sourced, bundled_book
from services.ledger.policy.difference import Change, PolicyDifference, compare_books

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
