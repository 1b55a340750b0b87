"""A whole deployment as real processes with a database and keys of its own; its workers can be killed, and come back."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.cli.children import Child
from services.cli.demo import fictitious
from services.cli.settings import StackSettings
from services.cli.stack import Stack
from services.cli.state_dir import StateDir
from services.kit.clock import local_date, utc_now
from services.transfer.cases.arrival import arrival_id
from tests.e2e.provider import identity

SERVICES = ("registry", "ledger", "transfer")
NATION = "100000"
NEI_MONGOL, HOHHOT = "150000", "150100"
JILIN, CHANGCHUN = "220000", "220100"
PLACES = {NEI_MONGOL: HOHHOT, JILIN: CHANGCHUN}
SECONDS_MAX = 60.0
PAUSE_SECONDS = 0.05
THIS_YEAR = local_date(utc_now()).year


def notice(authority: str) -> dict[str, Any]:
    """What a fictitious province asks of the present year: what the nation does, in its calendar year."""
    return {
        "id": f"test-{authority}",
        "title": "继续教育通知",
        "document": f"测财会〔{THIS_YEAR}〕1号",
        "issuers": ["财政厅"],
        "issued_on": f"{THIS_YEAR}-01-01",
        "place": authority,
        "years": {"from": THIS_YEAR, "to": THIS_YEAR},
        "clauses": [
            {
                "id": f"T{authority}-01",
                "article": "一",
                "text": "形式有网络培训等。",
                "rules": [{"kind": "modes", "allowed": ["online"], "open": False}],
            }
        ],
    }


class KillableStack(Stack):
    """A stack that remembers how it started each process, and tells its transfer service more than others do."""

    def __init__(self, settings: StackSettings, more: Mapping[str, str]) -> None:
        super().__init__(settings, services=SERVICES)
        self._more = dict(more)
        self._started: dict[str, tuple[list[str], Mapping[str, str]]] = {}

    def _environment(self, service: str, ports: Mapping[str, int]) -> dict[str, str]:
        return super()._environment(service, ports) | self._more

    def _spawn(
        self, name: str, arguments: list[str], environment: Mapping[str, str], address: str = ""
    ) -> None:
        self._started[name] = (arguments, environment)
        super()._spawn(name, arguments, environment, address)

    def kill(self, name: str) -> None:
        """kill -9, and the process is gone; then the same again."""
        child = next(each for each in self._children if each.name == name)
        os.kill(child.pid, signal.SIGKILL)
        child.wait_until_stopped()
        self._children.remove(child)
        arguments, environment = self._started[name]
        log = self._home.logs / f"{name}.log"
        self._children.append(Child(name, arguments, environment=environment, log=log))


class Deployment:
    """A running stack, and everybody who talks to it."""

    def __init__(self, home: Path, *, relay: "Deployment | None" = None, authorities: str = "") -> None:
        opened = home.parent / f"{home.name}-opened.yaml"
        lines = "".join(f'  - {{authority: "{each}", opened_on: 2020-01-01}}\n' for each in PLACES)
        opened.write_text(f"opened:\n{lines}", encoding="utf-8")
        settings = StackSettings.load(
            home=home,
            registry_port=0,
            ledger_port=0,
            transfer_port=0,
            relay_port=0,
            console_port=0,
            sign_in_port=0,
            relay_url=relay.stack.addresses["relay"] if relay is not None else None,
            relay_token_file=relay.home.relay_token_file() if relay is not None else None,
            transfer_opened_authorities_file=opened,
        )
        more = {
            "XUEFEN_TRANSFER_AUTHORITIES": authorities,
            "XUEFEN_TRANSFER_POLL_SECONDS": "0.2",
            "XUEFEN_RELAY_POLL_SECONDS": "0.3",
            "XUEFEN_LOG_LEVEL": "WARNING",
        }
        self.home = StateDir(home)
        self.stack = KillableStack(settings, more)
        self._client = httpx.Client(trust_env=False, timeout=SECONDS_MAX)

    def start(self) -> None:
        """Everything, with the notices of both provinces."""
        self.stack.start()
        for authority in PLACES:
            drafted = self.does(
                "ledger", "POST", "/v1/policies", {"notice": notice(authority)}, place=authority
            )
            path = f"/v1/policies/{authority}/notices/{drafted['id']}/publication"
            approved = {"notice_hash": drafted["hash"]}
            self.does("ledger", "POST", path, approved, place=authority, subject="second-official")

    def stop(self) -> None:
        """End everything and delete it."""
        self._client.close()
        self.stack.stop()
        self.home.delete()

    def call(
        self, service: str, method: str, path: str, body: Any = None, *, kind: str = "official", **who: Any
    ) -> httpx.Response:
        """One request with a key of its own."""
        headers = {
            "Authorization": f"Bearer {self.stack.sign_token(kind, **who)}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        return self._client.request(method, self.stack.addresses[service] + path, json=body, headers=headers)

    def does(self, *request: Any, **who: Any) -> Any:
        """The body of the answer to a request that succeeds."""
        response = self.call(*request, **who)
        assert response.is_success, response.text
        return response.json()

    def eventually(self, *request: Any, **who: Any) -> Any:
        """The same for a request that succeeds once what happened elsewhere has come in."""
        found: list[Any] = []

        def asked() -> bool:
            response = self.call(*request, **who)
            assert response.is_success or response.status_code in (404, 409, 422, 503), response.text
            if response.is_success:
                found.append(response.json())
            return bool(found)

        wait_until(asked)
        return found[0]

    def provides(self, authority: str) -> str:
        """A provider accredited by an authority; its id."""
        body = {"name": "某网校", "uscc": fictitious.uscc(1), "kind": "provider", "place": NATION}
        organization_id: str = self.does("registry", "POST", "/v1/organizations", body, place=NATION)[
            "organization_id"
        ]
        body = {"place": authority, "years": [THIS_YEAR - 1, THIS_YEAR, THIS_YEAR + 1], "modes": ["online"]}
        path = f"/v1/organizations/{organization_id}/accreditations"
        self.does("registry", "POST", path, body, place=authority)
        return organization_id

    def collects(self, person: fictitious.FictitiousPerson, place: str) -> str:
        """A person is handed in and passes two reviews (S2C-08); the person's id."""
        body = {
            "person": identity(person),
            "place": place,
            "qualifications": [{"level": "junior", "obtained_on": "2018-09-01"}],
        }
        case = self.does("registry", "POST", "/v1/collections", body, place=place)
        for step in ("initial", "final"):
            path = f"/v1/collections/{case['collection_id']}/{step}-review"
            self.does("registry", "POST", path, {"decision": "pass"}, place=place, subject=step)
        person_id: str = case["person_id"]
        return person_id

    def posts(self, provider: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
        """A provider posts completions; the outcomes."""
        answer = self.does(
            "ledger", "POST", "/v1/completions", {"records": list(records)}, kind="provider",
            organization=provider,
        )  # fmt: skip
        results: list[dict[str, Any]] = answer["results"]
        return results

    def asks_out(self, person_id: str, to_place: str) -> str:
        """The person asks for a transfer (S2C-15), once the transfer service knows them; the transfer's id."""
        evidence = [{"name": "工作证明.pdf", "sha256": "ab" * 32, "media_type": "application/pdf"}]
        body = {
            "person_id": person_id,
            "to_place": to_place,
            "employer": fictitious.uscc(2),
            "evidence": evidence,
        }
        asked = self.eventually("transfer", "POST", "/v1/transfers", body, kind="portal", subject=person_id)
        transfer_id: str = asked["transfer_id"]
        return transfer_id

    def accepts(self, transfer_id: str, place: str) -> None:
        """The origin lets the profile go."""
        self.does("transfer", "POST", f"/v1/transfers/{transfer_id}/acceptance", place=place)

    def takes(self, transfer_id: str, place: str) -> None:
        """The destination approves what it has fetched, and the person looks it up (S2C-18)."""
        path = f"/v1/transfers/{arrival_id(transfer_id)}"
        self.eventually("transfer", "POST", f"{path}/approval", place=place)
        person_id = self.does("transfer", "GET", path, place=place)["person_id"]
        self.eventually("transfer", "POST", f"{path}/confirmation", kind="portal", subject=person_id)

    def asks(self, person_id: str, place: str = NATION) -> dict[str, Any] | None:
        """How the person's year stands, None where nobody knows them."""
        response = self.call("ledger", "GET", f"/v1/persons/{person_id}/compliance/{THIS_YEAR}", place=place)
        assert response.status_code in (200, 404), response.text
        return response.json() if response.is_success else None


def completion(
    person: fictitious.FictitiousPerson, number: str, credits: str, authority: str
) -> dict[str, Any]:
    """A completion of a moment ago."""
    done = datetime.now(UTC) - timedelta(seconds=5)
    return {
        "id": number,
        "person": identity(person),
        "year": THIS_YEAR,
        "category": "professional",
        "credits": credits,
        "mode": "online",
        "course": f"ZJ-{number}",
        "completed_at": done.isoformat(),
        "authority": authority,
    }


def wait_until(true: Callable[[], bool], seconds: float = SECONDS_MAX) -> None:
    """Ask again until it is so; a test that waits in vain fails."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(PAUSE_SECONDS)
