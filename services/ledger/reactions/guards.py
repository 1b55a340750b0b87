"""Guards of departures, as the transfer's feed confirms or ends them: that it stands, or that it is over."""

from datetime import datetime

from contracts import transfer
from services.ledger.store.departures import Departure
from services.ledger.streams.profile import (
    DepartureCompleted,
    DepartureConfirmed,
    DepartureGuarded,
    DepartureLifted,
    Left,
    LiftReason,
    Profile,
)

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
