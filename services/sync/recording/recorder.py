"""A batch of a ledger's feed becomes credits and deliveries, in the transaction that moves the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from contracts.ledger import CreditEarned, CreditRecognised
from contracts.targets import content_of
from services.kit.clock import Clock, local_date
from services.kit.database import Connection
from services.kit.feed import CloudEvent
from services.sync.recording.closings import open_closings
from services.sync.recording.deliveries import (
    Delivery,
    Last,
    YearSums,
    add_deliveries,
    hold_queues,
    keep_credits,
    last_of,
    sums_of,
)
from services.sync.recording.facts import Ended, Fact, earned, ended, facts_of, recognised, year_subject
from services.sync.targets import Target, Targets

CATEGORIES = ("professional", "public")


class Recorder:
    """Records what the targets are to be told."""

    def __init__(self, targets: Targets, clock: Clock) -> None:
        self._credit_targets = targets.of_record("credit")
        self._certificate_targets = targets.of_record("certificate")
        self._archive_targets = targets.of_record("archive")
        self._clock = clock

    async def record(self, conn: Connection, log: str, events: Sequence[CloudEvent]) -> None:
        """Write the effects of a batch. Raises UnknownEventError, which stops the log."""
        facts = facts_of(events)
        await keep_credits(conn, log, facts)
        await self._record_credits(conn, log, facts)
        for target in self._certificate_targets:
            await self._record_years(conn, log, target, facts)
        await open_closings(conn, log, self._archive_targets, facts, self._clock())

    async def _record_credits(self, conn: Connection, log: str, facts: Sequence[Fact]) -> None:
        """Each registered credit is put, each that ended is ended where it had been put (S1-09)."""
        targets = self._credit_targets
        concerned = [
            (target.name, event.person_id)
            for _, event in (*earned(facts), *ended(facts))
            for target in targets
            if target.takes_place(event.place)
        ]
        if not concerned:
            return
        now = self._clock()
        await hold_queues(conn, log, concerned, now)
        subjects = [event.credit_id for _, event in ended(facts)]
        last = await last_of(conn, [target.name for target in targets], subjects)
        await add_deliveries(conn, log, list(self._said(facts, last)), last, now)

    def _said(self, facts: Sequence[Fact], last: dict[tuple[str, str], Last]) -> Iterator[Delivery]:
        put = set(last)
        for fact in facts:
            for target in self._credit_targets:
                if isinstance(fact.event, CreditEarned) and _takes(target, fact.event):
                    put.add((target.name, fact.event.credit_id))
                    yield _put(target, fact, fact.event)
                elif isinstance(fact.event, Ended) and (target.name, fact.event.credit_id) in put:
                    yield _end(target, fact, fact.event)

    async def _record_years(self, conn: Connection, log: str, target: Target, facts: Sequence[Fact]) -> None:
        """A person's year goes when both categories are recognised, anew when it changes, and ends when not (S4-04)."""
        touched: dict[tuple[str, int], tuple[Fact, str]] = {}
        for fact, event in sorted(_changes(facts), key=lambda each: each[0].position):
            if target.takes_place(event.place):
                touched[event.person_id, event.year] = (fact, event.place)
        if not touched:
            return
        now = self._clock()
        await hold_queues(conn, log, [(target.name, person) for person, _ in touched], now)
        sums = await sums_of(conn, log, touched)
        last = await last_of(conn, [target.name], [year_subject(*key) for key in touched])
        changed = [
            delivery
            for key, (fact, place) in touched.items()
            if (delivery := _year(target, key, place, sums[key], last, fact)) is not None
        ]
        await add_deliveries(conn, log, changed, last, now)


def _changes(facts: Sequence[Fact]) -> list[tuple[Fact, CreditEarned | CreditRecognised | Ended]]:
    """Everything that may change what a person's year holds."""
    return [*earned(facts), *recognised(facts), *ended(facts)]


def _takes(target: Target, event: CreditEarned) -> bool:
    return target.takes_credit(
        place=event.place, category=event.category, mode=event.mode, source=event.source
    )


def _put(target: Target, fact: Fact, event: CreditEarned) -> Delivery:
    values = {
        **event.model_dump(),
        "subject": event.credit_id,
        "person_ref": event.person_id,
        "completed_on": local_date(event.completed_at),
    }
    content = content_of(target.kind, values)
    return _delivery(target, fact, event, event.credit_id, "put", content)


def _end(target: Target, fact: Fact, event: Ended) -> Delivery:
    values = {
        "subject": event.credit_id,
        "person_ref": event.person_id,
        "year": event.year,
        "place": event.place,
    }
    content = content_of(target.kind, values)
    return _delivery(target, fact, event, event.credit_id, "end", content, event.reason)


def _delivery(
    target: Target,
    fact: Fact,
    event: CreditEarned | Ended,
    subject: str,
    action: str,
    content: dict[str, str | None],
    reason: str | None = None,
) -> Delivery:
    return Delivery(
        target=target,
        subject=subject,
        person_id=event.person_id,
        year=event.year,
        place=event.place,
        position=fact.position,
        action=action,
        content=content,
        reason=reason,
        recorded_at=fact.recorded_at,
    )


def _year(
    target: Target,
    key: tuple[str, int],
    place: str,
    sums: YearSums,
    last: dict[tuple[str, str], Last],
    fact: Fact,
) -> Delivery | None:
    person_id, year = key
    subject = year_subject(person_id, year)
    before = last.get((target.name, subject))
    complete = all(sums.has(category, target.recognised) for category in CATEGORIES)
    if not complete and (before is None or before.action == "end"):
        return None
    counted: dict[str, Decimal | None] = {
        category: sums.counted(category, target.recognised) if complete else None for category in CATEGORIES
    }
    values = {"subject": subject, "person_ref": person_id, "year": year, "place": place, **counted}
    content = content_of(target.kind, values)
    if complete and before is not None and (before.action, dict(before.content)) == ("put", content):
        return None
    return Delivery(
        target=target,
        subject=subject,
        person_id=person_id,
        year=year,
        place=place,
        position=fact.position,
        action="put" if complete else "end",
        content=content,
        reason=None if complete else "no_longer_complete",
        recorded_at=fact.recorded_at,
    )
