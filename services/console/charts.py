"""Charts: bars and day curves as Vega-Lite draws them, kept by their data; maps of tiles made from the division codes."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import vl_convert

from contracts.divisions import CENTRAL, CORPS, NATION, name_of, parts_of

_KEPT_MAX = 200
_SUFFIX = re.compile(r"(?<=..)(维吾尔自治区|壮族自治区|回族自治区|自治区|省|市|区|县)$")
_NAME_MAX = 5
_NATION_ROWS = (
    (None, None, None, None, None, None, None, None, "230000"),
    (None, None, None, None, None, None, "150000", None, "220000"),
    ("650000", None, "620000", "640000", None, "140000", "110000", "120000", "210000"),
    (None, "630000", None, None, "610000", "410000", "130000", "370000", None),
    ("540000", None, None, "510000", "500000", "420000", "340000", "320000", "310000"),
    (None, None, None, None, "520000", "430000", "360000", "330000", None),
    (None, None, None, "530000", "450000", "440000", "350000", None, "710000"),
    (None, None, None, None, "460000", "820000", "810000", None, None),
)
"""The 34 provinces about where they lie; no register of the ledger is kept in the last three of the list of codes."""
_OUTSIDE: Mapping[str, str] = {"710000": "台湾", "810000": "香港", "820000": "澳门"}
_SHORT: Mapping[str, str] = {CORPS: "兵团", CENTRAL: "中央"}
SHADES = 5


@dataclass(frozen=True)
class Tile:
    """A place on a map of tiles: where it lies, in tiles, and the names it is shown and told by."""

    place: str
    name: str
    column: int
    row: int


def tiles_of(place: str) -> list[Tile]:
    """The places just under one as tiles: the nation's where they lie, others side by side in the order of their codes."""
    if place == NATION:
        found = {
            code: Tile(code, _OUTSIDE.get(code) or _short(code), column, row)
            for row, codes in enumerate(_NATION_ROWS)
            for column, code in enumerate(codes)
            if code is not None
        }
        others = [code for code in parts_of(NATION) if code not in found]
        row = len(_NATION_ROWS)
        return [
            *found.values(),
            *(Tile(code, _short(code), column, row) for column, code in enumerate(others)),
        ]
    parts = parts_of(place) or (place,)
    width = max(ceil(sqrt(len(parts) * 1.6)), 1)
    return [Tile(code, _short(code), at % width, at // width) for at, code in enumerate(parts)]


def _short(code: str) -> str:
    return _SHORT.get(code) or _SUFFIX.sub("", name_of(code))[:_NAME_MAX]


def shade(part: int, whole: int) -> int:
    """Which of the shades a share has, from 1 for none to `SHADES` for all; 0 where there is nobody."""
    return 0 if whole == 0 else min(SHADES, 1 + part * SHADES // whole)


def etag_of(data: object) -> str:
    """The tag of a chart of this data."""
    told = json.dumps(data, ensure_ascii=False, sort_keys=True)
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:24]}"'


class Charts:
    """Drawings of Vega-Lite specifications, the oldest forgotten first."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def svg(self, specification: Mapping[str, object]) -> str:
        """The drawing; made once for the same specification, beside the loop."""
        tag = etag_of(specification)
        if tag not in self._kept:
            if len(self._kept) >= _KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[tag] = await asyncio.to_thread(vl_convert.vegalite_to_svg, dict(specification))
        return self._kept[tag]


_CONFIG = {"font": "sans-serif", "view": {"stroke": None}}


def bars(data: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Bars of `count` by `name`, each in its `colour`, in the order given."""
    names = [each["name"] for each in data]
    return {
        "data": {"values": list(data)},
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
        "config": _CONFIG,
    }


def day_curve(days: Sequence[Mapping[str, object]], titles: Mapping[str, str]) -> dict[str, object]:
    """How many on each `day` as bars, and how many by its end as a line, each under its own axis."""
    x = {"field": "day", "type": "temporal", "title": None, "axis": {"format": "%m-%d", "grid": False}}

    def y(name: str) -> dict[str, object]:
        return {"field": name, "type": "quantitative", "title": titles[name], "axis": {"tickMinStep": 1}}

    return {
        "data": {"values": list(days)},
        "width": 640,
        "height": 200,
        "encoding": {"x": x},
        "layer": [
            {"mark": {"type": "bar", "color": "#c4cbd3"}, "encoding": {"y": y("persons")}},
            {
                "mark": {"type": "line", "point": True, "color": "#1f4e79"},
                "encoding": {"y": y("so_far")},
            },
        ],
        "resolve": {"scale": {"y": "independent"}},
        "config": _CONFIG,
    }
