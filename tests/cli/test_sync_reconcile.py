"""`xuefen sync reconcile` where our side cannot be read: said in a line with exit status 2, and nothing repaired."""

import json
import os
import subprocess
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from services.kit.database import Database
from services.sync.composition import SCHEMA
from tests.conftest import AUDIT_KEY, FreshDatabaseFactory

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"
"""The port of a service that nobody runs."""


class OpenYears(BaseHTTPRequestHandler):
    """A ledger in which no year is closed."""

    def do_GET(self) -> None:
        body = json.dumps({"type": "urn:xuefen:problem:year-not-closed", "status": 409}).encode()
        self.send_response(409)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def open_years() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OpenYears)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Operator:
    """Who types the command, with a synchronisation of their own and an archive that nobody runs."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self._folder = folder
        target = {"url": NOBODY, "record": "archive", "places": ["100000"]}
        (folder / "targets.yaml").write_text(yaml.safe_dump({"targets": {"credit-archive": target}}), "utf-8")

    def repairs(self, ledger: str, place: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XUEFEN_")}
        environment |= {
            "XUEFEN_HOME": str(self._folder / "home"),
            "XUEFEN_AUDIT_KEY": urlsafe_b64encode(AUDIT_KEY).decode().rstrip("="),
            "XUEFEN_WEBHOOK_KEY": urlsafe_b64encode(AUDIT_KEY).decode().rstrip("="),
            "XUEFEN_SYNC_DATABASE_URL": self.dsn,
            "XUEFEN_SYNC_TARGETS_FILE": str(self._folder / "targets.yaml"),
            "XUEFEN_LEDGER_URL": ledger,
            "COLUMNS": "200",
        }
        asked = ["--target", "credit-archive", "--place", place, "--year", "2026", "--repair"]
        return subprocess.run(
            [sys.executable, "-m", "services.cli.main", "sync", "reconcile", *asked],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    async def deliveries(self) -> int:
        database = await Database.connect(self.dsn, schema=SCHEMA, application_name="test-cli")
        try:
            async with database.acquire() as conn:
                found: int = await conn.fetchval("select count(*) from deliveries")
        finally:
            await database.close()
        return found


@pytest.fixture
def operator(fresh_database: FreshDatabaseFactory, tmp_path: Path) -> Operator:
    return Operator(fresh_database("sync").app_dsn, tmp_path)


class TestReconcile:
    async def test_of_a_year_that_is_not_closed_names_place_and_year(
        self, operator: Operator, open_years: str
    ):
        """S2A-08."""
        refused = operator.repairs(open_years, "140000")
        assert refused.returncode == 2, refused.stdout + refused.stderr
        assert "2026 is not closed at 140000 山西省" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert await operator.deliveries() == 0

    async def test_of_the_nation_says_it_of_each_authority(self, operator: Operator, open_years: str):
        refused = operator.repairs(open_years, "100000")
        assert refused.returncode == 2, refused.stdout + refused.stderr
        assert "2026 is not closed at 440300" in refused.stderr
        assert "2026 is closed nowhere" in refused.stderr
        assert "hold the same" not in refused.stdout

    async def test_without_the_ledger_repairs_nothing(self, operator: Operator):
        refused = operator.repairs(NOBODY, "140000")
        assert refused.returncode == 2, refused.stdout + refused.stderr
        assert "ExtractUnavailableError" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert await operator.deliveries() == 0
