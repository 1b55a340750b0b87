"""Differences between a record and the one that was first posted under its id."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.ledger.intake.records import Prepared, without_person
from services.ledger.streams.profile import Profile
from services.ledger.streams.waiting import RecordParked

_NOT_COMPARED = {"id", "authority", "person"}


def differing_fields(event: Any, prepared: Prepared, profile: Profile | None) -> list[str]:
    """JSON pointers of the fields in which a repeated record differs from the recorded one, values never shown.

    The person is compared by keyed hash. Contents that differ in nothing else differ in the person's name.
    """
    posted = without_person(prepared.record)
    if posted.get("of") == "exam":
        del posted["of"]
    names = [name for name in prepared.record.__struct_fields__ if name not in _NOT_COMPARED]
    if isinstance(event, RecordParked):
        recorded = dict(event.record)
        for amount in ("credits", "hours"):
            if amount in recorded:
                recorded[amount] = Decimal(recorded[amount])
        same_person = event.identity_hash == prepared.identity_hash
    else:
        recorded = {name: _plain(getattr(event, name, None)) for name in names}
        if recorded.get("hours") is not None:
            # The credits are the policy's, made from the hours that were posted.
            recorded["credits"] = None
        if recorded.get("of") == "exam":
            recorded["of"] = None
        same_person = profile is not None and profile.person.person_id == event.person_id
    differs = [f"/{name}" for name in names if not _same(recorded.get(name), posted.get(name))]
    if not same_person:
        differs.append("/person/id_number")
    return differs or ["/person/name"]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def _same(recorded: Any, posted: Any) -> bool:
    if isinstance(recorded, Decimal):
        return posted is not None and recorded == Decimal(posted)
    if isinstance(recorded, str) and isinstance(posted, str) and "T" in recorded and "T" in posted:
        try:
            return _moment(recorded) == _moment(posted)
        except ValueError:
            return recorded == posted
    return bool(recorded == posted)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
