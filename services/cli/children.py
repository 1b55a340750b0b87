"""Child processes of a stack: started with their output caught, told apart by name, ended with the parent."""

import json
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from logging import makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

_TAIL_LINES = 30
_LOG_BYTES_MAX = 16 * 1024 * 1024
_LOGS_KEPT = 4
"""What an earlier start has written stays; beyond so many bytes a log is set aside, and so many of those are kept."""
_STOP_SECONDS = 20.0
_HIDDEN = frozenset({"event", "level", "timestamp", "logger", "service"})

Echo = Callable[[str, str], None]
"""Called with a child's name and one readable line of its output, from a thread of that child."""


class Child:
    """One process. Its output goes to a log file and, made readable, to `echo`.

    The child holds the reading end of a pipe as its standard input: when this process ends, even by kill -9,
    the pipe closes and the child ends by itself.
    """

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        echo: Echo | None = None,
    ) -> None:
        self.name = name
        self._echo = echo
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        # In a session of its own, so that Ctrl-C reaches the parent alone, which ends its children in order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", *arguments, "--until-stdin-closes"],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    @property
    def tail(self) -> str:
        """The last lines of its output."""
        return "\n".join(self._tail)

    def ask_to_stop(self) -> None:
        """Send SIGTERM; the child finishes what it is doing."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait_until_stopped(self) -> None:
        """Wait for the end, and make it come after 20 seconds."""
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_STOP_SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _read(self, log: Path) -> None:
        assert self._process.stdout is not None
        with closing(
            RotatingFileHandler(log, maxBytes=_LOG_BYTES_MAX, backupCount=_LOGS_KEPT, encoding="utf-8")
        ) as file:
            for raw in self._process.stdout:
                text = raw.decode(errors="replace").rstrip("\n")
                file.emit(makeLogRecord({"msg": text}))
                for line in readable(text).splitlines():
                    self._tail.append(line)
                    if self._echo is not None:
                        self._echo(self.name, line)


def readable(line: str) -> str:
    """A line of JSON as `level event key=value ...`, any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        record: dict[str, object] = json.loads(line)
    except ValueError:
        return line
    details = " ".join(f"{key}={_short(value)}" for key, value in record.items() if key not in _HIDDEN)
    clock = str(record.get("timestamp", ""))[11:19]
    return f"{clock} {record.get('level', ''):<8}{record.get('event', '')} {details}".rstrip()


def _short(value: object) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value, ensure_ascii=False)
