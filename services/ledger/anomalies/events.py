"""The stored event of an anomaly that a reviewer has looked into."""

from datetime import datetime
from typing import ClassVar

from services.kit.events import Event


class AnomalyCleared(Event, frozen=True, kw_only=True):
    """An official looked into an anomaly; `finding` is a code, `reference` the file it is explained in, where there is one.

    `credit_ids` are those it was about: study that comes to the same day later opens it again.
    """

    TOPIC: ClassVar[str] = "ledger.AnomalyCleared"

    anomaly_id: str
    person_id: str
    place: str
    credit_ids: tuple[str, ...]
    finding: str
    reference: str | None
    decided_by: str
    cleared_at: datetime
