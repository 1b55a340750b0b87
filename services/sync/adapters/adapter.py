"""What the synchronisation asks of a system outside, however it is talked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from contracts.targets import (
    Answer,
    HeldRecords,
    HistoryPage,
    PersonTotals,
    PlaceTotals,
    TargetRecord,
)


class TargetUnavailableError(Exception):
    """The system did not answer, or not in a way that can be read: nobody knows what it took. Send the same again."""


class TargetBusyError(TargetUnavailableError):
    """The system asks to be left alone for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asks for {seconds:.0f} seconds")
        self.seconds = seconds


class BatchRefusedError(Exception):
    """The system refused a batch as a whole, with the status it gave: some record of it is at fault."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Adapter(Protocol):
    """One system. Every method raises TargetUnavailableError when there is no answer that can be read."""

    async def deliver(self, records: Sequence[TargetRecord]) -> Mapping[str, Answer]:
        """Send records, at most one of a person; the answers by key, which may leave some out.

        Raises BatchRefusedError, and TargetBusyError when the system asks for a pause.
        """

    async def totals(self, place: str, year: int) -> PlaceTotals:
        """Counts and hashes of every place in or below one."""

    async def people(self, place: str, year: int, after: str | None) -> PersonTotals:
        """A page of counts and hashes of exactly one place's people."""

    async def records(self, place: str, year: int, person_ref: str) -> HeldRecords:
        """What is held of one person's year at a place."""

    async def history(self, after: int) -> HistoryPage:
        """What the system holds and did not get from us, after a position."""
