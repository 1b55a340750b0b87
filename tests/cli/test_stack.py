"""`xuefen up` and its companions, played with real processes on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from services.cli.children import Child, readable
from services.cli.settings import PROCESSES, SERVICES, STAND_INS, StackSettings
from services.cli.stack import AlreadyRunningError, Stack, stop_running
from services.cli.state_dir import StackRecord, StateDir
from services.kit.processes import is_running
from tests.conftest import reachable

SECONDS_MAX = 90


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment for the command line with a home of its own and free ports."""
    home = reachable(tmp_path_factory.mktemp("stack")) / "home"
    told = {f"XUEFEN_{each.upper()}_PORT": "0" for each in (*PROCESSES, *STAND_INS)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XUEFEN_")}
    yield {**kept, **told, "XUEFEN_HOME": str(home), "COLUMNS": "200"}
    StateDir(home).delete()


def xuefen(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )


def home_of(environment: dict[str, str]) -> StateDir:
    return StateDir(Path(environment["XUEFEN_HOME"]))


def record_of(environment: dict[str, str]) -> StackRecord:
    record = home_of(environment).read_record()
    assert record is not None
    return record


def wait_until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def nothing_left(record: StackRecord) -> bool:
    return not any(process.running for process in [record.supervisor, *record.processes])


class TestLogs:
    def test_of_an_earlier_start_stay(self, tmp_path: Path) -> None:
        log = tmp_path / "stand-in.log"
        log.write_text("before\n")
        child = Child("stand-in", ["stand-in", "nobody"], environment=dict(os.environ), log=log)
        child.wait_until_stopped()
        assert log.read_text().startswith("before\n")
        assert "nobody" in log.read_text()


class TestUp:
    def test_starts_everything_says_so_twice_and_stops_it(self, environment: dict[str, str]) -> None:
        first = xuefen(environment, "up", "--detach")
        assert first.returncode == 0, first.stdout + first.stderr
        record = record_of(environment)
        addresses = {process.name: process.address for process in record.processes}
        for service in SERVICES:
            assert httpx.get(f"{addresses[service]}/healthz", trust_env=False).status_code == 200
            for path in ("readyz", "metrics"):
                closed = httpx.get(f"{addresses[service]}/{path}", trust_env=False)
                assert closed.status_code in (401, 404), path

        signed = xuefen(environment, "token", "sync").stdout.strip()
        feeds = f"{addresses['ledger']}/v1/logs"
        allowed = httpx.get(feeds, headers={"Authorization": f"Bearer {signed}"}, trust_env=False)
        assert allowed.status_code == 200

        again = xuefen(environment, "up")
        assert again.returncode == 0
        assert "Already running" in again.stdout
        for process in record.processes:
            assert str(process.pid) in again.stdout
            assert process.address in again.stdout
        assert xuefen(environment, "status").returncode == 0
        assert "Up to date: ledger" in xuefen(environment, "migrate", "ledger").stdout

        assert "Stopped" in xuefen(environment, "down").stdout
        assert nothing_left(record)
        assert xuefen(environment, "status").returncode == 1
        assert "Nothing is running" in xuefen(environment, "down").stdout

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_stops_everything_it_started(
        self, environment: dict[str, str], number: signal.Signals
    ) -> None:
        with up(environment, "registry") as process:
            record = record_of(environment)
            process.send_signal(number)
            output, _ = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0
        assert "Traceback" not in output
        assert "registry        | " in output
        assert nothing_left(record)
        assert home_of(environment).read_record() is None

    def test_killed_it_leaves_nothing_and_the_next_one_starts(self, environment: dict[str, str]) -> None:
        with up(environment, "registry") as process:
            record = record_of(environment)
            process.kill()
            process.communicate(timeout=SECONDS_MAX)
        wait_until(lambda: nothing_left(record))
        with up(environment, "registry") as process:
            second = record_of(environment)
            assert second.supervisor.pid == process.pid
            process.kill()
            process.communicate(timeout=SECONDS_MAX)
        xuefen(environment, "down")
        assert nothing_left(second)

    def test_a_service_that_dies_ends_the_rest_and_is_named(self, environment: dict[str, str]) -> None:
        with up(environment, "registry") as process:
            record = record_of(environment)
            victim = next(each for each in record.processes if each.name == "registry")
            os.kill(victim.pid, signal.SIGKILL)
            output, _ = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 2
        assert "registry ended with -9" in output
        assert nothing_left(record)

    def test_a_stranger_with_a_recorded_id_is_left_alone(self, environment: dict[str, str]) -> None:
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            home = home_of(environment)
            supervisor = {"name": "xuefen", "pid": stranger.pid, "started": "another time"}
            (home.path / "stack.json").write_text(
                str({"supervisor": supervisor, "processes": [supervisor]}).replace("'", '"')
            )
            assert "Stopped" not in xuefen(environment, "down").stdout
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_taken_port_is_said_with_its_variable(self, environment: dict[str, str]) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            refused = xuefen({**environment, "XUEFEN_LEDGER_PORT": port}, "up")
        assert refused.returncode == 2
        assert "XUEFEN_LEDGER_PORT" in refused.stderr


class TestSecrets:
    def test_are_ours_alone_to_read_and_stay_the_same(self, environment: dict[str, str]) -> None:
        home = home_of(environment)
        files = [
            home.identity_key_file(),
            home.digest_key_file(),
            home.key_encryption_key_file(),
            home.signing_key_file(),
        ]
        before = [file.read_text() for file in files]
        assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 4
        assert [file.read_text() for file in files] == before
        assert home.database_passwords(SERVICES) == home.database_passwords(SERVICES)

    def test_each_process_is_told_its_own_alone(
        self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environment.items():
            if name.startswith("XUEFEN_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("XUEFEN_DATABASE_URL", "postgresql://admin:secret@db/postgres")
        monkeypatch.setenv("XUEFEN_KEY_ENCRYPTION_KEY", "given")
        stack = Stack(StackSettings.load())
        stack.databases = {service: f"postgresql://{service}@db/xuefen" for service in SERVICES}
        stack.addresses = {service: f"http://127.0.0.1/{service}" for service in SERVICES}
        told = {service: stack._environment(service, dict.fromkeys(SERVICES, 1)) for service in SERVICES}
        for service, variables in told.items():
            urls = [name for name in variables if name.endswith("_DATABASE_URL")]
            assert urls == [f"XUEFEN_{service.upper()}_DATABASE_URL"]
            assert not any("admin:" in value for value in variables.values())
        keys = {
            service: {name for name in told[service] if name.endswith(("_KEY", "_KEY_FILE"))}
            for service in SERVICES
        }
        assert keys == {
            "registry": {
                "XUEFEN_AUDIT_KEY_FILE",
                "XUEFEN_DIGEST_KEY_FILE",
                "XUEFEN_IDENTITY_KEY_FILE",
                "XUEFEN_KEY_ENCRYPTION_KEY",
                "XUEFEN_SIGNING_KEY_FILE",
            },
            "ledger": {"XUEFEN_AUDIT_KEY_FILE", "XUEFEN_DIGEST_KEY_FILE", "XUEFEN_IDENTITY_KEY_FILE"},
            "transfer": {"XUEFEN_AUDIT_KEY_FILE"},
            "sync": {"XUEFEN_AUDIT_KEY_FILE", "XUEFEN_WEBHOOK_KEY_FILE"},
        }


class TestServe:
    @pytest.mark.parametrize("command", ["serve", "work"])
    def test_refuses_to_guess_a_database(self, environment: dict[str, str], command: str) -> None:
        refused = xuefen(environment, command, "ledger")
        assert refused.returncode == 2
        assert "XUEFEN_LEDGER_DATABASE_URL is not set" in refused.stderr
        assert "Traceback" not in refused.stderr

    def test_says_in_a_line_that_the_database_does_not_answer(self, environment: dict[str, str]) -> None:
        told = {
            **environment,
            "XUEFEN_LEDGER_DATABASE_URL": "postgresql://x@127.0.0.1:1/xuefen",
            "XUEFEN_IDENTITY_KEY_FILE": str(home_of(environment).identity_key_file()),
            "XUEFEN_DIGEST_KEY_FILE": str(home_of(environment).digest_key_file()),
        }
        refused = xuefen(told, "serve", "ledger")
        assert refused.returncode == 2
        assert "ledger cannot start. The database does not let us in" in refused.stderr
        assert "Traceback" not in refused.stdout + refused.stderr

    def test_names_the_secret_that_is_missing(self, environment: dict[str, str]) -> None:
        told = {**environment, "XUEFEN_REGISTRY_DATABASE_URL": "postgresql://x@127.0.0.1:1/xuefen"}
        refused = xuefen(told, "serve", "registry")
        assert refused.returncode == 2
        assert "XUEFEN_IDENTITY_KEY" in refused.stderr

    def test_names_the_services_it_knows(self, environment: dict[str, str]) -> None:
        refused = xuefen(environment, "serve", "sync-o-matic")
        assert refused.returncode == 2
        assert "registry, ledger, transfer, sync" in refused.stderr

    def test_a_wrong_number_is_named_by_its_variable(self, environment: dict[str, str]) -> None:
        refused = xuefen({**environment, "XUEFEN_LEDGER_PORT": "eight"}, "up")
        assert refused.returncode == 2
        assert "XUEFEN_LEDGER_PORT" in refused.stderr
        assert "eight" not in refused.stderr


class TestStack:
    def test_only_one_may_hold_a_home(self, tmp_path: Path) -> None:
        settings = StackSettings.load(home=tmp_path / "home")
        holder = StateDir(settings.home)
        assert holder.take()
        with pytest.raises(AlreadyRunningError):
            Stack(settings).start()
        holder.leave()

    def test_down_without_a_stack_has_nothing_to_stop(self, tmp_path: Path) -> None:
        assert stop_running(StackSettings.load(home=tmp_path / "home")) is None


class TestReadable:
    def test_a_json_line_reads_level_event_details(self) -> None:
        line = (
            '{"event": "projected", "level": "info", "log": "210000", "timestamp": "2026-01-02T03:04:05Z",'
            ' "n": 3}'
        )
        assert readable(line) == "03:04:05 info    projected log=210000 n=3"

    @pytest.mark.parametrize("line", ["plain words", "{not json", ""])
    def test_any_other_line_stays_as_it_is(self, line: str) -> None:
        assert readable(line) == line


class up:  # noqa: N801  reads as a verb: with up(environment) as process
    """`xuefen up` until it is ready; ended at the end of the block whatever happened."""

    def __init__(self, environment: dict[str, str], *services: str) -> None:
        self.environment = environment
        self.services = services

    def __enter__(self) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "up", *self.services],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(self.ready)
        return self.process

    def ready(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        record = home_of(self.environment).read_record()
        return record is not None and record.ready and record.supervisor.pid == self.process.pid

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=SECONDS_MAX)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert not is_running(self.process.pid)
