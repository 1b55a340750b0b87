"""The machine and its processes as they describe themselves, read from /proc."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import asyncpg

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_SETTINGS = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers",
    "max_wal_size", "checkpoint_timeout", "autovacuum", "wal_compression",
)  # fmt: skip


def cpu_seconds(pid: int) -> float:
    """CPU of a process in seconds, user and system, with its children: those that run and those it has reaped."""
    return sum(_seconds(stat) for stat in _family(pid))


def _seconds(stat: list[str]) -> float:
    utime, stime, reaped_utime, reaped_stime = (int(field) for field in stat[11:15])
    return (utime + stime + reaped_utime + reaped_stime) / _TICKS


def _family(pid: int) -> Iterator[list[str]]:
    stats = {int(path.name): stat for path in _PROC.glob("[0-9]*") if (stat := _stat(path))}
    pending = [pid]
    while pending:
        parent = pending.pop()
        if parent in stats:
            yield stats[parent]
        pending += [child for child, stat in stats.items() if int(stat[1]) == parent]


def _stat(path: Path) -> list[str]:
    """The fields from the state on; a process may be gone by now."""
    try:
        return (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def busy_seconds() -> float:
    """CPU seconds of everything on the machine since it started, whoever used them."""
    user, nice, system, _idle, _iowait, *rest = (
        int(field) for field in _PROC.joinpath("stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + sum(rest[:3])) / _TICKS


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def describe() -> dict[str, str]:
    """The processor, its cores, the load before the run, and the Python that runs."""
    cpuinfo = _PROC.joinpath("cpuinfo").read_text() if _PROC.joinpath("cpuinfo").exists() else ""
    models = [
        line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": str(cores()),
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "python": platform.python_version(),
    }


async def describe_postgres(dsn: str) -> dict[str, str]:
    """The version and the settings that decide what a commit costs."""
    conn = await asyncpg.connect(dsn)
    try:
        return {name: await conn.fetchval("select current_setting($1)", name) for name in _SETTINGS}
    finally:
        await conn.close()
