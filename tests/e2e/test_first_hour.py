"""The first hour of a provider's developer, on a fresh sandbox of real processes: nobody helps, no bureau is asked."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli import sandbox
from services.cli.demo.fictitious import is_fictitious
from services.cli.sandbox import Row, collect, people, rows
from services.cli.settings import SERVICES, StackSettings
from services.cli.stack import Stack
from services.cli.state_dir import StateDir
from services.kit.auth import Issuer, TokenVerifier
from services.kit.errors import NotAuthenticatedError
from services.kit.key_sets import FixedKeys
from services.kit.sandbox import MARK, NOW
from services.kit.signing import new_signing_key
from tests.cli.test_stack import wait_until
from tests.conftest import reachable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CLIENT_FOR_NODE = bool(shutil.which("node")) and (ROOT / "clients" / "typescript" / "dist").is_dir()
END = "- the end of a block -"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`xuefen up --sandbox`, on free ports."""
    home = reachable(tmp_path_factory.mktemp("home")) / "sandbox"
    ports = {f"{service}_port": 0 for service in (*SERVICES, "relay")}
    told = StackSettings.of_sandbox().model_copy(update={"home": home, **ports})
    stack = Stack(told, services=("registry", "ledger", "sync"))

    def official(subject: str, place: str) -> str:
        return stack.sign_token("official", subject=subject, place=place)

    stack.start(lambda: collect(stack.addresses["registry"], official))
    try:
        yield stack
    finally:
        stack.stop()
        StateDir(home).delete()


def followed(stack: Stack) -> None:
    """Wait until the ledger's worker has followed all that the registry has published, as anybody's typing does."""
    sync = {"Authorization": f"Bearer {stack.sign_token('sync', place='100000')}"}
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        logs = client.get(f"{stack.addresses['registry']}/v1/logs", headers=sync).json()["items"]
        wait_until(
            lambda: client.get(stack.readiness_of("ledger")).json()["followed"]["registry"] >= logs[0]["head"]
        )


class Developer:
    """Somebody with nothing but the addresses."""

    def __init__(self, stack: Stack) -> None:
        self.addresses = stack.addresses
        self.client = httpx.Client(trust_env=False, timeout=30.0)
        key = self.client.post(f"{self.addresses['registry']}/v1/sandbox/keys", json={})
        assert key.status_code == 201, key.text
        self.key: dict[str, Any] = key.json()
        token = self.client.post(
            f"{self.addresses['registry']}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self.key["client_id"], self.key["client_secret"]),
        )
        self.headers = {"Authorization": f"Bearer {token.json()['access_token']}"}

    def post(self, record: dict[str, Any], now: str) -> dict[str, Any]:
        """The outcome of one completion, posted at a moment."""
        answer = self.client.post(
            f"{self.addresses['ledger']}/v1/completions",
            json={"records": [record]},
            headers=self.headers | {NOW: now},
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers[MARK] == "true"
        [outcome] = answer.json()["results"]
        found: dict[str, Any] = outcome
        return found


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Iterator[Developer]:
    """A developer with a key of their own, and a worker that has followed what the sandbox was filled with."""
    developer = Developer(stack)
    followed(stack)
    try:
        yield developer
    finally:
        developer.client.close()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.en)
def test_every_row_of_the_table_of_outcomes_comes_out_as_printed(developer: Developer, row: Row):
    record = row.record | {"id": f"row-{rows().index(row)}", "person": row.identity}
    if row.posted_before is not None:
        developer.post(record | row.posted_before, row.now)
    outcome = developer.post(record, row.now)
    why = outcome.get("reason") or outcome.get("problem", {}).get("type", "").rpartition(":")[2] or None
    assert (outcome["outcome"], why, outcome.get("late", False)) == (row.outcome, row.why, row.late)


def test_nobody_in_the_sandbox_is_real():
    assert all(is_fictitious(person["number"]) for person in people().values())
    assert sandbox.TABLE.is_file()


def test_a_token_of_the_sandbox_works_nowhere_else(developer: Developer):
    elsewhere = TokenVerifier([Issuer(developer.addresses["registry"], FixedKeys.of(new_signing_key()))])

    async def refused() -> None:
        with pytest.raises(NotAuthenticatedError):
            await elsewhere.verify(developer.headers["Authorization"].removeprefix("Bearer "))

    asyncio.run(refused())


class Page:
    """A page of the documentation: its commands are typed into one shell, one block after the other."""

    def __init__(self, language: str, stack: Stack, folder: Path) -> None:
        text = (DOCS / language / "quickstart.md").read_text(encoding="utf-8")
        for service, port in (("registry", 8001), ("ledger", 8002)):
            text = text.replace(f"http://127.0.0.1:{port}", stack.addresses[service])
        self.blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S)
        self._stack = stack
        self._folder = folder
        modules = folder / "node_modules" / "xuefen-client"
        modules.parent.mkdir()
        modules.symlink_to(ROOT / "clients" / "typescript")
        (folder / "xuefen").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m services.cli.main "$@"\n')
        (folder / "python3").symlink_to(sys.executable)
        (folder / "xuefen").chmod(0o755)

    def play(self) -> list[str]:
        """What each block printed. The first, which starts the sandbox, has been carried out."""
        environment = {
            "PATH": f"{self._folder}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'clients' / 'python' / 'src'}:{':'.join(filter(None, sys.path))}",
            "XUEFEN_HOME": str(self._stack.settings.home.parent),
            "LANG": "C.UTF-8",
        }
        with subprocess.Popen(
            ["bash", "-e", "-u", "-o", "pipefail"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=environment,
            text=True,
        ) as shell:
            assert shell.stdin is not None
            assert shell.stdout is not None
            printed = []
            for block in self.blocks[1:]:
                if "node " in block and not CLIENT_FOR_NODE:
                    printed.append("")
                    continue
                shell.stdin.write(f"{block}\necho\necho {END}\n")
                shell.stdin.flush()
                lines = []
                while (line := shell.stdout.readline()) != f"{END}\n":
                    assert line, f"{block}ended with {''.join(lines)}"
                    lines.append(line)
                printed.append("".join(lines))
                followed(self._stack)
            shell.stdin.close()
        return printed


@pytest.mark.parametrize("language", ["en"])
def test_the_commands_of_the_quick_start_do_what_it_says(stack: Stack, tmp_path: Path, language: str):
    page = Page(language, stack, tmp_path)
    assert page.blocks[0] == "xuefen up --sandbox --detach\n"
    _, _, batch, again, held, collected, released, withdrawn, corrected, python, node, table, year = (
        page.play()
    )
    assert outcomes(batch) == ["registered", "held"]
    assert outcomes(again) == ["duplicate", "duplicate"]
    assert json.loads(held)["state"] == "held"
    assert collected.strip()
    assert json.loads(released)["state"] == "registered"
    assert json.loads(withdrawn)["id"] == "first-1"
    assert outcomes(corrected) == ["registered", "duplicate"]
    assert python.split() == ["first-1-corrected", "duplicate", "first-2", "duplicate"]
    if CLIENT_FOR_NODE:
        assert node.split() == python.split()
    assert "registered: 1" in table
    states = {each["id"]: each["state"] for each in json.loads(year)["items"]}
    assert states == {
        "first-1": "withdrawn",
        "first-1-corrected": "registered",
        "first-2": "registered",
        "table-1": "registered",
    }


def outcomes(text: str) -> list[str]:
    return [each["outcome"] for each in json.loads(text)["results"]]
