"""Fixtures shared by all tests: embedded PostgreSQL servers and cheap migrated databases on them.

`fresh_database("ledger")` gives a throw-away database with the service's schema and roles; the same with
`"kit"` gives the event tables alone. The layout (plain, partitioned, spread) comes from XUEFEN_TEST_LAYOUT.
What only a database needs is imported where one is made, so that a pure test starts at once.
"""

import asyncio
import gc
import logging
import os
import re
import resource
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from services.kit.embedded_postgres import EmbeddedPostgres

T = TypeVar("T")
AUDIT_KEY = b"a key of the audit, of 32 bytes."
WEBHOOK_KEY = b"the key of webhooks, of 32 bytes"
LAYOUT = os.environ.get("XUEFEN_TEST_LAYOUT", "plain")
WORKERS_MIN, WORKERS_MAX = 2, 8
PARTITIONS = {"plain": 0, "partitioned": 4, "spread": 0}[LAYOUT]
THOROUGH, THOROUGH_TIMES = bool(os.environ.get("XUEFEN_TEST_THOROUGH")), 20
EXAMPLES_A_FIFTH, EXAMPLES_MIN = 5, 6
"""`make test` tries a fifth of the examples a property declares; `make test-thorough` twenty times that."""
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 10_000_000_000
SLOW_FOLDERS = ("benchmarks", "cli", "contracts", "e2e", "fuzz", "simulation")
"""Start processes, or take long, with or without a database."""
LONGEST_FIRST = (
    "e2e", "cli", "simulation", "ledger/store", "fuzz", "registry/test_fuzz.py", "ledger/counting", "ledger/policy",
    "transfer/process", "sync", "registry",
)  # fmt: skip
"""Folders and files that begin first, so that no process is left with a long one at the end."""
ONE_LAYOUT = (
    "ledger/cases",
    "ledger/intake/test_bad_",
    "ledger/intake/test_signed_records",
    "ledger/intake/test_statements",
    "ledger/intake/test_unknown_providers",
    "ledger/notices",
    "ledger/officials/closing/test_access",
    "ledger/officials/test_",
    "ledger/test_access",
    "ledger/test_guessing",
    "ledger/test_objects",
)
"""Who may ask, what is refused for its form, and the steps of cases and acts of officials are the same wherever a log
lies: not run in every layout."""
EXAMPLES_IN_A_LAYOUT = 3
NEW_OBJECTS_MAX = 50_000
"""As in a running service."""
KIT_VERSIONS = Path(__file__).parent / "kit" / "migrations" / "versions"
PASSWORDS = {
    key: f"test-{key}"
    for service in ("registry", "ledger", "transfer", "sync", "console", "kit")
    for key in (service, f"{service}_owner")
}
# Durability stays on, as services refuse to run without it; everything else is made for many small databases and
# for logins by the thousand.
SETTINGS = {
    "scram_iterations": "1",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "1h",
    "autovacuum_naptime": "1h",
    "log_min_messages": "fatal",
}


def pytest_configure(config: pytest.Config) -> None:
    """Give the files of this run a place of their own, in memory where there is enough of it.

    What waits for the disk after every commit there waits for nothing. The home of what a service keeps beside its
    database is neither the reader's nor another worker's.
    """
    if not hasattr(config, "workerinput") and "TMPDIR" not in os.environ and _has_memory():
        for left in MEMORY.glob("xuefen-test-*-*"):  # by a run that was killed
            if not Path("/proc", left.name.split("-")[2]).exists():
                shutil.rmtree(left, ignore_errors=True)
        os.environ["TMPDIR"] = directory = tempfile.mkdtemp(prefix=f"xuefen-test-{os.getpid()}-", dir=MEMORY)
        Path(directory).chmod(0o711)
        tempfile.tempdir = None
        # After multiprocessing has removed what is its own in there.
        Finalize(None, shutil.rmtree, [directory], {"ignore_errors": True}, exitpriority=-1_000)
    if "XUEFEN_HOME" not in os.environ or hasattr(config, "workerinput"):
        os.environ["XUEFEN_HOME"] = home = tempfile.mkdtemp(prefix="xuefen-test-home-")
        config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))


def _has_memory() -> bool:
    """Whether the directory in memory, and the memory itself, hold the databases of a run with room to spare."""
    try:
        free = shutil.disk_usage(MEMORY).free
        available = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return False
    return available is not None and min(free, int(available[1]) * 1024) > MEMORY_BYTES_MIN


def reachable(directory: Path) -> Path:
    """Let other accounts pass through a directory of this run, so that an embedded PostgreSQL keeps its data there.

    Outside memory that is left to the server, which finds a place of its own on the disk.
    """
    root = Path(tempfile.gettempdir())
    if root.is_relative_to(MEMORY):
        for each in (directory, *directory.parents):
            if each == root:
                break
            each.chmod(0o711)
    return directory


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` starts: one a core, two on a single core, where one often waits for the disk."""
    return min(max(os.cpu_count() or 2, WORKERS_MIN), WORKERS_MAX)


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what has just been imported, which stays to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_MAX, 20, 20)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take away the plug-in of hypothesis where no property was tested: it imports hypothesis to say nothing."""
    plugins = session.config.pluginmanager
    if "hypothesis" not in sys.modules and not plugins.has_plugin("dsession"):
        plugins.unregister(name="hypothesispytest")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds by folder, set-up and tear-down included, and the CPU time of all processes that ended."""
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, set[str]] = defaultdict(set)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = report.nodeid.partition("::")[0].rpartition("/")[0]
                seconds[folder] += report.duration
                tests[folder].add(report.nodeid)
    if len(seconds) < 2:
        return
    terminalreporter.section("seconds by folder")
    for folder, spent in sorted(seconds.items(), key=lambda each: -each[1]):
        terminalreporter.write_line(f"{spent:8.1f}  {folder}, {len(tests[folder])} tests")
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in spent)
    terminalreporter.write_line(f"{sum(seconds.values()):8.1f}  in all, with {cpu:.0f} seconds of CPU")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take down the log that a command or a service set up in this process, so that no later test writes into it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers and type(handler.formatter).__module__.startswith("structlog."):
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, mark what is quick and what runs again, and set how much properties try."""
    items.sort(key=lambda item: _turn(item.path.relative_to(Path(__file__).parent).as_posix()))
    properties: set[Any] = set()
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        folder = path.parts[0]
        fixtures = getattr(item, "fixturenames", ())
        if folder == "ledger" and "fresh_database" in fixtures and not path.as_posix().startswith(ONE_LAYOUT):
            item.add_marker("layout")
        if folder not in SLOW_FOLDERS and "servers" not in fixtures:
            item.add_marker("quick")
        test = getattr(item, "obj", None)
        if hasattr(test, "hypothesis"):
            item.add_marker("property")
            properties.add(getattr(test, "__func__", test))
    if THOROUGH or "XUEFEN_TEST_EXAMPLES" not in os.environ:
        for each in properties:
            _set_examples(each)


def _turn(path: str) -> int:
    return next(
        (turn for turn, each in enumerate(LONGEST_FIRST) if path.startswith(each)), len(LONGEST_FIRST)
    )


def _set_examples(test: Any) -> None:
    """The same examples for everybody, or with XUEFEN_TEST_THOROUGH many times as many that nobody has seen.

    Neither fails for being slow: that would be an answer about the machine.

    Set on what is collected, since importing hypothesis here would cost every test that needs none.
    """
    from hypothesis import HealthCheck, settings

    now: settings = test._hypothesis_internal_use_settings
    few = min(now.max_examples, max(EXAMPLES_MIN, now.max_examples // EXAMPLES_A_FIFTH))
    if LAYOUT != "plain":
        few = min(few, EXAMPLES_IN_A_LAYOUT)
    now = settings(
        now, deadline=None, suppress_health_check={*now.suppress_health_check, HealthCheck.too_slow}
    )
    test._hypothesis_internal_use_settings = (
        settings(now, max_examples=few * THOROUGH_TIMES, derandomize=False)
        if THOROUGH
        else settings(now, max_examples=few, derandomize=True, database=None)
    )


@dataclass(frozen=True)
class FreshDatabase:
    """A migrated database of one service: addresses for its two roles and for the superuser."""

    name: str
    schema: str
    app_dsn: str
    owner_dsn: str
    admin_dsn: str
    by_log: dict[str, str] = field(default_factory=dict)
    """Addresses (application's role) of the logs that live on another server, in the layout `spread`."""


class FreshDatabaseFactory(Protocol):
    def __call__(
        self, service: str, *, partitions: int | None = None, server: int = 0, logs: Sequence[str] = ()
    ) -> FreshDatabase: ...


def examples(variable: str, few: int) -> int:
    """How many examples a test of its own making tries: a few, twenty times as many, or what the variable says."""
    return int(os.environ.get(variable, few * THOROUGH_TIMES if THOROUGH else few))


def outside_loop(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end from synchronous code, whether or not a loop runs in this thread."""
    return in_thread(lambda: asyncio.run(make()))


def in_thread(call: Callable[[], T]) -> T:
    """Run a blocking call where no event loop runs."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(call).result()


class Servers:
    """The embedded servers of a test session, each started when first asked for, and their databases."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._servers: dict[int, EmbeddedPostgres] = {}
        self._templates: dict[tuple[int, str, int], str] = {}
        self._count = 0

    def server(self, number: int) -> EmbeddedPostgres:
        if number not in self._servers:
            server = EmbeddedPostgres(self._root / f"server{number}", settings=SETTINGS)
            server.start()
            self._servers[number] = server
        return self._servers[number]

    def fresh(self, service: str, partitions: int, number: int) -> FreshDatabase:
        from services.kit.provision import addresses, with_database

        admin_dsn = self.server(number).dsn
        template = self._template(service, partitions, number)
        self._count += 1
        name = f"test_{self._count}_{service}"
        outside_loop(lambda: _execute(admin_dsn, f"create database {name} template {template}"))
        dsns = addresses(admin_dsn, name, _passwords(service))
        return FreshDatabase(
            name, service, dsns[service], dsns[f"{service}_owner"], with_database(admin_dsn, name)
        )

    def remove(self) -> None:
        for server in self._servers.values():
            server.remove()

    def _template(self, service: str, partitions: int, number: int) -> str:
        from services.kit.migrations import upgrade_from, versions_of
        from services.kit.provision import provision

        key = (number, service, partitions)
        if key not in self._templates:
            name = f"template_{service}_{partitions}"
            admin_dsn = self.server(number).dsn
            dsns = outside_loop(lambda: provision(admin_dsn, name, passwords=_passwords(service)))
            versions = KIT_VERSIONS if service == "kit" else versions_of(service)
            owner_dsn = dsns[f"{service}_owner"]
            in_thread(lambda: upgrade_from(versions, owner_dsn, schema=service, partitions=partitions))
            self._templates[key] = name
        return self._templates[key]


def _passwords(service: str) -> dict[str, str]:
    return {key: PASSWORDS[key] for key in (service, f"{service}_owner")}


async def _execute(dsn: str, statement: str) -> None:
    import asyncpg

    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The embedded servers of this session, in a directory an unprivileged child process can reach."""
    with tempfile.TemporaryDirectory(prefix="xuefen-test-") as root:
        Path(root).chmod(0o711)
        servers = Servers(Path(root))
        yield servers
        servers.remove()


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> EmbeddedPostgres:
    """The first embedded PostgreSQL of this session."""
    return servers.server(0)


@pytest.fixture(scope="session")
def fresh_database(servers: Servers) -> FreshDatabaseFactory:
    """A factory of migrated throw-away databases; one call a module is cheap, one a test affordable.

    In the layout `spread`, every second one of `logs` is given an address on a second server.
    """

    def make(
        service: str, *, partitions: int | None = None, server: int = 0, logs: Sequence[str] = ()
    ) -> FreshDatabase:
        wanted = PARTITIONS if partitions is None else partitions
        first = servers.fresh(service, wanted, server)
        if LAYOUT == "spread" and logs:
            second = servers.fresh(service, wanted, server + 1)
            first.by_log.update(dict.fromkeys(sorted(logs)[1::2], second.app_dsn))
        return first

    return make
