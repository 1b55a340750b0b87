"""The places of the ledger: administrative divisions by GB/T 2260, and the authorities that answer for them.

The tree follows from the digits of the code (province, prefecture, county); names come from a dated snapshot
in `contracts/data`. Two codes are ours, taken from ranges that GB/T 2260 leaves free: `CORPS` (the Xinjiang
Production and Construction Corps) and `CENTRAL` (the central bodies), which keep registers of their own.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Protocol

NATION = "100000"
CORPS = "660000"
CENTRAL = "990000"

CARVE_OUTS: tuple[str, ...] = ("210200", "330200", "350200", "370200", "440300")
"""The separately planned cities Dalian, Ningbo, Xiamen, Qingdao, Shenzhen: directly under the nation."""

_DATA = Path(__file__).parent / "data"
_OURS = {NATION: "全国", CORPS: "新疆生产建设兵团", CENTRAL: "中央主管单位"}


class _Claims(Protocol):
    @property
    def place(self) -> str | None: ...

    @property
    def organization(self) -> str | None: ...


class UnknownDivisionError(ValueError):
    """The code is not, and in the years the snapshot covers never was, a place of the ledger."""


def _read(file: str) -> list[dict[str, str]]:
    with (_DATA / file).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


_CURRENT: dict[str, str] = _OURS | {row["code"]: row["name"] for row in _read("divisions-2025.csv")}
_FORMER: dict[str, str] = {
    row["code"]: row["name"] for row in _read("divisions-changes.csv") if row["change"] == "ended"
}

AUTHORITIES: tuple[str, ...] = (
    NATION,
    *sorted(code for code in _CURRENT if code.endswith("0000") and code not in _OURS),
    *CARVE_OUTS,
    CORPS,
    CENTRAL,
)
"""Every first-level authority, each with a log of its own: nation, provinces, five cities, corps, centre."""


def is_known(adcode: str) -> bool:
    """Whether the code names a place today; a code that ended does not, though its records stay readable."""
    return adcode in _CURRENT


def claims_known_place(caller: _Claims) -> bool:
    """Whether the place that a token claims, if it does, is one of today's."""
    return caller.place is None or is_known(caller.place)


def reads_log(caller: _Claims, log: str | None) -> bool:
    """Whether a caller with the scope may read a log's feed, which tells of everybody in it.

    The services and the nation's officials read every log, other officials only the log that is their authority's own,
    organizations none. Without a log: whether the caller may see how far the logs are.
    """
    if caller.organization is not None:
        return False
    return log is None or caller.place in (None, NATION, log)


def audits_place(caller: _Claims, place: str) -> bool:
    """Whether a caller with the scope may read who read the data of a place's people: officials of it, or of one above."""
    return caller.organization is None and caller.place is not None and contains(caller.place, place)


def name_of(adcode: str) -> str:
    """The place's own name (`双塔区`), also of a code that ended; UnknownDivisionError for anything else."""
    name = _CURRENT.get(adcode) or _FORMER.get(adcode)
    if name is None:
        raise UnknownDivisionError("no such division")
    return name


def full_name_of(adcode: str) -> str:
    """The names from the authority down, `辽宁省朝阳市双塔区`, for people to read."""
    above = (code for code in reversed(chain_of(adcode)) if code != NATION or adcode == NATION)
    return "".join(name_of(code) for code in above)


_OURS_EN = {
    NATION: "the nation",
    CORPS: "the Xinjiang Production and Construction Corps",
    CENTRAL: "the central bodies",
}


@cache
def _english() -> dict[str, str]:
    return _OURS_EN | {row["code"]: row["name"] for row in _read("divisions-en.csv")}


def name_en(adcode: str) -> str:
    """The place's own name in English (`Shuangta District`), also of a code that ended; UnknownDivisionError for anything
    else."""
    name = _english().get(adcode)
    if name is None:
        raise UnknownDivisionError("no such division")
    return name


def full_name_en(adcode: str) -> str:
    """The names from the place up to its authority, `Shuangta District, Chaoyang, Liaoning`, for people to read."""
    return ", ".join(name_en(code) for code in chain_of(adcode) if code != NATION or adcode == NATION)


@cache
def chain_of(adcode: str) -> tuple[str, ...]:
    """The place and all above it, most specific first, to the nation: 211302, 211300, 210000, 100000.

    A separately planned city is cut from its province: 210202, 210200, 100000. A code that ended keeps its
    chain; UnknownDivisionError for anything else.
    """
    if adcode not in _CURRENT and adcode not in _FORMER:
        raise UnknownDivisionError("no such division")
    if adcode == NATION:
        return (NATION,)
    prefecture, province = adcode[:4] + "00", adcode[:2] + "0000"
    chain = [adcode]
    if prefecture in _CURRENT and prefecture != adcode:
        chain.append(prefecture)
    if province not in chain and prefecture not in CARVE_OUTS:
        chain.append(province)
    return (*chain, NATION)


def watchers_of(adcode: str | None) -> tuple[str, ...]:
    """The places whose auditors watch over what concerns a place: it and all above; the nation alone for no known place."""
    if adcode is None or (adcode not in _CURRENT and adcode not in _FORMER):
        return (NATION,)
    return chain_of(adcode)


def authority_of(adcode: str) -> str:
    """The first-level authority of the place: its province, separately planned city, corps or centre."""
    chain = chain_of(adcode)
    return chain[-2] if len(chain) > 1 else NATION


@cache
def parts_of(adcode: str) -> tuple[str, ...]:
    """The places just under a place, in the order of their codes: the authorities under the nation, the cities under a
    province, the counties under a city; under a city without counties, and under a county, none.
    """
    return tuple(sorted(code for code in _CURRENT if code != adcode and chain_of(code)[1:2] == (adcode,)))


def contains(outer: str, inner: str) -> bool:
    """Whether officials of `outer` may act for `inner`: 210000 not for 210202; unknown codes never."""
    try:
        return outer in chain_of(inner)
    except UnknownDivisionError:
        return False
