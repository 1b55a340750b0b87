"""A notice's publication: the stream it is published in, and the notice as an event carries it."""

from datetime import date
from typing import Any, ClassVar

import msgspec

from services.kit.events import Event
from services.ledger.policy import (
    Notice,
    notice_as_data,
    notice_hash,
)


class PolicyPublished(Event, frozen=True, kw_only=True):
    """A notice was published: the whole file as data, named by the hash of its content."""

    TOPIC: ClassVar[str] = "ledger.PolicyPublished"

    notice_id: str
    document: str
    place: str
    dated: date
    years_from: int | None = None
    years_to: int | None = None
    notice_hash: str
    notice: dict[str, Any]


def stream_of(notice: Notice) -> str:
    """The stream of a notice's publications, in the log of its place's authority."""
    return f"notice:{notice.place}:{notice.id}"


def publish(notice: Notice) -> PolicyPublished:
    """The event of publishing a notice as it stands."""
    return PolicyPublished(
        notice_id=notice.id,
        document=notice.label,
        place=notice.place,
        dated=notice.dated,
        years_from=notice.years.first,
        years_to=notice.years.last,
        notice_hash=notice_hash(notice),
        notice=notice_as_data(notice),
    )


def notice_of(event: PolicyPublished) -> Notice:
    """The notice as it was published; it was parsed in full before."""
    data: dict[str, object] = event.notice
    return msgspec.convert(data, Notice)
