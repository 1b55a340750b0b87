"""The neighbours of the transfer service: a ledger and a registry that answer as their contracts say, and
the relay's stand-in.

They remember what they were asked, and can be told to be down or to name something that blocks.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from contracts.handover import (
    ArrivalAnswer,
    ArriveAtAuthority,
    ArrivingProfile,
    DepartureAnswer,
    GuardDeparture,
    HandedAccount,
    HandedCredit,
    Handover,
    LeaveAuthority,
    Supplements,
)
from contracts.relay import ArrivingPerson, TravellingPerson
from services.cli.demo import fictitious
from services.stand_ins.relay.app import build_app
from services.transfer.peers import Peers

BLOCKER: dict[str, Any] = {
    "kind": "enrolment",
    "id": "enrolment-1",
    "year": 2025,
    "provider_id": "provider-1",
}


class Neighbours:
    """The ledger, the registry and the relay of a test."""

    def __init__(self) -> None:
        self.relay_app = build_app()
        self.guards: set[str] = set()
        self.left: dict[str, Handover] = {}
        self.arrived: dict[str, list[int]] = {}
        self.late: dict[str, list[Handover]] = {}
        self.taken_in: dict[str, str] = {}
        self.blockers: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()
        self.down: set[str] = set()
        self.takes_nobody_in = False
        self.people: dict[str, str] = {}
        self._clients = {
            name: httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url=f"http://{name}",
                headers={"Authorization": "Bearer token"},
            )
            for name, app in (
                ("registry", self._registry()),
                ("ledger", self._ledger()),
                ("relay", self.relay_app),
            )
        }
        self.peers = Peers.of(self._clients["registry"], self._clients["ledger"], self._clients["relay"])

    def back_to_normal(self) -> None:
        """Nothing blocks, nobody is down."""
        self.blockers, self.down, self.takes_nobody_in = [], set(), False
        self.asked.clear()

    async def misbehave(self, **faults: Any) -> None:
        """Tell the relay how to behave."""
        answer = await self._clients["relay"].put("/stand-in/faults", json=faults)
        assert answer.status_code == 200, answer.text

    async def state(self, transfer_id: str) -> str:
        """Where an exchange stands on the relay."""
        answer = await self._clients["relay"].get(f"/v1/exchanges/{transfer_id}")
        return str(answer.json()["state"]) if answer.status_code == 200 else "unknown"

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    def _refusal(self, who: str, what: str) -> Response | None:
        self.asked[what] += 1
        if who in self.down:
            return Response(status_code=503)
        return None

    def _blocked(self) -> Response | None:
        if not self.blockers:
            return None
        problem = {"type": "urn:xuefen:problem:departure-blocked", "blockers": self.blockers}
        return JSONResponse(problem, 409, media_type="application/problem+json")

    def _ledger(self) -> FastAPI:
        app = FastAPI()

        @app.put("/v1/departures/{transfer_id}")
        async def guard(transfer_id: str, body: GuardDeparture) -> Response:
            refusal = self._refusal("ledger", "guard") or self._blocked()
            if refusal is None:
                self.guards.add(transfer_id)
            return refusal or said(transfer_id, body.person_id, body.to_place, "guarded")

        @app.delete("/v1/departures/{transfer_id}")
        async def lift(transfer_id: str) -> Response:
            self.guards.discard(transfer_id)
            return self._refusal("ledger", "lift") or Response(status_code=204)

        @app.post("/v1/departures/{transfer_id}/leave")
        async def leave(transfer_id: str, body: LeaveAuthority) -> Response:
            refusal = self._refusal("ledger", "leave")
            if refusal is None and transfer_id not in self.left:
                refusal = self._blocked()
            if refusal is not None:
                return refusal
            handover = self.left.setdefault(transfer_id, handover_of(transfer_id, body))
            return Response(handover.model_dump_json(), media_type="application/json")

        @app.get("/v1/departures/{transfer_id}/supplements")
        async def supplements(transfer_id: str, after: int) -> Response:
            refusal = self._refusal("ledger", "supplements")
            found = Supplements(items=tuple(self.late.get(transfer_id, [])[after:]))
            return refusal or Response(found.model_dump_json(), media_type="application/json")

        @app.post("/v1/arrivals/{transfer_id}")
        async def arrive(transfer_id: str, body: ArriveAtAuthority) -> Response:
            refusal = self._refusal("ledger", "arrive")
            if refusal is None:
                sequences = self.arrived.setdefault(transfer_id, [])
                if body.handover.sequence not in sequences:
                    sequences.append(body.handover.sequence)
            answer = ArrivalAnswer(
                transfer_id=transfer_id,
                sequence=body.handover.sequence,
                person_id=body.profile.person_id,
                log="140000",
            )
            return refusal or Response(answer.model_dump_json(), media_type="application/json")

        return app

    def _registry(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/departing-people/{person_id}")
        async def travelling(person_id: str) -> Response:
            refusal = self._refusal("registry", "travelling")
            number = int(person_id.rpartition("-")[2])
            someone = fictitious.person(number)
            person = TravellingPerson(
                id_type="resident_id", id_number=someone.id_number, name=someone.name, jobs=("cashier",)
            )
            self.people[someone.id_number] = person_id
            return refusal or Response(person.model_dump_json(), media_type="application/json")

        @app.put("/v1/arriving-people/{transfer_id}")
        async def take_in(transfer_id: str, body: ArrivingPerson) -> Response:
            refusal = self._refusal("registry", "take_in")
            if self.takes_nobody_in:
                return Response(status_code=422)
            if refusal is None:
                known = self.people.get(body.person.id_number, f"new-{transfer_id[:8]}")
                self.taken_in.setdefault(transfer_id, known)
            return refusal or self._profile(transfer_id)

        @app.get("/v1/arriving-people/{transfer_id}")
        async def arriving(transfer_id: str, request: Request) -> Response:
            return self._refusal("registry", "arriving") or self._profile(transfer_id)

        @app.delete("/v1/arriving-people/{transfer_id}")
        async def let_go(transfer_id: str) -> Response:
            refusal = self._refusal("registry", "let_go")
            if refusal is None:
                self.taken_in.pop(transfer_id, None)
            return refusal or Response(status_code=204)

        return app

    def _profile(self, transfer_id: str) -> Response:
        profile = ArrivingProfile(
            person_id=self.taken_in[transfer_id],
            identity_hash="hs256:" + "A" * 43,
            name_hash="hs256:" + "B" * 43,
            place="140105",
            employer=None,
        )
        return Response(profile.model_dump_json(), media_type="application/json")


def said(transfer_id: str, person_id: str, to_place: str, state: Any) -> Response:
    """Where a departure stands, as a ledger would say it."""
    answer = DepartureAnswer(
        transfer_id=transfer_id, person_id=person_id, from_place="211302", to_place=to_place, state=state
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def handover_of(transfer_id: str, body: LeaveAuthority) -> Handover:
    """One open year with one credit, as a ledger would hand it over."""
    credit = HandedCredit.model_validate(
        {
            "credit_id": f"credit-of-{transfer_id[:8]}",
            "category": "professional",
            "credits": "30.00",
            "mode": "online",
            "route": "provider",
            "provider_id": "provider-1",
            "completion_id": "c-1",
            "place": "211302",
            "completed_at": body.left_at,
            "registered_at": body.left_at,
        }
    )
    return Handover(
        transfer_id=transfer_id,
        from_authority="210000",
        from_place="211302",
        to_place=body.to_place,
        left_at=body.left_at,
        accounts=(HandedAccount(year=2025, credits=(credit,)),),
    )
