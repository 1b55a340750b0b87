"""运行: how deliveries to systems outside stand, and how far each log is behind."""

from fastapi import APIRouter
from starlette.responses import Response

from services.console.pages import Screen
from services.console.web import Somebody

router = APIRouter()


@router.get("/running")
async def running(visit: Somebody) -> Response:
    """Targets and their places, logs and their lag."""
    return visit.page("running.html", answer=await visit.get("sync", "/v1/status"))


SCREEN = Screen(key="running", path="/running", router=router, scopes=frozenset({"sync:read"}))
