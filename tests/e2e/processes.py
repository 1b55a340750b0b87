"""A ledger as it runs in earnest: a PostgreSQL of its own and a real process behind a port, both of which can be killed."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from services.cli.children import Child, import_once
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.migrations import upgrade
from services.kit.provision import provision
from services.kit.signing import public_key_set
from tests.conftest import PARTITIONS, outside_loop
from tests.kit.http import ISSUER, KEY

ROOT = Path(__file__).parents[2]
PASSWORDS = {"ledger": "crash", "ledger_owner": "crash-owner"}
READY_SECONDS_MAX = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _KeySet(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(public_key_set(KEY)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def key_set_server() -> Iterator[str]:
    """Where the issuer's public keys are."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _KeySet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class LedgerMachine:
    """PostgreSQL and one ledger process on ports that stay the same through every restart."""

    def __init__(self, root: Path, key_set: str, identity_key: str) -> None:
        self._postgres = EmbeddedPostgres(
            root / "data",
            port=free_port(),
            settings={"max_connections": "50", "shared_buffers": "64MB", "log_min_messages": "fatal"},
        )
        self._log = root / "ledger.log"
        self._port = free_port()
        self._key_set = key_set
        self._identity_key = identity_key
        self._process: Child | None = None
        self.app_dsn = ""
        self.kills = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Everything, from nothing."""
        self._postgres.start()
        dsns = outside_loop(lambda: provision(self._postgres.dsn, "crash", passwords=PASSWORDS))
        upgrade("ledger", dsns["ledger_owner"], schema="ledger", partitions=PARTITIONS)
        self.app_dsn = dsns["ledger"]
        self.start_ledger()

    def start_ledger(self) -> None:
        """The process, and wait until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XUEFEN_")}
        environment |= {
            "XUEFEN_LEDGER_DATABASE_URL": self.app_dsn,
            "XUEFEN_LEDGER_PORT": str(self._port),
            "XUEFEN_IDENTITY_KEY": self._identity_key,
            "XUEFEN_DIGEST_KEY": self._identity_key,
            "XUEFEN_AUDIT_KEY": self._identity_key,
            "XUEFEN_ISSUER": ISSUER,
            "XUEFEN_JWKS_URL": self._key_set,
            "XUEFEN_KEY_SETS_DIR": str(self._log.parent / "key-sets"),
            "XUEFEN_LOG_LEVEL": "WARNING",
        }
        import_once(["services.cli.serve", "services.ledger.app"])
        self._process = Child("ledger", ["serve", "ledger"], environment=environment, log=self._log)
        deadline = time.monotonic() + READY_SECONDS_MAX
        with httpx.Client() as client:
            while True:
                assert self._process.exit_code is None, self.log
                try:
                    if (
                        client.get(f"http://127.0.0.1:{self._port + 1_000}/readyz", timeout=2).status_code
                        == 200
                    ):
                        return
                except httpx.TransportError:
                    pass
                assert time.monotonic() < deadline, self.log
                time.sleep(0.05)

    def kill_ledger(self) -> None:
        """kill -9, and the process is gone."""
        assert self._process is not None
        assert self._process.exit_code is None, self.log
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait_until_stopped()
        self.kills += 1

    def kill_postgres(self) -> None:
        """kill -9 of the postmaster, then a start on what it left; the ledger goes on."""
        os.kill(self._postgres.pid, signal.SIGKILL)
        self.kills += 1
        while self._postgres.pid:
            time.sleep(0.01)
        self._postgres.start()

    def stop(self) -> None:
        """End everything and delete it."""
        if self._process is not None:
            self._process.ask_to_stop()
            self._process.wait_until_stopped()
        self._postgres.remove()

    @property
    def log(self) -> str:
        """What the ledger said."""
        return self._log.read_text(errors="replace")[-4000:] if self._log.exists() else ""
