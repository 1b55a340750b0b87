"""What a dashboard shows at the end of the demo: who owes a year, has met it or is short of it, added up level by level."""

import time
from typing import Any

from services.cli.demo.stage import DemoError, Stage

_NATION = "100000"
_FOLLOW_SECONDS_MAX = 30.0
_COUNTED = ("persons", "compliant", "in_progress", "deficient", "exempt", "not_required")


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
