"""The systems outside for the demo and the tests: the stand-in as a process, and the list of targets that names it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from services.cli.settings import TARGETS
from services.cli.state_dir import harmless_environment, write_private
from services.sync.targets import PACKAGED

_READY_SECONDS_MAX = 30.0


class OutsideError(Exception):
    """The stand-in does not start."""


class Outside:
    """One process in which every system stands in; what it holds is kept in a folder and survives a kill."""

    def __init__(self, folder: Path, *, port: int = 0, **target_fields: Any) -> None:
        """`target_fields` are given to every target of the list."""
        self._folder = folder
        self._port = port or _free_port()
        self._token = secrets.token_urlsafe(24)
        self._fields = target_fields
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {self._token}"},
            trust_env=False,
            timeout=30.0,
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        """What the synchronisation is told to find it."""
        return {
            "XUEFEN_SYNC_TARGETS_FILE": str(self._folder / "targets.yaml"),
            "XUEFEN_SYNC_CREDENTIALS_DIR": str(self._folder),
        }

    def prepare(self) -> None:
        """Write the list of targets and their credentials."""
        self._folder.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = yaml.safe_load(PACKAGED.read_text(encoding="utf-8"))
        for name, target in document["targets"].items():
            reached = {"url": f"{self.address}/{name}", "credential": "outside.token"}
            document["targets"][name] = target | reached | self._fields
        write_private(self._folder / "outside.token", self._token)
        (self._folder / "targets.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")

    def start(self) -> None:
        """Start the process, and wait until it answers. Raises OutsideError."""
        told = {
            "XUEFEN_TARGETS_PORT": str(self._port),
            "XUEFEN_TARGETS_TOKEN_FILE": str(self._folder / "outside.token"),
            "XUEFEN_TARGETS_FOLDER": str(self._folder / "held"),
            "XUEFEN_LOG_LEVEL": "critical",
        }
        # It ends when the pipe closes, however we go.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "stand-in", TARGETS, "--until-stdin-closes"],
            env=harmless_environment() | told,
            stdin=subprocess.PIPE,
        )
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise OutsideError("the stand-in does not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9; what was answered is on disk."""
        assert self._process is not None, "it has been started"
        self._process.kill()
        self._over(self._process)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._over(self._process)
        self.client.close()

    def held(self, system: str, place: str, year: int) -> dict[str, Any]:
        """What a system holds of a place's year, in its own counts."""
        answer = self.client.get(f"/{system}/control/held", params={"place": place, "year": year})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def faults(self, system: str, **faults: Any) -> None:
        """What goes wrong at a system from now on; nothing when nothing is named."""
        self.client.put(f"/{system}/control/faults", json=faults).raise_for_status()

    def _over(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def _answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


@contextmanager
def running_outside(folder: Path, **target_fields: Any) -> Iterator[Outside]:
    """The stand-in for the time of a block, and the environment that names it."""
    outside = Outside(folder, **target_fields)
    outside.prepare()
    before = {name: os.environ.get(name) for name in outside.environment()}
    os.environ.update(outside.environment())
    try:
        outside.start()
        yield outside
    finally:
        outside.stop()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
