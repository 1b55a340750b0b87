"""Rounds: every side does its part in turn, so that what else the machine does falls on all of them alike.

Each part begins when the machine is quiet, or after a while in any case, and says how much of it others took.
"""

import time
from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.console import Console

from tests.benchmarks.client import drive
from tests.benchmarks.machine import busy_seconds, cores, cpu_seconds
from tests.benchmarks.report import Sample, Side
from tests.benchmarks.stage import Server, Stage

_QUIET_SHARE = 0.08
_QUIET_WINDOW_SECONDS = 0.2
_QUIET_WAIT_SECONDS = 6.0


class Used(Struct, frozen=True):
    """CPU seconds of the process measured and of PostgreSQL; the share of all cores that neither they nor we used."""

    process: float
    postgres: float
    others: float


class Meter:
    """What is used from the moment it is made until `stop`."""

    def __init__(self, stage: Stage, pid: int) -> None:
        self._pids = (pid, stage.postgres.pid, stage.client.pid)
        self._before = self._read()

    def stop(self, seconds: float) -> Used:
        """What was used since, of which `seconds` were measured."""
        process, postgres, client, busy = (
            now - before for now, before in zip(self._read(), self._before, strict=True)
        )
        return Used(process, postgres, max(busy - process - postgres - client, 0) / seconds / cores())

    def _read(self) -> tuple[float, ...]:
        return (*(cpu_seconds(pid) for pid in self._pids), busy_seconds())


class Rounds:
    """The rounds of one benchmark; the first, number 0, only warms everything up."""

    def __init__(self, stage: Stage, console: Console, name: str, count: int) -> None:
        self._stage = stage
        self._console = console
        self._name = name
        self._count = count
        self._turn = 0

    def __iter__(self) -> Iterator[int]:
        with self._console.status(self._name) as status:
            for turn in range(self._count + 1):
                status.update(f"{self._name}: round {turn} of {self._count}")
                self._turn = turn
                yield turn

    def drive(
        self,
        side: Side,
        server: Server,
        requests: Sequence[bytes],
        connections: int,
        expect: bytes,
        *,
        items: int = 1,
    ) -> None:
        """Send the requests and note the sample; RuntimeError when an answer is not as expected."""
        wait_until_quiet()
        meter = Meter(self._stage, server.pid)
        driven = self._stage.client.call(drive, server.address, requests, connections, expect)
        used = meter.stop(driven.seconds)
        if driven.unexpected:
            raise RuntimeError(f"{server.name} answered otherwise: {driven.unexpected[0]}")
        sample = Sample(
            len(requests) * items,
            driven.seconds,
            used.process,
            used.postgres,
            driven.percentile(0.5),
            driven.percentile(0.99),
            used.others,
        )
        self.note(side, sample)

    def note(self, side: Side, sample: Sample) -> None:
        """Keep a sample, unless this is the round that warms up."""
        if self._turn:
            side.samples.append(sample)


def wait_until_quiet() -> None:
    """Return once the machine rests, or when waiting for it has taken long enough."""
    deadline = time.monotonic() + _QUIET_WAIT_SECONDS
    while time.monotonic() < deadline:
        before = busy_seconds()
        time.sleep(_QUIET_WINDOW_SECONDS)
        if (busy_seconds() - before) / _QUIET_WINDOW_SECONDS / cores() < _QUIET_SHARE:
            return
