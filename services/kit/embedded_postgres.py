"""A PostgreSQL of our own for development, demonstration and tests: the binaries of a wheel, on loopback,
with a password, in an unprivileged child process. It survives being killed, stops when asked, and ends with us.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from services.kit.embedded_places import (
    EmbeddedPostgresError,
    choose_account,
    find_binaries,
    forget_data,
    give,
    place_data,
)
from services.kit.processes import is_running, process_arguments

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_ATTEMPTS = 3
_LOG_TAIL_BYTES = 2000
_LOG_BYTES_MAX = 10_000_000
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# Its standard input ends with the process that holds the other end, however that one went. Sessions are given ten
# seconds to end by themselves.
_WATCH = """
read -r nothing
kill -TERM "$1" 2> /dev/null
for second in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$1" 2> /dev/null || exit 0
    sleep 1
done
kill -INT "$1" 2> /dev/null
"""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One PostgreSQL on one data directory, started and stopped by this process.

    Beside the data directory stand `<name>.password` (0600), `<name>.log` and `<name>.lock`, which is locked
    while a process of ours holds the server. `settings` are passed as `-c name=value`.
    """

    def __init__(self, data_dir: Path, *, port: int = 0, settings: Mapping[str, str] | None = None) -> None:
        self._account = choose_account()
        self._wanted = Path(data_dir)
        self._wanted_port = port
        self._port = port
        self._settings = {**_SETTINGS, **(settings or {})}
        self._data = self._wanted
        self._password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def dsn(self) -> str:
        """Address of the superuser; the password is made of letters, digits, `-` and `_`."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def data_dir(self) -> Path:
        """Where the data is; known once started."""
        return self._data

    @property
    def port(self) -> int:
        """The port, known once started when none was given."""
        return self._port

    @property
    def pid(self) -> int:
        """Process id of the postmaster, 0 when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    def start(self) -> None:
        """Make the cluster when there is none, start it and wait until it accepts connections.

        Raises EmbeddedPostgresError when another process holds the data directory or the server does not
        accept connections within 60 seconds; the end of its log is part of the message.
        """
        if self.pid:
            return
        self._data = place_data(self._wanted, self._account)
        self._take_lock()
        try:
            binaries = find_binaries(self._account)
            self._stop_orphan()
            if not (self._data / "PG_VERSION").exists():
                self._initialise(binaries)
            self._password = self._read_password()
            self._start_server(binaries)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, a checkpoint is written, the child process is reaped."""
        self._stop(signal.SIGINT)

    def _stop(self, first: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(first)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(_STOP_SECONDS)
        self._stop_watching()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def stop_left_over(self) -> bool:
        """Stop the server that a killed process of ours left on this directory; whether there was one."""
        if not self._wanted.exists():
            return False
        self._data = place_data(self._wanted, self._account)
        self._take_lock()
        try:
            return self._stop_orphan()
        finally:
            self.stop()

    def remove(self) -> None:
        """Stop, without a checkpoint nobody will read, and delete the data directory with everything beside it."""
        self._stop(signal.SIGQUIT)
        forget_data(self._wanted)
        for suffix in ("password", "log", "lock"):
            self._beside(suffix).unlink(missing_ok=True)

    def _beside(self, suffix: str) -> Path:
        return self._data.with_name(f"{self._data.name}.{suffix}")

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = self._beside("lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedPostgresError(
                f"{self._data} is in use by the process {holder}. Stop it first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _initialise(self, binaries: Path) -> None:
        """Make a cluster in a directory of another name, so that a half-made one is never taken for whole."""
        unfinished = self._beside("unfinished")
        password_file = self._beside("password")
        handed = self._beside("initdb-password")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        if self._data.exists() and any(self._data.iterdir()):
            raise EmbeddedPostgresError(f"{self._data} is not empty and holds no PostgreSQL.")
        password = secrets.token_urlsafe(24)
        _write_private(password_file, password)
        _write_private(handed, password)
        give(handed, self._account)
        unfinished.mkdir(mode=0o700)
        give(unfinished, self._account)
        command = [
            str(binaries / "initdb"),
            f"--pgdata={unfinished}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={handed}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                cwd=unfinished,
                env=_ENVIRONMENT,
                capture_output=True,
                text=True,
                check=False,
                **self._account.process_options(),
            )
        finally:
            handed.unlink()
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        if self._data.exists():
            self._data.rmdir()
        unfinished.rename(self._data)

    def _read_password(self) -> str:
        try:
            return self._beside("password").read_text()
        except FileNotFoundError:
            raise EmbeddedPostgresError(
                f"The password file {self._beside('password')} is missing. "
                f"Put it back, or delete {self._data}."
            ) from None

    def _start_server(self, binaries: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        for attempt in range(_ATTEMPTS):
            if not self._wanted_port and (not self._port or attempt or not _is_free(self._port)):
                self._port = _free_port()
            self._process = self._spawn(binaries)
            if self._wait_until_ready(deadline):
                self._watch(self._process.pid)
                return
            tail = self._log_tail()
            may_pass = "pre-existing shared memory block" in tail or "could not create any TCP" in tail
            if not may_pass or (self._wanted_port and "could not create any TCP" in tail):
                break
            time.sleep(1.0)
        raise EmbeddedPostgresError(f"PostgreSQL did not start. The end of its log:\n{self._log_tail()}")

    def _spawn(self, binaries: Path) -> subprocess.Popen[bytes]:
        settings = {**self._settings, "port": str(self._port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = self._beside("log")
        too_long = log.exists() and log.stat().st_size > _LOG_BYTES_MAX
        with log.open("wb" if too_long else "ab") as output:
            # A session of its own: Ctrl-C in the terminal must reach the services first, the database last.
            return subprocess.Popen(  # noqa: S603
                [str(binaries / "postgres"), "-D", str(self._data), *options],
                cwd=self._data,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._account.process_options(),
            )

    def _watch(self, pid: int) -> None:
        """Let the server end when this process does, even by kill -9: a small shell waits for that."""
        self._stop_watching()
        self._watcher = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _WATCH, "watch", str(pid)],
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._account.process_options(),
        )

    def _stop_watching(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.kill()
            watcher.communicate()

    def _wait_until_ready(self, deadline: float) -> bool:
        """Whether the server says `ready` in its pid file; False once it has exited or the time is over."""
        assert self._process is not None
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            pid, status = _read_pid_file(self._data)
            if pid == self._process.pid and status == "ready":
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _stop_orphan(self) -> bool:
        """Stop a server that a killed predecessor left running, and settle the pid file of a dead one.

        PostgreSQL itself removes a stale pid file unless the number is taken again, by a zombie or by a
        process of the same account, or the file is damaged; then it refuses to start for ever, so these
        cases are settled here. The lock we hold says that no other process of ours is starting.
        """
        pid, _ = _read_pid_file(self._data)
        if pid and not is_running(pid, even_zombie=True):
            return False
        was_running = bool(pid) and is_running(pid) and str(self._data) in process_arguments(pid)
        if was_running:
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + _STOP_SECONDS
            while is_running(pid):
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(f"The server {pid} left on {self._data} does not stop.")
                time.sleep(_POLL_SECONDS)
        with suppress(FileNotFoundError):
            (self._data / "postmaster.pid").unlink()
        return was_running

    def _log_tail(self) -> str:
        log = self._beside("log")
        if not log.exists():
            return ""
        return log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _read_pid_file(data: Path) -> tuple[int, str]:
    """The postmaster's process id and status word by its pid file; (0, "") when there is none."""
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    except (OSError, ValueError, IndexError):
        return 0, ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
