"""The stage of a run: one embedded PostgreSQL with fresh databases, processes under uvicorn, a separate client.

Everything ends with the run, also when it is interrupted.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar

from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.migrations import upgrade
from services.kit.provision import provision, with_database
from services.kit.settings import new_key_text, secret_key
from services.kit.signing import new_signing_key, public_key_set, sign_token

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
ISSUER = "http://issuer.invalid"
# As the embedded server of `xuefen up` is set; durability is PostgreSQL's default, which is on.
POSTGRES = {"max_connections": "200", "shared_buffers": "256MB", "max_wal_size": "4GB"}
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PASSWORDS = {"ledger": "bench-ledger", "ledger_owner": "bench-ledger-owner"}


class Helper:
    """A process that runs functions for us: a client, or a writer without HTTP. Its CPU is counted by itself."""

    def __init__(self) -> None:
        self._executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        self.pid = self.call(os.getpid)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """The function's answer; it is named by its module, and its arguments are sent over."""
        return self._executor.submit(function, *arguments).result()

    def close(self) -> None:
        """End the process, whatever it is doing or waiting for."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._executor.shutdown(cancel_futures=True)


class Server:
    """One process that serves HTTP on a port of loopback."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], root: Path) -> None:
        self.name = name
        self.port = _free_port()
        self.log = root / f"{name}.log"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *(part.replace("{port}", str(self.port)) for part in command)],
                cwd=ROOT,
                env={
                    **os.environ,
                    **{k: v.replace("{port}", str(self.port)) for k, v in environment.items()},
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid

    @property
    def address(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self, path: str) -> None:
        """Return once the path answers 200; RuntimeError with the end of its output when the process ended."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(self.address + path, timeout=2) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """End it, by force when it does not follow; harmless to repeat."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Stage:
    """PostgreSQL, its databases, the processes on it, and the key that signs callers' tokens."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._key = new_signing_key()
        self.identity_key = new_key_text()
        self._dsns: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        try:
            self.root = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="xuefen-bench-")))
            self.root.chmod(0o711)
            self.postgres = EmbeddedPostgres(self.root / "postgres", settings=POSTGRES)
            self._stack.callback(self.postgres.remove)
            self.postgres.start()
            self._keys_url = self._serve_keys()
            self.client = self.helper()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def identity_key_bytes(self) -> bytes:
        """The key under which the ledger hashes identities."""
        return secret_key("XUEFEN_IDENTITY_KEY", self.identity_key, None)

    def database(self, name: str) -> dict[str, str]:
        """The addresses `ledger`, `ledger_owner` and `admin` of a database with the ledger's schema, made when asked."""
        if name not in self._dsns:
            admin = self.postgres.dsn
            dsns = asyncio.run(provision(admin, name, passwords=_PASSWORDS))
            upgrade("ledger", dsns["ledger_owner"], schema="ledger")
            self._dsns[name] = {**dsns, "admin": with_database(admin, name)}
        return self._dsns[name]

    def helper(self) -> Helper:
        """A process of its own that ends with the stage."""
        helper = Helper()
        self._stack.callback(helper.close)
        return helper

    def serve_ledger(self, database: str) -> Server:
        """The ledger's API as a deployment runs it, one process under uvicorn."""
        environment = {
            "XUEFEN_LEDGER_DATABASE_URL": self.database(database)["ledger"],
            "XUEFEN_LEDGER_PORT": "{port}",
            "XUEFEN_IDENTITY_KEY": self.identity_key,
            "XUEFEN_DIGEST_KEY": self.identity_key,
            "XUEFEN_AUDIT_KEY": self.identity_key,
            "XUEFEN_LEDGER_QUOTAS": "{}",
            "XUEFEN_ISSUER": ISSUER,
            "XUEFEN_JWKS_URL": self._keys_url,
        }
        command = ["-m", "services.cli.main", "serve", "ledger"]
        return self._serve("ledger", command, environment, "/healthz")

    def serve_reference(self, module: str, environment: Mapping[str, str]) -> Server:
        """A reference application, `tests.benchmarks.references.<module>:app`, under the same server."""
        app = f"tests.benchmarks.references.{module}:app"
        command = ["-m", "uvicorn", app, "--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop"]
        command += ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
        return self._serve(module, command, environment, "/healthz")

    def token(self, *scopes: str, **claims: Any) -> str:
        """A signed token, as the registry would give one."""
        return sign_token(
            self._key, issuer=ISSUER, subject="bench", scopes=scopes, lifetime_seconds=86_400, **claims
        )

    def _serve(self, name: str, command: list[str], environment: Mapping[str, str], ready: str) -> Server:
        server = Server(name, command, environment, self.root)
        self._stack.callback(server.stop)
        server.wait(ready)
        return server

    def _serve_keys(self) -> str:
        document = json.dumps(public_key_set(self._key)).encode()

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/keys"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
