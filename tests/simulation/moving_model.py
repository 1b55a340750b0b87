"""A small model of people who move: where each is, what they have earned, and which steps their transfers may take.

It knows nothing of how the services do it: two authorities, three places, a handful of rules.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from services.kit.clock import add_working_days, end_of_day, local_date

SHUANGTA, SHENYANG, JINCHENG = "211302", "210100", "140502"
PLACES: Final = (SHUANGTA, SHENYANG, JINCHENG)
AUTHORITY: Final = {SHUANGTA: "210000", SHENYANG: "210000", JINCHENG: "140000"}

OVER: Final = frozenset({"completed", "returned", "withdrawn", "refused", "cancelled"})
WAYS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "within": {
        "requested": frozenset({"accepted", "returned", "withdrawn"}),
        "accepted": frozenset({"completed", "returned"}),
    },
    "out": {
        "requested": frozenset({"accepted", "returned", "withdrawn"}),
        "accepted": frozenset({"offered", "fetched", "confirmed", "handed_over", "completed", "returned"}),
        "offered": frozenset({"fetched", "confirmed", "handed_over", "completed", "returned"}),
        "fetched": frozenset({"confirmed", "handed_over", "completed", "returned"}),
        "confirmed": frozenset({"handed_over", "completed", "returned"}),
        "handed_over": frozenset({"completed"}),
    },
    "in": {
        "received": frozenset({"approved", "refused", "cancelled"}),
        "approved": frozenset({"confirmed", "refused", "cancelled"}),
        "confirmed": frozenset({"completed", "cancelled"}),
    },
}
"""Where each kind may go from each state; between two looks it may have taken several steps."""
WORKING_DAYS: Final = {
    ("within", "requested"): 10,
    ("within", "accepted"): 10,
    ("out", "requested"): 10,
    ("out", "offered"): 10,
    ("out", "fetched"): 60,
    ("in", "received"): 10,
    ("in", "approved"): 20,
}
LATE: Final = frozenset(
    {
        "not_accepted_in_time",
        "not_decided_in_time",
        "not_fetched_in_time",
        "not_confirmed_in_time",
        "not_answered_in_time",
    }
)


@dataclass
class Journey:
    """One end of a transfer as it was last seen."""

    transfer_id: str
    kind: str
    from_place: str
    to_place: str
    state: str
    steps: int = 1

    def sees(self, view: dict[str, Any], now: datetime) -> None:
        """Take in how it stands: only ways that exist, nothing forgotten, nothing returned for its time too early."""
        state, steps = view["state"], view["steps"]
        assert (view["from_place"], view["to_place"]) == (self.from_place, self.to_place)
        assert len(steps) >= self.steps, "a step was forgotten"
        walked = [each["state"] for each in steps[self.steps - 1 :]]
        for before, after in itertools.pairwise(walked):
            assert after in WAYS[self.kind].get(before, frozenset()), (self.kind, before, after)
        for before, after in itertools.pairwise(steps):
            if after["reason"] in LATE and after["by"] is None and after["place"] is None:
                days = WORKING_DAYS.get((self.kind, before["state"]))
                if days is not None:
                    last = add_working_days(local_date(moment(before["at"])), days)
                    assert moment(after["at"]) >= end_of_day(last), "returned before its last day was over"
        self.state, self.steps = state, len(steps)

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state in OVER


@dataclass
class Traveller:
    """Somebody who earns credits and moves."""

    person_id: str
    identity: Any
    place: str
    registered: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    journeys: list[Journey] = field(default_factory=list)

    @property
    def open(self) -> Journey | None:
        """What they asked for and is not over."""
        return next((each for each in self.journeys if each.kind != "in" and not each.is_over), None)


def moment(text: str) -> datetime:
    """A time as the service writes it."""
    return datetime.fromisoformat(text)
