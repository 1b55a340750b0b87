"""The living page of what a screen looks like: type, colours, states, table, form, empty, error; for whoever builds one."""

from fastapi import APIRouter
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import RefusedError
from services.console.web import Anybody

router = APIRouter()


@router.get("/style")
async def style(visit: Anybody) -> Response:
    """Every part once, in both languages, without anybody's data."""
    refused = RefusedError(
        409, {"title": visit.words("style.refused"), "detail": visit.words("style.refused_why")}
    )
    states = ("compliant", "in_progress", "deficient", "not_required", "exempt", "no_policy")
    return visit.page("style.html", states=states, refused=refused)


SCREEN = Screen(key="style", path="/style", router=router, scopes=frozenset())
"""In nobody's menu."""
