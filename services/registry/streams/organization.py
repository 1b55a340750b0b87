"""An organization: a training provider, an employer or an organiser of trainings, with what it is filed and
published for.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from eventsourcing.domain import event

from contracts.divisions import authority_of, contains
from services.kit.aggregates import Aggregate
from services.kit.errors import NotFoundError
from services.registry.streams.actor import Actor
from services.registry.streams.problems import (
    AccreditationStateError,
    AlreadyAccreditedError,
    NotAccreditedError,
    NotAProviderError,
    NotDisqualifiedError,
    ReinstatedTooEarlyError,
    StandingTakenError,
)

PROVIDER, ORGANISER, EMPLOYER = "provider", "organiser", "employer"
"""An online provider (网络培训机构), a face-to-face training organization (面授培训机构), an employer (用人单位)."""
MODES_OF_KIND = {
    PROVIDER: frozenset({"online", "face_to_face", "other"}),
    ORGANISER: frozenset({"face_to_face", "other"}),
}
"""What a kind may be filed for; a kind that is not here trains nobody."""
LOCAL = "local"
FILED, PUBLISHED, ENDED = "filed", "published", "ended"


@dataclass(frozen=True)
class Accreditation:
    """What an authority filed a provider for; only while `published` may it train (S2B-14, S3B-12)."""

    number: int
    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]
    state: str
    accredited_at: datetime
    published_at: datetime | None
    ended_from: date | None = None
    end_reason: str | None = None

    @property
    def published(self) -> bool:
        """Whether it is published and has not been ended."""
        return self.state == PUBLISHED


@dataclass(frozen=True)
class Disqualification:
    """A provider's standing taken at a place and everything under it, from a day on (S0-25), perhaps until it came
    back on another.
    """

    place: str
    from_date: date
    reason: str
    disqualified_at: datetime
    reinstated_from: date | None = None
    reinstatement_reason: str | None = None


class Organization(Aggregate):
    """One organization, known by its unified social credit code."""

    TOPIC = "registry.Organization"

    class OrganizationRegistered(Aggregate.Created):
        """Since version 2 it says who the organization is subordinate to; those before count as local."""

        TOPIC = "registry.OrganizationRegistered"
        class_version = 2
        identity: str
        name: str
        uscc: str
        kind: str
        affiliation: str
        place: str
        registered_by: str

        @staticmethod
        def upcast_v1_v2(state: dict[str, object]) -> None:
            """Nobody had asked yet."""
            state["affiliation"] = LOCAL

    @classmethod
    def register(
        cls, *, name: str, uscc: str, kind: str, place: str, by: Actor, at: datetime, affiliation: str = LOCAL
    ) -> "Organization":
        """A new organization. Raises OutsidePlaceError unless the official's place contains its own."""
        by.must_cover(place, pointer="/place")
        return cls(
            identity=identity_of(uscc),
            name=name,
            uscc=uscc,
            kind=kind,
            affiliation=affiliation,
            place=place,
            registered_by=by.subject,
            timestamp=at,
        )

    @event(OrganizationRegistered)
    def __init__(
        self,
        *,
        identity: str,
        name: str,
        uscc: str,
        kind: str,
        affiliation: str,
        place: str,
        registered_by: str,
        timestamp: datetime,
    ) -> None:
        self.name = name
        self.uscc = uscc
        self.kind = kind
        self.affiliation = affiliation
        self.place = place
        self.registered_at = timestamp
        self.accreditations: list[Accreditation] = []
        self.disqualifications: list[Disqualification] = []

    @property
    def issuing_place(self) -> str:
        """The one bureau that issues its accounts: the province for central and provincial units, else its own (S3B-09)."""
        return self.place if self.affiliation == LOCAL else authority_of(self.place)

    def accredit(
        self, *, place: str, years: list[int], modes: list[str], published: bool, by: Actor, at: datetime
    ) -> None:
        """File the provider for a place, years and modes of training, at once published or not (S1-22, S3B-12).

        Raises OutsidePlaceError, NotAProviderError, StandingTakenError, AlreadyAccreditedError.
        """
        self._must_be_trainers(place, by)
        if not set(modes) <= MODES_OF_KIND[self.kind]:
            raise NotAProviderError(pointer="/modes")
        self._must_be_qualified(place)
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
        number = len(self.accreditations) + 1
        state, since = (PUBLISHED, timestamp) if published else (FILED, None)
        self.accreditations.append(
            Accreditation(number, place, tuple(years), tuple(modes), state, timestamp, since)
        )

    def publish(self, *, number: int, by: Actor, at: datetime) -> None:
        """Publish what was filed: from now on it may train (S2B-14, S3B-12).

        Raises NotFoundError, OutsidePlaceError, StandingTakenError, AccreditationStateError.
        """
        held = self._accreditation(number)
        by.must_cover(held.place)
        self._must_be_qualified(held.place)
        if held.state != FILED:
            raise AccreditationStateError(held.state)
        self._published(
            number=number,
            place=held.place,
            years=list(held.years),
            modes=list(held.modes),
            published_by=by.subject,
            timestamp=at,
        )

    @event("AccreditationPublished", topic="registry.AccreditationPublished")
    def _published(
        self,
        *,
        number: int,
        place: str,
        years: list[int],
        modes: list[str],
        published_by: str,
        timestamp: datetime,
    ) -> None:
        held = self.accreditations[number - 1]
        self.accreditations[number - 1] = replace(held, state=PUBLISHED, published_at=timestamp)

    def end(self, *, number: int, from_date: date, reason: str, by: Actor, at: datetime) -> None:
        """End a filing from a day on, as its years are over early or it is given up; no blame in it.

        Raises NotFoundError, OutsidePlaceError, AccreditationStateError.
        """
        held = self._accreditation(number)
        by.must_cover(held.place)
        if held.state == ENDED:
            raise AccreditationStateError(held.state)
        self._ended(
            number=number,
            place=held.place,
            years=list(held.years),
            modes=list(held.modes),
            was_published=held.published,
            from_date=from_date,
            reason=reason,
            ended_by=by.subject,
            timestamp=at,
        )

    @event("AccreditationEnded", topic="registry.AccreditationEnded")
    def _ended(
        self,
        *,
        number: int,
        place: str,
        years: list[int],
        modes: list[str],
        was_published: bool,
        from_date: date,
        reason: str,
        ended_by: str,
        timestamp: datetime,
    ) -> None:
        held = self.accreditations[number - 1]
        self.accreditations[number - 1] = replace(held, state=ENDED, ended_from=from_date, end_reason=reason)

    def disqualify(self, *, place: str, from_date: date, reason: str, by: Actor, at: datetime) -> None:
        """Take the provider's standing at the place and under it, from a day on (S0-25).

        Raises OutsidePlaceError, NotAProviderError, StandingTakenError, NotAccreditedError.
        """
        self._must_be_trainers(place, by)
        self._must_be_qualified(place)
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

    def reinstate(self, *, place: str, from_date: date, reason: str, by: Actor, at: datetime) -> None:
        """Give back, from a day on, the standing that was taken at this very place; the days between stay lost.

        Raises OutsidePlaceError, NotAProviderError, NotDisqualifiedError, ReinstatedTooEarlyError.
        """
        self._must_be_trainers(place, by)
        lost = next((each for each in self._standing_against() if each.place == place), None)
        if lost is None:
            raise NotDisqualifiedError
        if from_date < lost.from_date:
            raise ReinstatedTooEarlyError(lost.from_date)
        self._reinstated(
            place=place, from_date=from_date, reason=reason, reinstated_by=by.subject, timestamp=at
        )

    @event("ProviderReinstated", topic="registry.ProviderReinstated")
    def _reinstated(
        self, *, place: str, from_date: date, reason: str, reinstated_by: str, timestamp: datetime
    ) -> None:
        self.disqualifications = [
            replace(each, reinstated_from=from_date, reinstatement_reason=reason)
            if each.place == place and each.reinstated_from is None
            else each
            for each in self.disqualifications
        ]

    def trains(self, place: str, mode: str) -> bool:
        """Whether it is on file at the place for this mode, in whatever year."""
        return any(
            held.place == place and mode in held.modes and held.state != ENDED for held in self.accreditations
        )

    def trains_people_of(self, place: str, on: date) -> bool:
        """Whether it may train the people of a place this year, or still report what it trained them for in the last."""
        lost = any(
            contains(each.place, place)
            and each.from_date <= on
            and (each.reinstated_from is None or each.reinstated_from > on)
            for each in self.disqualifications
        )
        return not lost and any(
            contains(held.place, place)
            and (held.published or (held.ended_from is not None and held.ended_from > on))
            and max(held.years) >= on.year - 1
            for held in self.accreditations
        )

    def _accreditation(self, number: int) -> Accreditation:
        if not 1 <= number <= len(self.accreditations):
            raise NotFoundError
        return self.accreditations[number - 1]

    def _must_be_trainers(self, place: str, by: Actor) -> None:
        by.must_cover(place, pointer="/place")
        if self.kind not in MODES_OF_KIND:
            raise NotAProviderError

    def _must_be_qualified(self, place: str) -> None:
        for each in self._standing_against():
            if contains(each.place, place):
                raise StandingTakenError(each.place, each.from_date)

    def _standing_against(self) -> list[Disqualification]:
        return [each for each in self.disqualifications if each.reinstated_from is None]


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
        held.state == (PUBLISHED if published else FILED)
        and held.place == place
        and set(years) <= set(held.years)
        and set(modes) <= set(held.modes)
    )
