"""Anomalies as a projection: the study of each person's day, and what looks impossible in it. Written by the worker."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

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
    Studied,
    anomaly_id_of,
    minutes_of,
    notice,
    rules_of,
)

_KINDS: tuple[Kind, ...] = ("over_hours_per_day", "same_minute")
_STUDY = frozenset({"provider", "roster"})
"""The routes by which study comes in; an exam or a paper takes no minutes of a day."""


class Anomalies:
    """Notices anomalies as study is registered, and forgets them with the credits they were about.

    An event costs the same however much was studied that day: sums of the day are carried on, and its rows are made once a
    batch.
    """

    name = "anomalies"
    topics = frozenset({CreditEarned.TOPIC, CreditWithdrawn.TOPIC, CreditRevoked.TOPIC, AnomalyCleared.TOPIC})
    tables: Sequence[str] = TABLES

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Take a batch of events in: the days they touch, then what is to be noticed in those."""
        decoded = [(codec.decode(each.topic, each.state), each.recorded_at) for each in events]
        earned = [event for event, _ in decoded if isinstance(event, CreditEarned) and _is_study(event)]
        ended = sorted(
            {event.person_id for event, _ in decoded if isinstance(event, CreditWithdrawn | CreditRevoked)}
        )
        stored = await read_days(conn, log, sorted({_key(event) for event in earned}), ended)
        keys = {*stored, *(_key(event) for event in earned)}
        ids = {anomaly_id_of(log, *key, kind) for key in keys for kind in _KINDS}
        ids |= {event.anomaly_id for event, _ in decoded if isinstance(event, AnomalyCleared)}
        known = await read_anomalies(conn, log, sorted(ids))
        before = dict(known)
        days = {key: DaySums(log, key, day, known) for key, day in stored.items()}
        where: dict[tuple[str, str], set[DayKey]] = defaultdict(set)
        for key, day in days.items():
            for credit_id in day.studied:
                where[key[0], credit_id].add(key)
        # One event after another: rows must not depend on how many come in one batch.
        for event, at in decoded:
            if isinstance(event, CreditEarned) and _is_study(event):
                key = _key(event)
                where[event.person_id, event.credit_id].add(key)
                if key not in days:
                    days[key] = DaySums(log, key, StudyDay(event.place, []), known)
                days[key].add(event, at)
            elif isinstance(event, CreditWithdrawn | CreditRevoked):
                for key in sorted(where.pop((event.person_id, event.credit_id), ())):
                    days[key].remove(event.credit_id, at)
            elif isinstance(event, AnomalyCleared) and event.anomaly_id in known:
                for day in days.values():
                    day.write(event.anomaly_id)
                known[event.anomaly_id] = _cleared(known[event.anomaly_id], event)
        for day in days.values():
            day.write()
        touched = sorted((key, day.as_stored()) for key, day in days.items() if day.touched)
        await write_days(conn, log, touched)
        written = [anomaly for each, anomaly in known.items() if before.get(each) is not anomaly]
        await write_anomalies(conn, log, written)


def _is_study(event: CreditEarned) -> bool:
    return event.route in _STUDY


def _key(event: CreditEarned) -> DayKey:
    return event.person_id, local_date(event.completed_at)


class DaySums:
    """A person's day while a batch is taken in: its study by credit, its sums, and its anomalies in `known`."""

    def __init__(self, log: str, key: DayKey, day: StudyDay, known: dict[str, Anomaly]) -> None:
        self.key = key
        self.studied = {each.credit_id: each for each in day.studied}
        self.touched = False
        self._place = day.place
        self._known = known
        self._ids = {anomaly_id_of(log, *key, kind): kind for kind in _KINDS}
        self._unwritten: set[str] = set()
        self._count()

    def add(self, event: CreditEarned, at: datetime) -> None:
        """Study was registered at a moment."""
        self._take_out(event.credit_id)
        if rules_of(event.place) != self._rules:
            self._place = event.place
            self._count()
        self._place = event.place
        study = Studied(event.credit_id, event.provider_id, event.completed_at, event.credits, event.hours)
        self.studied[event.credit_id] = study
        self._sum(study, 1)
        self._look(at, removed=False)

    def remove(self, credit_id: str, at: datetime) -> None:
        """A credit ended at a moment."""
        if self._take_out(credit_id):
            self._look(at, removed=True)

    def as_stored(self) -> StudyDay:
        """The day as its row holds it."""
        return StudyDay(self._place, list(self.studied.values()))

    def noticed(self) -> list[Anomaly]:
        """The anomalies of the day, as far as they are written."""
        return [self._known[each] for each in self._ids if each in self._known]

    def write(self, anomaly_id: str | None = None) -> None:
        """Say in the anomalies of the day, or in one of them, which credits they are about."""
        wanted = self._unwritten if anomaly_id is None else self._unwritten & {anomaly_id}
        if not wanted:
            return
        found = {each.kind: each for each in notice(list(self.studied.values()), self._rules)}
        for each in sorted(wanted):
            noticed = found[self._ids[each]]
            self._known[each] = replace(
                self._known[each], credit_ids=noticed.credit_ids, minutes=noticed.minutes
            )
        self._unwritten -= wanted

    def _count(self) -> None:
        self._rules = rules_of(self._place)
        self._minutes = Decimal(0)
        self._together: dict[datetime, Counter[str | None]] = {}
        self._crowded = 0
        for study in self.studied.values():
            self._sum(study, 1)

    def _take_out(self, credit_id: str) -> bool:
        study = self.studied.pop(credit_id, None)
        if study is not None:
            self._sum(study, -1)
        return study is not None

    def _sum(self, study: Studied, sign: int) -> None:
        self._minutes += sign * minutes_of(study, self._rules)
        minute = study.completed_at.replace(second=0, microsecond=0)
        providers = self._together.setdefault(minute, Counter())
        was = len(providers) >= self._rules.providers_per_minute
        providers[study.provider_id] += sign
        if not providers[study.provider_id]:
            del providers[study.provider_id]
        self._crowded += (len(providers) >= self._rules.providers_per_minute) - was

    def _look(self, at: datetime, *, removed: bool) -> None:
        self.touched = True
        over = self._minutes > self._rules.hours_per_day * 60
        for anomaly_id, kind in self._ids.items():
            before = self._known.get(anomaly_id)
            if over if kind == "over_hours_per_day" else self._crowded:
                self._known[anomaly_id] = self._noticed(anomaly_id, kind, before, at, removed=removed)
                self._unwritten.add(anomaly_id)
            elif before is not None and before.status != "gone":
                self._known[anomaly_id] = replace(before, status="gone", credit_ids=(), minutes=0)
                self._unwritten.discard(anomaly_id)

    def _noticed(
        self, anomaly_id: str, kind: Kind, before: Anomaly | None, at: datetime, *, removed: bool
    ) -> Anomaly:
        """The anomaly without its credits, which are written once a batch."""
        anomaly = Anomaly(
            anomaly_id=anomaly_id,
            person_id=self.key[0],
            place=self._place,
            kind=kind,
            day=self.key[1],
            credit_ids=(),
            minutes=0,
            noticed_at=before.noticed_at if before is not None and before.status == "open" else at,
        )
        if before is not None and before.cleared_ids and self._is_cleared(kind, before, removed=removed):
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

    def _is_cleared(self, kind: Kind, before: Anomaly, *, removed: bool) -> bool:
        """Whether nothing came to it since an official looked into it."""
        if removed and before.status == "cleared":
            return True
        found = {each.kind: each for each in notice(list(self.studied.values()), self._rules)}
        return set(found[kind].credit_ids) <= set(before.cleared_ids)


def _cleared(anomaly: Anomaly, event: AnomalyCleared) -> Anomaly:
    return replace(
        anomaly,
        status="cleared" if set(anomaly.credit_ids) <= set(event.credit_ids) else anomaly.status,
        finding=event.finding,
        reference=event.reference,
        cleared_ids=event.credit_ids,
        cleared_at=event.cleared_at,
    )
