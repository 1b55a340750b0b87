"""The stored event of a recognised credit."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from services.kit.events import Event
from services.ledger.policy import CreditCategory


class CreditRecognised(Event, frozen=True, kw_only=True):
    """An official recognised a registered credit, which counts from now on (S4-03, B-11); `clause` asks for it."""

    TOPIC: ClassVar[str] = "ledger.CreditRecognised"

    credit_id: str
    person_id: str
    year: int
    place: str
    category: CreditCategory
    credits: Decimal
    clause: str
    authority: str
    decided_by: str
    recognised_at: datetime
