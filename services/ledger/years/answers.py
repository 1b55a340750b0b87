"""The shapes of what is said about a year."""

from datetime import date, datetime

from msgspec import Struct


class YearAnswer(Struct, frozen=True, kw_only=True):
    """How a credit year stands at a place; `closed_at_place` is the place whose close binds it, null while it is open.

    `last_day` is the last day of study or registration by the notices in force here, or, once closed, of those the close
    looked at.
    """

    place: str
    year: int
    state: str
    last_day: date
    clause: str | None = None
    closed_at_place: str | None = None
    closed_at: datetime | None = None
