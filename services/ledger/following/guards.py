"""What the transfer's feed means for the guard of a departure: that it stands, or that it is over."""

from datetime import datetime

from contracts import transfer
from services.ledger.accounts.profile import Profile
from services.ledger.moving.departure_rows import Departure
from services.ledger.moving.events import DepartureConfirmed, DepartureGuarded, DepartureLifted, LiftReason

TransferNews = transfer.TransferRequested | transfer.TransferReturned | transfer.TransferWithdrawn
GuardEvent = DepartureGuarded | DepartureConfirmed | DepartureLifted


def news_of_guard(
    news: TransferNews, profile: Profile | None, departure: Departure | None, now: datetime
) -> list[GuardEvent]:
    """The events that follow for the profile; none where nobody asked for a guard, or it has ended.

    A guard that lapsed while the feed was late stands again: whatever began meanwhile is found by the departure.
    """
    if profile is None or profile.left is not None or departure is None:
        return []
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
