"""Child processes of a stack: started with their output caught, told apart by name, ended with the parent."""

import importlib
import json
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from logging import makeLogRecord
from logging.handlers import RotatingFileHandler
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

_TAIL_LINES = 30
_LOG_BYTES_MAX = 16 * 1024 * 1024
_LOGS_KEPT = 4
"""What an earlier start has written stays; beyond so many bytes a log is set aside, and so many of those are kept."""
_STOP_SECONDS = 20.0
_COMMAND = "services.cli.main"
"""By its name: a child becomes the command that started it."""
_HIDDEN = frozenset({"event", "level", "timestamp", "logger", "service"})

Echo = Callable[[str, str], None]
"""Called with a child's name and one readable line of its output, from a thread of that child."""


_FORKS = multiprocessing.get_context("forkserver")
"""One process that has imported what services need and is copied for each of them: to import it takes two seconds of a
core, in each of a dozen processes. It has read no setting and no secret, starts no thread, and ends with this process."""


def import_once(modules: Sequence[str]) -> None:
    """Begin to import what the children to be started will find there."""
    _FORKS.set_forkserver_preload([_COMMAND, *modules])
    forkserver.ensure_running()


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
        theirs_in, self._stdin = _FORKS.Pipe(duplex=False)
        self._stdout, theirs_out = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(
            target=_run,
            name=name,
            args=([*arguments, "--until-stdin-closes"], dict(environment), theirs_in, theirs_out),
            daemon=True,
        )
        self._process.start()
        theirs_in.close()
        theirs_out.close()
        self._reader = threading.Thread(target=self._read, args=(log,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.exitcode

    @property
    def tail(self) -> str:
        """The last lines of its output."""
        return "\n".join(self._tail)

    def ask_to_stop(self) -> None:
        """Send SIGTERM; the child finishes what it is doing."""
        self._process.terminate()

    def wait_until_stopped(self) -> None:
        """Wait for the end, and make it come after 20 seconds."""
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._reader.join(_STOP_SECONDS)
        self._stdin.close()

    def _read(self, log: Path) -> None:
        with (
            closing(
                RotatingFileHandler(log, maxBytes=_LOG_BYTES_MAX, backupCount=_LOGS_KEPT, encoding="utf-8")
            ) as file,
            os.fdopen(os.dup(self._stdout.fileno()), "rb") as output,
        ):
            self._stdout.close()
            for raw in output:
                text = raw.decode(errors="replace").rstrip("\n")
                file.emit(makeLogRecord({"msg": text}))
                for line in readable(text).splitlines():
                    self._tail.append(line)
                    if self._echo is not None:
                        self._echo(self.name, line)


def _run(arguments: list[str], environment: Mapping[str, str], stdin: Connection, stdout: Connection) -> None:
    """Become the command: its environment, its three streams, and a session of its own.

    In a session of its own, so that Ctrl-C reaches the parent alone, which ends its children in order.
    """
    os.setsid()
    for theirs, number in ((stdin, 0), (stdout, 1), (stdout, 2)):
        os.dup2(theirs.fileno(), number)
    stdin.close()
    stdout.close()
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, closefd=False) for number in (1, 2))
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["xuefen", *arguments]
    importlib.import_module(_COMMAND).main()


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
