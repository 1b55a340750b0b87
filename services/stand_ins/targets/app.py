"""The stand-in as an application: one system under each prefix, each with its own kind of record and its own faults."""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field, create_model

from contracts.targets import (
    KINDS,
    PAGE_MAX,
    RECORDS_MAX,
    Answers,
    HeldRecords,
    HistoricRecord,
    HistoryPage,
    PersonTotals,
    PlaceTotals,
    TargetModel,
    TargetRecord,
)
from services.kit.app import create_service
from services.kit.app import openapi_document as document_of
from services.kit.auth import Caller, TokenVerifier, require
from services.kit.errors import NotAuthenticatedError
from services.kit.http_guard import BODY_SIZE_MAX
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, StrictModel
from services.stand_ins.targets.faults import FaultBook, Faults, FaultyApp
from services.stand_ins.targets.holdings import Holdings


class AccountOpened(StrictModel):
    """Somebody's account at the system, and whether numbers without one are taken at all."""

    id_type: str
    id_number: str
    name: str
    known_only: bool = False


def control_router(holdings: Holdings, faults: FaultBook, prefix: str) -> Router:
    """The routes of control of one system; they suffer no fault and are no part of the contract."""
    access = [Depends(require("records:write"))]
    router = Router(prefix=f"{prefix}/control", dependencies=access, include_in_schema=False)

    @router.put("/faults")
    async def set_faults(body: Faults) -> Faults:
        """From now on this goes wrong."""
        faults.set(prefix, body)
        return body

    @router.post("/accounts")
    async def open_account(body: AccountOpened) -> dict[str, bool]:
        """Open an account, or change the name it has."""
        holdings.known_only = body.known_only
        holdings.opens(body.id_type, body.id_number, body.name)
        return {"opened": True}

    @router.post("/history")
    async def plant_history(body: list[dict[str, object]]) -> dict[str, int]:
        """Hold credits that nobody delivered, for `pull` to find."""
        start = len(holdings.history)
        holdings.history += [
            HistoricRecord.model_validate({**each, "position": start + number})
            for number, each in enumerate(body, 1)
        ]
        return {"held": len(holdings.history)}

    @router.post("/lose/{subject}")
    async def lose(subject: str) -> dict[str, bool]:
        """Lose a record without a trace."""
        holdings.lose(subject)
        return {"lost": True}

    @router.get("/held")
    async def look(place: str, year: int) -> dict[str, object]:
        """Counts by place, and how many records were taken in all."""
        totals = [each.model_dump(mode="json") for each in holdings.totals(place, year)]
        return {"totals": totals, "arrivals": len(holdings.arrivals), "live": len(holdings.live)}

    @router.get("/arrivals")
    async def arrivals() -> list[str]:
        """Every key in the order in which it was taken."""
        return holdings.arrivals

    return router


SYSTEMS: dict[str, tuple[str, str]] = {
    "national-platform": ("credit", "National platform"),
    "guangdong-hr": ("certificate", "Guangdong continuing-education system"),
    "credit-archive": ("archive", "Credit archive"),
}
"""Each system's prefix, the kind of record it takes, and its name."""

_DESCRIPTION = "The contract offered to this system: what it would have to serve. The stand-in keeps it."
Place = Annotated[str, Query(pattern=r"^[1-9][0-9]{5}$")]
Year = Annotated[int, Query(ge=2000, le=2100), IN_DIGITS]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX), IN_DIGITS]
Ref = Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]

Client = require("records:write")


class OneToken(TokenVerifier):
    """Lets in whoever shows the one credential that was agreed on."""

    def __init__(self, token: str) -> None:
        super().__init__([])
        self._token = token

    async def verify(self, token: str) -> Caller:
        """The one client there is. Raises NotAuthenticatedError."""
        if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise NotAuthenticatedError
        return Caller("client", frozenset({"records:write"}))


def system_router(holdings: Holdings, faults: FaultBook | None, prefix: str) -> Router:
    """The routes of one system."""
    router = Router(prefix=prefix, dependencies=[Depends(Client)], tags=["records"])
    batch = batch_of(holdings.kind)

    @router.post("/v1/records", operation_id="take_records")
    async def take_records(body: batch) -> Answers:  # type: ignore[valid-type]
        """Take records, each by its key; every one is answered. A key that was accepted is accepted again, stored once.

        What was refused or unmatched is decided anew when it comes again.
        """
        records: tuple[TargetRecord, ...] = body.records  # type: ignore[attr-defined]
        refused = (
            () if faults is None else [r.subject for r in records if faults.of(prefix).refuses(r.subject)]
        )
        return Answers(results=tuple(holdings.take(records, refused)))

    @router.get("/v1/totals", operation_id="get_totals")
    async def get_totals(place: Place, year: Year) -> PlaceTotals:
        """Counts and hashes of a year, for every place in or below one of which something is held."""
        return PlaceTotals(places=tuple(holdings.totals(place, year)))

    @router.get("/v1/people", operation_id="list_people")
    async def list_people(
        place: Place, year: Year, after: Ref | None = None, limit: Limit = 500
    ) -> PersonTotals:
        """Counts and hashes of the people of exactly one place's year, by reference, a page at a time."""
        found = [each for each in holdings.people(place, year) if after is None or each.person_ref > after]
        page = tuple(found[:limit])
        return PersonTotals(people=page, next_after=page[-1].person_ref if len(found) > limit else None)

    @router.get("/v1/records", operation_id="list_records")
    async def list_records(place: Place, year: Year, person_ref: Ref) -> HeldRecords:
        """What is held of one person's year at exactly one place; ended records are not."""
        return HeldRecords(records=tuple(holdings.records(place, year, person_ref)))

    @router.get("/v1/history", operation_id="read_history")
    async def read_history(
        after: Annotated[int, Query(ge=0), IN_DIGITS] = 0, limit: Limit = 500
    ) -> HistoryPage:
        """What is held that did not come from the caller, and corrections of it, after a position, in order (S4-06)."""
        found = [each for each in holdings.history if each.position > after][:limit]
        return HistoryPage(records=tuple(found), next_after=found[-1].position if found else after)

    return router


def batch_of(kind: type[TargetRecord]) -> type[TargetModel]:
    """The body of a batch of one kind of record."""
    records = Annotated[tuple[kind, ...], Field(min_length=1, max_length=RECORDS_MAX)]  # type: ignore[valid-type]
    return create_model(f"{kind.__name__}Batch", __base__=TargetModel, records=(records, ...))


def build_app(token: str, folder: Path | None = None) -> tuple[FaultyApp, Mapping[str, Holdings]]:
    """All systems behind one credential, and what each holds; kept in a folder, else in memory alone."""
    holdings: dict[str, Holdings] = {}
    for system, (kind, _) in SYSTEMS.items():
        journal = None if folder is None else folder / f"{system}.jsonl"
        holdings[system] = Holdings(KINDS[kind], journal)
    faults = FaultBook()
    routers = [system_router(held, faults, f"/{system}") for system, held in holdings.items()]
    routers += [control_router(held, faults, f"/{system}") for system, held in holdings.items()]
    inner = create_service(
        "Stand-in for systems outside", routers=routers, verifier=OneToken(token), body_size_max=BODY_SIZE_MAX
    )
    return FaultyApp(inner, faults), holdings


def openapi_document(system: str) -> dict[str, object]:
    """The OpenAPI document of the contract offered to one system."""
    kind, title = SYSTEMS[system]
    router = system_router(Holdings(KINDS[kind]), None, "")
    app = create_service(title, description=_DESCRIPTION, routers=[router], verifier=OneToken(""))
    return document_of(app, token_url=None)
