"""The whole system as real processes: it does its work, stops cleanly, keeps what it was told, and leaves nothing."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.demo import fictitious
from services.cli.settings import PROCESSES, SERVICES, STAND_INS, StackSettings
from services.cli.sign_in import SCOPES, sign
from services.cli.stack import Stack
from services.cli.state_dir import StackRecord, StateDir, signing_key
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.migrations import upgrade
from services.kit.provision import provision
from tests.conftest import outside_loop, reachable
from tests.e2e.provider import identity
from tests.e2e.system import CHAOYANG

SECONDS_MAX = 90
STOP_SECONDS_MAX = 15
PERSON = fictitious.person(701)
CHILDREN = ["relay", "sign_in", *PROCESSES, *(f"{service}-worker" for service in SERVICES)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment with a home of its own and free ports, for child processes and for this one."""
    home = reachable(tmp_path_factory.mktemp("system")) / "home"
    told = {f"XUEFEN_{each.upper()}_PORT": "0" for each in (*PROCESSES, *STAND_INS)} | {
        "XUEFEN_HOME": str(home)
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XUEFEN_")}
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(kept):
            patch.delenv(name)
        for name, value in told.items():
            patch.setenv(name, value)
        yield {**kept, **told, "COLUMNS": "200"}
    StateDir(home).delete()


@dataclass(frozen=True)
class Life:
    """A stack from its start to its stop, and what it left."""

    person_id: str
    exit_codes: Mapping[str, int | None]
    seconds: float
    logs: Mapping[str, str]
    record: StackRecord


class Callers:
    """Officials who call the services of a stack over HTTP."""

    def __init__(self, home: StateDir, addresses: Mapping[str, str]) -> None:
        self._home = home
        self._addresses = addresses

    def headers(self, kind: str = "official", subject: str = "clerk") -> dict[str, str]:
        token = sign(
            signing_key(StackSettings.load(), self._home),
            issuer=self._addresses["registry"],
            subject=subject,
            scopes=SCOPES[kind],
            place=CHAOYANG,
        )
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}

    def call(self, service: str, method: str, path: str, body: Any = None, **who: str) -> httpx.Response:
        address = self._addresses[service] + path
        with httpx.Client(trust_env=False, timeout=SECONDS_MAX) as client:
            return client.request(method, address, json=body, headers=self.headers(**who))

    def collect(self) -> str:
        """A person is submitted, and passes two reviews."""
        body = {
            "person": identity(PERSON),
            "place": CHAOYANG,
            "qualifications": [{"level": "junior", "obtained_on": "2018-09-01"}],
        }
        case = self.call("registry", "POST", "/v1/collections", body).raise_for_status().json()
        for step in ("initial", "final"):
            path = f"/v1/collections/{case['collection_id']}/{step}-review"
            self.call("registry", "POST", path, {"decision": "pass"}, subject=step).raise_for_status()
        person_id: str = case["person_id"]
        return person_id

    def knows(self, person_id: str) -> bool:
        """Whether the ledger can answer for the person."""
        return self.call("ledger", "GET", f"/v1/persons/{person_id}/compliance/2025").is_success


@pytest.fixture(scope="module")
def life(environment: dict[str, str]) -> Life:
    """Three services and their workers are started, carry a fact from one to another, and are stopped."""
    stack = Stack(StackSettings.load())
    stack.start()
    try:
        callers = Callers(StateDir(Path(environment["XUEFEN_HOME"])), stack.addresses)
        person_id = callers.collect()
        wait_until(lambda: callers.knows(person_id))
        waiting = threading.Thread(target=wait_for_news, args=(callers,))
        waiting.start()
        time.sleep(0.3)
        record, children = stack.record, list(stack._children)
    finally:
        began = time.monotonic()
        stack.stop()
    seconds = time.monotonic() - began
    waiting.join(SECONDS_MAX)
    logs = {
        path.stem: path.read_text() for path in StateDir(Path(environment["XUEFEN_HOME"])).logs.glob("*.log")
    }
    return Life(person_id, {child.name: child.exit_code for child in children}, seconds, logs, record)


def wait_for_news(callers: Callers) -> None:
    """A reader that has asked to wait for half a minute when everything stops."""
    try:
        callers.call("registry", "GET", "/v1/logs/registry/feed?after=3&wait=30", kind="sync")
    except httpx.TransportError:
        return


class TestStop:
    def test_ends_every_process_by_itself_and_in_peace(self, life: Life) -> None:
        assert life.exit_codes == dict.fromkeys(CHILDREN, 0)
        assert not any(process.running for process in life.record.processes)

    def test_does_not_wait_for_readers_that_wait_for_news(self, life: Life) -> None:
        assert life.seconds < STOP_SECONDS_MAX

    @pytest.mark.parametrize("name", CHILDREN)
    def test_leaves_a_log_without_a_traceback_or_an_error(self, life: Life, name: str) -> None:
        assert "Traceback" not in life.logs[name]
        assert not re.findall(r'.*"level": ?"(?:error|critical)".*', life.logs[name])

    def test_leaves_logs_without_the_person(self, life: Life) -> None:
        for text in life.logs.values():
            assert PERSON.name not in text
            assert PERSON.id_number not in text


class TestKill:
    def test_leaves_nothing_running_and_loses_nothing(self, life: Life, environment: dict[str, str]) -> None:
        home = StateDir(Path(environment["XUEFEN_HOME"]))
        assert xuefen(environment, "up", "--detach").returncode == 0
        record = home.read_record()
        assert record is not None
        addresses = {process.name: process.address for process in record.processes}
        assert Callers(home, addresses).knows(life.person_id)

        os.kill(record.supervisor.pid, signal.SIGKILL)
        wait_until(lambda: not any(process.running for process in [record.supervisor, *record.processes]))
        wait_until(lambda: not processes_of(home))
        assert xuefen(environment, "status").returncode == 1


class TestDatabase:
    @pytest.mark.parametrize("service", ["registry", "transfer"])
    def test_is_not_guessed(self, environment: dict[str, str], service: str) -> None:
        refused = xuefen(environment, "serve", service)
        assert refused.returncode == 2
        assert f"XUEFEN_{service.upper()}_DATABASE_URL is not set" in refused.stderr

    def test_that_may_lose_what_it_acknowledged_is_refused(
        self, environment: dict[str, str], careless: dict[str, str]
    ) -> None:
        told = environment | {"XUEFEN_TRANSFER_DATABASE_URL": careless["transfer"]}
        refused = xuefen(told, "serve", "transfer")
        assert refused.returncode == 2
        assert "fsync" in refused.stderr
        assert "Traceback" not in refused.stdout + refused.stderr

        refused = xuefen(told, "up", "transfer")
        assert refused.returncode == 2
        assert "fsync" in refused.stdout + refused.stderr


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A database of the transfer service on a server that does not wait for its disk."""
    server = EmbeddedPostgres(
        reachable(tmp_path_factory.mktemp("careless")) / "postgres", settings={"fsync": "off"}
    )
    server.start()
    try:
        passwords = {"transfer": "app", "transfer_owner": "owner"}
        dsns = outside_loop(lambda: provision(server.dsn, passwords=passwords))
        upgrade("transfer", dsns["transfer_owner"], schema="transfer")
        yield dsns
    finally:
        server.remove()


def xuefen(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )


def wait_until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_of(home: StateDir) -> list[str]:
    """What else runs that was told of this home directory: its path is in the environment or the command line.

    The process that copies others for a stack started in here was told of the first home, and ends with the tests.
    """
    found, ours = [], str(home.path).encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if str(os.getpid()) in (folder.name, parent):
                continue
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if ours in told:
            found.append(folder.name)
    return found
