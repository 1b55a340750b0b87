"""看板: how everybody stands, by place, drilled down by a click; a funnel as a chart, its table beside it."""

import asyncio
import hashlib
import json
from typing import Annotated

import vl_convert
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.pages import HEADERS, Screen
from services.console.services_client import Answer
from services.console.web import Somebody, Visit
from services.kit.clock import local_date

COUNTS = ("persons", "obliged", "compliant", "made_up", "in_progress", "deficient", "exempt", "not_required")
_FUNNEL = ("obliged", "compliant", "made_up", "in_progress", "deficient", "exempt")
_COLOURS = {"deficient": "#9b1c1c", "in_progress": "#7a4a00", "compliant": "#1a6334", "made_up": "#1a6334"}
_KEPT_MAX = 200

router = APIRouter()
Place = Annotated[str, Query(pattern=r"^([1-9][0-9]{5})?$")]
Year = Annotated[int | None, Query(ge=2000, le=2100)]
_kept: dict[str, str] = {}
"""Charts by what they show, the oldest forgotten first."""


async def _standings(visit: Visit, place: str, year: int | None) -> tuple[Answer, Answer, int]:
    asked = year or local_date(visit.parts.clock()).year
    where = place or visit.person.place
    answer = await visit.get("ledger", "/v1/statistics/standings", place=where, year=asked)
    total = next((each for each in answer["totals"]), None)
    return answer, total, asked


@router.get("/figures")
async def figures(visit: Somebody, place: Place = "", year: Year = None) -> Response:
    """Counts of a place and of what lies under it, with the position that each log has reached."""
    answer, total, asked = await _standings(visit, place, year)
    return visit.page(
        "figures.html",
        answer=answer,
        total=total,
        year=asked,
        counts=COUNTS,
        address=visit.address,
        rows=sorted(answer["rows"], key=lambda each: (not each["own"], each["place"])),
    )


@router.get("/figures/funnel.svg")
async def funnel(request: Request, visit: Somebody, place: Place = "", year: Year = None) -> Response:
    """The counts of a place as bars; drawn once for the same figures."""
    _, total, _ = await _standings(visit, place, year)
    data = [
        {
            "name": visit.words.code("count", name),
            "count": (total or {}).get(name, 0),
            "colour": _COLOURS.get(name, "#1f4e79"),
        }
        for name in _FUNNEL
    ]
    told = json.dumps(data, ensure_ascii=False)
    tag = f'"{hashlib.sha256(told.encode()).hexdigest()[:24]}"'
    headers = {**HEADERS, "ETag": tag, "Cache-Control": "private, no-cache"}
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if tag not in _kept:
        if len(_kept) >= _KEPT_MAX:
            del _kept[next(iter(_kept))]
        _kept[tag] = await asyncio.to_thread(vl_convert.vegalite_to_svg, _bars(data))
    return Response(_kept[tag], media_type="image/svg+xml", headers=headers)


def _bars(data: list[dict[str, object]]) -> dict[str, object]:
    names = [each["name"] for each in data]
    return {
        "data": {"values": data},
        "width": 480,
        "height": {"step": 28},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": names, "title": None},
            "x": {
                "field": "count",
                "type": "quantitative",
                "title": None,
                "axis": {"tickMinStep": 1, "grid": False},
            },
        },
        "layer": [
            {"mark": "bar", "encoding": {"color": {"field": "colour", "type": "nominal", "scale": None}}},
            {"mark": {"type": "text", "align": "left", "dx": 4}, "encoding": {"text": {"field": "count"}}},
        ],
        "config": {"font": "sans-serif", "view": {"stroke": None}},
    }


SCREEN = Screen(
    key="figures",
    path="/figures",
    router=router,
    scopes=frozenset({"statistics:read"}),
    shown=lambda person: person.place is not None,
)
