"""The stage of the demo: real services, fictitious people, the providers the notices name, and everybody's tokens."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

import httpx

from contracts.divisions import full_name_of
from contracts.sign_in import Role
from services.cli.demo import fictitious
from services.cli.demo.fictitious import FictitiousPerson
from services.cli.policy_diff import try_draft
from services.cli.sign_in import SCOPES
from services.cli.stack import Stack
from services.ledger.counting.simulation import Simulation
from services.ledger.policy import Notice, notice_as_data
from services.stand_ins.sign_in.people import SignInPerson

_FOLLOW_SECONDS_MAX = 20.0
_CAST_MAX, _CLERKS_MAX = 60, 30
"""People and clerks to sign in as: a list that can still be read."""
_YEARS = list(range(2018, 2028))


class DemoError(Exception):
    """A step of the demo was answered otherwise than the story says."""


class Collected:
    """A person whom the registry has collected."""

    def __init__(self, person_id: str, person: FictitiousPerson) -> None:
        self.person_id = person_id
        self.person = person

    def identity(self) -> dict[str, str]:
        """The person as on their document."""
        return _identity(self.person)


class Provider:
    """A provider with an account of its own."""

    def __init__(self, stage: "Stage", name: str, organization_id: str, token: str) -> None:
        self.name = name
        self.organization_id = organization_id
        self._stage = stage
        self._headers = {"Authorization": f"Bearer {token}"}
        self._count = 0

    def completion(
        self, who: Collected | FictitiousPerson, year: int, credits: str, completed_at: str, **fields: Any
    ) -> dict[str, Any]:
        """A completion as the provider's platform would post it; professional and online unless said otherwise."""
        self._count += 1
        return {
            "id": f"{year}-{self._count:04d}",
            "person": _identity(who.person if isinstance(who, Collected) else who),
            "year": year,
            "category": "professional",
            "credits": credits,
            "mode": "online",
            "course": f"ZY-{self._count:03d}",
            "completed_at": completed_at,
        } | fields

    def exam_pass(self, who: Collected, year: int, passed_at: str) -> dict[str, object]:
        """A pass of the provider's exam over a year's study."""
        self._count += 1
        return {
            "id": f"exam-{self._count:04d}",
            "person": _identity(who.person),
            "year": year,
            "passed_at": passed_at,
        }

    def headers(self) -> dict[str, str]:
        """The provider's token."""
        return dict(self._headers)

    def posts(self, *records: dict[str, object], to: str = "completions") -> list[dict[str, Any]]:
        """Post a batch; an outcome for every record."""
        answer = self._stage.call("ledger", "POST", f"/v1/{to}", {"records": list(records)}, self._headers)
        results: list[dict[str, object]] = answer["results"]
        return results


class Stage:
    """Talks to the running services over HTTP, as officials, providers and dashboards do."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._client = httpx.Client(trust_env=False, timeout=30.0, headers={"Accept-Language": "zh-CN"})
        self._people = 0
        self.cast: list[tuple[FictitiousPerson, str]] = []
        """Everybody who was collected, and where, in the order of the stories."""
        self.clerks: list[tuple[str, Role, str]] = []
        """Clerks of organizations to sign in as: a name, a role, and the credit code."""
        self._organizations = 0
        self.calls = 0
        self._officials: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(
        self, service: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        """One request; DemoError with the problem's own words when it is refused."""
        self.calls += 1
        response = self._client.request(
            method, self._stack.addresses[service] + path, json=body, headers=headers
        )
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise DemoError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()

    def sends(self, service: str, path: str, content: bytes, media_type: str, headers: dict[str, str]) -> Any:
        """One file, posted as it is; DemoError when it is refused."""
        self.calls += 1
        response = self._client.post(
            self._stack.addresses[service] + path,
            content=content,
            headers=headers | {"Content-Type": media_type},
        )
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise DemoError(f"POST {path}: {response.status_code} {response.text}")
        return response.json()

    def refuses(
        self, service: str, path: str, body: object, headers: dict[str, str], code: str
    ) -> dict[str, Any]:
        """One command that must be refused with this problem; the problem. DemoError when it is answered otherwise."""
        self.calls += 1
        response = self._client.post(self._stack.addresses[service] + path, json=body, headers=headers)
        problem: dict[str, object] = response.json()
        if problem.get("type") != f"urn:xuefen:problem:{code}":
            raise DemoError(f"POST {path}: expected {code}, got {response.status_code} {response.text}")
        return problem

    def refused(
        self,
        service: str,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        answers: list[Any] | None = None,
    ) -> dict[str, object] | None:
        """The problem with which a request is refused; None when it succeeds, with its answer put among `answers`."""
        self.calls += 1
        response = self._client.request(
            method, self._stack.addresses[service] + path, json=body, headers=headers
        )
        if response.status_code >= httpx.codes.BAD_REQUEST:
            problem: dict[str, Any] = response.json()
            return problem
        if answers is not None:
            answers.append(response.json())
        return None

    def portal(self, subject: str) -> dict[str, str]:
        """The headers of a portal for the person whom it has signed in, with a fresh Idempotency-Key."""
        token = self._stack.sign_token("portal", subject=subject)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}

    def official(self, place: str, desk: str = "finance-bureau") -> dict[str, str]:
        """The headers of an official of a place, with a fresh Idempotency-Key."""
        who = f"{desk}-{place}"
        if who not in self._officials:
            token = self._stack.sign_token("official", place=place, subject=who)
            self._officials[who] = {"Authorization": f"Bearer {token}"}
        return self._officials[who] | {"Idempotency-Key": str(uuid.uuid4())}

    def stranger(self, province: str = "21") -> FictitiousPerson:
        """Somebody nobody has collected yet."""
        self._people += 1
        return fictitious.person(self._people, province=province)

    def collects(
        self,
        place: str,
        *,
        person: FictitiousPerson | None = None,
        qualified_on: date | None = date(2016, 9, 10),
        working_since: date | None = None,
    ) -> Collected:
        """A person's information is submitted, passes its initial and its final review, by three officials (S2C-08)."""
        person = person or self.stranger(place[:2])
        body: dict[str, Any] = {"person": _identity(person), "place": place}
        if qualified_on is not None:
            body["qualifications"] = [{"level": "junior", "obtained_on": qualified_on.isoformat()}]
        if working_since is not None:
            body["working_since"] = working_since.isoformat()
        submitted = self.call("registry", "POST", "/v1/collections", body, self.official(place))
        self.cast.append((person, place))
        for step in ("initial", "final"):
            self.call(
                "registry",
                "POST",
                f"/v1/collections/{submitted['collection_id']}/{step}-review",
                {"decision": "pass"},
                self.official(place, f"{step}-reviewer"),
            )
        return Collected(submitted["person_id"], person)

    def merges(self, kept: Collected, other: Collected, place: str) -> None:
        """Two profiles of one person become one: an official of the place asks for it, and another confirms."""
        merge = {"person_id": other.person_id, "reason": "another_document"}
        path = f"/v1/persons/{kept.person_id}/changes"
        asked = self.call("registry", "POST", path, {"items": {"merge": merge}}, self.official(place))
        self.call(
            "registry",
            "POST",
            f"/v1/changes/{asked['change_id']}/review",
            {"decision": "approve"},
            self.official(place, "final-reviewer"),
        )

    def people_to_be(self) -> list[SignInPerson]:
        """Those who were collected first, and the clerks of organizations, as people whom the sign-in stand-in knows."""
        people = [
            SignInPerson(
                sub=f"person-{number}",
                name=person.name,
                role="person",
                note=full_name_of(place),
                id_number=person.id_number,
            )
            for number, (person, place) in enumerate(self.cast[:_CAST_MAX], start=1)
        ]
        clerks = [
            SignInPerson(
                sub=f"{role}-{number}", name=f"{name}经办人", role=role, note=name, organization=code
            )
            for number, (name, role, code) in enumerate(self.clerks[:_CLERKS_MAX], start=1)
        ]
        return [*people, *clerks]

    def leaves_waiting(self, place: str) -> None:
        """Somebody's information is handed in and left to whoever looks at the queue (S2C-01)."""
        body = {"person": _identity(self.stranger(place[:2])), "place": place}
        self.call("registry", "POST", "/v1/collections", body, self.official(place))

    def provides(self, name: str, places: Iterable[str]) -> Provider:
        """A provider is registered, accredited at places, and given an account; it then signs in by itself."""
        code = self.next_code()
        self.clerks.append((name, "provider", code))
        national = self.official("100000")
        organization = self.call(
            "registry",
            "POST",
            "/v1/organizations",
            {
                "name": name,
                "uscc": code,
                "kind": "provider",
                "place": "100000",
            },
            national,
        )
        organization_id = organization["organization_id"]
        for place in places:
            self.call(
                "registry",
                "POST",
                f"/v1/organizations/{organization_id}/accreditations",
                {"place": place, "years": _YEARS, "modes": ["online", "face_to_face"]},
                self.official(place),
            )
        operator = {
            "Authorization": f"Bearer {self._stack.sign_token('operator', place='100000', subject='operator')}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        account = self.call(
            "registry",
            "POST",
            "/v1/clients",
            {"scopes": sorted(SCOPES["provider"]), "organization_id": organization_id},
            operator,
        )
        return Provider(self, name, organization_id, self._sign_in(account))

    def next_code(self) -> str:
        """The credit code of one more organization."""
        self._organizations += 1
        return fictitious.uscc(self._organizations)

    def _sign_in(self, account: dict[str, Any]) -> str:
        response = self._client.post(
            self._stack.addresses["registry"] + "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(account["client_id"], account["client_secret"]),
        )
        self.calls += 1
        if response.status_code != httpx.codes.OK:
            raise DemoError(f"no token: {response.status_code} {response.text}")
        token: str = response.json()["access_token"]
        return token

    def wait_until_followed(self, seconds: float = _FOLLOW_SECONDS_MAX) -> None:
        """Wait until the ledger's worker has followed everything the registry has published so far.

        DemoError when that takes longer than `seconds`.
        """
        dashboard = {"Authorization": f"Bearer {self._stack.sign_token('sync')}"}
        [log] = self.call("registry", "GET", "/v1/logs", headers=dashboard)["items"]
        deadline = time.monotonic() + seconds
        ready = self._stack.readiness_of("ledger")
        while self._client.get(ready).json()["followed"]["registry"] < log["head"]:
            if time.monotonic() > deadline:
                raise DemoError("the ledger's worker does not follow the registry")
            time.sleep(0.05)

    def asks(self, who: Collected, year: int, place: str, **params: str) -> dict[str, Any]:
        """An official of the place asks whether somebody is compliant."""
        query = "&".join(f"{name}={value}" for name, value in params.items())
        path = f"/v1/persons/{who.person_id}/compliance/{year}" + (f"?{query}" if query else "")
        answer: dict[str, Any] = self.call("ledger", "GET", path, headers=self.official(place))
        return answer

    def reader(self) -> dict[str, str]:
        """The headers of a service that reads feeds."""
        return {"Authorization": f"Bearer {self._stack.sign_token('sync')}"}

    def heads(self) -> dict[str, int]:
        """The heads of the ledger's logs that hold anything."""
        logs = self.call("ledger", "GET", "/v1/logs", headers=self.reader())["items"]
        return {log["log"]: log["head"] for log in logs if log["head"]}

    def tries(self, draft: Notice, on: date) -> Simulation:
        """What a draft would change over the ledger as it is, as `xuefen policy simulate` finds it."""
        return asyncio.run(try_draft(self._stack.settings, self._stack.databases, draft, on))

    def publishes(self, notice: Notice) -> None:
        """An official of the notice's place drafts it, and another publishes it to the running ledger."""
        body = {"notice": notice_as_data(notice)}
        drafted = self.call("ledger", "POST", "/v1/policies", body, self.official(notice.place))
        path = f"/v1/policies/{notice.place}/notices/{notice.id}/publication"
        second = self.official(notice.place, "second-desk")
        self.call("ledger", "POST", path, {"notice_hash": drafted["hash"]}, second)

    def declares_no_notice(self, place: str, year: int) -> None:
        """An official of a place says that no notice of a year will come."""
        self.call("ledger", "POST", f"/v1/years/{place}/{year}/no-notice", None, self.official(place))

    def counts(self, seconds: float = _FOLLOW_SECONDS_MAX) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """The heads of the ledger's logs that hold anything, and the registrations by place and year."""
        heads = self.heads()
        deadline = time.monotonic() + seconds
        while True:
            answer = self.call(
                "ledger", "GET", "/v1/statistics/registrations?place=100000", headers=self.official("100000")
            )
            reached = {each["log"]: each["position"] for each in answer["reached"]}
            if all(reached.get(log, 0) >= head for log, head in heads.items()):
                return heads, answer["rows"]
            if time.monotonic() > deadline:
                raise DemoError("the statistics do not catch up")
            time.sleep(0.1)


def _identity(person: FictitiousPerson) -> dict[str, str]:
    return {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
