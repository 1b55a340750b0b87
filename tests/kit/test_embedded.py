"""The embedded PostgreSQL: how it starts, what it guards, and how it comes back after being killed."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from services.kit import embedded_places
from services.kit.embedded_places import find_binaries
from services.kit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from services.kit.processes import is_running

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that an unprivileged account can traverse."""
    with tempfile.TemporaryDirectory(prefix="xuefen-embedded-") as root:
        Path(root).chmod(0o711)
        yield Path(root)


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="xuefen-embedded-") as root:
        Path(root).chmod(0o711)
        server = EmbeddedPostgres(Path(root) / "postgres")
        yield server
        server.remove()


@pytest.fixture
def server(shared: EmbeddedPostgres) -> EmbeddedPostgres:
    """A running server; a test may stop or kill it."""
    shared.start()
    return shared


@pytest.fixture
def data(server: EmbeddedPostgres) -> Path:
    """Where that server keeps its data."""
    return server.data_dir


async def ask(server: EmbeddedPostgres, question: str) -> object:
    conn = await asyncpg.connect(server.dsn)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


def kill_and_wait(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid))


def wait_until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestStart:
    async def test_answers_on_loopback_with_the_builtin_locale(self, server: EmbeddedPostgres) -> None:
        assert (
            await ask(server, "select datlocprovider::text || datlocale from pg_database limit 1")
            == "bC.UTF-8"
        )
        assert await ask(server, "show listen_addresses") == "127.0.0.1"
        assert await ask(server, "show unix_socket_directories") == ""

    async def test_keeps_every_promise_of_durability(self, server: EmbeddedPostgres) -> None:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert await ask(server, f"show {setting}") == "on"

    async def test_refuses_a_wrong_password(self, server: EmbeddedPostgres) -> None:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")

    def test_keeps_the_password_for_us_alone(self, server: EmbeddedPostgres, data: Path) -> None:
        mode = data.with_name("postgres.password").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
        assert data.with_name("postgres.password").read_text() in server.dsn

    @pytest.mark.skipif(not AS_ROOT, reason="only root has an account to leave")
    def test_runs_as_somebody_unprivileged_when_we_are_root(
        self, server: EmbeddedPostgres, data: Path
    ) -> None:
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        assert stat.S_IMODE(data.parent.stat().st_mode) == 0o711

    async def test_hands_settings_on(self, reachable: Path) -> None:
        server = EmbeddedPostgres(reachable / "postgres", settings={"work_mem": "7MB"})
        server.start()
        try:
            assert await ask(server, "show work_mem") == "7MB"
        finally:
            server.remove()

    def test_refuses_a_data_directory_in_use_and_names_the_holder(
        self, server: EmbeddedPostgres, data: Path
    ) -> None:
        with pytest.raises(EmbeddedPostgresError, match=str(os.getpid())):
            EmbeddedPostgres(data).start()

    def test_refuses_a_directory_with_other_files(self, reachable: Path) -> None:
        (reachable / "postgres").mkdir()
        (reachable / "postgres" / "letter.txt").write_text("keep me")
        with pytest.raises(EmbeddedPostgresError, match="not empty"):
            EmbeddedPostgres(reachable / "postgres").start()
        assert (reachable / "postgres" / "letter.txt").read_text() == "keep me"

    def test_shows_the_end_of_the_log_when_it_cannot_start(self, reachable: Path) -> None:
        server = EmbeddedPostgres(reachable / "postgres", settings={"no_such_setting": "1"})
        with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
            server.start()
        assert server.pid == 0
        server.remove()

    def test_a_taken_port_is_an_error_when_it_was_asked_for(
        self, server: EmbeddedPostgres, data: Path
    ) -> None:
        other = EmbeddedPostgres(data.with_name("other"), port=server.port)
        with pytest.raises(EmbeddedPostgresError, match="Address already in use"):
            other.start()
        other.remove()


@pytest.mark.skipif(not AS_ROOT, reason="only root has directories nobody else may enter")
class TestUnreachableDirectory:
    async def test_is_served_from_outside_without_opening_it(self, tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        server = EmbeddedPostgres(private / "postgres")
        server.start()
        outside = (private / "postgres").readlink()
        try:
            assert await ask(server, "select 1") == 1
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        finally:
            server.remove()
        assert not outside.parent.exists()
        assert not (private / "postgres").is_symlink()

    async def test_binaries_nobody_may_reach_are_run_from_a_copy(self, tmp_path: Path) -> None:
        account = embedded_places.choose_account()
        package = tmp_path / "closed" / "embedded_postgres"
        install = find_binaries(account).parent
        for name in ("bin/postgres", "bin/initdb", "lib/libpq.so.5", "share/postgresql.conf.sample"):
            (package / "pginstall" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(install / name, package / "pginstall" / name)
        (tmp_path / "closed").chmod(0o700)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(embedded_places, "_find_install", lambda: package / "pginstall")
            binaries = find_binaries(account)
            assert not binaries.is_relative_to(tmp_path)
            assert find_binaries(account) == binaries
            embedded_places.forget_binaries()
            assert not binaries.exists()

    async def test_deleting_the_link_deletes_the_database(self, tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        server = EmbeddedPostgres(private / "postgres")
        server.start()
        await ask(server, "create database old")
        server.stop()
        (private / "postgres").unlink()
        server.start()
        try:
            assert await ask(server, "select count(*) from pg_database where datname = 'old'") == 0
        finally:
            server.remove()


class TestStop:
    async def test_keeps_what_was_committed(self, server: EmbeddedPostgres) -> None:
        await ask(server, "create table kept as select 42 as answer")
        server.stop()
        server.start()
        assert await ask(server, "select answer from kept") == 42

    def test_leaves_no_process_and_frees_the_directory(self, server: EmbeddedPostgres, data: Path) -> None:
        pid = server.pid
        server.stop()
        assert not is_running(pid, even_zombie=True)
        assert not (data / "postmaster.pid").exists()
        second = EmbeddedPostgres(data)
        second.start()
        second.stop()

    def test_twice_is_harmless(self, server: EmbeddedPostgres) -> None:
        server.stop()
        server.stop()


class TestRecovery:
    async def test_after_kill_9_every_commit_is_there(self, server: EmbeddedPostgres) -> None:
        await ask(server, "create table written (n int)")
        conn = await asyncpg.connect(server.dsn)
        for number in range(50):
            await conn.execute("insert into written values ($1)", number)
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda: not server.pid)
        conn.terminate()
        await asyncio.to_thread(server.start)
        assert await ask(server, "select count(*) from written") == 50

    def test_a_pid_file_with_a_number_of_a_living_stranger(
        self, server: EmbeddedPostgres, data: Path
    ) -> None:
        pid_file = data / "postmaster.pid"
        left = pid_file.read_text().splitlines()
        server.stop()
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            pid_file.write_text("\n".join([str(stranger.pid), *left[1:]]) + "\n")
            server.start()
            assert server.pid
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_postmaster_that_nobody_has_reaped(self, server: EmbeddedPostgres, data: Path) -> None:
        pid_file = data / "postmaster.pid"
        left = pid_file.read_text().splitlines()
        server.stop()
        zombie = subprocess.Popen(["true"])
        wait_until(lambda: not is_running(zombie.pid))
        try:
            assert is_running(zombie.pid, even_zombie=True)
            pid_file.write_text("\n".join([str(zombie.pid), *left[1:]]) + "\n")
            server.start()
            assert server.pid
        finally:
            zombie.wait()

    def test_a_damaged_pid_file(self, server: EmbeddedPostgres, data: Path) -> None:
        server.stop()
        (data / "postmaster.pid").write_text("")
        server.start()
        assert server.pid

    def test_a_server_whose_starter_was_killed_ends_with_it(self, reachable: Path) -> None:
        starter, server, watcher = started_elsewhere(reachable / "postgres")
        kill_starter(starter)
        wait_until(lambda: not is_running(server) and not is_running(watcher))
        EmbeddedPostgres(reachable / "postgres").remove()

    def test_a_server_that_nobody_has_ended(self, reachable: Path) -> None:
        starter, orphan, watcher = started_elsewhere(reachable / "postgres")
        kill_and_wait(watcher)
        kill_starter(starter)
        assert is_running(orphan)
        server = EmbeddedPostgres(reachable / "postgres")
        server.start()
        try:
            assert not is_running(orphan)
            assert server.pid not in (0, orphan)
        finally:
            server.remove()

    def test_an_initialisation_that_was_cut_short(self, reachable: Path) -> None:
        (reachable / "postgres.unfinished").mkdir()
        (reachable / "postgres.unfinished" / "PG_VERSION").write_text("18")
        server = EmbeddedPostgres(reachable / "postgres")
        server.start()
        assert server.pid
        server.remove()

    def test_a_lost_password_file_is_said_plainly(self, server: EmbeddedPostgres, data: Path) -> None:
        server.stop()
        password = data.with_name("postgres.password").read_text()
        data.with_name("postgres.password").unlink()
        with pytest.raises(EmbeddedPostgresError, match="password file"):
            server.start()
        data.with_name("postgres.password").write_text(password)
        server.start()


def started_elsewhere(data: Path) -> tuple[subprocess.Popen[str], int, int]:
    """A process that has started a server, the server's id, and that of what watches over it."""
    starter = subprocess.Popen([sys.executable, "-c", _STARTER, str(data)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    server, watcher = starter.stdout.readline().split()
    return starter, int(server), int(watcher)


def kill_starter(starter: subprocess.Popen[str]) -> None:
    starter.kill()
    starter.wait()
    assert starter.stdout is not None
    starter.stdout.close()


_STARTER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from services.kit.embedded_postgres import EmbeddedPostgres
    server = EmbeddedPostgres(Path(sys.argv[1]))
    server.start()
    print(server.pid, server._watcher.pid, flush=True)
    time.sleep(60)
""")
