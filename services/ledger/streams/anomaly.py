"""Anomalies: what looks impossible in one person's day, by pure functions of its study and of thresholds that are
data; and the event by which a reviewer clears one."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal

import yaml
from msgspec import Struct

from contracts.divisions import chain_of
from services.kit.errors import Problem
from services.kit.events import Event


class UnknownAnomalyError(Problem):
    """No anomaly has this id, or it is not of the caller's place."""

    code: ClassVar[str] = "anomaly-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该异常提示"
    title_en: ClassVar[str] = "No such anomaly"


class AnomalyNotOpenError(Problem):
    """The anomaly was cleared, or is gone with its credits."""

    code: ClassVar[str] = "anomaly-not-open"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该异常提示已处理"
    title_en: ClassVar[str] = "The anomaly is not open"


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


class AnomalyRules(Struct, frozen=True):
    """When study of one day looks impossible at a place."""

    hours_per_day: Decimal
    minutes_per_credit: Decimal
    providers_per_minute: int


@cache
def rules_of(place: str) -> AnomalyRules:
    """The rules of a place: each value from the nearest place that sets it."""
    written = _written()
    values: dict[str, Any] = {}
    for code in reversed(chain_of(place)):
        values |= written.get(code, {})
    return AnomalyRules(
        hours_per_day=Decimal(str(values["hours_per_day"])),
        minutes_per_credit=Decimal(str(values["minutes_per_credit"])),
        providers_per_minute=int(values["providers_per_minute"]),
    )


@cache
def _written() -> dict[str, dict[str, object]]:
    text = resources.files(__package__).joinpath("anomaly_rules.yaml").read_text(encoding="utf-8")
    read: dict[str, dict[str, object]] = yaml.safe_load(text)
    return read


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
