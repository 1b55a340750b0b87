"""Notices at the command line: files read with their faults shown, those of a running ledger, and values on one line."""

import asyncio
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import msgspec
from rich.console import Console
from rich.markup import escape

from services.cli.databases import connect_as, databases_for_a_command
from services.cli.settings import StackSettings
from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.ledger.policy import (
    Notice,
    NoticeError,
    PolicyBook,
    book_faults,
    line_of,
    read_notice,
    replaced_by,
    warnings,
)
from services.ledger.store.published_policies import PublishedPolicies

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def read(path: Path) -> Notice | None:
    """The notice in a file, or None once its faults are printed."""
    try:
        return read_notice(path)
    except OSError as error:
        err.print(f"[bold red]{escape(str(path))}[/bold red]: {error.strerror}")
    except NoticeError as error:
        err.print(f"[bold red]{escape(str(path))}[/bold red]: {len(error.faults)} error(s)")
        for fault in error.faults:
            line = f"line {fault.line}" if fault.line is not None else "no line"
            err.print(f"  [bold]{line}[/bold] {escape(fault.field or '/')}", soft_wrap=True)
            err.print(f"    {escape(fault.detail_en)}\n    {escape(fault.detail_zh)}", soft_wrap=True)
    return None


def wrong(path: Path, notice: Notice, book: PolicyBook) -> int:
    """Print what is wrong with a notice beside those of the book; how many faults there are."""
    found = book_faults(notice, book)
    if found:
        err.print(f"[bold red]{escape(str(path))}[/bold red]: {len(found)} error(s)")
    text = path.read_text(encoding="utf-8")
    for fault in found:
        err.print(
            f"  [bold]line {line_of(text, fault.pointer)}[/bold] {escape(fault.pointer)}", soft_wrap=True
        )
        err.print(f"    {escape(fault.en)}\n    {escape(fault.zh)}", soft_wrap=True)
    return len(found)


def tell_replaced(notice: Notice, book: PolicyBook) -> None:
    """Print which publication of the book a notice replaces, if any, in both languages."""
    replaced = replaced_by(notice, book)
    for words in reversed(replaced.words if replaced is not None else ()):
        err.print(f"[yellow]{escape(words)}[/yellow]", soft_wrap=True)


def warn(path: Path, notice: Notice, book: PolicyBook) -> int:
    """Print what is doubtful in a notice beside those of the book; how many warnings there are."""
    found = warnings(notice, book)
    text = path.read_text(encoding="utf-8")
    for doubt in found:
        line = line_of(text, doubt.pointer)
        err.print(
            f"  [yellow]warning[/yellow] [bold]line {line or 1}[/bold] {doubt.pointer} {doubt.code}",
            soft_wrap=True,
        )
        err.print(f"    {escape(doubt.en)}\n    {escape(doubt.zh)}", soft_wrap=True)
    return len(found)


def needed(path: Path) -> Notice:
    """The notice in a file; leave with 1 once its faults are printed."""
    notice = read(path)
    if notice is None:
        sys.exit(1)
    return notice


def short(value: object) -> str:
    """A value on one line, without fields at their default."""
    if value is None or isinstance(value, str | int | bool):
        return str(value)
    if isinstance(value, Decimal | date):
        return str(value)
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        plain.pop("kind", None)
    return msgspec.json.encode(plain).decode()


def fail(message: str) -> NoReturn:
    """Say what is wrong and leave with 2."""
    err.print(f"[bold red]xuefen:[/bold red] {escape(message)}", soft_wrap=True)
    sys.exit(2)


async def published_book(databases: Databases) -> PolicyBook:
    """Every notice ever published to the ledger, as its processes judge by them."""
    policies = PublishedPolicies(databases, EventStore())
    await policies.refresh()
    return policies.book


def book_of_this_ledger() -> PolicyBook:
    """The same of the ledger that this installation runs, or would run.

    Raises SettingsError when its database is not known.
    """

    async def read(dsns: dict[str, str]) -> PolicyBook:
        databases = await connect_as("ledger", settings, dsns, purpose="policy")
        try:
            return await published_book(databases)
        finally:
            await databases.close()

    settings = StackSettings.load()
    with databases_for_a_command(settings) as dsns:
        return asyncio.run(read(dsns))
