"""The place of a person's profile and the code of an organization, as the transfer service learned them: recorded
here by events of its own, so that every answer follows from this service's log alone."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from contracts.registry import InfoCollected
from services.kit.events import Event


class HomeRecorded(Event, frozen=True, kw_only=True):
    """The registry said at which place a person's information was collected, and who employs them."""

    TOPIC: ClassVar[str] = "transfer.HomeRecorded"

    person_id: str
    place: str
    employer: str | None
    collected_at: datetime


class OrganizationRecorded(Event, frozen=True, kw_only=True):
    """The registry said which unified social credit code an organization has."""

    TOPIC: ClassVar[str] = "transfer.OrganizationRecorded"

    organization_id: str
    uscc: str


class ProfileHome(Struct, frozen=True, kw_only=True):
    """A profile's place and employer, the version of its stream, and the transfer that brought it, if one did.

    `away` says that it was transferred to an authority of another deployment; the place is the one it left.
    """

    person_id: str
    place: str
    employer: str | None
    version: int
    transfer_id: str | None = None
    away: bool = False


def home_stream(person_id: str) -> str:
    """The stream in which a person's home is recorded."""
    return f"home:{person_id}"


def organization_stream(organization_id: str) -> str:
    """The stream in which an organization is recorded."""
    return f"organization:{organization_id}"


def record_home(home: ProfileHome | None, fact: InfoCollected) -> HomeRecorded | None:
    """The event to store for what the registry said, None when it tells nothing new.

    Once a transfer has moved a profile, its place follows from transfers alone: the registry hears of a transfer
    after this service does, and what it says meanwhile may be older than the transfer.
    """
    if home is not None:
        known = (home.place, home.employer) == (fact.place, fact.employer)
        if known or home.transfer_id is not None:
            return None
    return HomeRecorded(
        person_id=fact.person_id, place=fact.place, employer=fact.employer, collected_at=fact.collected_at
    )
