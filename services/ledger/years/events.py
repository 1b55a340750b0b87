"""The stored event of a year that an authority closed."""

from datetime import date, datetime
from typing import ClassVar

from services.kit.events import Event


class YearClosed(Event, frozen=True, kw_only=True):
    """An authority closed a credit year for a place and all under it (S2A-08, B-07).

    `last_day` is the last day of study or registration that any notice of the place set; `clause` the one that speaks of
    what follows, None where the notice is silent.
    """

    TOPIC: ClassVar[str] = "ledger.YearClosed"

    place: str
    year: int
    last_day: date
    clause: str | None
    policy: str
    decided_by: str
    closed_at: datetime
