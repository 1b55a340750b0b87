"""The stored events of exemptions and deferrals: granted by an authority with a reason code, and ended by one."""

from datetime import date
from typing import ClassVar

from services.kit.events import Event


class ReliefEvent(Event, frozen=True, kw_only=True):
    """What every event about a relief says; `authority` is the place of the official who decided."""

    person_id: str
    year: int
    reason: str
    authority: str
    decided_by: str


class ExemptionGranted(ReliefEvent, frozen=True, kw_only=True):
    """An authority freed a person of a year's duty (A-14), until a day, that day included, where one is set."""

    TOPIC: ClassVar[str] = "ledger.ExemptionGranted"

    granted_on: date
    until: date | None = None


class ExemptionEnded(ReliefEvent, frozen=True, kw_only=True):
    """The exemption ended: `until` is the last day it held; before the day it was granted, it never did."""

    TOPIC: ClassVar[str] = "ledger.ExemptionEnded"

    until: date
    ended_on: date


class DeferralGranted(ReliefEvent, frozen=True, kw_only=True):
    """An authority gave a person more time for a year (A-14): `until` is its new last day, that day included.

    `clause` is the one that allows it for this reason, None where no notice speaks of it.
    """

    TOPIC: ClassVar[str] = "ledger.DeferralGranted"

    granted_on: date
    until: date
    clause: str | None = None


class DeferralEnded(ReliefEvent, frozen=True, kw_only=True):
    """The deferral ended early: `until` is now the last day of the year for this person."""

    TOPIC: ClassVar[str] = "ledger.DeferralEnded"

    until: date
    ended_on: date
