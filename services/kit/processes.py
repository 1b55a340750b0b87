"""Questions about other processes of this machine: does one run, and what was it started as. A process that
is dead but not yet reaped does not count as running."""

import os
import subprocess
from pathlib import Path

_PROC = Path("/proc")


def is_running(pid: int, *, even_zombie: bool = False) -> bool:
    """Whether a process with this id exists; a zombie counts only when asked for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return even_zombie or not _state(pid).startswith(("Z", "X"))


def process_arguments(pid: int) -> list[str]:
    """The command line a process was started with, empty when it is gone or hidden."""
    if _PROC.joinpath("self").exists():
        try:
            raw = _PROC.joinpath(str(pid), "cmdline").read_bytes()
        except OSError:
            return []
        return [os.fsdecode(part) for part in raw.split(b"\0") if part]
    return _ps(pid, "args=").split()


def process_started(pid: int) -> str:
    """A word that differs between two processes that were given the same id, empty when it is gone."""
    if _PROC.joinpath("self").exists():
        fields = _stat_fields(pid)
        return fields[19] if len(fields) > 19 else ""
    return _ps(pid, "lstart=").strip()


def _state(pid: int) -> str:
    if _PROC.joinpath("self").exists():
        fields = _stat_fields(pid)
        return fields[0] if fields else "X"
    return _ps(pid, "stat=").strip() or "X"


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; the name before it may hold blanks and brackets."""
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _ps(pid: int, column: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["ps", "-o", column, "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
