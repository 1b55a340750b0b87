"""The feeds of the other services as the synchronisation meets them: events handed in by a test, served over HTTP."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from contracts.divisions import contains
from contracts.envelope import PublishedEvent
from contracts.ledger import CreditEarned, CreditRevoked, CreditWithdrawn, YearClosed
from services.cli.demo import fictitious
from services.kit.clock import SHANGHAI

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""A Monday in Shanghai."""
POLICY = f"sha256:{'0' * 64}"


class FakeFeed:
    """One service's logs: `publish` appends, the transport answers `GET /v1/logs` and the feeds."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.is_down = False
        self.extract: list[dict[str, Any]] = []
        """The lines of the credit archive's extract of a closed year."""
        self.turned: Callable[[], None] = lambda: None
        """Called before each page of the extract after the first."""
        self.offset = 0
        """Positions that came before those held here, of one log."""
        self.history, self.common = "a" * 12, 0
        """Of every log, and up to where it is the same as the one before it."""

    def restore(self, log: str, position: int) -> None:
        """The log as it was at a position, from which it goes on otherwise."""
        del self.events[log][position:]
        self.history, self.common = "b" * 12, position

    def publish(self, log: str, *events: PublishedEvent, at: datetime = START) -> None:
        """Append events to a log."""
        for event in events:
            position = len(self.events[log]) + 1
            self.events[log].append(
                {
                    "specversion": "1.0",
                    "id": f"{log}/{position}",
                    "source": "urn:xuefen:test",
                    "time": at.isoformat(),
                    "datacontenttype": "application/json",
                    "sequence": str(position),
                    "log": log,
                    "position": position,
                    **event.attributes(),
                }
            )

    def client(self) -> httpx.AsyncClient:
        """A client of the service."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://feed")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            raise httpx.ConnectError("down")
        if request.url.path == "/v1/logs":
            return httpx.Response(
                200,
                json={
                    "items": [
                        {"log": log, "head": self.offset + len(events), "history": self.history}
                        for log, events in self.events.items()
                    ]
                },
            )
        if request.url.path.endswith("/archive"):
            return self._archive(request.url.path, request.url.params)
        if request.url.path == "/v1/credits":
            return httpx.Response(200, json=self._credits(request.url.params))
        log = request.url.path.split("/")[3]
        after, limit = int(request.url.params["after"]), int(request.url.params["limit"])
        if request.url.params.get("history", self.history) != self.history:
            problem = {"type": "urn:xuefen:problem:another-history", "known": True, "history": self.history}
            return httpx.Response(409, json=problem | {"position": min(after, self.common)})
        found = self.events[log][after - self.offset : after - self.offset + limit]
        reached = found[-1]["position"] if found else after
        head = str(self.offset + len(self.events[log]))
        headers = {"Xuefen-Next-After": str(reached), "Xuefen-Head": head, "Xuefen-History": self.history}
        return httpx.Response(200, json=found, headers=headers)

    def _archive(self, path: str, params: httpx.QueryParams) -> httpx.Response:
        """A page of two lines of the extract a test has handed in, by place and person, of a year that was closed."""
        place, year = path.split("/")[3:5]
        if not self._is_closed(place, int(year)):
            return httpx.Response(409, json={"type": "urn:xuefen:problem:year-not-closed", "status": 409})
        after = params.get("after", "")
        if after:
            self.turned()
        keyed = {f"{line['place']}~{line['person_id']}": line for line in self.extract}
        found = [key for key in sorted(keyed) if key > after and contains(place, keyed[key]["place"])]
        page = found[:2]
        return httpx.Response(
            200,
            json={
                "position": sum(len(events) for events in self.events.values()),
                "items": [keyed[key] for key in page],
                "next": page[-1] if len(found) > 2 else None,
            },
        )

    def _is_closed(self, place: str, year: int) -> bool:
        return any(
            event["type"].endswith("year.closed.v1")
            and event["data"]["year"] == year
            and contains(event["data"]["place"], place)
            for events in self.events.values()
            for event in events
        )

    def _credits(self, params: httpx.QueryParams) -> dict[str, Any]:
        """The list of registered credits, as it follows from what was published."""
        live: dict[str, dict[str, Any]] = {}
        for events in self.events.values():
            for event in events:
                data = event["data"]
                if event["type"].endswith("credit.earned.v1"):
                    completed = datetime.fromisoformat(data["completed_at"]).astimezone(SHANGHAI).date()
                    live[data["credit_id"]] = data | {"completed_on": str(completed), "recognised": False}
                elif event["type"].endswith("credit.recognised.v1"):
                    live[data["credit_id"]] |= {"recognised": True}
                elif "credit_id" in data:
                    live.pop(data["credit_id"], None)
        place, year = params["place"], int(params["year"])
        found = [each for each in live.values() if each["year"] == year and contains(place, each["place"])]
        people = sorted({each["person_id"] for each in found if each["person_id"] > params["after"]})
        page = people[: int(params["limit"])]
        return {
            "place": place,
            "year": year,
            "items": [each for each in found if each["person_id"] in page],
            "next": page[-1] if len(people) > len(page) else None,
        }


class FakeRegistry:
    """Who people are, and who asked: answers the disclosures of the registry."""

    def __init__(self) -> None:
        self.people: dict[str, fictitious.FictitiousPerson] = {}
        self.erased: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.is_down = False

    def client(self) -> httpx.AsyncClient:
        """A client of the service."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://registry")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            return httpx.Response(503)
        body = json.loads(request.content)
        answers = []
        for person_id in body["person_ids"]:
            self.asked.append((body["recipient"], person_id))
            person = self.people.get(person_id)
            if person_id in self.erased or person is None:
                problem = "person-erased" if person_id in self.erased else "not-found"
                answers.append({"person_id": person_id, "problem": problem})
            else:
                known = {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
                answers.append({"person_id": person_id, **known})
        return httpx.Response(200, json={"people": answers})


_NUMBERS = itertools.count(1)


def person_id(number: int | None = None) -> str:
    """An opaque id as the registry gives them."""
    return f"00000000-0000-4000-8000-{number or next(_NUMBERS):012d}"


def earned(person: str, place: str = "140502", **fields: Any) -> CreditEarned:
    """A registered credit; given fields win."""
    number = next(_NUMBERS)
    values: dict[str, Any] = {
        "credit_id": f"{place[:2]}0000-{number:024x}",
        "person_id": person,
        "year": 2026,
        "category": "professional",
        "credits": "30.00",
        "mode": "online",
        "route": "provider",
        "source": None,
        "form": None,
        "place": place,
        "provider_id": "provider-1",
        "completion_id": f"c-{number}",
        "course": None,
        "tier": None,
        "completed_at": START - timedelta(days=1),
        "make_up": False,
        "late": False,
        "correction": None,
        "policy": POLICY,
        "provisional": False,
    }
    return CreditEarned.model_validate(values | fields)


def withdrawn(credit: CreditEarned, reason: str = "reported_in_error") -> CreditWithdrawn:
    """The provider took a credit back."""
    return CreditWithdrawn(
        credit_id=credit.credit_id,
        person_id=credit.person_id,
        year=credit.year,
        category=credit.category,
        credits=credit.credits,
        place=credit.place,
        reason=reason,
        provider_id=credit.provider_id,
        completion_id=credit.completion_id,
    )


def revoked(credit: CreditEarned, reason: str = "cheating") -> CreditRevoked:
    """An authority revoked a credit."""
    return CreditRevoked(
        credit_id=credit.credit_id,
        person_id=credit.person_id,
        year=credit.year,
        category=credit.category,
        credits=credit.credits,
        place=credit.place,
        reason=reason,
        clause=None,
        authority=f"{credit.place[:2]}0000",
        provider_id=credit.provider_id,
        completion_id=credit.completion_id,
    )


def closed(place: str, year: int) -> YearClosed:
    """An authority closed a year of a place and all under it."""
    return YearClosed.model_validate(
        {"place": place, "year": year, "last_day": f"{year + 1}-03-31", "closed_at": START}
    )


def line(person: str, status: str = "compliant", place: str = "140502") -> dict[str, Any]:
    """A line of the extract of a closed year."""
    return {
        "person_id": person,
        "place": place,
        "status": status,
        "total": "90.00",
        "by_category": {"professional": "60.00", "public": "30.00"},
        "made_up": False,
    }


def day(text: str) -> date:
    """A calendar day."""
    return date.fromisoformat(text)
