"""Homes of facts: which of our logs a fact of another service belongs to; what is told of a person goes to the log
they live in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from contracts import registry, transfer
from contracts.divisions import AUTHORITIES, NATION, authority_of
from contracts.envelope import PublishedEvent
from services.kit.database import Databases
from services.ledger.store.departures import Departure, find_departures
from services.ledger.store.people import is_later
from services.ledger.streams.profile import Left, Profile
from services.ledger.streams.profile_events import (
    DepartureCompleted,
    DepartureConfirmed,
    DepartureGuarded,
    DepartureLifted,
    LiftReason,
)

_HELD = """
select person_id, log, left_at from profiles where log = any($1::text[]) and person_id = any($2::text[])
"""


class Homes:
    """Where the people of a batch of facts live, and where they have lived."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, datetime | None]] = {}
        self._departures: dict[str, str] = {}

    async def read(self, databases: Databases, events: Iterable[PublishedEvent]) -> None:
        """Ask every log for the people and the departures that the facts are about."""
        persons, transfers, collected = set(), set(), {}
        for event in events:
            match event:
                case registry.InfoCollected():
                    collected[event.person_id] = authority_of(event.place)
                case registry.InfoChanged() | registry.PersonErased():
                    persons.add(event.person_id)
                case registry.ProfilesMerged():
                    persons.add(event.merged_id)
                case transfer.ProfileTransferred() if event.from_authority == event.to_authority:
                    persons.add(event.person_id)
                case (
                    transfer.TransferReturned() | transfer.TransferWithdrawn() | transfer.ProfileTransferred()
                ):
                    transfers.add(event.transfer_id)
                case _:
                    pass
        if persons or transfers:
            for database, logs in databases.grouped(AUTHORITIES).items():
                async with database.acquire() as conn:
                    for person_id, log, left_at in await conn.fetch(_HELD, logs, sorted(persons)):
                        self._held.setdefault(person_id, {})[log] = left_at
                    for found in await find_departures(conn, logs, sorted(transfers)):
                        self._departures[found.transfer_id] = found.log
        for person_id, log in collected.items():
            self._held.setdefault(person_id, {log: None})

    def holds(self, person_id: str) -> bool:
        """Whether any log holds or has held the person."""
        return person_id in self._held

    def logs_of(self, event: object) -> Sequence[str]:
        """The logs that a fact belongs to; none for facts the ledger does not follow.

        What a person's information is goes where they live; that they were erased goes wherever they ever did.
        """
        match event:
            case registry.InfoChanged():
                return (self._home(event.person_id) or authority_of(event.place),)
            case registry.ProfilesMerged():
                return (self._home(event.merged_id) or authority_of(event.place),)
            case registry.PersonErased():
                return sorted(self._held.get(event.person_id, {authority_of(event.place): None}))
            case (
                registry.InfoCollected()
                | registry.ProviderAccredited()
                | registry.AccreditationEnded()
                | registry.ProviderDisqualified()
                | registry.ProviderReinstated()
            ):
                return (authority_of(event.place),)
            case registry.OrganizationRegistered():
                return (NATION,)
            case transfer.ProfileTransferred() if event.from_authority == event.to_authority:
                return (event.to_authority,)
            case transfer.TransferRequested() if event.from_authority != event.to_authority:
                return (event.from_authority,)
            case transfer.TransferReturned() | transfer.TransferWithdrawn() | transfer.ProfileTransferred():
                log = self._departures.get(event.transfer_id)
                return (log,) if log is not None else ()
            case _:
                return ()

    def _home(self, person_id: str) -> str | None:
        home: tuple[str, datetime | None] | None = None
        for log, left_at in sorted(self._held.get(person_id, {}).items()):
            if home is None or is_later(left_at, home[1]):
                home = log, left_at
        return home[0] if home is not None else None


TransferNews = (
    transfer.TransferRequested
    | transfer.TransferReturned
    | transfer.TransferWithdrawn
    | transfer.ProfileTransferred
)
GuardEvent = DepartureGuarded | DepartureConfirmed | DepartureLifted | DepartureCompleted


def news_of_guard(
    news: TransferNews, profile: Profile | None, departure: Departure | None, now: datetime
) -> list[GuardEvent]:
    """The events that follow for the profile; none where nobody asked for a guard, or it has ended.

    A guard that lapsed while the feed was late stands again: whatever began meanwhile is found by the departure.
    """
    if profile is None or departure is None:
        return []
    if profile.left is not None:
        return _news_of_leaving(news, profile.left, departure, now)
    person_id, transfer_id = departure.person_id, departure.transfer_id
    standing = profile.departing is not None and profile.departing.transfer_id == transfer_id
    match news:
        case transfer.TransferRequested():
            if standing and profile.departing is not None and profile.departing.confirmed:
                return []
            events: list[GuardEvent] = []
            if profile.departing is None and departure.status == "lapsed":
                events.append(
                    DepartureGuarded(
                        person_id=person_id,
                        transfer_id=transfer_id,
                        to_place=departure.to_place,
                        guarded_at=now,
                    )
                )
            elif not standing:
                return []
            events.append(DepartureConfirmed(person_id=person_id, transfer_id=transfer_id, confirmed_at=now))
            return events
        case transfer.TransferReturned() | transfer.TransferWithdrawn() if standing:
            reason: LiftReason = "returned" if isinstance(news, transfer.TransferReturned) else "withdrawn"
            return [
                DepartureLifted(person_id=person_id, transfer_id=transfer_id, reason=reason, lifted_at=now)
            ]
        case _:
            return []


def _news_of_leaving(news: TransferNews, left: Left, departure: Departure, now: datetime) -> list[GuardEvent]:
    arrived = isinstance(news, transfer.ProfileTransferred) and left.transfer_id == departure.transfer_id
    if not arrived or left.completed:
        return []
    return [
        DepartureCompleted(person_id=departure.person_id, transfer_id=departure.transfer_id, completed_at=now)
    ]
