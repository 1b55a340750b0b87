"""An organization: a training provider, an employer or an organiser of trainings, with what it is
accredited for.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from eventsourcing.domain import event

from contracts.divisions import contains
from services.kit.aggregates import Aggregate
from services.registry.actors import Actor
from services.registry.problems import (
    AlreadyAccreditedError,
    NotAccreditedError,
    NotAProviderError,
    ProviderDisqualifiedError,
)

PROVIDER = "provider"


@dataclass(frozen=True)
class Accreditation:
    """What an authority filed a provider for; only if `published` may it train (S2B-14, S3B-12)."""

    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]
    published: bool
    accredited_at: datetime


@dataclass(frozen=True)
class Disqualification:
    """A provider's standing taken at a place and everything under it, from a day on (S0-25)."""

    place: str
    from_date: date
    reason: str
    disqualified_at: datetime


class Organization(Aggregate):
    """One organization, known by its unified social credit code."""

    TOPIC = "registry.Organization"

    @classmethod
    def register(
        cls, *, name: str, uscc: str, kind: str, place: str, by: Actor, at: datetime
    ) -> "Organization":
        """A new organization. Raises OutsidePlaceError unless the official's place contains its own."""
        by.must_cover(place, pointer="/place")
        return cls(
            identity=identity_of(uscc),
            name=name,
            uscc=uscc,
            kind=kind,
            place=place,
            registered_by=by.subject,
            timestamp=at,
        )

    @event("OrganizationRegistered", topic="registry.OrganizationRegistered")
    def __init__(
        self,
        *,
        identity: str,
        name: str,
        uscc: str,
        kind: str,
        place: str,
        registered_by: str,
        timestamp: datetime,
    ) -> None:
        self.name = name
        self.uscc = uscc
        self.kind = kind
        self.place = place
        self.registered_at = timestamp
        self.accreditations: list[Accreditation] = []
        self.disqualifications: list[Disqualification] = []

    def accredit(
        self, *, place: str, years: list[int], modes: list[str], published: bool, by: Actor, at: datetime
    ) -> None:
        """File the provider for a place, years and modes of training (S1-22, S3B-12).

        Raises OutsidePlaceError, NotAProviderError, ProviderDisqualifiedError, AlreadyAccreditedError.
        """
        self._must_be_providers(place, by)
        standing = self._disqualification_over(place)
        if standing is not None:
            raise ProviderDisqualifiedError(standing.place, standing.from_date)
        if any(_includes(held, place, years, modes, published) for held in self.accreditations):
            raise AlreadyAccreditedError
        self._accredited(
            place=place,
            years=sorted(years),
            modes=sorted(modes),
            published=published,
            accredited_by=by.subject,
            timestamp=at,
        )

    @event("ProviderAccredited", topic="registry.ProviderAccredited")
    def _accredited(
        self,
        *,
        place: str,
        years: list[int],
        modes: list[str],
        published: bool,
        accredited_by: str,
        timestamp: datetime,
    ) -> None:
        self.accreditations.append(Accreditation(place, tuple(years), tuple(modes), published, timestamp))

    def disqualify(self, *, place: str, from_date: date, reason: str, by: Actor, at: datetime) -> None:
        """Take the provider's standing at the place and under it, from a day on (S0-25).

        Raises OutsidePlaceError, NotAProviderError, ProviderDisqualifiedError, NotAccreditedError.
        """
        self._must_be_providers(place, by)
        standing = self._disqualification_over(place)
        if standing is not None:
            raise ProviderDisqualifiedError(standing.place, standing.from_date)
        if not any(
            contains(place, held.place) or contains(held.place, place) for held in self.accreditations
        ):
            raise NotAccreditedError
        self._disqualified(
            place=place, from_date=from_date, reason=reason, disqualified_by=by.subject, timestamp=at
        )

    @event("ProviderDisqualified", topic="registry.ProviderDisqualified")
    def _disqualified(
        self, *, place: str, from_date: date, reason: str, disqualified_by: str, timestamp: datetime
    ) -> None:
        self.disqualifications.append(Disqualification(place, from_date, reason, timestamp))

    def _must_be_providers(self, place: str, by: Actor) -> None:
        by.must_cover(place, pointer="/place")
        if self.kind != PROVIDER:
            raise NotAProviderError

    def _disqualification_over(self, place: str) -> Disqualification | None:
        return next((each for each in self.disqualifications if contains(each.place, place)), None)


def identity_of(uscc: str) -> str:
    """The identity under which an organization's first event is stored: one for each code, for ever."""
    return f"organization:{uscc}"


def organization_of(organization_id: str | None) -> UUID | None:
    """The stream of an organization named in a token; None when there is none or it is no id of ours."""
    try:
        return UUID(organization_id) if organization_id else None
    except ValueError:
        return None


def _includes(held: Accreditation, place: str, years: list[int], modes: list[str], published: bool) -> bool:
    return (
        held.place == place
        and held.published == published
        and set(years) <= set(held.years)
        and set(modes) <= set(held.modes)
    )
