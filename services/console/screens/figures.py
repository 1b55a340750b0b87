"""看板: how everybody stands, on a map and by place, drilled down by a click; funnel, day curve, late reviews, providers."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.divisions import chain_of, contains, is_known, parts_of
from services.console import charts
from services.console.charts import Charts, shade, tiles_of
from services.console.pages import HEADERS, Screen
from services.console.services_client import Answer, RefusedError
from services.console.web import Somebody, Visit
from services.kit.clock import local_date

COUNTS = (
    "persons", "obliged", "compliant", "made_up", "in_progress", "deficient", "undecided", "exempt", "provisional",
    "not_required",
)  # fmt: skip
_FUNNEL = ("obliged", "compliant", "made_up", "in_progress", "deficient", "exempt", "provisional")
_COLOURS = {"deficient": "#9b1c1c", "in_progress": "#7a4a00", "compliant": "#1a6334", "made_up": "#1a6334"}
SHOWN = ("compliant", "in_progress", "deficient")
_TILE = 64
_WALL_SECONDS = 60

router = APIRouter()
Place = Annotated[str, Query(pattern=r"^([1-9][0-9]{5})?$")]
Year = Annotated[int | None, Query(ge=2000, le=2100)]
Shown = Annotated[str, Query(pattern="^(" + "|".join(SHOWN) + ")$")]
_charts = Charts()


async def _standings(visit: Visit, place: str, year: int | None) -> tuple[Answer, Answer, int]:
    asked = year or local_date(visit.parts.clock()).year
    where = place or visit.person.place
    answer = await visit.get("ledger", "/v1/statistics/standings", place=where, year=asked)
    total = next((each for each in answer["totals"]), None)
    return answer, total, asked


@router.get("/figures")
async def figures(
    visit: Somebody, place: Place = "", year: Year = None, show: Shown = "compliant"
) -> Response:
    """Counts of a place and of what lies under it, with the position that each log has reached."""
    answer, total, asked = await _standings(visit, place, year)
    where = answer["place"]
    reviews, providers, days = await asyncio.gather(
        visit.get("ledger", "/v1/statistics/reviews", place=where),
        _optional(visit, "/v1/statistics/providers", place=where, year=asked),
        visit.get("ledger", "/v1/statistics/standings/daily", place=where, year=asked),
    )
    return visit.page(
        "figures.html",
        answer=answer,
        total=total,
        year=asked,
        counts=COUNTS,
        shown=SHOWN,
        show=show,
        tiles=_tiles(visit, answer, show),
        days=days["rows"],
        reviews=_backlog(reviews["rows"]),
        providers=sorted(providers, key=lambda each: -each["records"])[:20],
        above=_above(visit, where),
        address=visit.address,
        rows=sorted(answer["rows"], key=lambda each: (not each["own"], each["place"])),
    )


@router.get("/figures/wall")
async def wall(visit: Somebody, place: Place = "", year: Year = None, show: Shown = "compliant") -> Response:
    """The same for a screen on a wall: large, without menu, renewed by itself."""
    answer, total, asked = await _standings(visit, place, year)
    return visit.page(
        "figures_wall.html",
        answer=answer,
        total=total or dict.fromkeys(COUNTS, 0),
        year=asked,
        counts=_FUNNEL,
        show=show,
        tiles=_tiles(visit, answer, show),
        address=visit.address,
        seconds=_WALL_SECONDS,
    )


async def _optional(visit: Visit, path: str, **parameters: object) -> list[Answer]:
    """The rows of an answer that some readers of figures are not given."""
    try:
        rows: list[Answer] = (await visit.get("ledger", path, **parameters))["rows"]
    except RefusedError:
        return []
    return rows


def _tiles(visit: Visit, answer: Answer, show: str) -> Mapping[str, object]:
    """The map: each tile with its place, its share and where it leads."""
    by_place: dict[str, Answer] = {row["place"]: row for row in answer["rows"] if not row["own"]}
    own = next((row for row in answer["rows"] if row["own"]), None)
    found = []
    for tile in tiles_of(answer["place"]):
        row = by_place.get(tile.place) or (own if tile.place == answer["place"] else None) or {}
        part, whole = row.get(show, 0), row.get("obliged", 0)
        leads = is_known(tile.place) and bool(parts_of(tile.place))
        found.append(
            {
                "tile": tile,
                "x": tile.column * _TILE,
                "y": tile.row * _TILE,
                "part": part,
                "whole": whole,
                "percent": f"{100 * part / whole:.0f}%" if whole else "",
                "shade": shade(part, whole),
                "address": visit.address("/figures", place=tile.place, year=answer["year"], show=show)
                if leads
                else None,
            }
        )
    return {
        "size": _TILE,
        "width": (max(each["tile"].column for each in found) + 1) * _TILE,
        "height": (max(each["tile"].row for each in found) + 1) * _TILE,
        "items": found,
    }


def _above(visit: Visit, place: str) -> list[str]:
    """The places above one that its reader may see, the widest first."""
    own = visit.person.place
    return [code for code in reversed(chain_of(place)[1:]) if own is not None and contains(own, code)]


def _backlog(rows: Sequence[Answer]) -> list[Answer]:
    """What waits, by kind of case."""
    sums: dict[str, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("waiting", "late", "due_today", "returned"), 0)
    )
    for row in rows:
        for name in sums[row["kind"]]:
            sums[row["kind"]][name] += row[name]
    return [{"kind": kind, **counts} for kind, counts in sums.items()]


@router.get("/figures/funnel.svg")
async def funnel(visit: Somebody, place: Place = "", year: Year = None) -> Response:
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
    return await _drawn(visit, charts.bars(data))


@router.get("/figures/days.svg")
async def days(visit: Somebody, place: Place = "", year: Year = None) -> Response:
    """On which days the year was met, and by how many in all; drawn once for the same figures."""
    asked = year or local_date(visit.parts.clock()).year
    where = place or visit.person.place
    series = await visit.get("ledger", "/v1/statistics/standings/daily", place=where, year=asked)
    titles = {name: visit.words(f"figures.{name}") for name in ("persons", "so_far")}
    return await _drawn(visit, charts.day_curve(series["rows"], titles))


async def _drawn(visit: Visit, specification: Mapping[str, object]) -> Response:
    tag = charts.etag_of(specification)
    headers = {**HEADERS, "ETag": tag, "Cache-Control": "private, no-cache"}
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    if visit.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(await _charts.svg(specification), media_type="image/svg+xml", headers=headers)


SCREEN = Screen(
    key="figures",
    path="/figures",
    router=router,
    scopes=frozenset({"statistics:read"}),
    shown=lambda person: person.place is not None,
)
