"""A provider's standing in one log: its legal name, where and for what it is accredited, and since when it is not."""

from datetime import date
from typing import ClassVar

import msgspec
from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy import (
    Accreditation,
    ProviderStanding,
)


class ProviderNamed(Event, frozen=True, kw_only=True):
    """An organization exists, with the legal name by which notices list providers (S1-22)."""

    TOPIC: ClassVar[str] = "ledger.ProviderNamed"

    organization_id: str
    name: str
    uscc: str


class ProviderAccredited(Event, frozen=True, kw_only=True):
    """A finance bureau filed and published a provider for a place, years and modes (S2B-14, S3B-12)."""

    TOPIC: ClassVar[str] = "ledger.ProviderAccredited"

    organization_id: str
    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]


class ProviderDisqualified(Event, frozen=True, kw_only=True):
    """A provider lost its standing in a place from a date on (S0-25)."""

    TOPIC: ClassVar[str] = "ledger.ProviderDisqualified"

    organization_id: str
    place: str
    from_date: date
    reason: str


class ProviderReinstated(Event, frozen=True, kw_only=True):
    """A standing lost at this place came back from a date on; completions of the days between stay refused."""

    TOPIC: ClassVar[str] = "ledger.ProviderReinstated"

    organization_id: str
    place: str
    from_date: date
    reason: str


class AccreditationEnded(Event, frozen=True, kw_only=True):
    """What was filed and published for a place, years and modes ended from a date on (S2B-14)."""

    TOPIC: ClassVar[str] = "ledger.AccreditationEnded"

    organization_id: str
    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]
    from_date: date
    reason: str


class Provider(Struct, frozen=True):
    """What this log knows of a provider; the name stands in the nation's log."""

    organization_id: str
    name: str = ""
    uscc: str | None = None
    accreditations: tuple[Accreditation, ...] = ()
    disqualified: tuple[tuple[str, date], ...] = ()
    suspended: tuple[tuple[str, date, date], ...] = ()
    """What was disqualified and reinstated: the place, the first day without standing, the first day with it again."""

    def standing(self, nation: "Provider", chain: tuple[str, ...]) -> ProviderStanding:
        """The standing at a place, given by its chain, with what the nation's log says of the same provider.

        A disqualification counts at its place and everywhere under it (S0-25), and so does an accreditation (B-14).
        """
        dates = [since for place, since in (*self.disqualified, *nation.disqualified) if place in chain]
        return ProviderStanding(
            organization_id=self.organization_id,
            name=nation.name,
            uscc=nation.uscc,
            accreditations=(*self.accreditations, *nation.accreditations),
            disqualified_from=min(dates, default=None),
            suspended=tuple(
                (since, until)
                for place, since, until in (*self.suspended, *nation.suspended)
                if place in chain
            ),
        )


def stream_of(organization_id: str) -> str:
    """The stream of one provider in a log."""
    return f"provider:{organization_id}"


def evolve(provider: Provider | None, event: Event) -> Provider | None:
    """The provider after one more event."""
    match event:
        case ProviderNamed():
            known = provider or Provider(organization_id=event.organization_id)
            return msgspec.structs.replace(known, name=event.name, uscc=event.uscc)
        case ProviderAccredited():
            known = provider or Provider(organization_id=event.organization_id)
            accreditation = Accreditation(place=event.place, years=event.years, modes=event.modes)
            return msgspec.structs.replace(known, accreditations=(*known.accreditations, accreditation))
        case ProviderDisqualified():
            known = provider or Provider(organization_id=event.organization_id)
            return msgspec.structs.replace(
                known, disqualified=(*known.disqualified, (event.place, event.from_date))
            )
        case ProviderReinstated():
            return _reinstated(provider, event)
        case AccreditationEnded():
            return _ended(provider, event)
        case _:
            return provider


def _reinstated(provider: Provider | None, event: ProviderReinstated) -> Provider:
    known = provider or Provider(organization_id=event.organization_id)
    over = [since for place, since in known.disqualified if place == event.place]
    return msgspec.structs.replace(
        known,
        disqualified=tuple(each for each in known.disqualified if each[0] != event.place),
        suspended=(*known.suspended, *((event.place, since, event.from_date) for since in over)),
    )


def _ended(provider: Provider | None, event: AccreditationEnded) -> Provider:
    known = provider or Provider(organization_id=event.organization_id)
    ended = (event.place, event.years, event.modes, None)
    return msgspec.structs.replace(
        known,
        accreditations=tuple(
            msgspec.structs.replace(each, until=event.from_date)
            if (each.place, each.years, each.modes, each.until) == ended
            else each
            for each in known.accreditations
        ),
    )
