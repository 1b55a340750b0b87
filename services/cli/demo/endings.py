"""The end of the demo: what a dashboard shows, and what the systems outside count beside the ledger."""

import time
from collections import Counter
from typing import Any, NamedTuple

from contracts.divisions import authority_of
from services.cli.demo.outside import Outside
from services.cli.demo.stage import DemoError, Stage

_NATION = "100000"
_FOLLOW_SECONDS_MAX = 30.0
_COUNTED = (
    "persons", "compliant", "in_progress", "deficient", "undecided", "provisional", "exempt", "not_required"
)  # fmt: skip


def standings(stage: Stage) -> list[dict[str, Any]]:
    """The standings of every authority's people by year, once the worker has counted everything.

    DemoError when it does not catch up, or when the places of an authority do not add up to it.
    """
    deadline = time.monotonic() + _FOLLOW_SECONDS_MAX
    while True:
        answer = _ask(stage, _NATION)
        if not any(each["lag"] or each.get("judging") for each in answer["reached"]):
            break
        if time.monotonic() > deadline:
            raise DemoError("the standings do not catch up")
        time.sleep(0.1)
    rows: list[dict[str, Any]] = answer["rows"]
    for place in sorted({row["place"] for row in rows}):
        under = _ask(stage, place)["rows"]
        for row in (row for row in rows if row["place"] == place):
            parts = [each for each in under if each["year"] == row["year"]]
            if any(sum(each[name] for each in parts) != row[name] for name in _COUNTED):
                raise DemoError(f"the places under {place} do not add up to it in {row['year']}")
    return rows


def _ask(stage: Stage, place: str) -> dict[str, Any]:
    answer: dict[str, Any] = stage.call(
        "ledger", "GET", f"/v1/statistics/standings?place={place}", headers=stage.official(_NATION)
    )
    return answer


NATIONAL, HR = "national-platform", "guangdong-hr"
_ARRIVE_SECONDS_MAX = 30.0


class BothSides(NamedTuple):
    """An authority's year: credits that the ledger holds, and records that a system outside says it holds."""

    authority: str
    year: int
    ledger: int
    national: int
    certificates: int


def delivered(stage: Stage, outside: Outside, rows: list[dict[str, Any]]) -> list[BothSides]:
    """Wait until everything has arrived, then count on both sides. DemoError when they do not agree (S1-09)."""
    _wait_until_arrived(stage)
    years = Counter((authority_of(row["place"]), int(row["year"])) for row in rows)
    found = []
    for authority, year in sorted(years):
        both = BothSides(
            authority,
            year,
            ledger=_credits(stage, authority, year),
            national=_held(outside, NATIONAL, authority, year),
            certificates=_held(outside, HR, authority, year),
        )
        if both.ledger != both.national:
            raise DemoError(f"the national platform holds something else: {both}")
        found.append(both)
    return found


def _wait_until_arrived(stage: Stage) -> None:
    deadline = time.monotonic() + _ARRIVE_SECONDS_MAX
    while True:
        answer = stage.call("sync", "GET", "/v1/status", headers=stage.official(_NATION))
        waiting = sum(at["pending"] for target in answer["targets"] for at in target["places"])
        heads = stage.heads()
        read = {log["log"]: log["position"] for log in answer["logs"]}
        behind = [log for log, head in heads.items() if log != _NATION and read.get(log, 0) < head]
        if not waiting and not behind:
            return
        if time.monotonic() > deadline:
            raise DemoError(f"{waiting} deliveries wait; not read: {behind}")
        time.sleep(0.2)


def _credits(stage: Stage, authority: str, year: int) -> int:
    count, after = 0, ""
    while after is not None:
        path = f"/v1/credits?place={authority}&year={year}&after={after}"
        page = stage.call("ledger", "GET", path, headers=stage.reader())
        count, after = count + len(page["items"]), page["next"]
    return count


def _held(outside: Outside, system: str, authority: str, year: int) -> int:
    return sum(row["records"] for row in outside.held(system, authority, year)["totals"])
