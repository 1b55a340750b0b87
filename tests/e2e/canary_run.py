"""The course of two hundred people at the three services, every kind of error included."""

import json
from typing import Any
from urllib.parse import quote

import httpx

from services.cli.demo import fictitious
from services.cli.demo.fictitious import FictitiousPerson
from services.kit.records import Batch
from services.ledger.intake.records import Record
from services.ledger.intake.schemas import Decided
from tests.e2e.provider import Provider, identity
from tests.e2e.system import CHAOYANG, LIAONING, NATION, SERVICES, SHENYANG, System

CANARIES = [fictitious.person(number) for number in range(101, 301)]
COLLECTED, MISNAMED, RETURNED, SUBMITTED, STRANGERS, IN_BULK, ERASED = (
    CANARIES[:30], CANARIES[30:40], CANARIES[40:50], CANARIES[50:60], CANARIES[60:70], CANARIES[70:195],
    CANARIES[195:],
)  # fmt: skip
BULK = "/v1/collections/bulk"


class Run:
    """What the people go through, and everything it leaves."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.ids: dict[str, str] = {}
        self.answers: list[httpx.Response] = []
        self.outcomes: set[str] = set()

    async def play(self) -> None:
        """The whole story."""
        for client in self.system.clients.values():
            client.event_hooks = {"response": [self._note]}
        provider = await self.system.provides()
        await self._collect()
        await self._refuse_at_the_registry()
        await self._collect_in_bulk()
        await self._open_and_erase()
        await self.system.follow()
        await self._report(provider)
        await self._ask(provider)
        await self._move()
        await self._fail(provider)
        await self.system.follow()

    async def _note(self, response: httpx.Response) -> None:
        await response.aread()
        self.answers.append(response)

    async def _collect(self) -> None:
        for person in [*COLLECTED, *MISNAMED]:
            self.ids[person.id_number] = await self.system.collects(person, CHAOYANG)
        for person in SUBMITTED:
            self.ids[person.id_number] = (await self.system.submits(person, CHAOYANG))["person_id"]
        for person in RETURNED:
            case = await self.system.submits(person, CHAOYANG)
            self.ids[person.id_number] = case["person_id"]
            path = f"/v1/collections/{case['collection_id']}"
            note = f"{person.name}的证件号码{person.id_number}看不清"
            body = {"decision": "return", "reason": "documents_unclear", "note": note}
            official = self.system.official(CHAOYANG, subject="reviewer")
            await self.system.does("registry", "POST", f"{path}/initial-review", body, by=official)
            await self.system.does("registry", "GET", path, by=official)

    async def _collect_in_bulk(self) -> None:
        """A table of people, taken; then again, torn, with values in the wrong columns, and with formulas."""
        by = self.system.official(CHAOYANG, subject="clerk") | {"Content-Type": "text/csv"}
        header = "证件号码,姓名,地区代码,联系电话,取得日期"
        lines = [f"{person.id_number},{person.name},{CHAOYANG},13800001234," for person in IN_BULK]
        one = IN_BULK[0]
        wrong = [f"{one.name},{one.id_number},{one.id_number},{one.name},{one.id_number}"]
        formula = [f"={one.id_number},={one.name},={one.name},,"]
        client = self.system.clients["registry"]
        for number, table in enumerate((lines, lines, wrong, formula, [*lines[:3], one.id_number + ",x"])):
            headers = by | {"Idempotency-Key": f"bulk-{number}"}
            content = "\n".join([header, *table]).encode()
            answer = (await client.post(BULK, content=content, headers=headers)).json()
            for ending in ("", "/result.csv"):
                await self.system.call("registry", "GET", f"{BULK}/{answer['bulk_id']}{ending}", by=by)
            if answer.get("applied"):
                rows = zip(IN_BULK, answer["rows"], strict=True)
                self.ids |= {person.id_number: row["person_id"] for person, row in rows}
        for content in (
            one.name.encode(),
            f'{header}\n"{one.id_number}'.encode(),
            one.id_number.encode() + b"\0",
        ):
            await client.post(BULK, content=content, headers=by | {"Idempotency-Key": "bulk-torn"})

    async def _open_and_erase(self) -> None:
        """Some are opened in full and erased; evidence holds a name, and purposes and reasons that are none."""
        scopes = ("collection:submit", "collection:review", "person:unmask", "person:erase", "audit:read")
        by = self.system.official(CHAOYANG, *scopes, subject="auditor")
        for person in ERASED:
            words = f"%PDF-{person.name}{person.id_number}".encode()
            content = words + b" " * 20_000 + b"%%EOF"
            headers = by | {"Content-Type": "application/pdf"}
            uploaded = await self.system.clients["registry"].post(
                "/v1/evidence", content=content, headers=headers
            )
            await self.system.clients["registry"].post("/v1/evidence", content=words, headers=headers)
            body = {
                "person": identity(person),
                "place": CHAOYANG,
                "evidence": [uploaded.json()["evidence_id"]],
            }
            case = await self.system.does("registry", "POST", "/v1/collections", body, by=by)
            path = f"/v1/persons/{case['person_id']}"
            for purpose in ("inspection", person.name):
                await self.system.call("registry", "POST", f"{path}/disclosure", {"purpose": purpose}, by=by)
            wrong = {"reason": person.name, "authority": person.id_number}
            for erasure in (wrong, {"reason": "own_request", "authority": CHAOYANG}):
                await self.system.call("registry", "POST", f"{path}/erasure", erasure, by=by)
            await self.system.call("registry", "POST", f"{path}/disclosure", {"purpose": "inspection"}, by=by)
        await self.system.call("registry", "GET", "/v1/audit?limit=500", by=by)

    async def _refuse_at_the_registry(self) -> None:
        official, one, two = self.system.official(CHAOYANG), COLLECTED[0], COLLECTED[1]
        good = {"person": identity(one), "place": CHAOYANG}
        number, name = one.id_number, one.name
        for body in (
            good,
            good | {number: name},
            good | {"place": number, "employer": name, "student": number},
            good | {"person": identity(one) | {number: "x", "id_number": int(number[:17]), "name": [name]}},
            good | {"person": identity(one) | {"id_type": name}},
            good | {"qualifications": [{"level": name, "obtained_on": number}]},
            {"person": {"id_number": number}},
            [identity(one)],
            name,
        ):
            await self.system.call("registry", "POST", "/v1/collections", body, by=official)
            await self.system.call("registry", "POST", "/v1/identity-checks", body, by=official)
        key = {"Idempotency-Key": "once-only"}
        for person in (one, two):
            body = {"person": identity(person), "place": CHAOYANG}
            await self.system.call("registry", "POST", "/v1/collections", body, by=official | key)
        torn = json.dumps(good, ensure_ascii=False)[:-9].encode()
        headers = official | {"Content-Type": "application/json"}
        await self.system.clients["registry"].post("/v1/collections", content=torn, headers=headers)
        await self.system.clients["registry"].post("/v1/collections", content=name.encode(), headers=official)
        await self._knock_with(two)

    async def _knock_with(self, person: FictitiousPerson) -> None:
        """A name and a number where they do not belong: tokens, addresses, parameters, headers, secrets."""
        number, name = person.id_number, quote(person.name)
        for token in (number, self.system.token("feed:read"), self.system.token("x")):
            by = {"Authorization": f"Bearer {token}", "X-Request-Id": number}
            for service in SERVICES:
                for path in (f"/v1/persons/{number}", f"/v1/persons/{name}/compliance/2025", f"/{name}"):
                    await self.system.call(service, "GET", path, by=by)
                    await self.system.call(service, "GET", f"{path}?name={name}&after={number}", by=by)
                # A number is refused before anything is asked of the token; a name is not known for one.
                for path in (f"/v1/persons/{name}", f"/v1/persons/{name}/compliance/2025?category={name}"):
                    await self.system.call(service, "GET", path, by=by | {"X-Request-Id": name})
        official = self.system.official(NATION) | {"Accept-Language": "en"}
        for service, path in (
            ("registry", f"/v1/collections/{name}"),
            ("registry", f"/v1/organizations/{number}"),
            ("ledger", f"/v1/persons/{number}/compliance/{number}"),
            ("ledger", f"/v1/persons/{number}/transcript?year={number}"),
            ("ledger", f"/v1/statistics/registrations?place={name}"),
            ("transfer", f"/v1/transfers/{number}"),
            ("transfer", f"/v1/transfers?place={number}&state={name}"),
        ):
            await self.system.call(service, "GET", path, by=official)
        await self.system.clients["registry"].post(
            "/oauth/token",
            data={"grant_type": person.name, "client_id": number, "client_secret": person.name},
        )
        await self.system.clients["registry"].post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(number, "secret")
        )

    async def _report(self, provider: Provider) -> None:
        records = [provider.completion(person, "30.00") for person in [*COLLECTED, *STRANGERS]]
        records += [
            provider.completion(FictitiousPerson(other.name, person.id_number), "30.00")
            for person, other in zip(MISNAMED, STRANGERS, strict=True)
        ]
        await self._posts(provider, *records)
        await self._posts(provider, *records[:5], records[5] | {"credits": "1.00"}, records[6] | {
            "person": identity(COLLECTED[0])
        })  # fmt: skip
        person, number = COLLECTED[2], COLLECTED[2].id_number
        good = provider.completion(person, "1.00")
        await self._posts(
            provider,
            good | {"id": f"{number}-2025"},
            good | {"id": "lower", "course": f"ZY-{number.lower()}"},
            good | {"id": "title", "title": f"{person.name}的课程"},
            good | {"id": "place", "authority": number},
            good | {"id": "field", number: person.name},
            good | {"id": "mode", "mode": person.name, "credits": number},
            good | {"id": "early", "completed_at": "2024-01-01T00:00:00+08:00"},
            good | {"id": "digit", "person": identity(person) | {"id_number": number[:-1] + "?"}},
        )
        who = identity(STRANGERS[0])
        enrolment = {"id": "e-1", "person": who, "year": 2025, "mode": "online", "enrolled_on": "2025-05-01"}
        passed = {"id": "p-1", "person": who, "year": 2025, "passed_at": "2025-05-01T00:00:00+08:00"}
        by = provider.headers
        await self.system.call("ledger", "POST", "/v1/enrolments", {"records": [enrolment]}, by=by)
        await self.system.call("ledger", "POST", "/v1/exam-passes", {"records": [passed]}, by=by)
        await self.system.call("ledger", "POST", "/v1/completions", {"records": person.name}, by=by)
        body = {"reason": "reported_in_error"}
        for record in (records[0]["id"], records[0]["id"], number):
            await self.system.call("ledger", "POST", f"/v1/completions/{record}/withdrawal", body, by=by)

    async def _posts(self, provider: Provider, *records: dict[str, Any]) -> None:
        self.outcomes |= {outcome["outcome"] for outcome in await provider.posts(*records)}

    async def _ask(self, provider: Provider) -> None:
        await provider.checks(*CANARIES)
        identities = [
            {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
            for person in CANARIES
        ]
        for by in (self.system.official(LIAONING), provider.headers):
            body = {"year": 2025, "identities": identities}
            await self.system.call("ledger", "POST", "/v1/compliance/query", body, by=by)
            body = {"year": 2025, "persons": [person.id_number for person in CANARIES]}
            await self.system.call("ledger", "POST", "/v1/compliance/query", body, by=by)
        for person in COLLECTED[:3]:
            await self.system.asks(self.ids[person.id_number], 2025)

    async def _move(self) -> None:
        official = self.system.official(CHAOYANG)
        person, other = COLLECTED[3], COLLECTED[4]
        evidence = [{"name": "工作证明.pdf", "sha256": "ab" * 32, "media_type": "application/pdf"}]
        body = {"to_place": SHENYANG, "employer": self.system.uscc(), "evidence": evidence}
        for wrong in (
            {"person_id": person.id_number},
            {"person_id": person.name},
            {"person_id": self.ids[person.id_number], "employer": person.id_number},
            {"person_id": self.ids[person.id_number], "evidence": [evidence[0] | {"name": person.id_number}]},
        ):
            await self.system.call("transfer", "POST", "/v1/transfers", body | wrong, by=official)
        moved = await self.system.transfers_to(self.ids[person.id_number], CHAOYANG, SHENYANG)
        path = "/v1/transfers"
        wanted = body | {"person_id": self.ids[other.id_number]}
        pending = (await self.system.does("transfer", "POST", path, wanted, by=official))["transfer_id"]
        for case, text in (
            (moved, "材料不清"),
            (pending, f"{other.id_number}材料不清"),
            (pending, "材料不清"),
        ):
            refusal = {"reason": "evidence_unclear", "text": text}
            await self.system.call("transfer", "POST", f"{path}/{case}/refusal", refusal, by=official)

    async def _fail(self, provider: Provider) -> None:
        """A defect of ours, whose exception quotes the record."""

        async def fail(provider_id: str, batch: Batch[Record]) -> list[Decided]:
            raise RuntimeError(f"cannot store {batch.records}")

        reporter = self.system.ledger.reporter
        reporter.report = fail  # type: ignore[method-assign]
        body = {"records": [provider.completion(COLLECTED[5], "1.00")]}
        await self.system.call("ledger", "POST", "/v1/completions", body, by=provider.headers)
        del reporter.report
