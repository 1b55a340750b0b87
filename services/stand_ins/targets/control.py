"""How a test or a demo plays with a stand-in: sets its faults, opens accounts, plants history, looks inside."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from contracts.targets import HistoricRecord
from services.kit.auth import require
from services.kit.schemas import StrictModel
from services.stand_ins.targets.faults import FaultBook, Faults
from services.stand_ins.targets.holdings import Holdings


class AccountOpened(StrictModel):
    """Somebody's account at the system, and whether numbers without one are taken at all."""

    id_type: str
    id_number: str
    name: str
    known_only: bool = False


def control_router(holdings: Holdings, faults: FaultBook, prefix: str) -> APIRouter:
    """The routes of control of one system; they suffer no fault and are no part of the contract."""
    access = [Depends(require("records:write"))]
    router = APIRouter(prefix=f"{prefix}/control", dependencies=access, include_in_schema=False)

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
    async def plant_history(body: list[dict[str, Any]]) -> dict[str, int]:
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
    async def look(place: str, year: int) -> dict[str, Any]:
        """Counts by place, and how many records were taken in all."""
        totals = [each.model_dump(mode="json") for each in holdings.totals(place, year)]
        return {"totals": totals, "arrivals": len(holdings.arrivals), "live": len(holdings.live)}

    @router.get("/arrivals")
    async def arrivals() -> list[str]:
        """Every key in the order in which it was taken."""
        return holdings.arrivals

    return router
