"""The TypeScript client: its own tests, and its example against a ledger. Skipped where `make clients` found no Node.js."""

import asyncio
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clients.test_python import LIAONING, LISTED, followed, token_of
from tests.conftest import FreshDatabaseFactory, in_thread
from tests.fuzz.serving import serving
from tests.ledger.world import World

CLIENT = Path(__file__).parents[2] / "clients" / "typescript"
DIST = CLIENT / "dist"
NODE = shutil.which("node") or ""
SECONDS_MAX = 60

pytestmark = pytest.mark.skipif(
    not (NODE and DIST.is_dir()), reason="the TypeScript client is not compiled: `make clients`"
)


def node(*arguments: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [NODE, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_passes_its_own_tests():
    assert "# fail 0" in node("--test", "--test-reporter=tap", DIST / "index.test.js")


def test_example_reports_takes_back_and_reads_its_feed(fresh_database: FreshDatabaseFactory, tmp_path: Path):
    fresh = fresh_database("ledger")
    file = tmp_path / "completions.json"

    async def given() -> str:
        async with World(fresh).running() as world:
            world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
            who = await world.collects(LIAONING)
            provider = await world.provides(LISTED, accredited=[LIAONING])
            records = [provider.completion(who, 2025, f"{n}.00", id=f"e-{n}") for n in (1, 2)]
            file.write_text(json.dumps(records))
            return token_of(provider)

    async def seen() -> None:
        async with World(fresh).running() as world:
            await followed(world)

    token = in_thread(lambda: asyncio.run(given()))
    with serving(World(fresh).app) as address:
        told = {"XUEFEN_LEDGER": address, "XUEFEN_TOKEN": token, "NO_PROXY": "127.0.0.1"}
        first = node(DIST / "example.js", file, "e-2", **told)
        assert first.splitlines()[:3] == [
            "e-1: registered", "e-2: registered", "e-2: taken back, now withdrawn",
        ]  # fmt: skip
        in_thread(lambda: asyncio.run(seen()))
        again = node(DIST / "example.js", file, **told)
    assert again.count("duplicate") == 2
    assert again.count("cn.xuefen.ledger.credit.earned.v1") == 2
