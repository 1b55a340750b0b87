"""Places of a transfer: the authorities that opened transfers, where each profile is, and the code of an organization."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

import yaml
from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, authority_of
from contracts.registry import InfoCollected, ProfilesMerged
from services.kit.events import Event

PACKAGED = Path(__file__).with_name("opened_authorities.yaml")
_EXPECTED = "must be a list of {authority, opened_on} under `opened`"


class OpenedAuthoritiesError(ValueError):
    """The list cannot be read; says which entry is at fault."""


class OpenedAuthorities:
    """From which day on each authority takes part in transfers between authorities (S2C-13)."""

    def __init__(self, since: Mapping[str, date] | None = None) -> None:
        self._since = dict(since or {})

    def has_opened(self, authority: str, on: date) -> bool:
        """Whether the authority has opened the service by that day."""
        since = self._since.get(authority)
        return since is not None and since <= on

    def have_opened(self, from_place: str, to_place: str, on: date) -> bool:
        """Whether the authorities of both places have opened the service by that day."""
        return all(self.has_opened(authority_of(place), on) for place in (from_place, to_place))

    @classmethod
    def from_file(cls, path: Path = PACKAGED) -> OpenedAuthorities:
        """The list in a YAML file. Raises OpenedAuthoritiesError when an entry cannot be right."""
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise OpenedAuthoritiesError(f"{path.name} cannot be read: {error}") from None
        entries = document.get("opened") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise OpenedAuthoritiesError(f"{path.name}: {_EXPECTED}")
        since: dict[str, date] = {}
        for number, entry in enumerate(entries, 1):
            authority, opened_on = _entry(entry, f"{path.name}: entry {number}")
            if authority in since:
                raise OpenedAuthoritiesError(f"{path.name}: entry {number} names {authority} again")
            since[authority] = opened_on
        return cls(since)


def _entry(entry: object, where: str) -> tuple[str, date]:
    if not isinstance(entry, dict) or set(entry) != {"authority", "opened_on"}:
        raise OpenedAuthoritiesError(f"{where} {_EXPECTED}")
    authority, opened_on = str(entry["authority"]), entry["opened_on"]
    if authority not in AUTHORITIES or authority == NATION:
        raise OpenedAuthoritiesError(f"{where} names no authority that keeps profiles")
    if not isinstance(opened_on, date) or isinstance(opened_on, datetime):
        raise OpenedAuthoritiesError(f"{where} needs a day such as 2026-03-01 as opened_on")
    return authority, opened_on


class HomeRecorded(Event, frozen=True, kw_only=True):
    """The registry said at which place a person's information was collected, and who employs them; or that their profile is
    part of another one of theirs since a moment, `merged_into`."""

    TOPIC: ClassVar[str] = "transfer.HomeRecorded"

    person_id: str
    place: str
    employer: str | None
    collected_at: datetime
    merged_into: str | None = None


class OrganizationRecorded(Event, frozen=True, kw_only=True):
    """The registry said which unified social credit code an organization has."""

    TOPIC: ClassVar[str] = "transfer.OrganizationRecorded"

    organization_id: str
    uscc: str


class ProfileHome(Struct, frozen=True, kw_only=True):
    """A profile's place and employer, the version of its stream, and the transfer that brought it, if one did.

    `away` says that it was transferred to an authority of another deployment; the place is the one it left. `merged_into` is
    the profile of the same person that it is part of now.
    """

    person_id: str
    place: str
    employer: str | None
    version: int
    transfer_id: str | None = None
    away: bool = False
    merged_into: str | None = None


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
    if home is not None and home.merged_into is None:
        known = (home.place, home.employer) == (fact.place, fact.employer)
        if known or home.transfer_id is not None:
            return None
    return HomeRecorded(
        person_id=fact.person_id, place=fact.place, employer=fact.employer, collected_at=fact.collected_at
    )


def record_merge(home: ProfileHome | None, fact: ProfilesMerged) -> HomeRecorded | None:
    """The event to store for a merge, None for a profile that is not known here, or merged already."""
    if home is None or home.merged_into is not None:
        return None
    return HomeRecorded(
        person_id=fact.merged_id,
        place=home.place,
        employer=home.employer,
        collected_at=fact.merged_at,
        merged_into=fact.person_id,
    )
