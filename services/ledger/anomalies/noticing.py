"""What looks impossible in one person's day: pure functions of its study and the rules of the place."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.anomalies.rules import AnomalyRules

Kind = Literal["over_hours_per_day", "same_minute"]


class Studied(Struct, frozen=True):
    """One registered completion of the day."""

    credit_id: str
    provider_id: str | None
    completed_at: datetime
    credits: Decimal
    hours: Decimal | None


class Noticed(Struct, frozen=True):
    """An anomaly of a day: the credits it is about, and how many minutes of study they are."""

    kind: Kind
    credit_ids: tuple[str, ...]
    minutes: int


def anomaly_id_of(log: str, person_id: str, day: date, kind: Kind) -> str:
    """The id of an anomaly: the same for the same kind, person and day, and telling nothing of them."""
    text = "\x1f".join((log, person_id, day.isoformat(), kind))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def minutes_of(study: Studied, rules: AnomalyRules) -> Decimal:
    """How long the study took: as the hours that were reported say, or else by its credits."""
    return study.hours * 60 if study.hours is not None else study.credits * rules.minutes_per_credit


def notice(day: list[Studied], rules: AnomalyRules) -> Iterator[Noticed]:
    """What looks impossible in the study of one day, whatever the order in which it was registered."""
    ordered = sorted(day, key=lambda study: (study.completed_at, study.credit_id))
    minutes = sum((minutes_of(study, rules) for study in ordered), Decimal(0))
    if minutes > rules.hours_per_day * 60:
        yield Noticed("over_hours_per_day", tuple(study.credit_id for study in ordered), int(minutes))
    by_minute: dict[datetime, list[Studied]] = defaultdict(list)
    for study in ordered:
        by_minute[study.completed_at.replace(second=0, microsecond=0)].append(study)
    crowded = [
        study
        for together in by_minute.values()
        if len({study.provider_id for study in together}) >= rules.providers_per_minute
        for study in together
    ]
    if crowded:
        took = sum((minutes_of(study, rules) for study in crowded), Decimal(0))
        yield Noticed("same_minute", tuple(study.credit_id for study in crowded), int(took))
