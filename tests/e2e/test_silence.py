"""Every service when its database, its issuer, its peers and its targets hang: it answers, says that it is not ready, and
ends when it is told to. Connections stay; nothing goes through them.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from services.cli.settings import PROCESSES, SERVICES, STAND_INS, StackSettings
from services.cli.sign_in import sign
from services.cli.stack import Stack
from services.cli.state_dir import StateDir, signing_key
from tests.black_hole import BlackHole, black_hole
from tests.conftest import reachable
from tests.e2e.processes import free_port

ANSWER_SECONDS_MAX = 10.0
"""What the guide promises: to a caller, and to whoever ends a process."""
LIMITS = {
    "XUEFEN_ANSWER_SECONDS": "4",
    "XUEFEN_STATEMENT_SECONDS": "3",
    "XUEFEN_WORKER_STATEMENT_SECONDS": "3",
    "XUEFEN_CONNECTION_SECONDS": "1",
    "XUEFEN_SYNC_PULL_SECONDS": "1",
    "XUEFEN_LOG_LEVEL": "WARNING",
}
SCOPES = (
    "audit:read",
    "sync:read",
    "transfer:review",
    "collection:review",
    "compliance:read",
    "policy:write",
)
READINGS = {
    "registry": "/v1/audit?person=nobody-1",
    "ledger": "/v1/audit?person=nobody-1",
    "transfer": "/v1/audit?person=nobody-1",
    "sync": "/v1/status",
    "console": "/",
}


class Surrounded(Stack):
    """A stack of which every process reaches its database and all others through a black hole."""

    def __init__(self, settings: StackSettings, hole: BlackHole, more: Mapping[str, str]) -> None:
        super().__init__(settings)
        self._hole = hole
        self._more = dict(more)
        self.worker_ports = {each: free_port() for each in SERVICES}

    def _environment(self, service: str, ports: Mapping[str, int]) -> dict[str, str]:
        told = super()._environment(service, ports) | self._more
        told["XUEFEN_WORKER_OPERATIONS_PORT"] = str(self.worker_ports.get(service, 0))
        own = f"XUEFEN_{service.upper()}_DATABASE_URL"
        others = [f"XUEFEN_{each.upper()}_URL" for each in self.addresses if each != service]
        return told | {name: self._through(told[name]) for name in (own, *others) if name in told}

    def _through(self, address: str) -> str:
        parts = urlsplit(address)
        assert parts.hostname is not None
        port = self._hole.through(parts.hostname, parts.port or 5432)
        user = f"{parts.username}:{parts.password}@" if parts.username else ""
        return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))

    def token(self) -> str:
        key = signing_key(self.settings, self._home)
        return sign(key, issuer=self._issuer, subject="clerk", scopes=SCOPES, place="100000")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Surrounded, BlackHole]]:
    root = reachable(tmp_path_factory.mktemp("silence"))
    settings = StackSettings.load(
        home=root / "home", **{f"{each}_port": 0 for each in (*PROCESSES, *STAND_INS)}
    )
    with socket.create_server(("127.0.0.1", 0)) as target, black_hole() as hole:
        # A system outside that accepts and never says a word, from the beginning.
        target.listen(64)
        more = LIMITS | {"XUEFEN_SYNC_TARGETS_FILE": str(targets(root, target.getsockname()[1]))}
        surrounded = Surrounded(settings, hole, more)
        surrounded.start()
        try:
            yield surrounded, hole
        finally:
            surrounded.stop()
            StateDir(root / "home").delete()


def targets(root: Path, port: int) -> Path:
    file = root / "targets.yaml"
    file.write_text(
        f"""targets:
  national-platform:
    url: http://127.0.0.1:{port}
    record: credit
    places: ["100000"]
    source: national_platform
    pull: true
    seconds: 30
""",
        encoding="utf-8",
    )
    return file


def ask(stack: Surrounded, service: str, method: str = "GET", path: str = "") -> httpx.Response:
    """One request, for which nobody waits longer than was promised."""
    headers = {
        "Authorization": f"Bearer {stack.token()}",
        "Idempotency-Key": "a-key-of-the-silence",
        "Cookie": "xuefen_session=of-nobody",
    }
    address = stack.addresses[service] + (path or READINGS[service])
    body = {"records": []} if method == "POST" else None
    with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS_MAX, headers=headers) as client:
        return client.request(method, address, json=body)


def ready(stack: Surrounded, service: str) -> int:
    with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS_MAX) as client:
        return client.get(stack.readiness_of(service)).status_code


def worker_ready(stack: Surrounded, service: str) -> int:
    with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS_MAX) as client:
        return client.get(f"http://127.0.0.1:{stack.worker_ports[service]}/readyz").status_code


def of_each(act: Callable[[str], object], each: Sequence[str] = PROCESSES) -> dict[str, object]:
    """What comes of it for every process, all at the same time."""
    with ThreadPoolExecutor(len(each)) as pool:
        return dict(zip(each, pool.map(act, each), strict=True))


def test_whoever_hangs_keeps_nobody_from_an_answer_nor_a_process_from_its_end(
    stack: tuple[Surrounded, BlackHole],
) -> None:
    surrounded, hole = stack
    assert of_each(lambda each: ready(surrounded, each)) == dict.fromkeys(PROCESSES, 200)
    for service, answer in of_each(lambda each: ask(surrounded, each)).items():
        assert isinstance(answer, httpx.Response)
        assert answer.status_code < 500, (service, answer.text)

    hole.fall_silent()
    answers = of_each(lambda each: ask(surrounded, each))
    for service in PROCESSES:
        answer = answers[service]
        assert isinstance(answer, httpx.Response)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), (service, answer.text)
    assert of_each(lambda each: ready(surrounded, each)) == dict.fromkeys(PROCESSES, 503)
    assert of_each(lambda each: worker_ready(surrounded, each), SERVICES) == dict.fromkeys(SERVICES, 503)

    began = time.monotonic()
    children = surrounded.children
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait_until_stopped()
    assert {child.name: (child.exit_code, child.tail) for child in children if child.exit_code} == {}
    assert time.monotonic() - began < 2 * ANSWER_SECONDS_MAX
