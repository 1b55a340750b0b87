"""The first hour of a provider's developer, on a fresh sandbox of real processes: nobody helps, no bureau is asked."""

import asyncio
from collections.abc import Iterator
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
from tests.conftest import reachable


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`xuefen up --sandbox`, on free ports."""
    home = reachable(tmp_path_factory.mktemp("sandbox")) / "home"
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
