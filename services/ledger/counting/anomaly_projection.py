"""Anomalies as a projection: the study of each person's day, and what looks impossible in it. Written by the worker."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec.structs import replace

from services.kit import events as codec
from services.kit.clock import local_date
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.ledger.store.anomalies import (
    TABLES,
    Anomaly,
    DayKey,
    StudyDay,
    read_anomalies,
    read_days,
    write_anomalies,
    write_days,
)
from services.ledger.streams.account_events import CreditEarned, CreditRevoked, CreditWithdrawn
from services.ledger.streams.anomaly import (
    AnomalyCleared,
    Kind,
    Noticed,
    Studied,
    anomaly_id_of,
    notice,
    rules_of,
)

_KINDS: tuple[Kind, ...] = ("over_hours_per_day", "same_minute")
_STUDY = frozenset({"provider", "roster"})
"""The routes by which study comes in; an exam or a paper takes no minutes of a day."""


class Anomalies:
    """Notices anomalies as study is registered, and forgets them with the credits they were about."""

    name = "anomalies"
    topics = frozenset({CreditEarned.TOPIC, CreditWithdrawn.TOPIC, CreditRevoked.TOPIC, AnomalyCleared.TOPIC})
    tables: Sequence[str] = TABLES

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Take a batch of events in: the days they touch, then what is to be noticed in those."""
        decoded = [(codec.decode(each.topic, each.state), each.recorded_at) for each in events]
        earned = [event for event, _ in decoded if isinstance(event, CreditEarned)]
        ended = sorted(
            {event.person_id for event, _ in decoded if isinstance(event, CreditWithdrawn | CreditRevoked)}
        )
        days = await read_days(
            conn, log, sorted({_key(event) for event in earned if _is_study(event)}), ended
        )
        keys = {*days, *(_key(event) for event in earned if _is_study(event))}
        ids = {anomaly_id_of(log, *key, kind) for key in keys for kind in _KINDS}
        ids |= {event.anomaly_id for event, _ in decoded if isinstance(event, AnomalyCleared)}
        known = await read_anomalies(conn, log, sorted(ids))
        before = dict(known)
        touched: set[DayKey] = set()
        # One event after another: rows must not depend on how many come in one batch.
        for event, at in decoded:
            changed: list[DayKey] = []
            if isinstance(event, CreditEarned) and _is_study(event):
                _add(days, event)
                changed = [_key(event)]
            elif isinstance(event, CreditWithdrawn | CreditRevoked):
                changed = _remove(days, event)
            elif isinstance(event, AnomalyCleared) and event.anomaly_id in known:
                known[event.anomaly_id] = _cleared(known[event.anomaly_id], event)
            for key in changed:
                known |= _looked_at(log, key, days[key], known, at)
            touched.update(changed)
        await write_days(conn, log, sorted((key, days[key]) for key in touched))
        written = [anomaly for each, anomaly in known.items() if before.get(each) is not anomaly]
        await write_anomalies(conn, log, written)


def _is_study(event: CreditEarned) -> bool:
    return event.route in _STUDY


def _key(event: CreditEarned) -> DayKey:
    return event.person_id, local_date(event.completed_at)


def _add(days: dict[DayKey, StudyDay], event: CreditEarned) -> None:
    day = days.setdefault(_key(event), StudyDay(event.place, []))
    day.place = event.place
    study = Studied(event.credit_id, event.provider_id, event.completed_at, event.credits, event.hours)
    day.studied = [each for each in day.studied if each.credit_id != event.credit_id] + [study]


def _remove(days: dict[DayKey, StudyDay], event: CreditWithdrawn | CreditRevoked) -> list[DayKey]:
    changed = []
    for key, day in days.items():
        left = [each for each in day.studied if each.credit_id != event.credit_id]
        if key[0] == event.person_id and len(left) < len(day.studied):
            day.studied = left
            changed.append(key)
    return changed


def _looked_at(
    log: str, key: DayKey, day: StudyDay, known: dict[str, Anomaly], at: datetime
) -> dict[str, Anomaly]:
    """What is to be written of the anomalies of a day that has changed."""
    found = {each.kind: each for each in notice(day.studied, rules_of(day.place))}
    changed: dict[str, Anomaly] = {}
    for kind in _KINDS:
        anomaly_id = anomaly_id_of(log, *key, kind)
        before, noticed = known.get(anomaly_id), found.get(kind)
        if noticed is not None:
            changed[anomaly_id] = _noticed(anomaly_id, key, day.place, noticed, before, at)
        elif before is not None and before.status != "gone":
            changed[anomaly_id] = replace(before, status="gone", credit_ids=(), minutes=0)
    return changed


def _noticed(
    anomaly_id: str, key: tuple[str, date], place: str, noticed: Noticed, before: Anomaly | None, at: datetime
) -> Anomaly:
    anomaly = Anomaly(
        anomaly_id=anomaly_id,
        person_id=key[0],
        place=place,
        kind=noticed.kind,
        day=key[1],
        credit_ids=noticed.credit_ids,
        minutes=noticed.minutes,
        noticed_at=before.noticed_at if before is not None and before.status == "open" else at,
    )
    if before is not None and before.cleared_ids and set(noticed.credit_ids) <= set(before.cleared_ids):
        # Nothing came to it since an official looked into it.
        return replace(
            anomaly,
            status="cleared",
            noticed_at=before.noticed_at,
            finding=before.finding,
            reference=before.reference,
            cleared_ids=before.cleared_ids,
            cleared_at=before.cleared_at,
        )
    return anomaly


def _cleared(anomaly: Anomaly, event: AnomalyCleared) -> Anomaly:
    return replace(
        anomaly,
        status="cleared" if set(anomaly.credit_ids) <= set(event.credit_ids) else anomaly.status,
        finding=event.finding,
        reference=event.reference,
        cleared_ids=event.credit_ids,
        cleared_at=event.cleared_at,
    )
